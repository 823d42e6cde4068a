/** What tests of trees need: specs with sensible defaults, a log that remembers, chance without chance. */
import type { Log, LogFields } from '../domain/ports.js';
import type { Behaviour } from './behaviour.js';
import type { ManualTime } from './manual-time.js';
import type { Tenancy } from './place.js';
import type { AnyChild, ChildSpec, SupervisorSpec } from './spec.js';
import { startTree, type Tree, type TreeDeps } from './tree.js';

export type LogLine = { readonly level: string; readonly phrase: string; readonly fields: LogFields };

export function rememberingLog(lines: LogLine[] = [], base: LogFields = {}): Log {
  const line =
    (level: string) =>
    (phrase: string, fields: LogFields = {}): void => {
      lines.push({ level, phrase, fields: { ...base, ...fields } });
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => rememberingLog(lines, { ...base, ...fields }),
  };
}

/** A permanent actor with a mailbox of 1,000 that drops new messages. */
export const tenancy = <S, M>(
  behaviour: () => Behaviour<S, M>,
  change: Partial<Tenancy<S, M>> = {},
): Tenancy<S, M> => ({
  behaviour,
  restart: 'permanent',
  mailbox: { bound: 1000, overflow: { kind: 'drop_new' } },
  stopDeadlineMs: 1000,
  busyLimitMs: 5000,
  ...change,
});

export const actor = <S, M>(
  id: string,
  behaviour: () => Behaviour<S, M>,
  change: Partial<Tenancy<S, M>> = {},
): ChildSpec<S, M> => ({ kind: 'actor', id, ...tenancy(behaviour, change) });

/** Three restarts a minute, after 10, 20, 40 … ms. */
export const supervisor = (
  id: string,
  children: readonly AnyChild[],
  change: Partial<SupervisorSpec> = {},
): SupervisorSpec => ({
  kind: 'supervisor',
  id,
  strategy: 'one_for_one',
  budget: { intensity: 3, periodMs: 60_000 },
  backoff: { baseMs: 10, factor: 2, maxMs: 1000, jitter: 0, resetMs: 30_000 },
  children,
  ...change,
});

/** Lets everything happen that needs no time: `rounds` rounds of the event loop. */
export async function idle(rounds = 8): Promise<void> {
  for (let round = 0; round < rounds; round++) await new Promise((next) => setImmediate(next));
}

/** Moves time in steps, letting what is due happen in between. */
export async function pass(time: ManualTime, ms: number): Promise<void> {
  let left = ms;
  await idle();
  while (left > 0) {
    const step = Math.min(left, Math.max(time.nextIn() ?? left, 0.001));
    time.advance(step);
    left -= step;
    await idle();
  }
}

/** A tree on time moved by hand. Its start must not need time to pass. */
export const startOn = (
  time: ManualTime,
  spec: SupervisorSpec,
  change: Partial<TreeDeps> = {},
): Promise<Tree> =>
  startTree(spec, {
    clock: time.clock,
    timers: time.timers,
    log: rememberingLog(),
    random: () => 0.5,
    ...change,
  });
