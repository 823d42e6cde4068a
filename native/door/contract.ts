/**
 * The whole of what TypeScript may ask of C++, in types only. `load.ts` finds the binary.
 *
 * A value that may be absent is `T | null`, never optional. Handles are opaque. Counters cross as
 * float64, exact to 2^53. Times are microseconds since the Unix epoch and are always given by the
 * caller, so that a replay decides the same at every run. TypeScript checks types and ranges and
 * throws; C++ checks again and returns a code.
 */

import type { SampledPacket } from '../../domain/attack.js';
import type {
  ExporterStats,
  FlowFamily,
  FlowFilter,
  FlowListenerStats,
  SamplingOverride,
  StoredTemplate,
} from '../../domain/flow.js';
import type {
  Batch,
  Judgement,
  MeterStats,
  NetworkRates,
  SourceStats,
  Talker,
  TopBy,
  WireSight,
} from '../../domain/ports.js';
import type { Direction, HostRates } from '../../domain/traffic.js';

export interface EngineHandle {
  readonly type: 'engine';
}
export interface SourceHandle {
  readonly type: 'source';
}
export interface MeterHandle {
  readonly type: 'meter';
}
export interface TapHandle {
  readonly type: 'tap';
}
export interface IngressHandle {
  readonly type: 'ingress';
}

export type EngineOptions = {
  /** CIDR text; nested prefixes allowed, the longest decides. */
  readonly networks: readonly string[];
  /** Index in this list is the group's number; a group without prefixes takes what no other matches. */
  readonly hostgroups: readonly { readonly name: string; readonly networks: readonly string[] }[];
  readonly tickMicros: number;
  /** Rows for IPv6 hosts, a thread's table; a power of two. */
  readonly ipv6Hosts: number;
  readonly countFlows: boolean;
  /** Slots of a thread's flow set; a power of two. */
  readonly flowSlots: number;
  /** Keys the hash tables; null draws one from the system. */
  readonly seed: bigint | null;
  /** Bytes kept of a sampled packet. */
  readonly sampleBytes: number;
};

export const fanoutModes = ['cpu', 'lb', 'hash', 'random', 'rollover', 'queue_mapping'] as const;
export type FanoutMode = (typeof fanoutModes)[number];

export type CaptureOptions = {
  readonly interface: string;
  readonly workers: number;
  readonly fanout: FanoutMode;
  readonly promiscuous: boolean;
  /** Bytes of a frame that the kernel copies; the wire length is counted in full. */
  readonly snapLength: number;
  /** A worker's ring. */
  readonly ringBytes: number;
  /** The kernel hands over a block at the latest after this. */
  readonly blockTimeoutMs: number;
  /** What each packet stands for. */
  readonly sampling: number;
  readonly lengthFromIp: boolean;
};

/** How flow telemetry is read, from a socket as from a capture. */
export type FlowReadingOptions = {
  readonly accepts: readonly FlowFamily[];
  readonly lengthFromIp: boolean;
  readonly maxExporters: number;
  /** Of all exporters together. */
  readonly maxTemplates: number;
  /** Templates not refreshed for so long are forgotten (UDP). */
  readonly templateLifetimeMicros: number;
  /** Data sets that wait for their template: bytes in all, and for how long. */
  readonly waitingBytes: number;
  readonly waitingMicros: number;
  /** Where an exporter says nothing; null: 1. */
  readonly samplingFallback: number | null;
  readonly samplingOverrides: readonly SamplingOverride[];
  readonly filter: FlowFilter;
  /** Spread records over their own time; false: all of a record counts at once, as FastNetMon does. */
  readonly spread: boolean;
  /** The shortest window in force: what a record adds at once. */
  readonly windowMicros: number;
  /** Long flows that may be played out at one time. */
  readonly maxHeld: number;
};

export const flowTransports = ['udp', 'tcp'] as const;
export type FlowListenerOptions = FlowReadingOptions & {
  readonly address: string;
  readonly port: number;
  readonly transport: (typeof flowTransports)[number];
  /** Threads; an exporter's datagrams always go to the same one, whatever ports it sends from. */
  readonly workers: number;
  readonly receiveBufferBytes: number;
  /** Prefixes of exporters that may send; empty: anybody. */
  readonly allow: readonly string[];
  /** Datagrams of others are not read at all; false: they are counted as unknown and read all the same. */
  readonly refuseUnknown: boolean;
};

