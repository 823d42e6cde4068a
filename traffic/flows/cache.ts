/**
 * A flow cache as a router keeps it: packets of one 5-tuple on one interface become one record.
 *
 * A record is made when its flow has lasted the active timeout, has been silent for the inactive one, has ended (TCP
 * FIN or RST), or must make room for another. Times are microseconds since the scenario's start, by the frames' own
 * clock; the active timeout is looked at with each packet of the flow as well. Bounded by `maxFlows`.
 */
import type { FrameBatch } from '../stream.js';
import type { Observed } from './observe.js';

/** IE 136 flowEndReason (RFC 5102 section 5.11.3). */
export const flowEnds = { idle: 1, active: 2, finished: 3, forced: 4, resources: 5 } as const;
export type FlowEnd = (typeof flowEnds)[keyof typeof flowEnds];

/** Amounts are of the packets the cache was given, sampling not undone. */
export type FlowRecord = {
  /** 4 or 16 bytes. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly typeOfService: number;
  readonly input: number;
  readonly output: number;
  readonly firstMicros: number;
  lastMicros: number;
  packets: number;
  bytes: number;
  tcpFlags: number;
  end: FlowEnd;
};

export type CacheOptions = {
  readonly activeMicros: number;
  readonly inactiveMicros: number;
  readonly maxFlows: number;
};

/** The record is the receiver's own. `micros`: when it was made. */
export type TakeRecord = (record: FlowRecord, micros: number) => void;

export type FlowCache = {
  readonly add: (
    batch: FrameBatch,
    seen: Observed,
    input: number,
    output: number,
    micros: number,
    take: TakeRecord,
  ) => void;
  /** Looks at all timeouts; to be called now and then. */
  readonly sweep: (micros: number, take: TakeRecord) => void;
  /** Makes a record of all there is. */
  readonly flush: (micros: number, take: TakeRecord) => void;
};

const tcp = 6;
const finOrRst = 0x05;

export function flowCache(options: CacheOptions): FlowCache {
  const { activeMicros, inactiveMicros, maxFlows } = options;
  /** In the order of their first packets. */
  const flows = new Map<string, FlowRecord>();

  const finish = (key: string, flow: FlowRecord, end: FlowEnd, micros: number, take: TakeRecord): void => {
    flows.delete(key);
    flow.end = end;
    take(flow, micros);
  };

  return {
    add(batch, seen, input, output, micros, take) {
      const key = keyOf(batch.bytes, seen, input);
      let flow = flows.get(key);
      if (flow !== undefined && micros - flow.firstMicros >= activeMicros) {
        finish(key, flow, flowEnds.active, micros, take);
        flow = undefined;
      }
      if (flow === undefined) {
        if (flows.size >= maxFlows) {
          const [oldest] = flows;
          if (oldest !== undefined) finish(oldest[0], oldest[1], flowEnds.resources, micros, take);
        }
        flow = begun(batch.bytes, seen, input, output, micros);
        flows.set(key, flow);
      }
      flow.packets++;
      flow.bytes += seen.bytes;
      flow.tcpFlags |= seen.tcpFlags;
      flow.lastMicros = micros;
      if (seen.protocol === tcp && (seen.tcpFlags & finOrRst) !== 0) {
        finish(key, flow, flowEnds.finished, micros, take);
      }
    },
    sweep(micros, take) {
      for (const [key, flow] of flows) {
        if (micros - flow.lastMicros >= inactiveMicros) finish(key, flow, flowEnds.idle, micros, take);
        else if (micros - flow.firstMicros >= activeMicros) finish(key, flow, flowEnds.active, micros, take);
      }
    },
    flush(micros, take) {
      for (const [key, flow] of flows) finish(key, flow, flowEnds.forced, micros, take);
    },
  };
}

const begun = (
  bytes: Uint8Array,
  seen: Observed,
  input: number,
  output: number,
  micros: number,
): FlowRecord => ({
  source: bytes.slice(seen.sourceAt, seen.sourceAt + seen.addressBytes),
  destination: bytes.slice(seen.destinationAt, seen.destinationAt + seen.addressBytes),
  protocol: seen.protocol,
  sourcePort: seen.sourcePort,
  destinationPort: seen.destinationPort,
  typeOfService: seen.typeOfService,
  input,
  output,
  firstMicros: micros,
  lastMicros: micros,
  packets: 0,
  bytes: 0,
  tcpFlags: 0,
  end: flowEnds.forced,
});

/** The addresses as one letter for two bytes, then the ports, the protocol and the interface. */
function keyOf(bytes: Uint8Array, seen: Observed, input: number): string {
  let key = String.fromCharCode(seen.sourcePort, seen.destinationPort, seen.protocol, input);
  // Source and destination lie side by side in both families.
  const end = seen.sourceAt + 2 * seen.addressBytes;
  for (let at = seen.sourceAt; at < end; at += 2) {
    key += String.fromCharCode(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  }
  return key;
}
