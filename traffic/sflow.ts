/**
 * sFlow version 5 as a switch would export it: 1-in-N sampled frames with their first 128 bytes, several samples
 * a datagram, and counters of the interface now and then. Source: sFlow.org, sFlow Version 5 (July 2004), section 5.
 *
 * The skip between samples is drawn by seed, evenly over 1 … 2N - 1, so its mean is N. All fields are big-endian;
 * opaque fields are padded to 4 bytes. Pure: time is that of the frames.
 */
import { put16, put32 } from './frames/checksum.js';
import { outgoing } from './packet-writer.js';
import { createRandom } from './random.js';
import type { FrameBatch } from './stream.js';

export type SflowOptions = {
  readonly seed: number;
  /** Address of the agent, 4 or 16 bytes. */
  readonly agent: Uint8Array;
  readonly subAgent: number;
  /** One in this many frames; every frame that is exported says so. */
  readonly samplingRate: number;
  /** The frames are sampled already: export each of them. For scenarios thinned by `samplingRate`. */
  readonly sampled: boolean;
  /** 0 … 128 bytes of each sampled frame. */
  readonly headerBytes: number;
  /** A datagram is sent when the next sample would pass this. */
  readonly datagramBytes: number;
  /** … or when its oldest sample has waited this long. */
  readonly maxWaitMicros: number;
  /** Between two counter samples; 0: none. */
  readonly counterMicros: number;
};

export const usualSflow: Omit<SflowOptions, 'agent'> = {
  seed: 1,
  subAgent: 0,
  samplingRate: 1000,
  sampled: false,
  headerBytes: 128,
  datagramBytes: 1400,
  maxWaitMicros: 100_000,
  counterMicros: 1_000_000,
};

/** Counted since the exporter began. `frames` and `frameBytes`: of the sampled frames, sampling not undone, check sequence left out. */
export type SflowTotals = {
  readonly datagrams: number;
  readonly flowSamples: number;
  readonly counterSamples: number;
  readonly frames: number;
  readonly frameBytes: number;
};

export type SflowExporter = {
  /** Takes the next frames; calls `send` for each datagram that is full or due. The bytes are good until `send` returns. */
  readonly add: (batch: FrameBatch, send: SendDatagram) => void;
  /** Sends what is waiting. */
  readonly flush: (micros: number, send: SendDatagram) => void;
  readonly totals: () => SflowTotals;
};
export type SendDatagram = (datagram: Uint8Array, micros: number) => void;

const maxHeaderBytes = 128;
const flowSampleFormat = 1;
const counterSampleFormat = 2;
const rawHeaderFormat = 1;
const genericCountersFormat = 1;
const headerProtocolEthernet = 1;
/** The length on the wire includes the frame check sequence, which is taken off (section 5.3, sampled_header). */
const frameCheckBytes = 4;
const flowSampleBytes = 40;
const rawRecordBytes = 24;
const counterSampleBytes = 20 + 8 + 88;
const upstreamInterface = 1;
const downstreamInterface = 2;
const interfaceSpeed = 100e9;

