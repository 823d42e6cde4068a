/**
 * The parts of a scenario merged by time into one stream of frames, in batches.
 */

import { mtuBytes } from './frames/fragmenter.js';
import { maxLinkBytes } from './frames/link.js';
import type { PacketWriter } from './packet-writer.js';
import type { PreparedPart, PreparedScenario } from './prepare.js';
import { createRandom } from './random.js';
import type { Timing } from './timing.js';

/** Frames one after the other in one buffer. It belongs to the stream: good until the next batch is asked for. */
export type FrameBatch = {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Frame i lies from starts[i] to starts[i + 1]. */
  readonly starts: Uint32Array;
  /** Since the scenario's start, with fractions, never falling. */
  readonly micros: Float64Array;
  /** Index of the part each frame belongs to. */
  readonly parts: Uint16Array;
  /** Index into `flowDirections` of domain/traffic.ts. */
  readonly directions: Uint8Array;
};

export const batchFrames = 1024;
/** No frame of a stream is longer: datagrams beyond the MTU are cut. */
export const maxStreamFrameBytes = maxLinkBytes + mtuBytes;

type Lane = {
  readonly open: () => PacketWriter;
  /** Only while the part is sending: a scenario of many parts holds the payloads of few. */
  writer: PacketWriter | null;
  readonly startMicros: number;
  readonly timing: Timing;
  /** 0, or the spread by which the times of background vary, in microseconds. */
  readonly spread: number;
  readonly jitter: () => number;
  next: number;
  nextAt: number;
};

export function* frames(prepared: PreparedScenario): Generator<FrameBatch, void, undefined> {
  const lanes = prepared.parts.map((part, index) => openLane(part, prepared.scenario.seed, index));
  const bytes = new Uint8Array(batchFrames * maxStreamFrameBytes);
  const starts = new Uint32Array(batchFrames + 1);
  const micros = new Float64Array(batchFrames);
  const parts = new Uint16Array(batchFrames);
  const directions = new Uint8Array(batchFrames);
  let left = prepared.packets;
  while (left > 0) {
    const count = Math.min(left, batchFrames);
    let end = 0;
    for (let frame = 0; frame < count; frame++) {
      const index = earliest(lanes);
      const lane = lanes[index];
      if (lane === undefined) throw new RangeError('more packets promised than the parts have');
      lane.writer ??= lane.open();
      end = lane.writer.write(bytes, end, lane.nextAt);
      starts[frame + 1] = end;
      micros[frame] = lane.nextAt;
      parts[frame] = index;
      directions[frame] = lane.writer.direction;
      advance(lane);
    }
    left -= count;
    yield { bytes, count, starts, micros, parts, directions };
  }
}

function openLane({ part, timing, open }: PreparedPart, seed: number, index: number): Lane {
  const random = createRandom(seed + part.seed, `times ${index}`);
  const lane: Lane = {
    open,
    writer: null,
    startMicros: part.startMicros,
    timing,
    // Each packet stays within its own slot, so that the order and the count are kept.
    spread: part.kind === 'background' ? 1e6 / part.pps : 0,
    jitter: random.unit,
    next: -1,
    nextAt: 0,
  };
  advance(lane);
  return lane;
}

function advance(lane: Lane): void {
  lane.next++;
  if (lane.next >= lane.timing.count) {
    lane.nextAt = Number.POSITIVE_INFINITY;
    lane.writer = null;
    return;
  }
  const offset = lane.spread === 0 ? 0 : lane.jitter() * lane.spread;
  lane.nextAt = lane.startMicros + lane.timing.at(lane.next) + offset;
}

/** The part whose next frame comes first; of equals the one listed first. -1: none is left. */
function earliest(lanes: readonly Lane[]): number {
  let found = -1;
  let at = Number.POSITIVE_INFINITY;
  for (let index = 0; index < lanes.length; index++) {
    const nextAt = lanes[index]?.nextAt ?? at;
    if (nextAt < at) {
      at = nextAt;
      found = index;
    }
  }
  return found;
}
