/**
 * How often the same line may be said: the first at once, then one in `everyMs`, and each says how
 * many were kept back before it. An error is fatal, or it is counted and its line goes through here.
 */
import type { Milliseconds } from './units.js';

/** How many were kept back since the line before; null: keep this one back too. */
export type Pace = (now: Milliseconds) => number | null;

export function pace(everyMs: Milliseconds): Pace {
  let saidAt: Milliseconds | null = null;
  let kept = 0;
  return (now) => {
    if (saidAt !== null && now - saidAt < everyMs) {
      kept += 1;
      return null;
    }
    const before = kept;
    saidAt = now;
    kept = 0;
    return before;
  };
}
