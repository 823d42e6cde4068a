/**
 * When a source that cannot be had is asked for again: after 0.05 s, doubling up to 5 s, for ever. The first pause is
 * short: the port of a listener that a reload has replaced is free when its threads have ended.
 *
 * An interface that vanishes for hours must come back, so this is a state of the actor and not a
 * restart: a supervisor's budget would run out. Pure; times are monotonic milliseconds.
 */
import type { Milliseconds } from '../../domain/units.js';

export const firstRetryMs = 50;
export const longestRetryMs = 5_000;
/** A source that stays up for so long has proved itself: the next failure starts again at `firstRetryMs`. */
export const provenMs = 10_000;

export type Opening =
  | {
      readonly kind: 'down';
      readonly fault: string;
      readonly failures: number;
      readonly retryAt: Milliseconds;
    }
  | { readonly kind: 'up'; readonly since: Milliseconds; readonly failures: number };

/** A socket outlives its interface's being down, so opening it again would gain nothing; all other faults are final. */
export const healsByItself = (fault: string): boolean => fault === 'interface down';

/** Not yet tried: due at once. */
export const untried: Opening = {
  kind: 'down',
  fault: 'not opened yet',
  failures: 0,
  retryAt: Number.NEGATIVE_INFINITY,
};

export const due = (opening: Opening, now: Milliseconds): boolean =>
  opening.kind === 'down' && now >= opening.retryAt;

export const opened = (opening: Opening, now: Milliseconds): Opening => ({
  kind: 'up',
  since: now,
  failures: opening.failures,
});

/** It could not be opened, or what was open has failed. */
export function failed(opening: Opening, fault: string, now: Milliseconds): Opening {
  const proven = opening.kind === 'up' && now - opening.since >= provenMs;
  const failures = (proven ? 0 : opening.failures) + 1;
  return { kind: 'down', fault, failures, retryAt: now + retryDelayMs(failures) };
}

/** It gives nothing for now and stays open: nothing is due, however long it takes. */
export const suspended = (opening: Opening, fault: string): Opening => ({
  kind: 'down',
  fault,
  failures: opening.failures,
  retryAt: Number.POSITIVE_INFINITY,
});

export const retryDelayMs = (failures: number): Milliseconds =>
  Math.min(firstRetryMs * 2 ** Math.max(0, failures - 1), longestRetryMs);
