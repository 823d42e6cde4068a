/** domain/ports.ts `WireWitness` over the door. */
import type { WireWitness } from '../../domain/ports.js';
import { failure, success } from '../../domain/result.js';
import { whole } from './checks.js';
import type { NativeDoor } from './contract.js';

/** 1 to 128 ports, up to 20 s; others throw a RangeError. */
export const wireWitness =
  (door: NativeDoor): WireWitness =>
  async (ports, forMs) => {
    for (const port of ports) whole('ports', port, 1, 65_535);
    try {
      const { sights, overflow, missed, seconds } = await door.witnessWire({ ports, milliseconds: forMs });
      return success({ sights, seconds: Math.round(seconds * 10) / 10, unsorted: overflow + missed });
    } catch (error) {
      return failure('SOURCE_UNAVAILABLE', error instanceof Error ? error.message : String(error));
    }
  };
