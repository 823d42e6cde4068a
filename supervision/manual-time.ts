/**
 * A clock and timers that somebody moves by hand: for tests of actors, and wherever a capture's own time
 * drives the tree. Move it between messages, not inside a handler: the kernel measures handlers by this clock.
 */
import type { Clock } from '../domain/ports.js';
import type { Milliseconds } from '../domain/units.js';
import type { Timers } from './timers.js';

type Due = { readonly at: Milliseconds; readonly serial: number; readonly run: () => void };

export type ManualTime = {
  readonly clock: Clock;
  readonly timers: Timers;
  /** How many timers are armed. */
  readonly armed: () => number;
  /** Milliseconds until the next timer; null when none is armed. */
  readonly nextIn: () => Milliseconds | null;
  /** Moves the clock, running each timer at its own time, in order. */
  readonly advance: (ms: Milliseconds) => void;
};

export function manualTime(startUnixMicros = 1_700_000_000_000_000): ManualTime {
  let now = 0;
  let serial = 0;
  const due = new Set<Due>();

  const first = (): Due | null => {
    let best: Due | null = null;
    for (const one of due) {
      if (best === null || one.at < best.at || (one.at === best.at && one.serial < best.serial)) best = one;
    }
    return best;
  };

  return {
    clock: { now: () => now, unixMicros: () => startUnixMicros + Math.round(now * 1000) },
    timers: {
      start: (ms, run) => {
        const one: Due = { at: now + Math.max(ms, 0), serial: serial++, run };
        due.add(one);
        return () => {
          due.delete(one);
        };
      },
    },
    armed: () => due.size,
    nextIn: () => {
      const next = first();
      return next === null ? null : next.at - now;
    },
    advance: (ms) => {
      const until = now + ms;
      for (let next = first(); next !== null && next.at <= until; next = first()) {
        due.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = until;
    },
  };
}
