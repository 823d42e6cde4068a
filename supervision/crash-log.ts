/**
 * Says that actors have crashed, at most `linesPerSecond` times a second in one tree: ten thousand children
 * with the same bug must not fill a disk. The next line that is written says how many were not.
 */
import type { Clock, Log } from '../domain/ports.js';
import type { Milliseconds } from '../domain/units.js';

const linesPerSecond = 20;

export type CrashLog = (actor: string, generation: number, error: string | null) => void;

export function createCrashLog(clock: Clock, log: Log): CrashLog {
  let since: Milliseconds = Number.NEGATIVE_INFINITY;
  let written = 0;
  let unwritten = 0;
  return (actor, generation, error) => {
    const now = clock.now();
    if (now - since >= 1000) {
      since = now;
      written = 0;
    }
    if (written >= linesPerSecond) {
      unwritten += 1;
      return;
    }
    written += 1;
    log.warn('actor crashed', { actor, generation, error, ...(unwritten > 0 ? { unwritten } : {}) });
    unwritten = 0;
  };
}
