/**
 * Makes the rules of a cover as plain as they can be: a component that spares no normal packet and narrows little goes,
 * and a list of values gives way to one range around them. What is covered can only grow by it. Pure, in steps.
 */
import type { Work } from '../../../domain/work.js';
import { type Candidate, candidateOf, type Ground } from './candidates.js';
import { type Choice, type Dimension, dimensions } from './components.js';
import { type Cover, measured } from './cover.js';

/** What a plainer rule may let through, by the guess from before any packet, relative to the rule as it was. */
const widerWithout = 3;
const widerAsRange = 8;
const listed = 3;
/** Share of the normal packets that a plainer rule may hit in addition. */
const spared = 0.001;
/** Those that say least of an attack first. */
const order: readonly Dimension[] = [
  'source',
  'length',
  'destinationPort',
  'sourcePort',
  'icmpType',
  'fragment',
  'tcpFlags',
];

export function* mended(ground: Ground, cover: Cover): Work<Cover> {
  let kept = cover;
  for (const dimension of order) {
    const at = dimensions.indexOf(dimension);
    yield;
    for (const one of kept.chosen) {
      for (const plainer of plainerOf(ground, one, at)) {
        const changed = measured(
          ground,
          kept.chosen.map((other) => (other === one ? plainer : other)),
        );
        if ((changed.collateral ?? 0) > (cover.collateral ?? 0) + spared) continue;
        kept = changed;
        break;
      }
    }
  }
  return kept;
}

function plainerOf(ground: Ground, one: Candidate, at: number): readonly Candidate[] {
  const want = one.wants[at] ?? 0;
  if (want === 0) return [];
  const without = candidateOf(ground, one.wants.with(at, 0));
  const dropped = without.volume <= one.volume * widerWithout ? [without] : [];
  const list = ground.choices[at] ?? [];
  const values = list.filter((_, index) => want & (1 << index));
  if (values.length < listed) return dropped;
  const ranges = list.flatMap((choice, index) =>
    values.every((value) => isWithin(value, choice))
      ? [candidateOf(ground, one.wants.with(at, 1 << index))]
      : [],
  );
  return [
    ...dropped,
    ...ranges
      .filter(({ volume }) => volume <= one.volume * widerAsRange)
      .sort((a, b) => a.volume - b.volume || (a.key < b.key ? -1 : 1)),
  ];
}

const isWithin = (inner: Choice, outer: Choice): boolean =>
  'ranges' in inner &&
  'ranges' in outer &&
  inner.ranges.every((part) => outer.ranges.some(({ low, high }) => low <= part.low && part.high <= high));
