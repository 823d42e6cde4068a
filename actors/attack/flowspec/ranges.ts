/**
 * Ranges that hold scattered values: all of them, all but the outermost, and the clusters that they fall into.
 *
 * A sample seldom holds the least and the greatest value that there is. Where values are scattered, a range is wider than
 * what was seen by twice the mean distance of its values, and port ranges end at the usual borders when those are
 * near. Pure.
 */
import type { NumberRange } from '../../../domain/flowspec.js';

export type Measured = { readonly value: number; readonly weight: number };
export type Weighed = Measured & { readonly packets: number };
export type Scale = 'port' | 'length' | 'protocol';

const scales: {
  readonly [S in Scale]: { readonly low: number; readonly high: number; readonly gap: number };
} = {
  port: { low: 0, high: 65_535, gap: 1024 },
  length: { low: 20, high: 65_535, gap: 64 },
  protocol: { low: 0, high: 255, gap: 16 },
};
/** IANA's system, user and dynamic ports (RFC 6335 section 6). */
const portBorders = { low: [0, 1024, 49_152], high: [1023, 49_151, 65_535] };
const borderShare = 0.05;
/** Fewer distinct values than this are those that there are. */
const scatteredFrom = 8;
const outermost = 0.005;
const clusterShare = 0.05;
const mostClusters = 4;

export const total = (weights: readonly number[]): number => weights.reduce((sum, weight) => sum + weight, 0);

/** Each value once, in order. */
export function weigh(values: readonly Measured[]): Weighed[] {
  const sums = new Map<number, { weight: number; packets: number }>();
  for (const { value, weight } of values) {
    const sum = sums.get(value);
    if (sum === undefined) sums.set(value, { weight, packets: 1 });
    else {
      sum.weight += weight;
      sum.packets += 1;
    }
  }
  return [...sums].map(([value, sum]) => ({ value, ...sum })).sort((a, b) => a.value - b.value);
}

export function rangesIn(values: readonly Measured[], scale: Scale): readonly NumberRange[] {
  const sorted = weigh(values);
  if (sorted.length < 2) return [];
  const inner = trimmed(sorted);
  const parts = clusters(inner, scale);
  return [inner, ...(parts.length > 1 ? parts : []), sorted].flatMap((part) =>
    part.length < 2 ? [] : [widened(part, scale)],
  );
}

/** Without the outermost values of either end. */
function trimmed(sorted: readonly Weighed[]): readonly Weighed[] {
  const most = total(sorted.map(({ weight }) => weight)) * outermost;
  let from = 0;
  let until = sorted.length;
  for (let left = most; from < until && (sorted[from]?.weight ?? 0) <= left; from += 1) {
    left -= sorted[from]?.weight ?? 0;
  }
  for (let left = most; until > from && (sorted[until - 1]?.weight ?? 0) <= left; until -= 1) {
    left -= sorted[until - 1]?.weight ?? 0;
  }
  return sorted.slice(from, until);
}

/** Parts with wider gaps between them than chance would leave, the heaviest. */
function clusters(sorted: readonly Weighed[], scale: Scale): readonly (readonly Weighed[])[] {
  const span = (sorted.at(-1)?.value ?? 0) - (sorted[0]?.value ?? 0);
  const chance = (4 * span * Math.log(sorted.length + 1)) / sorted.length;
  const gap = Math.max(scales[scale].gap, sorted.length < scatteredFrom ? 0 : chance);
  const parts: Weighed[][] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const one of sorted) {
    const part = one.value - before > gap ? undefined : parts.at(-1);
    if (part === undefined) parts.push([one]);
    else part.push(one);
    before = one.value;
  }
  const weightOf = (part: readonly Weighed[]): number => total(part.map(({ weight }) => weight));
  const least = weightOf(sorted) * clusterShare;
  return parts
    .filter((part) => weightOf(part) >= least)
    .sort((a, b) => weightOf(b) - weightOf(a) || (a[0]?.value ?? 0) - (b[0]?.value ?? 0))
    .slice(0, mostClusters);
}

function widened(sorted: readonly Weighed[], scale: Scale): NumberRange {
  const first = sorted[0]?.value ?? 0;
  const last = sorted.at(-1)?.value ?? 0;
  if (sorted.length < scatteredFrom) return { low: first, high: last };
  const { low, high } = scales[scale];
  const packets = total(sorted.map((one) => one.packets));
  const pad = Math.ceil((2 * (last - first)) / packets);
  const range = { low: Math.max(low, first - pad), high: Math.min(high, last + pad) };
  if (scale !== 'port') return range;
  const near = (last - first) * borderShare;
  return {
    low: portBorders.low.findLast((border) => border <= first && border >= range.low - near) ?? range.low,
    high: portBorders.high.find((border) => border >= last && border <= range.high + near) ?? range.high,
  };
}
