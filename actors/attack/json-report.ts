/**
 * The report of an attack as JSON: what was decided, on what grounds, and what the evidence shows.
 *
 * Pure. Layout and units: docs/attack-report.md, held to this file by a test. Rates are per second with sampling
 * undone; times RFC 3339 in UTC.
 */
import { type Attack, type SampledPacket, subjectText } from '../../domain/attack.js';
import { flowspecRuleText } from '../../domain/flowspec.js';
import { rfc3339 } from '../../domain/units.js';
import { inDirection } from './fingerprint.js';
import type { Compiled } from './flowspec/compile.js';
import type { CaptureFile } from './pcap.js';
import { protocolName } from './vectors.js';

export type PacketReport = {
  readonly at: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly source_port: number;
  readonly destination_port: number;
  readonly tcp_flags: number;
  readonly ttl: number;
  readonly fragment: boolean;
  readonly wire_bytes: number;
  readonly sampling: number;
};

/** Shares of packets, 0..1; `collateral` null: no normal packet of the host is known. */
export type FlowspecReport = {
  readonly rules: readonly {
    readonly text: string;
    readonly coverage: number;
    readonly collateral: number | null;
  }[];
  readonly coverage: number;
  readonly collateral: number | null;
  readonly attack_packets: number;
  readonly normal_packets: number;
  readonly reason: string | null;
};

export type JsonReport = {
  readonly format: 'tidegate-attack/1';
  readonly attack: Omit<Attack, 'startedAt' | 'endedAt' | 'subject' | 'files'> & {
    readonly subject: string;
    readonly started_at: string;
  };
  readonly evidence: {
    readonly from: string | null;
    readonly to: string | null;
    readonly samples: number;
    readonly samples_before_decision: number;
    readonly samples_other_direction: number;
    /** Packets that one sample stands for: the smallest and the largest of the samples. */
    readonly sampling: { readonly min: number; readonly max: number } | null;
    readonly pcap: { readonly packets: number; readonly left_out: number } | null;
  };
  /** What the evidence compiles to; null: it was not compiled. */
  readonly flowspec: FlowspecReport | null;
  readonly packets: readonly PacketReport[];
};

const packetReport = (packet: SampledPacket): PacketReport => ({
  at: rfc3339(packet.at),
  source: packet.source,
  destination: packet.destination,
  protocol: protocolName(packet.protocol),
  source_port: packet.sourcePort,
  destination_port: packet.destinationPort,
  tcp_flags: packet.tcpFlags,
  ttl: packet.ttl,
  fragment: packet.fragment,
  wire_bytes: packet.wireLength,
  sampling: packet.sampling,
});

const extremes = (values: readonly number[]): { min: number; max: number } | null =>
  values.length === 0
    ? null
    : values.reduce((seen, value) => ({ min: Math.min(seen.min, value), max: Math.max(seen.max, value) }), {
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
      });

export function jsonReport(
  attack: Attack,
  packets: readonly SampledPacket[],
  capture: CaptureFile | null,
  compiled: Compiled | null,
): JsonReport {
  const { startedAt, endedAt: _, subject, files: __, ...record } = attack;
  const span = extremes(packets.map((packet) => packet.at));
  return {
    format: 'tidegate-attack/1',
    attack: { ...record, subject: subjectText(subject), started_at: rfc3339(startedAt) },
    evidence: {
      from: span && rfc3339(span.min),
      to: span && rfc3339(span.max),
      samples: packets.length,
      samples_before_decision: packets.filter((packet) => packet.at < startedAt).length,
      samples_other_direction: packets.length - inDirection(packets, attack.direction).length,
      sampling: extremes(packets.map((packet) => packet.sampling)),
      pcap: capture && { packets: capture.packets, left_out: capture.leftOut },
    },
    flowspec: compiled && flowspecReport(compiled),
    packets: packets.map(packetReport),
  };
}

const flowspecReport = (compiled: Compiled): FlowspecReport => ({
  rules: compiled.rules.map((rule, index) => ({
    text: flowspecRuleText(rule),
    coverage: compiled.each[index]?.coverage ?? 0,
    collateral: compiled.each[index]?.collateral ?? null,
  })),
  coverage: compiled.coverage,
  collateral: compiled.collateral,
  attack_packets: compiled.attackPackets,
  normal_packets: compiled.normalPackets,
  reason: compiled.reason,
});
