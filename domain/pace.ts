/**
 * How often the same line may be said: the first `lines` at once, then as many in each `everyMs`, and
 * each says how many were kept back before it. An error is fatal, or it is counted and its line goes through here.
 */
import type { Milliseconds } from './units.js';

/** How many were kept back since the line before; null: keep this one back too. */
export type Pace = (now: Milliseconds) => number | null;

export function pace(everyMs: Milliseconds, lines = 1): Pace {
  let since: Milliseconds | null = null;
  let said = 0;
  let kept = 0;
  return (now) => {
    if (since === null || now - since >= everyMs) {
      since = now;
      said = 0;
    }
    if (said >= lines) {
      kept += 1;
      return null;
    }
    const before = kept;
    said += 1;
    kept = 0;
    return before;
  };
}
