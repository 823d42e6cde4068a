/**
 * What a diagnosis is made from: counts now and over the last minutes, and the settings and machine they are judged by.
 *
 * Pure. Counts of a listener that was opened anew start again at zero; then all of them are of the period.
 */
import {
  type ExporterStats,
  exporterCounters,
  type FlowFamily,
  type FlowListenerStats,
  type StrayProtocol,
} from '../../../domain/flow.js';
import type { MachineFacts, WireSight } from '../../../domain/ports.js';
import type { UnixMicros } from '../../../domain/units.js';

export type ListenerSetting = {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
  readonly accepts: readonly FlowFamily[];
  /** Records are spread over their own time. */
  readonly spread: boolean;
};

export type ListenerFacts = {
  readonly setting: ListenerSetting;
  readonly now: FlowListenerStats;
  readonly period: ListenerCounts;
};
export type ListenerCounts = {
  readonly datagrams: number;
  readonly dropped: number;
  readonly refused: number;
  readonly strays: readonly {
    readonly protocol: StrayProtocol;
    readonly datagrams: number;
    readonly lastFrom: string;
  }[];
};

export type ExporterFacts = {
  readonly listener: string;
  readonly now: ExporterStats;
  /** `now` with its counts since the period began. */
  readonly period: ExporterStats;
};

export type WireFacts = {
  readonly seconds: number;
  readonly sights: readonly WireSight[];
  /** By `senderKey`: datagrams that the listener received of it in the same time and shortly after. */
  readonly received: ReadonlyMap<string, number>;
  /** By listener: datagrams received in that time of which it does not say the sender. */
  readonly unattributed: ReadonlyMap<string, number>;
  readonly rpFilterDrops: number;
};

export type Facts = {
  readonly at: UnixMicros;
  readonly periodSeconds: number;
  /** The shortest window in which anything is judged. */
  readonly windowMs: number;
  readonly listeners: readonly ListenerFacts[];
  readonly exporters: readonly ExporterFacts[];
  /** null: there is no machine, as in a capture. */
  readonly machine: MachineFacts | null;
  /** null: the wire was not listened to. */
  readonly wire: WireFacts | null;
};

export const senderKey = (listener: string, address: string): string => `${listener} ${address}`;

export function exporterSince(now: ExporterStats, before: ExporterStats | undefined): ExporterStats {
  if (before === undefined || now.datagrams < before.datagrams) return now;
  const counts = exporterCounters.map((name) => [name, Math.max(0, now[name] - before[name])] as const);
  return { ...now, ...Object.fromEntries(counts) };
}

export function listenerSince(now: FlowListenerStats, before: FlowListenerStats | undefined): ListenerCounts {
  if (before === undefined || now.datagrams < before.datagrams) return now;
  const old = new Map(before.strays.map(({ protocol, datagrams }) => [protocol, datagrams]));
  return {
    datagrams: now.datagrams - before.datagrams,
    dropped: Math.max(0, now.dropped - before.dropped),
    refused: Math.max(0, now.refused - before.refused),
    strays: now.strays.map((stray) => ({
      ...stray,
      datagrams: Math.max(0, stray.datagrams - (old.get(stray.protocol) ?? 0)),
    })),
  };
}
