/** Where other readers are known to go wrong, each found by reading the bytes by hand. tshark 4.0, nfdump 1.7. */
import type { Fault } from './verdict.js';

export const readerFaults: readonly Fault[] = [];