export type ReplayOptions = {
  readonly path: string;
  readonly lengthFromIp: boolean;
  readonly sampling: number;
  /** Decode the flow datagrams in the capture in place of its packets; null: the packets. */
  readonly flow: FlowReadingOptions | null;
};

/** Where a replay stands. `at` is the end of the tick just read. */
export type ReplayStep = {
  readonly at: number;
  readonly done: boolean;
  readonly packets: number;
  readonly offset: number;
  readonly size: number;
};

export type ReplayFlowTotals = {
  readonly datagrams: number;
  readonly records: number;
  readonly samples: number;
  readonly packets: number;
  readonly bytes: number;
  readonly exporters: number;
  readonly templates: number;
  readonly decode_errors: number;
};

export type NativeThresholds = {
  /** In the order of domain/traffic.ts `metrics`; NaN: not judged. */
  readonly incoming: Float64Array;
  readonly outgoing: Float64Array;
  readonly total: Float64Array;
  readonly network: Float64Array;
};

export type MeterOptions = {
  readonly hostgroup: number;
  readonly windowMicros: number;
  readonly thresholds: NativeThresholds;
  readonly exactBytes: number;
  readonly ipv6Hosts: number;
  /** How sure it must be that a sampled rate is over its threshold, 0.5 … 0.9999; null: it is judged as it is. */
  readonly confidence: number | null;
};

/** Since the ingress, or the source, was opened; sampling undone. Of one exporter there may be several, of its domains and threads. */
export type SeenOfIngress = {
  /** Its agent address; null: packets that were captured. '': one that is not listed, or all beyond the bound. */
  readonly exporter: string | null;
  readonly packets: number;
  readonly bytes: number;
  /** Packets per second at their highest in the two seconds before the ingress was opened; estimated. */
  readonly ppsBefore: number;
};

export type Drained = { readonly hostgroup: number; readonly batch: Batch; readonly hosts: number };
/** An address or a prefix, as text. */
export type SubjectText = string;

export type BenchPacketsOptions = {
  readonly hosts: number;
  readonly flows: boolean;
  readonly seconds: number;
  readonly seed: bigint;
  readonly pcap: string | null;
};
export type BenchPacketsResult = {
  readonly packets: number;
  readonly seconds: number;
  readonly mpps: number;
  readonly nsPerPacket: number;
  /** One tick over all hosts: handing over, then absorbing and judging (off the main thread). */
  readonly drainMs: number;
  readonly absorbMs: number;
  readonly judgeMs: number;
  /** The longest that one call of such a tick kept the main thread. */
  readonly mainThreadMs: number;
};

export const benchFlowProtocols = ['sflow', 'netflow5', 'netflow9', 'ipfix'] as const;
export type BenchFlowProtocol = (typeof benchFlowProtocols)[number];
export type BenchFlowsOptions = BenchPacketsOptions & {
  /** Which datagrams are made; with `pcap`, all that it holds are taken, whatever they are. */
  readonly protocol: BenchFlowProtocol;
};
/** Records are flow records, or sFlow flow samples. */
export type BenchFlowsResult = {
  readonly datagrams: number;
  readonly records: number;
  readonly seconds: number;
  readonly mrps: number;
  readonly nsPerRecord: number;
};

export interface NativeDoor {
  readonly version: () => string;
  readonly layout: () => {
    readonly classes: readonly string[];
    readonly metrics: readonly string[];
    readonly errors: readonly string[];
  };

  readonly createEngine: (options: EngineOptions) => EngineHandle;

  /** Throws an Error whose `code` is SOURCE_UNAVAILABLE when the interface or the address cannot be had. */
  readonly openCapture: (engine: EngineHandle, options: CaptureOptions) => SourceHandle;
  readonly openFlows: (engine: EngineHandle, options: FlowListenerOptions) => SourceHandle;
  /** Throws CAPTURE_UNREADABLE. */
  readonly openReplay: (engine: EngineHandle, options: ReplayOptions) => SourceHandle;
  readonly replayStep: (source: SourceHandle) => ReplayStep;
  readonly replayFlowTotals: (source: SourceHandle) => ReplayFlowTotals;

