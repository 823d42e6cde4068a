/**
 * The arithmetic of restarting: how many restarts are allowed, and how long to wait before the next.
 *
 * Pure. Times are monotonic milliseconds. After Erlang/OTP's supervisor (intensity and period), with an
 * exponential backoff before each restart that OTP does not have.
 */
import type { Milliseconds } from '../domain/units.js';
import type { Backoff, Budget } from './spec.js';

/** Monotonic milliseconds of the restarts still inside the period, newest first. */
export type Restarts = readonly Milliseconds[];

/** The restarts still inside the period, this one included, or 'exhausted'. Never longer than `intensity`. */
export function spend(budget: Budget, restarts: Restarts, now: Milliseconds): Restarts | 'exhausted' {
  const kept = [now, ...restarts.filter((at) => at >= now - budget.periodMs)];
  return kept.length > budget.intensity ? 'exhausted' : kept;
}

/** Which restart of its row the next one is, 1 or more. A life of `resetMs` starts a new row. */
export const nextInRow = (backoff: Backoff, row: number, livedMs: Milliseconds): number =>
  livedMs >= backoff.resetMs ? 1 : row + 1;

/** Milliseconds before restart `n` of a row. `roll` in [0, 1) spreads it by the jitter, evenly both ways. */
export function delayBefore(backoff: Backoff, n: number, roll: number): Milliseconds {
  // The exponent is bounded, so that a long row cannot overflow to Infinity (and Infinity * 0 to NaN).
  const plain = Math.min(backoff.baseMs * backoff.factor ** Math.min(n - 1, 64), backoff.maxMs);
  return plain * (1 + backoff.jitter * (2 * roll - 1));
}
