/**
 * One count of an exporter over all openings of its listener: native counts start at zero with each. Pure.
 */
import { type ExporterCounter, type ExporterStats, exporterCounters } from '../../domain/flow.js';

export type ExporterCount = { readonly past: ExporterStats | null; readonly live: ExporterStats };

/** A count that has fallen is of another opening: what was before it is kept as past. */
export function observe(count: ExporterCount | null, stats: ExporterStats): ExporterCount {
  if (count === null) return { past: null, live: stats };
  const again = stats.datagrams < count.live.datagrams;
  return { past: again ? totalOf(count) : count.past, live: stats };
}

export function totalOf({ past, live }: ExporterCount): ExporterStats {
  if (past === null) return live;
  const sums: { [C in ExporterCounter]?: number } = {};
  for (const counter of exporterCounters) sums[counter] = past[counter] + live[counter];
  return { ...live, ...sums, firstSeen: past.firstSeen };
}

/** Whether anything has happened between two looks at one exporter that its actor should hear of. */
export const moved = (before: ExporterStats, now: ExporterStats): boolean =>
  before.datagrams !== now.datagrams ||
  before.setsExpired !== now.setsExpired ||
  before.templatesEvicted !== now.templatesEvicted;
