/**
 * The fewest candidates that cover enough of the attack at the least cost: greedy weighted set cover at several prices of
 * what is hit of normal traffic, then rules that are not needed are taken out and each is exchanged for a
 * better one where there is one.
 *
 * The cost is the share of normal packets that is hit, where few are known leant towards a guess from the rules' volume.
 * With one more rule allowed, the choice changes only for something: where there was none that will do, or where no less
 * is covered and it costs clearly less. So a larger budget never covers less. Pure, in steps.
 */
import type { Work } from '../../../domain/work.js';
import type { Candidate, Ground } from './candidates.js';
import { total } from './ranges.js';
import { either, noRows, weightOf } from './row-sets.js';

/** More rules than this are never tried. */
export const mostRules = 16;
/** Candidates that sets are made of, those that cover most. */
const mostConsidered = 512;
/** How many are looked at between two steps. */
const candidatesAStep = 64;
const prices = [0, 0.25, 1, 4, 16, 64];
const exchangeRounds = 3;
/** One more rule has to make the cost less by so much; below `cheap` none is asked for. */
const worthOfRule = 0.01;
const cheap = 0.01;
/** Normal packets that the guess from a rule's volume stands for. */
const guessPackets = 10;

export type Cover = {
  readonly chosen: readonly Candidate[];
  /** Shares, 0..1. `collateral` null: no normal packet is known. */
  readonly coverage: number;
  readonly collateral: number | null;
  readonly cost: number;
};
export type Wanted = { readonly coverage: number; readonly maxCollateral: number; readonly maxRules: number };
export type Covering =
  | { readonly ok: true; readonly cover: Cover }
  /** `nearest`: covers enough and hits too much; null: what can be covered at all is `coverage`. */
  | { readonly ok: false; readonly nearest: Cover | null; readonly coverage: number };

const acceptable = ({ collateral }: Cover, { maxCollateral }: Wanted): boolean =>
  collateral === null || collateral <= maxCollateral;

/** Rounding of sums of shares is no reason. */
const slack = 1e-9;

export function* coverOf(
  ground: Ground,
  all: readonly Candidate[],
  wanted: Wanted,
  mend: (cover: Cover) => Work<Cover>,
): Work<Covering> {
  const candidates = all.slice(0, mostConsidered);
  const rules = Math.min(wanted.maxRules, mostRules);
  let kept: Cover | null = null;
  let nearest: Cover | null = null;
  for (let budget = 1; budget <= rules; budget += 1) {
    if (kept !== null && kept.cost < cheap) break;
    const found: Cover | null = yield* sureOf(
      ground,
      candidates,
      budget,
      Math.max(wanted.coverage, kept?.coverage ?? 0),
    );
    if (found === null) continue;
    const cover: Cover = yield* mend(found);
    if (!acceptable(cover, wanted)) {
      if (nearest === null || (cover.collateral ?? 0) < (nearest.collateral ?? 0)) nearest = cover;
      continue;
    }
    if (kept === null || better(cover, kept)) kept = cover;
  }
  if (kept !== null) return { ok: true, cover: kept };
  return { ok: false, nearest, coverage: widest(ground, candidates, rules) };
}

/** So many deviations of a sample's share above what is wanted is sure enough. */
const deviations = 1.5;

/** What a sample covers the whole may not: a little more than wanted is taken where it costs little more. */
function* sureOf(
  ground: Ground,
  candidates: readonly Candidate[],
  budget: number,
  wanted: number,
): Work<Cover | null> {
  const least = yield* cheapest(ground, candidates, budget, wanted - slack);
  if (least === null) return null;
  const ample =
    wanted + deviations * Math.sqrt((wanted * Math.max(0, 1 - wanted)) / Math.max(1, ground.attack.packets));
  if (least.coverage >= ample || ample > 1) return least;
  const more = yield* cheapest(ground, candidates, budget, ample);
  return more !== null && more.cost <= least.cost + worthOfRule ? more : least;
}

const better = (cover: Cover, kept: Cover): boolean =>
  cover.coverage >= kept.coverage - slack &&
  cover.cost <= kept.cost - worthOfRule * (cover.chosen.length - kept.chosen.length);

/** What a set of candidates covers, hits and costs; a guess from its volume stands for some normal packets. */
export function measured({ attack, normal }: Ground, chosen: readonly Candidate[]): Cover {
  const covered = chosen.reduce((rows, one) => either(rows, one.attackRows), noRows(attack.weights.length));
  const touched = chosen.reduce((rows, one) => either(rows, one.normalRows), noRows(normal.weights.length));
  const hit = chosen.length === 0 ? 0 : weightOf(touched, normal.weights) + normal.beyond;
  const volume = Math.min(1, total(chosen.map((one) => one.volume)));
  const guess = guessWeight(normal);
  return {
    chosen,
    coverage: attack.total === 0 ? 0 : weightOf(covered, attack.weights) / attack.total,
    collateral: normal.total === 0 ? null : hit / normal.total,
    cost: (hit + guess * volume) / (normal.total + guess),
  };
}

