/**
 * What all flow protocols have in common towards the exporter: records are put into a datagram until it is full.
 * Times are microseconds since the scenario's start.
 */
import { put16, put32 } from '../frames/checksum.js';
import type { FlowRecord } from './cache.js';
import type { FlowExporterOptions } from './options.js';

export type Packer = {
  /** Whether the protocol can express the record at all. */
  readonly carries: (record: FlowRecord) => boolean;
  /** False when it does not fit any more: `finish`, then add it again. */
  readonly add: (record: FlowRecord, micros: number) => boolean;
  /** Begins a datagram of templates when these are due and no record waits. */
  readonly advance: (micros: number) => void;
  readonly isEmpty: () => boolean;
  /** The datagram as sent at `micros`, good until the next `add` or `advance`; only when it is not empty. */
  readonly finish: (micros: number) => Uint8Array;
  readonly templates: () => number;
  readonly optionRecords: () => number;
};

/** The clock of a device: what it says of a moment of the scenario. */
export type DeviceClock = {
  /** Since it booted; wraps at 2^32. */
  readonly uptimeMs: (micros: number) => number;
  readonly unixSeconds: (micros: number) => number;
  readonly nanosOfSecond: (micros: number) => number;
  readonly unixMs: (micros: number) => number;
};

export function deviceClock(options: FlowExporterOptions): DeviceClock {
  const { uptimeMs } = options;
  const start = options.startMicros + options.clockSkewMicros;
  // Whole microseconds first: sums of large times with fractions round either way.
  const at = (micros: number): number => start + Math.floor(micros);
  const startMs = Math.floor(start / 1000);
  return {
    // On the same grid as the wall clock, so that the two together give the time to the millisecond.
    uptimeMs: (micros) => (Math.floor(at(micros) / 1000) - startMs + uptimeMs) >>> 0,
    unixSeconds: (micros) => Math.floor(at(micros) / 1e6),
    nanosOfSecond: (micros) => (at(micros) % 1e6) * 1000,
    unixMs: (micros) => Math.floor(at(micros) / 1000),
  };
}

/** A big-endian number of 1 to 8 bytes; up to 2^53. What does not fit keeps its low bytes, as counters wrap. */
export function putNumber(out: Uint8Array, at: number, bytes: number, value: number): void {
  switch (bytes) {
    case 1:
      out[at] = value;
      return;
    case 2:
      put16(out, at, value);
      return;
    case 4:
      put32(out, at, value);
      return;
    default: {
      let left = value;
      for (let index = at + bytes - 1; index >= at; index--) {
        out[index] = left % 256;
        left = Math.floor(left / 256);
      }
    }
  }
}

/** The rate a kind of statement gives, or null when the exporter makes no such statement. */
export const statedRate = (
  options: FlowExporterOptions,
  by: FlowExporterOptions['stated'][number]['by'],
): number | null => options.stated.find((one) => one.by === by)?.rate ?? null;

/** The made-up neighbours of every exporter here: numbers for documentation (RFC 5398). */
export const neighbourAs = 64_496;
export const ownAs = 64_500;
export const upstreamInterface = 1;
export const downstreamInterface = 2;
