/** The machine's clock: monotonic, and wall time that never steps because it is the start's plus what has passed. */
import type { Clock } from '../domain/ports.js';

export const machineClock: Clock = {
  now: () => performance.now(),
  unixMicros: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
};
