/**
 * What lies between the places at which a host's normal packets gather: an attack whose values are scattered can be told from
 * established connections by leaving out the few that these have, for a small part of what it covers.
 *
 * Acknowledgements without data have one length or two (40 bytes, 52 with timestamps); a flood of random ones has them by chance
 * alone. A place counts when several sources gather there: what one of them does, others will not. Pure.
 */
import { formatAddress } from '../../../domain/address.js';
import type { NumberRange } from '../../../domain/flowspec.js';
import type { PacketFacts } from './facts.js';
import { type Measured, rangesIn, total, weigh } from './ranges.js';

type Component = 'sourcePort' | 'destinationPort' | 'length';

/** A value gathers normal packets from so many of them on, from so many sources, and from this share of those of its protocol. */
const leastPackets = 3;
const leastSources = 2;
const leastShare = 0.08;
/** To leave it out may cost this share of the attack. */
const mostLost = 0.05;
const mostPlaces = 4;
/** Fewer distinct values than this are not scattered. */
const scatteredFrom = 16;

export function gapsBetween(
  attack: readonly PacketFacts[],
  normal: readonly PacketFacts[],
  of: Component,
): readonly NumberRange[] {
  const own = measured(attack, of);
  const scattered = weigh(own);
  if (scattered.length < scatteredFrom) return [];
  const [whole] = rangesIn(own, of === 'length' ? 'length' : 'port');
  if (whole === undefined) return [];
  const most = total(own.map(({ weight }) => weight)) * mostLost;
  const lost = new Map(scattered.map(({ value, weight }) => [value, weight]));
  const places = gatherings(attack, normal, of)
    .filter((value) => whole.low <= value && value <= whole.high && (lost.get(value) ?? 0) <= most)
    .slice(0, mostPlaces)
    .sort((a, b) => a - b);
  if (places.length === 0) return [];
  const ends = [whole.low - 1, ...places, whole.high + 1];
  return ends
    .slice(1)
    .map((end, index) => ({ low: (ends[index] ?? 0) + 1, high: end - 1 }))
    .filter(({ low, high }) => low <= high);
}

/** Values at which normal packets of the attack's protocols gather, the most frequent first. */
function gatherings(
  attack: readonly PacketFacts[],
  normal: readonly PacketFacts[],
  of: Component,
): readonly number[] {
  const protocols = new Set(attack.map(({ protocol }) => protocol));
  const alike = normal.filter((facts) => protocols.has(facts.protocol) && facts[of] !== null);
  const sourcesOf = (value: number): number =>
    new Set(alike.filter((facts) => facts[of] === value).map(({ source }) => formatAddress(source))).size;
  return weigh(measured(alike, of))
    .filter(({ packets }) => packets >= Math.max(leastPackets, leastShare * alike.length))
    .filter(({ value }) => sourcesOf(value) >= leastSources)
    .sort((a, b) => b.weight - a.weight || a.value - b.value)
    .map(({ value }) => value);
}

function measured(packets: readonly PacketFacts[], of: Component): Measured[] {
  return packets.flatMap((facts) => {
    const value = facts[of];
    return value === null ? [] : [{ value, weight: facts.weight }];
  });
}
