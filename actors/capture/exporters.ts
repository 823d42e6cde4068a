/**
 * Which exporters of a listener there are: found, still here, or silent for so long that they are let go.
 *
 * Pure; times are microseconds since the Unix epoch. At most `bound` at once, the rest is counted:
 * whoever can send us datagrams can invent exporters.
 */
import type { ExporterStats } from '../../domain/flow.js';
import type { UnixMicros } from '../../domain/units.js';
import { moved } from './exporter-count.js';

/** An exporter that has said nothing for so long is let go. */
export const silenceMicros = 10 * 60 * 1e6;
/** Where others want its place: one that its listener has given up, and that has been silent for so long or as long as it was heard. */
export const quietMicros = 60 * 1e6;

/** Letters, digits and `.-_:/@[]`, as the tree wants its ids. */
export const exporterId = (stats: ExporterStats): string =>
  `${stats.protocol}/${stats.address}/${stats.agent}/${stats.domain}`.replace(/[^A-Za-z0-9.\-_:/@[\]]/g, '_');

export type Roll = {
  readonly found: readonly ExporterStats[];
  readonly heard: readonly ExporterStats[];
  readonly gone: readonly string[];
  readonly refused: number;
};

/**
 * A listener that was opened again starts with an empty list, so absence alone lets nobody go; who has been heard for
 * long keeps its place against a crowd for as long, up to `silenceMicros`.
 */
export function callRoll(
  known: ReadonlyMap<string, ExporterStats>,
  seen: readonly ExporterStats[],
  at: UnixMicros,
  bound: number,
): Roll {
  const found: ExporterStats[] = [];
  const heard: ExporterStats[] = [];
  const living = new Map<string, ExporterStats>();
  for (const stats of seen) if (at - stats.lastSeen < silenceMicros) living.set(exporterId(stats), stats);
  const gone: string[] = [];
  const quiet: [id: string, lastSeen: UnixMicros][] = [];
  for (const [id, { firstSeen, lastSeen }] of known) {
    if (living.has(id)) continue;
    const silent = at - lastSeen;
    if (silent >= silenceMicros) gone.push(id);
    else if (silent >= Math.max(quietMicros, lastSeen - firstSeen)) quiet.push([id, lastSeen]);
  }
  let wanted = known.size - gone.length - bound;
  for (const id of living.keys()) if (!known.has(id)) wanted += 1;
  if (wanted > 0 && quiet.length > 0) {
    quiet.sort(([, one], [, other]) => one - other);
    for (const [id] of quiet.slice(0, wanted)) gone.push(id);
  }
  let free = bound - (known.size - gone.length);
  let refused = 0;
  for (const [id, stats] of living) {
    const before = known.get(id);
    if (before !== undefined) {
      if (moved(before, stats)) heard.push(stats);
    } else if (free > 0) {
      free -= 1;
      found.push(stats);
    } else refused += 1;
  }
  return { found, heard, gone, refused };
}
