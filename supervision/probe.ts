/**
 * Tells when a handler has been busy for too long.
 *
 * At most one timer an actor, armed again only while a handler is at work: a handler that is awaited costs
 * no timer of its own. A probe that comes late itself proves nothing about the handler, since our own loop
 * (or the whole process) had stood still and answers may lie unread: it grants one more limit, once a handler.
 */
import type { Clock } from '../domain/ports.js';
import type { Milliseconds } from '../domain/units.js';
import type { Cancel } from './behaviour.js';
import type { Timers } from './timers.js';

/** A probe this much later than it was due was held up itself. */
const slackMs: Milliseconds = 250;

export type Probe = {
  /** A handler that began at `began` is now awaited. */
  readonly watch: (began: Milliseconds) => void;
  /** It has settled, or has been given up. */
  readonly rest: () => void;
  readonly end: () => void;
};

export type ProbeReport = { readonly overdue: () => void; readonly graced: () => void };

export function createProbe(clock: Clock, timers: Timers, limitMs: Milliseconds, report: ProbeReport): Probe {
  let limitAt: Milliseconds | null = null;
  let graced = false;
  let armed: Cancel | null = null;

  const arm = (ms: Milliseconds): void => {
    const due = clock.now() + ms;
    armed = timers.start(ms, () => {
      armed = null;
      look(due);
    });
  };

  const look = (due: Milliseconds): void => {
    if (limitAt === null) return;
    const now = clock.now();
    if (now < limitAt) {
      arm(Math.max(limitAt - now, 1));
    } else if (now - due > slackMs && !graced) {
      graced = true;
      report.graced();
      limitAt = now + limitMs;
      arm(limitMs);
    } else {
      report.overdue();
    }
  };

  return {
    watch: (began) => {
      limitAt = began + limitMs;
      graced = false;
      if (armed === null) arm(limitMs);
    },
    rest: () => {
      limitAt = null;
    },
    end: () => {
      limitAt = null;
      armed?.();
      armed = null;
    },
  };
}
