/**
 * A seeded generator of pseudo-random numbers: the same seed and label give the same numbers on every machine.
 *
 * The generator is sfc32 (C. Doty-Humphrey, PractRand), its state drawn from the seed and the label by a mixing
 * step. All arithmetic is on 32-bit integers. A fork depends on the seed and its label alone, never on
 * how much has been drawn before: parts of a scenario do not disturb each other. Not for secrets.
 */

export type Random = {
  /** 0 … 2^32 - 1. */
  readonly u32: () => number;
  /** A whole number, 0 … n - 1; n is 1 … 2^32. */
  readonly below: (n: number) => number;
  /** 0 ≤ x < 1, in steps of 2^-32. */
  readonly unit: () => number;
  /** True with probability `share`. */
  readonly chance: (share: number) => boolean;
  /** Both ends included. */
  readonly between: (low: number, high: number) => number;
  /**
   * Heavy-tailed: Pareto with exponent 1, at least `low`, cut at `high`, rounded down. Other exponents need a
   * power, which IEEE 754 leaves inexact: machines would differ.
   */
  readonly pareto: (low: number, high: number) => number;
  /** One of `items`; throws on an empty list. */
  readonly pick: <T>(items: readonly T[]) => T;
  readonly fill: (bytes: Uint8Array) => Uint8Array;
  readonly fork: (label: string) => Random;
};

const twoToMinus32 = 2 ** -32;
const warmUpRounds = 12;

/** `seed`: a safe integer, 0 or more. */
export function createRandom(seed: number, label = ''): Random {
  const mix = mixer(seed, label);
  let a = mix();
  let b = mix();
  let c = mix();
  let counter = 1;

  const u32 = (): number => {
    const drawn = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  };
  for (let round = 0; round < warmUpRounds; round++) u32();

  const unit = (): number => u32() * twoToMinus32;
  const below = (n: number): number => Math.floor(u32() * twoToMinus32 * n);
  return {
    u32,
    unit,
    below,
    chance: (share) => u32() * twoToMinus32 < share,
    between: (low, high) => low + below(high - low + 1),
    pareto: (low, high) => Math.min(high, Math.floor(low / (1 - unit()))),
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    fill: (bytes) => {
      for (let at = 0; at < bytes.length; at += 4) {
        const word = u32();
        bytes[at] = word;
        bytes[at + 1] = word >>> 8;
        bytes[at + 2] = word >>> 16;
        bytes[at + 3] = word >>> 24;
      }
      return bytes;
    },
    fork: (child) => createRandom(seed, `${label}/${child}`),
  };
}

/** Spreads seed and label over as many 32-bit words as are asked for, from 64 bits of hash. */
function mixer(seed: number, label: string): () => number {
  let first = 0x811c9dc5 | 0;
  let second = 0x2545f491 | 0;
  for (const letter of `${seed}:${label}`) {
    const code = letter.codePointAt(0) ?? 0;
    first = Math.imul(first ^ code, 0x01000193);
    first ^= first >>> 15;
    second = Math.imul(second ^ code, 0x5bd1e995);
    second ^= second >>> 13;
  }
  return () => {
    first = (first + 0x9e3779b9) | 0;
    second = (Math.imul(second, 0x2c1b3c6d) + 0x1b873593) | 0;
    let word = first ^ (first >>> 16) ^ second;
    word = Math.imul(word, 0x85ebca6b);
    word ^= word >>> 13;
    word = Math.imul(word, 0xc2b2ae35);
    return word ^ (word >>> 16);
  };
}
