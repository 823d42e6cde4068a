/** Protocol of the sensing actors. Sent by themselves (timers), by hostgroups never, by control for reports. */
import type { ExporterStats } from '../../domain/flow.js';
import type { SourceStats, TrafficTotals } from '../../domain/ports.js';

/** `records`: flow samples or flow records, sampling not undone. */
export type FlowCounts = { readonly datagrams: number; readonly records: number };

export type SourceReport = {
  readonly name: string;
  readonly kind: 'interface' | 'sflow';
  readonly state: 'up' | 'down';
  readonly fault: string | null;
  /** Counts of this incarnation and all before it. */
  readonly stats: SourceStats;
  /** Per second over the last whole second, sampling undone. */
  readonly rates: TrafficTotals;
  readonly opened: number;
  /** Batches that no hostgroup took: its mailbox was full, or there is no such group. */
  readonly undelivered: number;
  /** What has come over the wire, of a listener; null for an interface. */
  readonly flow: FlowCounts | null;
};

export type SourceMessage =
  | { readonly kind: 'tick' }
  | { readonly kind: 'survey' }
  | { readonly kind: 'report'; readonly reply: (report: SourceReport) => void }
  /** The exporters of a flow listener; an interface has none. */
  | { readonly kind: 'exporters'; readonly reply: (reports: readonly ExporterReport[]) => void };

export type ExporterReport = ExporterStats & { readonly listener: string };

export type ExporterMessage =
  | { readonly kind: 'observed'; readonly stats: ExporterStats }
  | { readonly kind: 'report'; readonly reply: (report: ExporterReport) => void };
