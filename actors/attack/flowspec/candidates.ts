/**
 * Candidate rules: what each packet has in common with others, in every choice of components; and unions of candidates
 * that differ in one component alone. Of candidates that cover the same packets the one that hits least is kept.
 *
 * Packets that no choice tells apart are one row. At most `mostRows` rows of the attack and of normal traffic are looked
 * at: what is beyond counts as not covered, and as hit. At most `mostTried` candidates are tried, those of the
 * heaviest rows first, and as many in each of `unionRounds`. Pure, in steps.
 */
import type { Work } from '../../../domain/work.js';
import { type Choice, type Dimension, dimensions } from './components.js';
import type { PacketFacts } from './facts.js';
import { total } from './ranges.js';
import { both, either, noRows, type RowSet, sameKey, setOf, weightOf } from './row-sets.js';

export const mostRows = 1024;
export const mostTried = 8192;
/** Rows that candidates are made of. */
const mostSeeds = 48;
/** A candidate has to cover so much of the attack, and a union so much more than its parts. */
const leastShare = 0.01;
const unionRounds = 2;
const mostUnited = 8;
/** Candidates that are united, those that cover most. */
const mostParts = 512;

/** Rows of packets: their weights, and for each choice of each dimension the rows that fit it. */
export type Rows = {
  readonly weights: readonly number[];
  readonly fitting: readonly (readonly RowSet[])[];
  readonly all: RowSet;
  readonly packets: number;
  readonly total: number;
  readonly beyond: number;
};

export type Candidate = {
  /** For each dimension the choices, as bits, of which one must fit; 0: the component is absent. */
  readonly wants: readonly number[];
  readonly attackRows: RowSet;
  readonly normalRows: RowSet;
  readonly attack: number;
  readonly normal: number;
  readonly volume: number;
  readonly key: string;
};

export type Ground = {
  readonly choices: readonly (readonly Choice[])[];
  readonly attack: Rows;
  readonly normal: Rows;
};

/** TCP flags and a source are one value each; of the others a rule can hold a list. */
const united: readonly Dimension[] = [
  'protocol',
  'fragment',
  'sourcePort',
  'destinationPort',
  'length',
  'icmpType',
];

/** How much of a kind is done between two steps. */
const packetsAStep = 64;
const triedAStep = 32;

export function* rowsOf(
  packets: readonly PacketFacts[],
  choices: readonly (readonly Choice[])[],
): Work<Rows> {
  const found = new Map<string, { readonly fits: readonly number[]; weight: number }>();
  for (const [index, facts] of packets.entries()) {
    if (index % packetsAStep === packetsAStep - 1) yield;
    const fits = choices.map((list) =>
      list.reduce((bits, { test }, index) => (test(facts) ? bits | (1 << index) : bits), 0),
    );
    const key = fits.join();
    const row = found.get(key);
    if (row === undefined) found.set(key, { fits, weight: facts.weight });
    else row.weight += facts.weight;
  }
  const sorted = [...found].sort(
    ([a, { weight: first }], [b, { weight: second }]) => second - first || (a < b ? -1 : 1),
  );
  const rows = sorted.slice(0, mostRows).map(([, row]) => row);
  const all = total(sorted.map(([, { weight }]) => weight));
  return {
    weights: rows.map(({ weight }) => weight),
    fitting: choices.map((list, at) =>
      list.map((_, index) => setOf(rows.length, (row) => ((rows[row]?.fits[at] ?? 0) & (1 << index)) !== 0)),
    ),
    all: setOf(rows.length, () => true),
    packets: packets.length,
    total: all,
    beyond: all - total(rows.map(({ weight }) => weight)),
  };
}

export function* candidatesOf(ground: Ground): Work<readonly Candidate[]> {
  const known = new Map<string, Candidate>();
  const least = leastShare * ground.attack.total;
  const keep = (one: Candidate): void => {
    const rows = sameKey(one.attackRows);
    const other = known.get(rows);
    if (other === undefined || hitsLess(one, other)) known.set(rows, one);
  };
  const seeds = Math.min(mostSeeds, ground.attack.weights.length);
  for (let row = 0, tried = 0; row < seeds; row += 1)
    tried += yield* seed(ground, row, least, mostTried - tried, keep);
  for (let round = 0; round < unionRounds; round += 1) {
    yield;
    yield* unite(ground, inOrder(known.values()).slice(0, mostParts), least, keep);
  }
  return inOrder(known.values());
}

const hitsLess = (a: Candidate, b: Candidate): boolean =>
  a.normal !== b.normal ? a.normal < b.normal : a.volume !== b.volume ? a.volume < b.volume : a.key < b.key;

const inOrder = (candidates: Iterable<Candidate>): Candidate[] =>
  [...candidates].sort((a, b) => b.attack - a.attack || a.volume - b.volume || (a.key < b.key ? -1 : 1));

