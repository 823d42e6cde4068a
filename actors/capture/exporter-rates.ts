/**
 * Datagrams and records of an exporter per second, over the last five to ten: devices send in bursts. Pure; times are
 * monotonic milliseconds.
 */
import type { ExporterStats } from '../../domain/flow.js';
import type { Milliseconds } from '../../domain/units.js';

type Counts = Pick<ExporterStats, 'datagrams' | 'records'>;
type Mark = Counts & { readonly at: Milliseconds };
/** The rate is counted from `older`; `newer` takes its place. */
export type Marks = { readonly older: Mark; readonly newer: Mark };
export type ExporterRates = { readonly datagrams: number; readonly records: number };

export const spanMs: Milliseconds = 5_000;

const markOf = ({ datagrams, records }: Counts, at: Milliseconds): Mark => ({ datagrams, records, at });

export function marked(marks: Marks | null, counts: Counts, at: Milliseconds): Marks {
  const now = markOf(counts, at);
  if (marks === null) return { older: now, newer: now };
  if (at - marks.newer.at < spanMs) return marks;
  // Nothing was heard for so long that both marks are of another time: what has come since, came in the last span.
  const older = at - marks.newer.at < 2 * spanMs ? marks.newer : { ...marks.newer, at: at - 2 * spanMs };
  return { older, newer: now };
}

export function ratesSince({ older }: Marks, counts: Counts, at: Milliseconds): ExporterRates {
  const seconds = (at - older.at) / 1_000;
  if (!(seconds > 0)) return { datagrams: 0, records: 0 };
  return {
    datagrams: (counts.datagrams - older.datagrams) / seconds,
    records: (counts.records - older.records) / seconds,
  };
}
