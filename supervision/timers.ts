/**
 * Timers as a dependency: Node's in the daemon, others where time is moved by hand.
 *
 * Node's setTimeout fires at once for a delay above 2^31 - 1 ms (24.8 days); ours takes it in stages.
 */
import type { Milliseconds } from '../domain/units.js';
import type { Cancel } from './behaviour.js';

export type Timers = {
  /** Calls `run` once, no sooner than after `ms`. */
  readonly start: (ms: Milliseconds, run: () => void) => Cancel;
};

const longestStageMs = 2 ** 31 - 1;

export const nodeTimers: Timers = {
  start: (ms, run) => {
    let left = ms;
    const stage = (): NodeJS.Timeout => {
      const now = Math.min(left, longestStageMs);
      left -= now;
      return setTimeout(() => {
        if (left > 0) timer = stage();
        else run();
      }, now);
    };
    let timer = stage();
    return () => clearTimeout(timer);
  },
};
