/**
 * What a flow exporter is told to do, wrong things included: each of the faults that a doctor must recognise is a
 * setting here or in telemetry.ts, so that its fixture is one line.
 */

export const flowExportProtocols = ['netflow1', 'netflow5', 'netflow7', 'netflow9', 'ipfix'] as const;
export type FlowExportProtocol = (typeof flowExportProtocols)[number];

/**
 * Where an exporter states its sampling rate. `header`: v5. v9 and IPFIX: `exporter` and `interface` in options
 * data of that scope, `sampler` in options data of a sampler that each record names, `record` in each record (IE 34).
 */
export type StatedSampling = {
  readonly by: 'header' | 'exporter' | 'interface' | 'sampler' | 'record';
  /** One in so many, as stated: a wrong exporter states another than it uses. */
  readonly rate: number;
};

export type FlowExporterOptions = {
  readonly protocol: FlowExportProtocol;
  readonly seed: number;
  /** Wall time of the frames' first moment, microseconds since the Unix epoch. */
  readonly startMicros: number;
  /** Engine type · 256 + id (v5), source id (v9), observation domain (IPFIX). */
  readonly domain: number;
  readonly activeMicros: number;
  readonly inactiveMicros: number;
  readonly maxFlows: number;
  /** How often timeouts are looked at and waiting records sent. */
  readonly sweepMicros: number;
  /** One in this many frames is looked at, drawn at random with this mean. */
  readonly samplingRate: number;
  /** The frames are sampled already: look at each of them. For scenarios thinned by `samplingRate`. */
  readonly sampled: boolean;
  readonly stated: readonly StatedSampling[];
  /** Templates and options data are sent first then; infinite: never. */
  readonly templatesFromMicros: number;
  /** … and again after this; infinite: once. */
  readonly templateMicros: number;
  /** Of UDP payload, v9 and IPFIX; a datagram is sent when the next record would pass this. */
  readonly datagramBytes: number;
  /** … or when its oldest record has waited this long. */
  readonly maxWaitMicros: number;
  /** Added to the clock of the exporter. */
  readonly clockSkewMicros: number;
  /** How long it had run at `startMicros`. */
  readonly uptimeMs: number;
};

const second = 1e6;

export const usualFlowExporter: Omit<FlowExporterOptions, 'protocol' | 'startMicros'> = {
  seed: 1,
  domain: 1,
  activeMicros: 60 * second,
  inactiveMicros: 15 * second,
  maxFlows: 65_536,
  sweepMicros: second / 4,
  samplingRate: 1,
  sampled: false,
  stated: [],
  templatesFromMicros: 0,
  templateMicros: 20 * second,
  datagramBytes: 1400,
  maxWaitMicros: second / 2,
  clockSkewMicros: 0,
  uptimeMs: 3_600_000,
};

/** How a device of that protocol usually states `rate`. v1 and v7 cannot. */
export function usualStatement(protocol: FlowExportProtocol, rate: number): readonly StatedSampling[] {
  switch (protocol) {
    case 'netflow1':
    case 'netflow7':
      return [];
    case 'netflow5':
      return [{ by: 'header', rate }];
    case 'netflow9':
    case 'ipfix':
      return [{ by: 'sampler', rate }];
  }
}

/** Counted since the exporter began. */
export type FlowExportTotals = {
  readonly datagrams: number;
  /** Flow records in them, and the packets and IP bytes these state, sampling not undone. */
  readonly records: number;
  readonly packets: number;
  readonly bytes: number;
  /** Template records, options templates included, and records of options data. */
  readonly templates: number;
  readonly optionRecords: number;
  /** What the protocol cannot express: IPv6 before v9. */
  readonly leftOutPackets: number;
  readonly leftOutBytes: number;
  /** All IP packets that passed, sampled or not, and their IP bytes. */
  readonly seenPackets: number;
  readonly seenBytes: number;
};
