/**
 * Which exporters of a listener there are: found, still here, or silent for so long that they are let go.
 *
 * Pure; times are microseconds since the Unix epoch. At most `bound` at once, the rest is counted:
 * whoever can send us datagrams can invent exporters.
 */
import type { ExporterStats } from '../../domain/flow.js';
import type { UnixMicros } from '../../domain/units.js';
import type { FlowCounts } from './messages.js';

/** An exporter that has said nothing for so long is let go. */
export const silenceMicros = 10 * 60 * 1e6;

/** Letters, digits and `.-_:/@[]`, as the tree wants its ids. */
export const exporterId = (stats: ExporterStats): string =>
  `${stats.address}/${stats.agent}/${stats.domain}`.replace(/[^A-Za-z0-9.\-_:/@[\]]/g, '_');

export type Roll = {
  readonly found: readonly ExporterStats[];
  readonly heard: readonly ExporterStats[];
  readonly gone: readonly string[];
  readonly refused: number;
};

/** What is remembered of a known exporter between two roll calls. */
export type Known = { readonly datagrams: number; readonly lastSeen: UnixMicros };

/** A listener that was opened again starts with an empty list, so absence alone lets nobody go. */
export function callRoll(
  known: ReadonlyMap<string, Known>,
  seen: readonly ExporterStats[],
  at: UnixMicros,
  bound: number,
): Roll {
  const found: ExporterStats[] = [];
  const heard: ExporterStats[] = [];
  const living = new Map<string, ExporterStats>();
  for (const stats of seen) if (at - stats.lastSeen < silenceMicros) living.set(exporterId(stats), stats);
  const gone: string[] = [];
  for (const [id, { lastSeen }] of known) {
    if (!living.has(id) && at - lastSeen >= silenceMicros) gone.push(id);
  }
  let free = bound - (known.size - gone.length);
  let refused = 0;
  for (const [id, stats] of living) {
    const before = known.get(id);
    if (before !== undefined) {
      if (before.datagrams !== stats.datagrams) heard.push(stats);
    } else if (free > 0) {
      free -= 1;
      found.push(stats);
    } else refused += 1;
  }
  return { found, heard, gone, refused };
}

/** One count over all openings of the listener: native counts start at zero with each. */
export type ExporterCount = { readonly past: ExporterStats | null; readonly live: ExporterStats };

export function observe(count: ExporterCount | null, stats: ExporterStats): ExporterCount {
  if (count === null) return { past: null, live: stats };
  const again = stats.datagrams < count.live.datagrams;
  return { past: again ? totalOf(count) : count.past, live: stats };
}

export const totalOf = ({ past, live }: ExporterCount): ExporterStats =>
  past === null
    ? live
    : {
        ...live,
        datagrams: past.datagrams + live.datagrams,
        records: past.records + live.records,
        sequenceLost: past.sequenceLost + live.sequenceLost,
      };

/** What a listener has received over all its openings. `opening` numbers the one that `live` counts. */
export type FlowTally = { readonly past: FlowCounts; readonly live: FlowCounts; readonly opening: number };

export const emptyFlowTally: FlowTally = {
  past: { datagrams: 0, records: 0 },
  live: { datagrams: 0, records: 0 },
  opening: 0,
};

/** `exporters`: all that this opening has heard of, with their counts since it. */
export function tallyFlow(tally: FlowTally, exporters: readonly ExporterStats[], opening: number): FlowTally {
  let datagrams = 0;
  let records = 0;
  for (const exporter of exporters) {
    datagrams += exporter.datagrams;
    records += exporter.records;
  }
  const past = opening === tally.opening ? tally.past : receivedBy(tally);
  return { past, live: { datagrams, records }, opening };
}

export const receivedBy = ({ past, live }: FlowTally): FlowCounts => ({
  datagrams: past.datagrams + live.datagrams,
  records: past.records + live.records,
});
