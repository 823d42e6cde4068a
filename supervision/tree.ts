/**
 * A supervision tree, from its spec to its end.
 *
 * Compose by hand: make each address with `createPlace`, hand the refs to those who need them, and list the
 * children with `place.child(...)` in the order in which they must start (see `place.ts`). Who has no
 * place is found afterwards by `tree.ref('supervisor/child')`, whose message type nobody checks.
 *
 * `startTree` throws on a spec that is wrong, before anything starts. It resolves when every child has had
 * its first start, or when the root gave up on the way: `ended` tells which. The tree's clock and timers
 * are the machine's time; whoever moves them by hand does so between handlers.
 */
import type { Clock, Log } from '../domain/ports.js';
import { type ActorUnit, createActorPlace } from './actor-place.js';
import type { Ref } from './behaviour.js';
import { checkTree } from './check.js';
import { createCrashLog } from './crash-log.js';
import type { Unit } from './keeper.js';
import type { Standing } from './plan.js';
import type { Runtime } from './runtime.js';
import { createScheduler } from './scheduler.js';
import type { AnyChild, Backoff, Budget, Exit, SupervisorSpec, TreeNode } from './spec.js';
import { createSupervisor } from './supervisor.js';
import { nodeTimers, type Timers } from './timers.js';

export type TreeDeps = {
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1), for the jitter. */
  readonly random: () => number;
  /** Node's unless given. */
  readonly timers?: Timers;
  /** How children made by `context.spawn` are restarted; each has a budget of its own. */
  readonly dynamic?: { readonly budget: Budget; readonly backoff: Backoff };
  /** Stops the tree, also one that is still starting. */
  readonly signal?: AbortSignal;
};

export type Tree = {
  /** By path ('root/mitigation/ledger', or without the root's id) or by an id only one place has. Throws on none or several. */
  readonly ref: <M>(pathOrId: string) => Ref<M>;
  readonly snapshot: () => TreeNode;
  readonly counters: () => {
    readonly deadLetters: number;
    readonly skippedTicks: number;
    readonly gracedProbes: number;
  };
  readonly deadLetters: () => number;
  /** In reverse order, with the deadlines of the specs. Resolves when all is down; may be called again. */
  readonly stop: () => Promise<void>;
  /** Resolves when the root gives up or is stopped. Never rejects. */
  readonly ended: Promise<Exit>;
};

export const dynamicDefaults: { readonly budget: Budget; readonly backoff: Backoff } = {
  budget: { intensity: 5, periodMs: 60_000 },
  backoff: { baseMs: 100, factor: 2, maxMs: 10_000, jitter: 0.2, resetMs: 60_000 },
};

export async function startTree(spec: SupervisorSpec, deps: TreeDeps): Promise<Tree> {
  checkTree(spec);
  const places = new Map<string, ActorUnit>();
  const runtime: Runtime = {
    clock: deps.clock,
    log: deps.log,
    crashed: createCrashLog(deps.clock, deps.log),
    random: deps.random,
    timers: deps.timers ?? nodeTimers,
    scheduler: createScheduler(),
    counters: { deadLetters: 0, skippedTicks: 0, gracedProbes: 0 },
    places,
    dynamic: deps.dynamic ?? dynamicDefaults,
    settle: (child, path) => createActorPlace(child, path, runtime),
  };

  const build = (child: AnyChild, path: string): Unit => {
    if (child.kind === 'supervisor') {
      const units = child.children.map((below) => build(below, `${path}/${below.id}`));
      return createSupervisor(child, path, units, runtime);
    }
    const place = createActorPlace(child, path, runtime);
    places.set(path, place);
    return place;
  };
  const root = build(spec, spec.id);

  let standing: Standing = 'starting';
  let finish: (exit: Exit) => void = () => {};
  const ended = new Promise<Exit>((resolve) => {
    finish = resolve;
  });
  const stop = async (): Promise<void> => {
    if (standing !== 'over') {
      standing = 'stopping';
      root.stop(true);
    }
    await ended;
  };
  const onAbort = (): void => void stop();

  await new Promise<void>((opened) => {
    root.start({
      started: () => {
        if (standing === 'starting') standing = 'running';
        opened();
      },
      exited: (exit) => {
        standing = 'over';
        root.end(exit);
        runtime.scheduler.stop();
        deps.signal?.removeEventListener('abort', onAbort);
        finish(exit);
        opened();
      },
    });
    deps.signal?.addEventListener('abort', onAbort, { once: true });
    if (deps.signal?.aborted === true) onAbort();
  });

  const find = (wanted: string): ActorUnit => {
    const exact = places.get(wanted) ?? places.get(`${spec.id}/${wanted}`);
    if (exact !== undefined) return exact;
    const same = [...places.values()].filter((place) => place.id === wanted);
    const [only] = same;
    if (only === undefined) throw new Error(`no place '${wanted}' in the tree`);
    if (same.length > 1) throw new Error(`${same.length} places have the id '${wanted}': name the path`);
    return only;
  };

  return {
    ref: <M>(wanted: string) => find(wanted).ref as Ref<M>,
    snapshot: () => root.node(standing),
    counters: () => ({ ...runtime.counters }),
    deadLetters: () => runtime.counters.deadLetters,
    stop,
    ended,
  };
}
