/**
 * What a source has counted over all its lives, and how fast it counts now.
 *
 * A native source counts from zero at each opening; operators want one count that never falls.
 * Pure. Rates are per second, sampling undone. `hosts` is a level, so only the last one stands.
 */
import type { SourceStats, TrafficTotals } from '../../domain/ports.js';
import { flowDirections } from '../../domain/traffic.js';

export const nothingCounted: TrafficTotals = {
  incoming: { packets: 0, bytes: 0 },
  outgoing: { packets: 0, bytes: 0 },
  internal: { packets: 0, bytes: 0 },
  other: { packets: 0, bytes: 0 },
};

export const emptyStats: SourceStats = {
  packets: 0,
  bytes: 0,
  dropped: 0,
  unparsed: 0,
  errors: {},
  totals: nothingCounted,
  hosts: 0,
  hostOverflow: 0,
  flowOverflow: 0,
};

/** `past` and the life that follows it, as one. */
export function addStats(past: SourceStats, live: SourceStats): SourceStats {
  const errors: Record<string, number> = { ...past.errors };
  for (const [name, count] of Object.entries(live.errors)) errors[name] = (errors[name] ?? 0) + count;
  return {
    packets: past.packets + live.packets,
    bytes: past.bytes + live.bytes,
    dropped: past.dropped + live.dropped,
    unparsed: past.unparsed + live.unparsed,
    errors,
    totals: mapTotals((direction) => ({
      packets: past.totals[direction].packets + live.totals[direction].packets,
      bytes: past.totals[direction].bytes + live.totals[direction].bytes,
    })),
    hosts: live.hosts,
    hostOverflow: past.hostOverflow + live.hostOverflow,
    flowOverflow: past.flowOverflow + live.flowOverflow,
  };
}

/** Per second between two counts of the same life, `seconds` apart; nothing when no time has passed. */
export function ratesBetween(before: TrafficTotals, after: TrafficTotals, seconds: number): TrafficTotals {
  if (!(seconds > 0)) return nothingCounted;
  return mapTotals((direction) => ({
    packets: (after[direction].packets - before[direction].packets) / seconds,
    bytes: (after[direction].bytes - before[direction].bytes) / seconds,
  }));
}

const mapTotals = (
  of: (direction: (typeof flowDirections)[number]) => { readonly packets: number; readonly bytes: number },
): TrafficTotals => {
  const [incoming, outgoing, internal, other] = flowDirections;
  return {
    incoming: of(incoming),
    outgoing: of(outgoing),
    internal: of(internal),
    other: of(other),
  };
};