export function sflowExporter(options: SflowOptions): SflowExporter {
  const { samplingRate, agent } = options;
  const random = createRandom(options.seed, `sflow ${options.subAgent}`);
  const headerLimit = Math.min(options.headerBytes, maxHeaderBytes);
  const out = new Uint8Array(options.datagramBytes + flowSampleBytes + rawRecordBytes + maxHeaderBytes);
  const headerAt = 8 + agent.length + 16;
  let end = headerAt;
  let samples = 0;
  let oldest = 0;
  let datagrams = 0;
  let flowSamples = 0;
  let counterSamples = 0;
  let frames = 0;
  let frameBytes = 0;
  let pool = 0;
  let skip = nextSkip();
  let countersDue = options.counterMicros;
  const port = { inPackets: 0, inBytes: 0, outPackets: 0, outBytes: 0 };

  function nextSkip(): number {
    return options.sampled ? 1 : random.between(1, 2 * samplingRate - 1);
  }

  const flush: SflowExporter['flush'] = (micros, send) => {
    if (samples === 0) return;
    put32(out, 0, 5);
    put32(out, 4, agent.length === 4 ? 1 : 2);
    out.set(agent, 8);
    put32(out, 8 + agent.length, options.subAgent);
    put32(out, 12 + agent.length, ++datagrams);
    put32(out, 16 + agent.length, Math.floor(micros / 1000));
    put32(out, 20 + agent.length, samples);
    send(out.subarray(0, end), micros);
    end = headerAt;
    samples = 0;
  };

  const room = (bytes: number, micros: number, send: SendDatagram): void => {
    if (samples > 0 && (end + bytes > options.datagramBytes || micros - oldest >= options.maxWaitMicros)) {
      flush(micros, send);
    }
    if (samples === 0) oldest = micros;
    samples++;
  };

  const addFlow = (batch: FrameBatch, frame: number, start: number, length: number): void => {
    const header = Math.min(length, headerLimit);
    const padded = (header + 3) & ~3;
    const isOutgoing = batch.directions[frame] === outgoing;
    frames++;
    frameBytes += length;
    put32(out, end, flowSampleFormat);
    put32(out, end + 4, 32 + rawRecordBytes + padded);
    put32(out, end + 8, ++flowSamples);
    put32(out, end + 12, upstreamInterface);
    put32(out, end + 16, samplingRate);
    put32(out, end + 20, pool);
    put32(out, end + 24, 0);
    put32(out, end + 28, isOutgoing ? downstreamInterface : upstreamInterface);
    put32(out, end + 32, isOutgoing ? upstreamInterface : downstreamInterface);
    put32(out, end + 36, 1);
    end += flowSampleBytes;
    put32(out, end, rawHeaderFormat);
    put32(out, end + 4, 16 + padded);
    put32(out, end + 8, headerProtocolEthernet);
    put32(out, end + 12, length + frameCheckBytes);
    put32(out, end + 16, frameCheckBytes);
    put32(out, end + 20, header);
    end += rawRecordBytes;
    out.fill(0, end + header, end + padded);
    for (let i = 0; i < header; i++) out[end + i] = batch.bytes[start + i] ?? 0;
    end += padded;
  };

  const addCounters = (): void => {
    put32(out, end, counterSampleFormat);
    put32(out, end + 4, counterSampleBytes - 8);
    put32(out, end + 8, ++counterSamples);
    put32(out, end + 12, upstreamInterface);
    put32(out, end + 16, 1);
    put32(out, end + 20, genericCountersFormat);
    put32(out, end + 24, 88);
    writeCounters(out, end + 28, port);
    end += counterSampleBytes;
  };

  const add: SflowExporter['add'] = (batch, send) => {
    for (let frame = 0; frame < batch.count; frame++) {
      const micros = batch.micros[frame] ?? 0;
      const start = batch.starts[frame] ?? 0;
      const length = (batch.starts[frame + 1] ?? start) - start;
      const standsFor = options.sampled ? samplingRate : 1;
      pool = (pool + standsFor) >>> 0;
      if (batch.directions[frame] === outgoing) {
        port.outPackets += standsFor;
        port.outBytes += length * standsFor;
      } else {
        port.inPackets += standsFor;
        port.inBytes += length * standsFor;
      }
      if (options.counterMicros > 0 && micros >= countersDue) {
        room(counterSampleBytes, micros, send);
        addCounters();
        countersDue = micros + options.counterMicros;
      }
      if (--skip > 0) continue;
      skip = nextSkip();
      room(flowSampleBytes + rawRecordBytes + ((Math.min(length, headerLimit) + 3) & ~3), micros, send);
      addFlow(batch, frame, start, length);
    }
  };

  return {
    add,
    flush,
    totals: () => ({ datagrams, flowSamples, counterSamples, frames, frameBytes }),
  };
}

type PortCounters = {
  readonly inPackets: number;
  readonly inBytes: number;
  readonly outPackets: number;
  readonly outBytes: number;
};

/** Generic interface counters (section 5.4, if_counters), 88 bytes. Packets are counted as unicast. */
function writeCounters(out: Uint8Array, at: number, port: PortCounters): void {
  out.fill(0, at, at + 88);
  const put64 = (offset: number, value: number): void => {
    put32(out, at + offset, Math.floor(value / 2 ** 32));
    put32(out, at + offset + 4, value >>> 0);
  };
  put32(out, at, upstreamInterface);
  put32(out, at + 4, 6); // ethernetCsmacd
  put64(8, interfaceSpeed);
  put32(out, at + 16, 1); // full duplex
  put32(out, at + 20, 3); // administratively and operationally up
  put64(24, port.inBytes);
  put32(out, at + 32, port.inPackets >>> 0);
  put64(56, port.outBytes);
  put32(out, at + 64, port.outPackets >>> 0);
  put16(out, at + 86, 0);
}
