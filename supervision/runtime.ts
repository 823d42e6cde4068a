/** What all parts of one tree share: time, chance, turns, counts, and who lives where. */
import type { Clock, Log } from '../domain/ports.js';
import type { ActorUnit } from './actor-place.js';
import type { CrashLog } from './crash-log.js';
import type { Scheduler } from './scheduler.js';
import type { Backoff, Budget, ChildSpec } from './spec.js';
import type { Timers } from './timers.js';

/** Counts of one tree since its start. */
export type Counters = {
  /** Messages to places that were not bound yet or have ended, and those left in a mailbox at its end. */
  deadLetters: number;
  /** Ticks of `every` that found the last one unhandled. */
  skippedTicks: number;
  /** Handlers given a second limit because our own loop, not they, had stood still. */
  gracedProbes: number;
};

export type Runtime = {
  readonly clock: Clock;
  readonly log: Log;
  readonly crashed: CrashLog;
  /** In [0, 1). */
  readonly random: () => number;
  readonly timers: Timers;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  /** Every place of the tree by its path, dynamic children included. */
  readonly places: Map<string, ActorUnit>;
  /** How dynamic children are restarted. */
  readonly dynamic: { readonly budget: Budget; readonly backoff: Backoff };
  /** Makes the place of a dynamic child. */
  readonly settle: <S, M>(spec: ChildSpec<S, M>, path: string) => ActorUnit;
};
