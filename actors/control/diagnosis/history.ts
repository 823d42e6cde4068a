/**
 * What the doctor remembers, so that an answer is immediate and of the last minutes: two samples of all counts, and the
 * exporters that have gone.
 *
 * Pure. A sample replaces the older of the two, so counts are compared over one to two intervals; before the second
 * sample, over all there is. Of exporters that have gone at most `maxGone` are remembered, for a day.
 */
import type { ExporterStats, FlowListenerStats } from '../../../domain/flow.js';
import type { UnixMicros } from '../../../domain/units.js';
import {
  type ExporterFacts,
  exporterSince,
  type Facts,
  type ListenerFacts,
  type ListenerSetting,
  listenerSince,
} from './facts.js';

/** Faults that were mended are forgotten after twice this, and rates of loss are known to a thousandth by then. */
export const sampleEveryMs = 300_000;
/** Whoever can send us datagrams can invent exporters, and let them go. */
export const maxGone = 1_024;
const goneForMicros = 86_400e6;

export type SeenExporter = { readonly listener: string; readonly stats: ExporterStats };
export type Sample = {
  readonly at: UnixMicros;
  /** By `keyOf`. */
  readonly exporters: ReadonlyMap<string, SeenExporter>;
  /** By name. */
  readonly listeners: ReadonlyMap<string, FlowListenerStats>;
};
export type History = {
  readonly older: Sample | null;
  readonly newer: Sample | null;
  /** Oldest first. */
  readonly gone: ReadonlyMap<string, SeenExporter>;
};
export const emptyHistory: History = { older: null, newer: null, gone: new Map() };

const keyOf = ({ listener, stats }: SeenExporter): string =>
  `${listener} ${stats.protocol} ${stats.address} ${stats.agent} ${stats.domain}`;

export const sampleOf = (
  at: UnixMicros,
  exporters: readonly SeenExporter[],
  listeners: Iterable<readonly [string, FlowListenerStats]>,
): Sample => ({
  at,
  exporters: new Map(exporters.map((one) => [keyOf(one), one])),
  listeners: new Map(listeners),
});

/** The history with one more sample. */
export function remember(history: History, sample: Sample): History {
  const gone = new Map(goneBy(history, sample));
  for (const key of gone.keys()) {
    if (gone.size <= maxGone) break;
    gone.delete(key);
  }
  return { older: history.newer, newer: sample, gone };
}

/** Exporters that were there and are no more, each of a listener that still is. */
function goneBy(history: History, now: Sample): ReadonlyMap<string, SeenExporter> {
  const gone = new Map([...history.gone, ...(history.newer?.exporters ?? [])]);
  for (const [key, { listener, stats }] of gone) {
    const isGone = !now.exporters.has(key) && now.listeners.has(listener);
    if (!isGone || now.at - stats.lastSeen > goneForMicros) gone.delete(key);
  }
  return gone;
}

/** What has happened since the older sample. */
export function factsSince(
  history: History,
  now: Sample,
  settings: readonly ListenerSetting[],
  startedAt: UnixMicros,
): Pick<Facts, 'at' | 'periodSeconds' | 'listeners' | 'exporters'> {
  const before = history.older ?? history.newer;
  const exporters = [...now.exporters].map(
    ([key, { listener, stats }]): ExporterFacts => ({
      listener,
      now: stats,
      period: exporterSince(stats, before?.exporters.get(key)?.stats),
    }),
  );
  const gone = [...goneBy(history, now).values()].map(
    ({ listener, stats }): ExporterFacts => ({ listener, now: stats, period: exporterSince(stats, stats) }),
  );
  const listeners = settings.flatMap((setting): readonly ListenerFacts[] => {
    const stats = now.listeners.get(setting.name);
    if (stats === undefined) return [];
    return [{ setting, now: stats, period: listenerSince(stats, before?.listeners.get(setting.name)) }];
  });
  return {
    at: now.at,
    periodSeconds: Math.max(0, now.at - (before?.at ?? startedAt)) / 1e6,
    listeners,
    exporters: [...exporters, ...gone],
  };
}
