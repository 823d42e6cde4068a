/**
 * Values of the three community attributes: standard (RFC 1997), large (RFC 8092), extended (RFC 4360).
 *
 * Lists go out and come back sorted and without repeats, as `Communities` has them: a speaker may change their order.
 */
import type { Communities } from '../../../domain/announcement.js';
import { failure, type Result, success } from '../../../domain/result.js';
import { bytesOfHex, fits, hexOf, readBytes, u16, u32 } from './bytes.js';

export type CommunityValues = {
  readonly standard: Uint8Array;
  readonly large: Uint8Array;
  readonly extended: Uint8Array;
};

const extendedBytes = 8;

/** The attributes' values, empty where there are none; SPEAKER_REFUSED for a number too large for its field. */
export function encodeCommunities({ standard, large, extended }: Communities): Result<CommunityValues> {
  for (const parts of standard) {
    if (!parts.every((part) => fits(part, 16))) return refused(parts.join(':'));
  }
  for (const parts of large) {
    if (!parts.every((part) => fits(part, 32))) return refused(parts.join(':'));
  }
  const values = extended.map(bytesOfHex);
  const odd = values.findIndex((value) => value?.length !== extendedBytes);
  if (odd >= 0) return refused(`0x${extended[odd]}`);
  return success({
    standard: Uint8Array.from(standard.flatMap(([asn, value]) => [...u16(asn), ...u16(value)])),
    large: Uint8Array.from(large.flatMap((parts) => parts.flatMap(u32))),
    extended: Uint8Array.from(values.flatMap((value) => value ?? [])),
  });
}

const refused = (text: string): Result<never> => failure('SPEAKER_REFUSED', `'${text}' is not a community`);

/** null: not a whole number of communities. */
export function decodeStandard(value: Uint8Array): Communities['standard'] | null {
  const reader = readBytes(value);
  const list: [number, number][] = [];
  while (reader.left() > 0) list.push([reader.u16(), reader.u16()]);
  return reader.ok() ? sorted(list, byParts) : null;
}

export function decodeLarge(value: Uint8Array): Communities['large'] | null {
  const reader = readBytes(value);
  const list: [number, number, number][] = [];
  while (reader.left() > 0) list.push([reader.u32(), reader.u32(), reader.u32()]);
  return reader.ok() ? sorted(list, byParts) : null;
}

export function decodeExtended(value: Uint8Array): Communities['extended'] | null {
  const reader = readBytes(value);
  const list: string[] = [];
  while (reader.left() > 0) list.push(hexOf(reader.take(extendedBytes)));
  return reader.ok() ? sorted(list, (a, b) => (a < b ? -1 : a > b ? 1 : 0)) : null;
}

const byParts = (a: readonly number[], b: readonly number[]): number =>
  a.map((part, at) => part - (b[at] ?? 0)).find((step) => step !== 0) ?? 0;

const sorted = <T>(list: readonly T[], compare: (a: T, b: T) => number): readonly T[] =>
  [...list].sort(compare).filter((one, at, all) => {
    const before = all[at - 1];
    return before === undefined || compare(before, one) !== 0;
  });