const guessWeight = ({ packets, total: all }: Ground['normal']): number =>
  packets === 0 ? 1 : (all / packets) * guessPackets;

function* cheapest(
  ground: Ground,
  candidates: readonly Candidate[],
  budget: number,
  target: number,
): Work<Cover | null> {
  let best: Cover | null = null;
  for (const price of budget === 1 ? [0] : prices) {
    const first =
      budget === 1
        ? yield* single(ground, candidates, target)
        : yield* greedy(ground, candidates, budget, target, price);
    if (first === null) continue;
    const cover = needed(ground, first, target);
    if (best === null || before(cover, best)) best = cover;
  }
  return best === null ? null : yield* exchanged(ground, candidates, best, target);
}

const textOf = ({ chosen }: Cover): string => chosen.map(({ key }) => key).join(';');
const before = (a: Cover, b: Cover): boolean =>
  a.cost !== b.cost
    ? a.cost < b.cost
    : a.chosen.length !== b.chosen.length
      ? a.chosen.length < b.chosen.length
      : textOf(a) < textOf(b);

function* single(ground: Ground, candidates: readonly Candidate[], target: number): Work<Cover | null> {
  let best: Cover | null = null;
  for (const [index, one] of candidates.entries()) {
    if (index % candidatesAStep === candidatesAStep - 1) yield;
    if (one.attack < target * ground.attack.total) continue;
    const cover = measured(ground, [one]);
    if (best === null || before(cover, best)) best = cover;
  }
  return best;
}

function* greedy(
  ground: Ground,
  candidates: readonly Candidate[],
  budget: number,
  target: number,
  price: number,
): Work<Cover | null> {
  const { attack, normal } = ground;
  let covered = noRows(attack.weights.length);
  let hit = noRows(normal.weights.length);
  const guess = guessWeight(normal);
  const chosen: Candidate[] = [];
  let share = 0;
  while (chosen.length < budget && share < target) {
    let best: { readonly one: Candidate; readonly value: number; readonly gain: number } | null = null;
    for (const [index, one] of candidates.entries()) {
      if (index % candidatesAStep === candidatesAStep - 1) yield;
      const gain = weightOf(one.attackRows, attack.weights, covered) / attack.total;
      if (gain <= 0) continue;
      const cost =
        (weightOf(one.normalRows, normal.weights, hit) + guess * one.volume) / (normal.total + guess);
      const value = Math.min(gain, target - share) - price * cost - slack * one.volume;
      if (best === null || value > best.value) best = { one, value, gain };
    }
    if (best === null) return null;
    chosen.push(best.one);
    share += best.gain;
    covered = either(covered, best.one.attackRows);
    hit = either(hit, best.one.normalRows);
  }
  return share >= target ? measured(ground, chosen) : null;
}

/** Without rules that the others make superfluous, the one that covers least first. */
function needed(ground: Ground, cover: Cover, target: number): Cover {
  let kept = cover;
  const order = [...cover.chosen].sort((a, b) => a.attack - b.attack || (a.key < b.key ? -1 : 1));
  for (const one of order) {
    const fewer = measured(
      ground,
      kept.chosen.filter((other) => other !== one),
    );
    if (fewer.coverage >= target) kept = fewer;
  }
  return kept;
}

function* exchanged(
  ground: Ground,
  candidates: readonly Candidate[],
  cover: Cover,
  target: number,
): Work<Cover> {
  let kept = cover;
  for (let round = 0; round < exchangeRounds; round += 1) {
    const begun = kept;
    for (const one of begun.chosen) {
      const others = kept.chosen.filter((other) => other !== one);
      const missing = (target - measured(ground, others).coverage) * ground.attack.total;
      for (const [index, other] of candidates.entries()) {
        if (index % candidatesAStep === candidatesAStep - 1) yield;
        if (other.attack < missing || others.includes(other)) continue;
        const changed = measured(ground, [...others, other]);
        if (changed.coverage >= target && before(changed, kept)) kept = changed;
      }
    }
    if (kept === begun) break;
  }
  return kept;
}

/** The largest share that so many candidates cover, whatever they hit, as far as a greedy choice finds it. */
function widest({ attack }: Ground, candidates: readonly Candidate[], budget: number): number {
  let covered = noRows(attack.weights.length);
  for (let rules = 0; rules < budget; rules += 1) {
    let best: { readonly one: Candidate; readonly gain: number } | null = null;
    for (const one of candidates) {
      const gain = weightOf(one.attackRows, attack.weights, covered);
      if (gain > 0 && (best === null || gain > best.gain)) best = { one, gain };
    }
    if (best === null) break;
    covered = either(covered, best.one.attackRows);
  }
  return attack.total === 0 ? 0 : weightOf(covered, attack.weights) / attack.total;
}
