/**
 * The words of flow telemetry: protocols, listeners, exporters and what is known of their health.
 *
 * Counts are monotonic since the listener was opened, unless said otherwise. Packets and bytes are as
 * exported, sampling not undone.
 */
import type { UnixMicros } from './units.js';

/** In the order of the native table (native/flow/record.hpp). */
export const flowProtocols = [
  'sflow2',
  'sflow4',
  'sflow5',
  'netflow1',
  'netflow5',
  'netflow7',
  'netflow9',
  'ipfix',
] as const;
export type FlowProtocol = (typeof flowProtocols)[number];

/** What a listener takes: `netflow` is v1, v5, v7 and v9. */
export const flowFamilies = ['sflow', 'netflow', 'ipfix'] as const;
export type FlowFamily = (typeof flowFamilies)[number];

/** Where the sampling rate in force comes from. */
export const samplingOrigins = [
  'unknown',
  'configured',
  'record',
  'sampler',
  'options',
  'header',
  'fallback',
] as const;
export type SamplingOrigin = (typeof samplingOrigins)[number];

/** One device as one listener sees it. */
export type ExporterStats = {
  readonly protocol: FlowProtocol;
  /** Datagrams come from here. */
  readonly address: string;
  /** sFlow: the agent's own address; else `address`. */
  readonly agent: string;
  /** sFlow sub-agent, NetFlow engine or source id, IPFIX observation domain. */
  readonly domain: number;
  readonly datagrams: number;
  /** Flow records, or sFlow flow samples. */
  readonly records: number;
  readonly packets: number;
  readonly bytes: number;
  readonly decodeErrors: number;
  /** Units of its sequence that never came: datagrams (sFlow, v9) or records (v5, IPFIX). */
  readonly sequenceLost: number;
  readonly sequenceRestarts: number;
  /** Samples the device says it has lost. */
  readonly deviceDrops: number;
  /** One in so many, the last in force; 0: none yet. */
  readonly samplingRate: number;
  readonly samplingOrigin: SamplingOrigin;
  /** Times the rate in force changed. */
  readonly samplingChanges: number;
  /** Times one origin contradicted another (header against options, options against record). */
  readonly samplingConflicts: number;
  /** Statements of rate zero. */
  readonly samplingZero: number;
  /** Known now. */
  readonly templates: number;
  readonly templateChanges: number;
  readonly templatesEvicted: number;
  /** Data sets that came without their template: of what waited, how many records were counted after all, and how many sets waited in vain or had no room. */
  readonly setsWithoutTemplate: number;
  readonly recordsRecovered: number;
  readonly setsExpired: number;
  /** Of its template refreshes lately, the longest gap in seconds; 0: none yet. A device that is mended is soon below it. */
  readonly templateIntervalSeconds: number;
  /** Its clock minus ours at the last datagram, microseconds; null: it does not say. */
  readonly clockSkewMicros: number | null;
  /** Longest span of a record that goes on, and shortest lag of one that has fallen silent, in seconds; null: not learned yet. */
  readonly activeTimeoutSeconds: number | null;
  readonly inactiveTimeoutSeconds: number | null;
  /** Records that neither come from nor go to a network of ours; of long flows one in eight is looked at. */
  readonly recordsOutside: number;
  /** Records left out because the same traffic was counted where it came in. */
  readonly recordsSeenTwice: number;
  /** Records of a sample taken that another exporter or interface reported as well, and how large that sample was. */
  readonly duplicates: number;
  readonly duplicatesLookedAt: number;
  /** Sampled packets cut before the end of their transport header. */
  readonly shortHeaders: number;
  /** Records a filter left out. */
  readonly recordsFiltered: number;
  readonly firstSeen: UnixMicros;
  readonly lastSeen: UnixMicros;
};

/** An exporter of which nothing has been learned yet. */
export const unheardExporter: ExporterStats = {
  protocol: 'sflow5',
  address: '0.0.0.0',
  agent: '0.0.0.0',
  domain: 0,
  datagrams: 0,
  records: 0,
  packets: 0,
  bytes: 0,
  decodeErrors: 0,
  sequenceLost: 0,
  sequenceRestarts: 0,
  deviceDrops: 0,
  samplingRate: 0,
  samplingOrigin: 'unknown',
  samplingChanges: 0,
  samplingConflicts: 0,
  samplingZero: 0,
  templates: 0,
  templateChanges: 0,
  templatesEvicted: 0,
  setsWithoutTemplate: 0,
  recordsRecovered: 0,
  setsExpired: 0,
  templateIntervalSeconds: 0,
  clockSkewMicros: null,
  activeTimeoutSeconds: null,
  inactiveTimeoutSeconds: null,
  recordsOutside: 0,
  recordsSeenTwice: 0,
  duplicates: 0,
  duplicatesLookedAt: 0,
  shortHeaders: 0,
  recordsFiltered: 0,
  firstSeen: 0,
  lastSeen: 0,
};

