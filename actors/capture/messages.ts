/** Protocol of the sensing actors. Sent by themselves (timers), by hostgroups never, by control for reports. */
import type { ExporterStats, FlowFamily, FlowListenerStats } from '../../domain/flow.js';
import type { SourceStats, TrafficTotals } from '../../domain/ports.js';
import type { ExporterRates } from './exporter-rates.js';

/** Where a flow listener listens, and what it has received over all its openings. */
export type ListenerReport = FlowListenerStats & {
  /** '0.0.0.0:2055'. */
  readonly address: string;
  readonly family: FlowFamily;
  readonly transport: 'udp' | 'tcp';
};

export type SourceReport = {
  readonly name: string;
  readonly kind: 'interface' | 'listener';
  readonly state: 'up' | 'down';
  readonly fault: string | null;
  /** Counts of this incarnation and all before it. */
  readonly stats: SourceStats;
  /** Per second over the last whole second, sampling undone. */
  readonly rates: TrafficTotals;
  readonly opened: number;
  /** Batches that no hostgroup took: its mailbox was full, or there is no such group. */
  readonly undelivered: number;
  /** null for an interface. */
  readonly listener: ListenerReport | null;
};

export type SourceMessage =
  | { readonly kind: 'tick' }
  /** A host has come near a threshold while the source was calm. */
  | { readonly kind: 'near' }
  | { readonly kind: 'survey' }
  | { readonly kind: 'report'; readonly reply: (report: SourceReport) => void }
  /** The exporters of a flow listener; an interface has none. */
  | { readonly kind: 'exporters'; readonly reply: (reports: readonly ExporterReport[]) => void };

export type ExporterReport = ExporterStats & {
  readonly listener: string;
  /** Over the last five to ten seconds. */
  readonly perSecond: ExporterRates;
};

/** `total`: over all openings of its listener. */
export type ExporterMessage = { readonly kind: 'observed'; readonly total: ExporterStats };
