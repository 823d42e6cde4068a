/**
 * The one handler of an incarnation that has returned a promise and is waited for.
 *
 * Whoever gives it up will not hear of it again: a serial fences its late result off. A probe looks after
 * it, made with the first promise, since most actors never return one.
 */
import type { Milliseconds } from '../domain/units.js';
import { createProbe, type Probe } from './probe.js';
import type { Runtime } from './runtime.js';

export type Awaited<S> = {
  readonly busy: () => boolean;
  /** Waits for `pending`, whose handler began at `began`. Only to be called when not busy. */
  readonly wait: (pending: PromiseLike<S>, began: Milliseconds) => void;
  readonly giveUp: () => void;
  readonly end: () => void;
};

export type AwaitedReport<S> = {
  readonly settled: (state: S) => void;
  /** Rejected. */
  readonly failed: (error: unknown) => void;
  /** Still at it after its limit. */
  readonly overdue: () => void;
};

export function createAwaited<S>(
  runtime: Runtime,
  limitMs: Milliseconds,
  report: AwaitedReport<S>,
): Awaited<S> {
  const { clock, timers, counters } = runtime;
  let call = 0; // serial of the call waited for, 0 for none
  let calls = 0;
  let probe: Probe | null = null;

  const rest = (): void => {
    call = 0;
    probe?.rest();
  };

  return {
    busy: () => call !== 0,
    wait: (pending, began) => {
      calls += 1;
      call = calls;
      const mine = call;
      probe ??= createProbe(clock, timers, limitMs, {
        overdue: report.overdue,
        graced: () => {
          counters.gracedProbes += 1;
        },
      });
      probe.watch(began);
      pending.then(
        (state) => {
          if (mine !== call) return;
          rest();
          report.settled(state);
        },
        (error: unknown) => {
          if (mine !== call) return;
          rest();
          report.failed(error);
        },
      );
    },
    giveUp: rest,
    end: () => {
      call = 0;
      probe?.end();
    },
  };
}

export const isPromise = <T>(value: T | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
