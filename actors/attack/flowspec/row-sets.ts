/** Sets of rows as bits, 32 rows a word, and what the rows in them weigh. Two sets of one ground have the same length. Pure. */

export type RowSet = Uint32Array;

export const noRows = (rows: number): RowSet => new Uint32Array(Math.ceil(rows / 32));

export function setOf(rows: number, has: (row: number) => boolean): RowSet {
  const set = noRows(rows);
  for (let row = 0; row < rows; row += 1) {
    if (has(row)) set[row >>> 5] = ((set[row >>> 5] ?? 0) | (1 << (row & 31))) >>> 0;
  }
  return set;
}

const combined =
  (combine: (a: number, b: number) => number) =>
  (a: RowSet, b: RowSet): RowSet => {
    const out = new Uint32Array(a.length);
    for (let word = 0; word < a.length; word += 1) out[word] = combine(a[word] ?? 0, b[word] ?? 0);
    return out;
  };

export const both = combined((a, b) => a & b);
export const either = combined((a, b) => a | b);

/** Weight of the rows in `set` that are not in `but`. */
export function weightOf(set: RowSet, weights: readonly number[], but: RowSet | null = null): number {
  let sum = 0;
  for (let word = 0; word < set.length; word += 1) {
    let bits = (set[word] ?? 0) & ~(but?.[word] ?? 0);
    while (bits !== 0) {
      const low = bits & -bits;
      sum += weights[word * 32 + (31 - Math.clz32(low))] ?? 0;
      bits ^= low;
    }
  }
  return sum;
}

export const sameKey = (set: RowSet): string => String.fromCharCode(...new Uint16Array(set.buffer));
