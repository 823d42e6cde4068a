/**
 * Candidate rules: what each packet has in common with others, in every choice of components; and unions of candidates
 * that differ in one component alone.
 *
 * Packets that no choice tells apart are one row. At most `mostRows` rows of the attack and of normal traffic are looked
 * at: what is beyond counts as not covered, and as hit. At most `mostCandidates` candidates are made, those of
 * the heaviest rows first. Pure.
 */
import { type Choice, type Dimension, dimensions } from './components.js';
import type { PacketFacts } from './facts.js';
import { total } from './ranges.js';

export const mostRows = 1024;
export const mostCandidates = 16_384;
/** Rows that candidates are made of. */
const mostSeeds = 64;
/** Values of one component that are tried beside its absence: the narrowest, the narrowest range, the widest. */
const seedChoices = 3;
/** A candidate has to cover so much of the attack, and a union so much more than its parts. */
const leastShare = 0.01;
const unionRounds = 2;
const mostUnited = 8;

/** For each dimension, as bits, which choices the packets of a row fit; their weight. */
export type Row = { readonly fits: readonly number[]; readonly weight: number };
export type Rows = { readonly rows: readonly Row[]; readonly total: number; readonly beyond: number };

export type Candidate = {
  /** For each dimension the choices, as bits, of which one must fit; 0: the component is absent. */
  readonly wants: readonly number[];
  readonly attackRows: readonly number[];
  readonly normalRows: readonly number[];
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

export function rowsOf(packets: readonly PacketFacts[], choices: readonly (readonly Choice[])[]): Rows {
  const found = new Map<string, { fits: number[]; weight: number }>();
  for (const facts of packets) {
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
  return { rows, total: all, beyond: all - total(rows.map(({ weight }) => weight)) };
}

export function candidatesOf(ground: Ground): readonly Candidate[] {
  const known = new Map<string, Candidate>();
  const least = leastShare * ground.attack.total;
  const add = (wants: readonly number[]): Candidate | null => {
    const key = wants.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= mostCandidates) return null;
    const made = candidateOf(ground, wants);
    if (made.attack < least) return null;
    known.set(key, made);
    return made;
  };
  for (const row of ground.attack.rows.slice(0, mostSeeds)) seed(ground.choices, row.fits, add);
  for (let round = 0; round < unionRounds; round += 1) unite(ground, inOrder(known.values()), add, least);
  return undominated(known.values());
}

const inOrder = (candidates: Iterable<Candidate>): Candidate[] =>
  [...candidates].sort((a, b) => b.attack - a.attack || a.volume - b.volume || (a.key < b.key ? -1 : 1));

/** Every choice of components and values that fits the row; the protocol is always among them. */
function seed(
  choices: readonly (readonly Choice[])[],
  fits: readonly number[],
  add: (wants: readonly number[]) => unknown,
): void {
  const values = dimensions.map((dimension, index) => {
    const some = tried(choices[index] ?? [], fits[index] ?? 0);
    return dimension === 'protocol' ? some : [0, ...some];
  });
  const grow = (wants: readonly number[]): void => {
    const next = values[wants.length];
    if (next === undefined) add(wants);
    else for (const want of next) grow([...wants, want]);
  };
  grow([]);
}

function tried(list: readonly Choice[], fits: number): readonly number[] {
  const fitting = list
    .map((choice, index) => ({ bit: 1 << index, volume: choice.volume, single: isSingle(choice) }))
    .filter(({ bit }) => (fits & bit) !== 0)
    .sort((a, b) => a.volume - b.volume || a.bit - b.bit);
  const chosen = [fitting[0], fitting.find(({ single }) => !single), fitting.at(-1)];
  return [...new Set(chosen.flatMap((one) => (one === undefined ? [] : [one.bit])))].slice(0, seedChoices);
}

const isSingle = (choice: Choice): boolean => 'range' in choice && choice.range.low === choice.range.high;

const fitsRow = (wants: readonly number[], fits: readonly number[]): boolean =>
  wants.every((want, index) => want === 0 || (want & (fits[index] ?? 0)) !== 0);

export function candidateOf({ choices, attack, normal }: Ground, wants: readonly number[]): Candidate {
  const matching = ({ rows }: Rows): number[] =>
    rows.flatMap(({ fits }, index) => (fitsRow(wants, fits) ? [index] : []));
  const weightOf = ({ rows }: Rows, some: readonly number[]): number =>
    total(some.map((index) => rows[index]?.weight ?? 0));
  const attackRows = matching(attack);
  const normalRows = matching(normal);
  return {
    wants,
    key: wants.join(),
    attackRows,
    normalRows,
    attack: weightOf(attack, attackRows),
    normal: weightOf(normal, normalRows) + normal.beyond,
    volume: wants.reduce((product, want, index) => product * volumeOf(choices[index] ?? [], want), 1),
  };
}

const volumeOf = (list: readonly Choice[], want: number): number =>
  want === 0
    ? 1
    : Math.min(1, total(list.flatMap(({ volume }, index) => (want & (1 << index) ? [volume] : []))));

/** In each group of candidates that differ in one component alone: the best two together, the best three, … */
function unite(
  ground: Ground,
  candidates: readonly Candidate[],
  add: (wants: readonly number[]) => Candidate | null,
  least: number,
): void {
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
    for (const group of groups.values()) {
      if (group.length > 1) uniteGroup(ground, group, at, add, least);
    }
  }
}

function uniteGroup(
  ground: Ground,
  [first, ...rest]: readonly Candidate[],
  at: number,
  add: (wants: readonly number[]) => Candidate | null,
  least: number,
): void {
  if (first === undefined) return;
  // The widest of a group covers the others: begin with single values too.
  const starts = [first, ...rest.slice(0, 1)];
  for (const start of starts) {
    let together: Candidate = start;
    let count = 1;
    for (const one of [first, ...rest]) {
      if (count >= mostUnited) break;
      const want = (together.wants[at] ?? 0) | (one.wants[at] ?? 0);
      if (want === together.wants[at]) continue;
      const wants = together.wants.with(at, want);
      if (candidateOf(ground, wants).attack < together.attack + least) continue;
      const wider = add(wants);
      if (wider === null) return;
      together = wider;
      count += 1;
    }
  }
}

/** Of those that cover the same rows of the attack, the one that hits least. */
function undominated(candidates: Iterable<Candidate>): readonly Candidate[] {
  const best = new Map<string, Candidate>();
  for (const one of inOrder(candidates)) {
    const rows = one.attackRows.join();
    const other = best.get(rows);
    if (
      other === undefined ||
      one.normal < other.normal ||
      (one.normal === other.normal && one.volume < other.volume)
    ) {
      best.set(rows, one);
    }
  }
  return inOrder(best.values());
}