/** Every choice of components and values that fits the row; the protocol is always among them. How many were tried. */
function* seed(
  ground: Ground,
  row: number,
  least: number,
  most: number,
  keep: (one: Candidate) => void,
): Work<number> {
  const { choices, attack } = ground;
  const values = dimensions.map((dimension, at) => {
    const fits = (index: number): boolean =>
      ((attack.fitting[at]?.[index]?.[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0;
    const some = tried(choices[at] ?? [], fits);
    return dimension === 'protocol' ? some : [...some, 0];
  });
  let count = 0;
  let steps = 0;
  // The last is the next: depth first.
  const open: { readonly wants: readonly number[]; readonly rows: RowSet }[] = [
    { wants: [], rows: attack.all },
  ];
  for (let one = open.pop(); one !== undefined && count < most; one = open.pop()) {
    steps += 1;
    if (steps % triedAStep === 0) yield;
    const { wants, rows } = one;
    const at = wants.length;
    const next = values[at];
    if (next === undefined) {
      count += 1;
      keep(candidateOf(ground, wants));
      continue;
    }
    for (const { want, rows: fewer } of branches(attack, at, next, rows).toReversed()) {
      if (weightOf(fewer, attack.weights) >= least) open.push({ wants: [...wants, want], rows: fewer });
    }
  }
  return count;
}

/**
 * The narrowest value for each set of rows that is left. Where a value leaves all of them, to do without the component
 * could only hit more.
 */
function branches(
  attack: Rows,
  at: number,
  wants: readonly number[],
  rows: RowSet,
): readonly { readonly want: number; readonly rows: RowSet }[] {
  const left = new Map<string, { readonly want: number; readonly rows: RowSet }>();
  for (const want of wants) {
    const fewer = want === 0 ? rows : both(rows, fittingOf(attack, at, want));
    const key = sameKey(fewer);
    if (!left.has(key)) left.set(key, { want, rows: fewer });
  }
  return [...left.values()];
}

/** Values of one component that are tried beside its absence: the narrowest, the narrowest range, the widest, and ranges that spare what lies between them. */
function tried(list: readonly Choice[], fits: (index: number) => boolean): readonly number[] {
  const fitting = list
    .map((choice, index) => ({
      index,
      volume: choice.volume,
      single: isSingle(choice),
      several: 'ranges' in choice && choice.ranges.length > 1,
    }))
    .filter(({ index }) => fits(index))
    .sort((a, b) => a.volume - b.volume || a.index - b.index);
  const chosen = [
    fitting[0],
    fitting.find(({ single }) => !single),
    fitting.find(({ several }) => several),
    fitting.at(-1),
  ];
  return [...new Set(chosen.flatMap((one) => (one === undefined ? [] : [1 << one.index])))];
}

const isSingle = (choice: Choice): boolean =>
  !('ranges' in choice) || choice.ranges.every(({ low, high }) => low === high);

/** Rows that fit one of the choices in `want`. */
function fittingOf({ fitting, weights }: Rows, at: number, want: number): RowSet {
  const sets = fitting[at] ?? [];
  if ((want & (want - 1)) === 0) return sets[31 - Math.clz32(want)] ?? noRows(weights.length);
  return sets.reduce(
    (all, set, index) => (want & (1 << index) ? either(all, set) : all),
    noRows(weights.length),
  );
}

const matching = (rows: Rows, wants: readonly number[]): RowSet =>
  wants.reduce((set, want, at) => (want === 0 ? set : both(set, fittingOf(rows, at, want))), rows.all);

export function candidateOf({ choices, attack, normal }: Ground, wants: readonly number[]): Candidate {
  const attackRows = matching(attack, wants);
  const normalRows = matching(normal, wants);
  return {
    wants,
    key: wants.join(),
    attackRows,
    normalRows,
    attack: weightOf(attackRows, attack.weights),
    normal: weightOf(normalRows, normal.weights) + normal.beyond,
    volume: wants.reduce((product, want, index) => product * volumeOf(choices[index] ?? [], want), 1),
  };
}

function volumeOf(list: readonly Choice[], want: number): number {
  if (want === 0) return 1;
  let sum = 0;
  for (let index = 0; index < list.length; index += 1)
    if (want & (1 << index)) sum += list[index]?.volume ?? 0;
  return Math.min(1, sum);
}

/** In each group of candidates that differ in one component alone: the best two together, the best three, … */
function* unite(
  ground: Ground,
  candidates: readonly Candidate[],
  least: number,
  keep: (one: Candidate) => void,
): Work<void> {
  let left = mostTried;
  let groupsSeen = 0;
  for (const dimension of united) {
    const at = dimensions.indexOf(dimension);
    const groups = new Map<string, Candidate[]>();
    for (const one of candidates) {
      if (one.wants[at] === 0) continue;
      const key = one.wants.with(at, 0).join();
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [one]);
      else group.push(one);
    }
    yield;
    for (const group of groups.values()) {
      groupsSeen += 1;
      if (groupsSeen % triedAStep === 0) yield;
      if (group.length > 1 && left > 0) left -= uniteGroup(ground, group, at, least, keep);
    }
  }
}

function uniteGroup(
  ground: Ground,
  group: readonly Candidate[],
  at: number,
  least: number,
  keep: (one: Candidate) => void,
): number {
  const list = ground.choices[at] ?? [];
  const single = list.reduce((bits, choice, index) => (isSingle(choice) ? bits | (1 << index) : bits), 0);
  // A range can cover all that single values would: those are united by themselves too.
  const singles = group.filter(({ wants }) => ((wants[at] ?? 0) & ~single) === 0);
  let count = 0;
  for (const some of singles.length < group.length ? [group, singles] : [group]) {
    let [together, ...rest] = some;
    let parts = 1;
    for (const one of rest) {
      if (together === undefined || parts >= mostUnited) break;
      if (weightOf(one.attackRows, ground.attack.weights, together.attackRows) < least) continue;
      count += 1;
      parts += 1;
      together = candidateOf(
        ground,
        together.wants.with(at, (together.wants[at] ?? 0) | (one.wants[at] ?? 0)),
      );
      keep(together);
    }
  }
  return count;
}