  readonly boundPort: (source: SourceHandle) => number;
  readonly drain: (source: SourceHandle, at: number) => readonly Drained[] | Promise<readonly Drained[]>;
  readonly calm: (source: SourceHandle) => boolean;
  /** `tell` runs on the main thread, soon. To be set once. */
  readonly watchNear: (source: SourceHandle, tell: () => void) => void;
  readonly stats: (source: SourceHandle) => SourceStats;
  readonly exporters: (source: SourceHandle) => readonly ExporterStats[];
  /** null: the source is no flow listener, or closed. */
  readonly flowListener: (source: SourceHandle) => FlowListenerStats | null;
  readonly takeTemplates: (source: SourceHandle) => readonly StoredTemplate[];
  readonly restoreTemplates: (source: SourceHandle, templates: readonly StoredTemplate[]) => number;
  readonly fault: (source: SourceHandle) => string | null;
  readonly closeSource: (source: SourceHandle) => void;

  readonly createMeter: (engine: EngineHandle, options: MeterOptions) => MeterHandle;
  readonly absorb: (meter: MeterHandle, batch: Batch) => void | Promise<void>;
  readonly judge: (meter: MeterHandle, at: number) => Judgement | Promise<Judgement>;
  readonly watch: (meter: MeterHandle, subject: SubjectText, direction: Direction) => void;
  readonly unwatch: (meter: MeterHandle, subject: SubjectText, direction: Direction) => void;
  readonly meterTotal: (meter: MeterHandle, at: number) => HostRates;
  readonly meterNetworks: (meter: MeterHandle, at: number) => readonly NetworkRates[];
  readonly meterRates: (meter: MeterHandle, host: string, at: number) => HostRates | null;
  readonly meterTop: (
    meter: MeterHandle,
    by: TopBy,
    direction: Direction,
    count: number,
    at: number,
  ) => readonly Talker[];
  readonly meterStats: (meter: MeterHandle) => MeterStats;
  readonly closeMeter: (meter: MeterHandle) => void;

  readonly openTap: (engine: EngineHandle, subject: SubjectText, count: number) => TapHandle;
  /** Packets that it has taken, those from before among them, read or not. */
  readonly tapGathered: (tap: TapHandle) => number;
  /** The oldest of what has come since the last read. */
  readonly readTap: (tap: TapHandle, most: number) => readonly SampledPacket[];
  /** It takes no more; what it has can still be read. */
  readonly sealTap: (tap: TapHandle) => void;
  /** Packets to the subject from the minutes before the tap was opened, few and far apart; oldest first. Without bytes. */
  readonly tapBefore: (tap: TapHandle) => readonly SampledPacket[];
  readonly closeTap: (tap: TapHandle) => void;

  /** null: too many are open already. */
  readonly openIngress: (engine: EngineHandle, subject: SubjectText, at: number) => IngressHandle | null;
  readonly readIngress: (ingress: IngressHandle, source: SourceHandle) => readonly SeenOfIngress[];
  readonly closeIngress: (ingress: IngressHandle) => void;

  /** Sends raw frames out of an interface; for traffic/. `frames`: each a whole frame. Resolves with how many were sent. */
  readonly sendFrames: (
    options: SendOptions,
  ) => Promise<{ readonly sent: number; readonly seconds: number; readonly firstAt: number }>;

  /** Counts what arrives at this machine. Rejects, with why in the message, without CAP_NET_RAW. */
  readonly witnessWire: (options: WitnessOptions) => Promise<WitnessReport>;

  /** Rejects with CAPTURE_UNREADABLE. */
  readonly benchPackets: (options: BenchPacketsOptions) => Promise<BenchPacketsResult>;
  readonly benchFlows: (options: BenchFlowsOptions) => Promise<BenchFlowsResult>;
}

/** `ports`: 1 to 128 of UDP; `milliseconds`: 1 to 20,000, for which a thread of the pool is taken. */
export type WitnessOptions = { readonly ports: readonly number[]; readonly milliseconds: number };
export type WitnessReport = {
  readonly sights: readonly WireSight[];
  /** Datagrams of senders that found no room in the table. */
  readonly overflow: number;
  /** Datagrams that came too fast. */
  readonly missed: number;
  readonly seconds: number;
};

/** `path`: a capture file whose frames are sent; `packetsPerSecond` null keeps the capture's own times; `loops` ≥ 1. */
export type SendOptions = {
  readonly interface: string;
  readonly path: string;
  readonly packetsPerSecond: number | null;
  readonly loops: number;
};