/** What only grows while a listener is open; everything else says how things stand. */
export const exporterCounters = [
  'datagrams',
  'records',
  'packets',
  'bytes',
  'decodeErrors',
  'sequenceLost',
  'sequenceRestarts',
  'deviceDrops',
  'samplingChanges',
  'samplingConflicts',
  'samplingZero',
  'templateChanges',
  'templatesEvicted',
  'setsWithoutTemplate',
  'recordsRecovered',
  'setsExpired',
  'recordsOutside',
  'recordsSeenTwice',
  'duplicates',
  'duplicatesLookedAt',
  'shortHeaders',
  'recordsFiltered',
] as const satisfies readonly (keyof ExporterStats)[];
export type ExporterCounter = (typeof exporterCounters)[number];

/** Exports state whole seconds and may wait some more in the device; an exporter further off has a wrong clock. */
export const clockSkewLimitSeconds = 5;
/** By chance two flows in a hundred look alike; a second observation point doubles nearly all. */
export const duplicateShareLimit = 0.2;
/** Records looked at until that share says something. */
export const leastDuplicatesLookedAt = 100;

/** Datagrams that were not for this listener, by what they were. */
export type StrayProtocol = FlowProtocol | 'unknown';

/** One socket address. */
export type FlowListenerStats = {
  readonly datagrams: number;
  readonly records: number;
  /** Lost on this machine: the socket's buffer was full. */
  readonly dropped: number;
  /** Asked for and granted by the kernel, bytes. */
  readonly receiveBufferAsked: number;
  readonly receiveBuffer: number;
  /** Of a protocol that this listener does not take: how many, and the last sender of each. */
  readonly strays: readonly {
    readonly protocol: StrayProtocol;
    readonly datagrams: number;
    readonly lastFrom: string;
  }[];
  /** Datagrams from addresses that are not allowed, and the last of them. */
  readonly refused: number;
  readonly lastRefused: string | null;
  /** Exporters that found no room in the table; what they send counts all the same. */
  readonly exportersRefused: number;
  /** Long flows that are being played out, their bound, and how many found no room. */
  readonly held: number;
  readonly heldBound: number;
  readonly heldRefused: number;
  /** All templates of all exporters, and their bound. */
  readonly templates: number;
  readonly templatesBound: number;
};

/** A listener that has received nothing yet. */
export const unheardListener: FlowListenerStats = {
  datagrams: 0,
  records: 0,
  dropped: 0,
  receiveBufferAsked: 0,
  receiveBuffer: 0,
  strays: [],
  refused: 0,
  lastRefused: null,
  exportersRefused: 0,
  held: 0,
  heldBound: 0,
  heldRefused: 0,
  templates: 0,
  templatesBound: 0,
};

/**
 * A template as its exporter sent it: one template record without the set's header. Without a body it says that the
 * exporter has withdrawn that template (RFC 7011 section 8.1).
 */
export type StoredTemplate = {
  readonly protocol: 'netflow9' | 'ipfix';
  readonly address: string;
  readonly domain: number;
  readonly templateId: number;
  readonly options: boolean;
  readonly body: Uint8Array;
  readonly seenAt: UnixMicros;
};
export const isWithdrawn = ({ body }: StoredTemplate): boolean => body.length === 0;

/** What a filter can look at. `address` and `as`: either end. */
export const filterFields = [
  'exporter',
  'input',
  'output',
  'interface',
  'source',
  'destination',
  'address',
  'source_as',
  'destination_as',
  'as',
  'source_port',
  'destination_port',
  'port',
  'protocol',
] as const;
export type FilterField = (typeof filterFields)[number];
/** Any of the ranges (both ends included) or prefixes; `negated`: none of them. */
export type FilterCondition = {
  readonly field: FilterField;
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
  readonly prefixes: readonly string[];
};
/** All conditions together. The first rule that matches decides. */
export type FilterRule = {
  readonly action: 'drop' | 'keep';
  readonly conditions: readonly FilterCondition[];
};
/** What no rule matches is kept, unless all rules are `keep`. */
export type FlowFilter = readonly FilterRule[];

/** A rate stated by the operator: it overrides whatever the exporter says. `interface` null: all of the exporter's. */
export type SamplingOverride = {
  readonly exporter: string;
  readonly interface: number | null;
  readonly rate: number;
};
