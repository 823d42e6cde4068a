/**
 * Lists of operators and values, of which flowspec components are made (RFC 8955 sections 4.2.1.1 and 4.2.1.2).
 *
 *     0   1   2   3   4   5   6   7            0   1   2   3   4   5   6   7
 *   +---+---+---+---+---+---+---+---+        +---+---+---+---+---+---+---+---+
 *   | e | a |  len  | 0 |lt |gt |eq |        | e | a |  len  | 0 | 0 |not| m |
 *   +---+---+---+---+---+---+---+---+        +---+---+---+---+---+---+---+---+
 *             numeric                                    bitmask
 *
 * `e`: the last of its list. `a`: and (with the one before), else or. `len`: the value has 2^len bytes.
 */
import type { NumberRange, TcpFlagMatch } from '../../../domain/flowspec.js';
import { type Reader, u8, u16, u32 } from './bytes.js';

const endOfList = 0x80;
const and = 0x40;
const lessThan = 0x04;
const greaterThan = 0x02;
const equal = 0x01;
const not = 0x02;
const match = 0x01;
const reserved = { numeric: 0x08, bitmask: 0x0c } as const;

/** More than a component of ours has; what is longer was not written by us. */
const maxOperators = 512;

type Term = { readonly and: boolean; readonly operator: number; readonly value: number };

function encodeTerms(terms: readonly Term[]): readonly number[] {
  return terms.flatMap((term, index) => {
    const width = term.value < 0x100 ? 0 : term.value < 0x10000 ? 1 : 2;
    const last = index === terms.length - 1 ? endOfList : 0;
    const operator = last | (term.and ? and : 0) | (width << 4) | term.operator;
    const value = width === 0 ? u8(term.value) : width === 1 ? u16(term.value) : u32(term.value);
    return [operator, ...value];
  });
}

/** null: the list does not end, a reserved bit is set, or it begins with an `and`. Values of 8 bytes are not ours. */
function decodeTerms(reader: Reader, kind: keyof typeof reserved): readonly Term[] | null {
  const terms: Term[] = [];
  for (let count = 0; count < maxOperators; count += 1) {
    const operator = reader.u8();
    const value = reader.number(1 << ((operator >> 4) & 0x03));
    if (!reader.ok() || (operator & reserved[kind]) !== 0) return null;
    const joined = (operator & and) !== 0;
    if (joined && terms.length === 0) return null;
    terms.push({ and: joined, operator: operator & 0x07, value });
    if ((operator & endOfList) !== 0) return terms;
  }
  return null;
}

/** '=53', or '>=1024 & <=65535', each an alternative. */
export const encodeRanges = (ranges: readonly NumberRange[]): readonly number[] =>
  encodeTerms(
    ranges.flatMap(({ low, high }): readonly Term[] =>
      low === high
        ? [{ and: false, operator: equal, value: low }]
        : [
            { and: false, operator: greaterThan | equal, value: low },
            { and: true, operator: lessThan | equal, value: high },
          ],
    ),
  );

/** null for any list that `encodeRanges` does not write. */
export function decodeRanges(reader: Reader): readonly NumberRange[] | null {
  const terms = decodeTerms(reader, 'numeric');
  if (terms === null) return null;
  const ranges: NumberRange[] = [];
  for (let at = 0; at < terms.length; at += 1) {
    const [first, second] = [terms[at], terms[at + 1]];
    if (first === undefined || first.and) return null;
    if (first.operator === equal && second?.and !== true) {
      ranges.push({ low: first.value, high: first.value });
      continue;
    }
    const closed = second?.and === true && second.operator === (lessThan | equal);
    if (first.operator !== (greaterThan | equal) || !closed || second.value <= first.value) return null;
    ranges.push({ low: first.value, high: second.value });
    at += 1;
  }
  return ranges;
}

/** All of `set` on, and none of the rest of `mask`. */
export function encodeFlagMatch({ set, mask }: TcpFlagMatch): readonly number[] {
  const off = mask & ~set;
  return encodeTerms([
    ...(set === 0 ? [] : [{ and: false, operator: match, value: set }]),
    ...(off === 0 ? [] : [{ and: set !== 0, operator: not, value: off }]),
  ]);
}

/** null for any list that `encodeFlagMatch` does not write. */
export function decodeFlagMatch(reader: Reader): TcpFlagMatch | null {
  const terms = decodeTerms(reader, 'bitmask');
  if (terms === null || terms.length > 2) return null;
  const [first, second] = terms;
  if (first === undefined) return null;
  if (second === undefined) {
    if (first.operator === match) return { set: first.value, mask: first.value };
    return first.operator === not ? { set: 0, mask: first.value } : null;
  }
  const disjoint = (first.value & second.value) === 0;
  return first.operator === match && second.operator === not && second.and && disjoint
    ? { set: first.value, mask: first.value | second.value }
    : null;
}

/** Single bits, each an alternative. */
export const encodeBits = (bits: readonly number[]): readonly number[] =>
  encodeTerms(bits.map((value) => ({ and: false, operator: match, value })));

/** null for any list that `encodeBits` does not write. */
export function decodeBits(reader: Reader): readonly number[] | null {
  const terms = decodeTerms(reader, 'bitmask');
  if (terms === null) return null;
  const ours = terms.every(({ and: joined, operator }) => !joined && operator === match);
  return ours ? terms.map(({ value }) => value) : null;
}
