/**
 * Sends a scenario's frames out of an interface: writes the capture first, then lets the native door send it.
 * Only for interfaces that lead nowhere but to the detector under test.
 */
import { failure, type Result, success } from '../domain/result.js';
import type { NativeDoor } from '../native/door/contract.js';
import type { Manifest } from './manifest.js';
import { writeCapture } from './pcap.js';
import type { PreparedScenario } from './prepare.js';

export type LiveOptions = {
  readonly interface: string;
  /** Where the capture is written, its manifest beside it. */
  readonly path: string;
  /** null: at the scenario's own times. */
  readonly packetsPerSecond: number | null;
  readonly loops: number;
};

export type LiveOutcome = {
  readonly manifest: Manifest;
  readonly sent: number;
  readonly seconds: number;
  /** Wall time of the first frame, microseconds since the epoch. */
  readonly firstAt: number;
};

/** CAPTURE_UNWRITABLE; SOURCE_UNAVAILABLE when the interface cannot be had. */
export async function sendLive(
  door: Pick<NativeDoor, 'sendFrames'>,
  prepared: PreparedScenario,
  options: LiveOptions,
): Promise<Result<LiveOutcome>> {
  const written = writeCapture(options.path, prepared);
  if (!written.ok) return written;
  try {
    const outcome = await door.sendFrames(options);
    return success({ manifest: written.value, ...outcome });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SOURCE_UNAVAILABLE') {
      return failure('SOURCE_UNAVAILABLE', error.message);
    }
    throw error;
  }
}
