/**
 * What an incarnation's handlers are given. All that costs memory is made when first asked for: most actors
 * watch nobody and have no children, and ten thousand attack actors must stay cheap.
 *
 * Once the incarnation parts, timers and watches are no longer taken (a late handler may still ask), and
 * `spawn` throws.
 */
import type { Log } from '../domain/ports.js';
import type { Cancel, Context, Ref } from './behaviour.js';
import type { Belongings } from './belongings.js';
import { createNursery, type Nursery } from './nursery.js';
import type { Runtime } from './runtime.js';
import type { TreeNode } from './spec.js';

type Parts<M> = {
  readonly ref: Ref<M>;
  readonly path: string;
  readonly generation: number;
  readonly runtime: Runtime;
  readonly makeBelongings: () => Belongings<M>;
  readonly finish: () => void;
};

export type Household<M> = {
  readonly context: Context<M>;
  /** Aborts the signal, lets timers and watches go, and sends the children away; `done` when they are gone. */
  readonly part: (done: () => void) => void;
  readonly children: () => readonly TreeNode[];
};

const nothing: Cancel = () => {};

export function createContext<M>(parts: Parts<M>): Household<M> {
  const { ref, path, generation, runtime } = parts;
  let controller: AbortController | null = null;
  let log: Log | null = null;
  let belongings: Belongings<M> | null = null;
  let nursery: Nursery | null = null;
  let parting = false;

  const own = (): Belongings<M> => {
    belongings ??= parts.makeBelongings();
    return belongings;
  };

  const context: Context<M> = {
    self: ref,
    id: ref.id,
    generation,
    clock: runtime.clock,
    get signal() {
      if (controller === null) {
        controller = new AbortController();
        if (parting) controller.abort();
      }
      return controller.signal;
    },
    get log() {
      log ??= runtime.log.child({ actor: path });
      return log;
    },
    after: (ms, message) => (parting ? nothing : own().after(ms, message)),
    every: (ms, message) => (parting ? nothing : own().every(ms, message)),
    watch: (watched, toMessage) => (parting ? nothing : own().watch(watched, toMessage)),
    spawn: (spec) => {
      if (parting) throw new Error(`'${path}' is stopping and takes no child '${spec.id}'`);
      nursery ??= createNursery(path, runtime);
      return nursery.spawn(spec);
    },
    stopChild: (id) => nursery?.stopChild(id) ?? Promise.resolve(),
    children: () => nursery?.ids() ?? [],
    finish: parts.finish,
  };
  return {
    context,
    part: (done) => {
      parting = true;
      controller?.abort();
      belongings?.letGo();
      if (nursery === null) done();
      else nursery.closeAll(done);
    },
    children: () => nursery?.nodes() ?? [],
  };
}
