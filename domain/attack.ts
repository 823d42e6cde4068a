/**
 * An attack: a host or a prefix of ours above a threshold, from detection to release.
 *
 * The record is plain data: it goes through mailboxes, into the journal and out to consoles as it is.
 */
import type { Direction, FlowDirection, HostRates, Metric } from './traffic.js';
import type { AttackId, HostKey, PrefixKey, UnixMicros } from './units.js';

export type Subject =
  | { readonly kind: 'host'; readonly host: HostKey }
  | { readonly kind: 'prefix'; readonly prefix: PrefixKey };

export const subjectText = (subject: Subject): string =>
  subject.kind === 'host' ? subject.host : subject.prefix;

/** Both ends included. */
export type Interval = { readonly low: number; readonly high: number };

/** What fired. `rate`, `threshold` and `interval` are in the metric's unit. */
export type Cause = {
  readonly scope: 'host' | 'network' | 'hostgroup';
  readonly metric: Metric;
  readonly rate: number;
  readonly threshold: number;
  /** Packets observed that the rate rests on; null: every packet was observed. */
  readonly samples: number | null;
  /**
   * Between what the true rate lies, at the hostgroup's confidence, or 95 % where it has none. null: the rate is
   * exact; or it is of flows, of which sampling shows an unknown part.
   */
  readonly interval: Interval | null;
};

/** What the evidence shows. The closed list of `vector` is in actors/attack/vectors.ts. */
export type Fingerprint = {
  readonly vector: string;
  /** Share of the sampled packets that show it, 0..1. */
  readonly share: number;
  readonly protocol: string;
  readonly topSources: readonly { readonly host: string; readonly share: number }[];
  readonly topSourcePorts: readonly { readonly port: number; readonly share: number }[];
  readonly topDestinationPorts: readonly { readonly port: number; readonly share: number }[];
  readonly sources: number;
  readonly samples: number;
  /** Of the samples, how many are from before the decision. */
  readonly samplesBefore: number;
};

export type AttackOrigin = 'detected' | 'manual';

export type Attack = {
  readonly id: AttackId;
  readonly origin: AttackOrigin;
  readonly subject: Subject;
  readonly direction: Direction | 'other';
  readonly hostgroup: string;
  /** null for a manual ban. */
  readonly cause: Cause | null;
  readonly startedAt: UnixMicros;
  readonly endedAt: UnixMicros | null;
  readonly ratesAtStart: HostRates;
  /** Highest total rate seen in the attack's direction, packets and bits per second. */
  readonly peak: { readonly pps: number; readonly bps: number };
  readonly fingerprint: Fingerprint | null;
  /** Paths of what the evidence left on disk. */
  readonly files: readonly string[];
  readonly evidence: 'gathering' | 'complete' | 'none';
  readonly whitelisted: boolean;
  /** How often it has come back after a release that was a probe; 0: it is new. */
  readonly returns: number;
};

/** 'A' + time of birth in base 36 + serial: sorts by time, unique in one daemon. */
export const attackId = (at: UnixMicros, serial: number): AttackId =>
  `A${Math.floor(at).toString(36).padStart(11, '0')}-${serial.toString(36)}` as AttackId;

/** One packet taken as evidence. Addresses as text; `bytes` from the link layer on, or null when only facts are known. */
export type SampledPacket = {
  readonly at: UnixMicros;
  readonly direction: FlowDirection;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  readonly ttl: number;
  readonly fragment: boolean;
  /** A later fragment has no ports. */
  readonly firstFragment: boolean;
  readonly wireLength: number;
  readonly ipLength: number;
  readonly sampling: number;
  readonly bytes: Uint8Array | null;
};
