/**
 * Writes frames as a pcap file (draft-ietf-opsawg-pcap), in large pieces, so that a million packets take seconds.
 * Little-endian, link type Ethernet, times in microseconds or nanoseconds. Errors: CAPTURE_UNWRITABLE.
 */
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { failure, type Result, success } from '../domain/result.js';
import type { UnixMicros } from '../domain/units.js';
import { type Manifest, tallyOf } from './manifest.js';
import type { PreparedScenario } from './prepare.js';
import { type FrameBatch, frames } from './stream.js';

export type Precision = 'micro' | 'nano';

const magic: Readonly<Record<Precision, number>> = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d };
const fileHeaderBytes = 24;
const recordHeaderBytes = 16;
const snapLength = 65_535;
const linkEthernet = 1;
const chunkBytes = 1 << 22;

export type PcapWriter = {
  /** `micros`: since `startMicros`, with fractions. */
  readonly frame: (bytes: Uint8Array, start: number, end: number, micros: number) => void;
  readonly batch: (batch: FrameBatch) => void;
  /** Hands over what is still held. */
  readonly finish: () => void;
};

/** `sink` gets pieces that are good only until it returns. */
export function pcapWriter(
  startMicros: UnixMicros,
  precision: Precision,
  sink: (piece: Uint8Array) => void,
): PcapWriter {
  const chunk = new Uint8Array(chunkBytes);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, magic[precision], true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkEthernet, true);
  let used = fileHeaderBytes;

  const startSecond = Math.floor(startMicros / 1e6);
  const startRest = startMicros - startSecond * 1e6;
  const perMicro = precision === 'nano' ? 1000 : 1;
  const flush = (): void => {
    if (used > 0) sink(chunk.subarray(0, used));
    used = 0;
  };
  const frame = (bytes: Uint8Array, start: number, end: number, micros: number): void => {
    const length = end - start;
    if (used + recordHeaderBytes + length > chunkBytes) flush();
    const sinceSecond = startRest + micros;
    const seconds = Math.floor(sinceSecond / 1e6);
    view.setUint32(used, startSecond + seconds, true);
    view.setUint32(used + 4, Math.floor((sinceSecond - seconds * 1e6) * perMicro), true);
    view.setUint32(used + 8, length, true);
    view.setUint32(used + 12, length, true);
    used += recordHeaderBytes;
    chunk.set(bytes.subarray(start, end), used);
    used += length;
  };
  return {
    frame,
    batch: ({ bytes, count, starts, micros }) => {
      for (let i = 0; i < count; i++) frame(bytes, starts[i] ?? 0, starts[i + 1] ?? 0, micros[i] ?? 0);
    },
    finish: flush,
  };
}

export const manifestPath = (capturePath: string): string => `${capturePath}.json`;

/** Writes the whole scenario to `path`, then its manifest beside it: where there is a manifest, the capture is whole. */
export function writeCapture(
  path: string,
  prepared: PreparedScenario,
  precision: Precision = 'micro',
): Result<Manifest> {
  const tally = tallyOf(prepared);
  try {
    rmSync(manifestPath(path), { force: true });
  } catch (error) {
    return unwritable(error);
  }
  const written = writePieces(path, (sink) => {
    const writer = pcapWriter(prepared.scenario.startMicros, precision, sink);
    for (const batch of frames(prepared)) {
      tally.add(batch);
      writer.batch(batch);
    }
    writer.finish();
  });
  if (!written.ok) return written;
  const manifest = tally.manifest();
  try {
    writeFileSync(manifestPath(path), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (error) {
    return unwritable(error);
  }
  return success(manifest);
}

/** Opens `path`, lets `produce` fill it, closes it. */
export function writePieces(
  path: string,
  produce: (sink: (piece: Uint8Array) => void) => void,
): Result<void> {
  let file: number | null = null;
  try {
    const opened = openSync(path, 'w');
    file = opened;
    produce((piece) => {
      for (let done = 0; done < piece.length; ) done += writeSync(opened, piece, done, piece.length - done);
    });
  } catch (error) {
    // Anything that is not the file system's doing is a bug and goes on up.
    if (!isSystemError(error)) throw error;
    return unwritable(error);
  } finally {
    if (file !== null) closeSync(file);
  }
  return success(undefined);
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

function unwritable<T>(error: unknown): Result<T> {
  return failure('CAPTURE_UNWRITABLE', error instanceof Error ? error.message : String(error));
}
