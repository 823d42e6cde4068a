/**
 * Addresses as bytes for writing, and how they are drawn: inside our networks, and outside of them.
 *
 * An address is 4 or 16 bytes in network order; its length is its family. Text is read by domain/prefix.ts.
 * Drawing never fails and never loops.
 */
import { addressBytes, type Family, familyOf } from '../domain/address.js';
import { networkOf, parsePrefixLenient, prefixLength } from '../domain/prefix.js';
import { type Result, success } from '../domain/result.js';
import type { PrefixKey } from '../domain/units.js';
import { put32 } from './frames/checksum.js';
import type { Random } from './random.js';

/** A prefix, ready to draw from. */
export type Block = {
  readonly key: PrefixKey;
  readonly family: Family;
  readonly bytes: Uint8Array;
  readonly bits: number;
};

export const addressLength = (family: Family): number => (family === 4 ? 4 : 16);

export const blockOf = (key: PrefixKey): Block => ({
  key,
  family: familyOf(key),
  bytes: addressBytes(networkOf(key)),
  bits: prefixLength(key),
});

/** A prefix, or a bare address as a prefix of one host. ADDRESS_INVALID. */
export function parseBlock(text: string): Result<Block> {
  const parsed = parsePrefixLenient(text);
  return parsed.ok ? success(blockOf(parsed.value.prefix)) : parsed;
}

export function blockContains(block: Block, address: Uint8Array): boolean {
  if (address.length !== block.bytes.length) return false;
  for (let bit = 0; bit < block.bits; bit += 8) {
    const left = block.bits - bit;
    const mask = left >= 8 ? 0xff : (0xff00 >> left) & 0xff;
    if ((((address[bit >> 3] ?? 0) ^ (block.bytes[bit >> 3] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** A float: exact up to 2^53. */
export const addressCount = (block: Block): number => 2 ** (block.bytes.length * 8 - block.bits);

/** Writes a random address of `block` into `into`. */
export function drawInside(block: Block, random: Random, into: Uint8Array): void {
  into.set(block.bytes);
  const first = block.bits >> 3;
  for (let at = first; at < into.length; at++) {
    const free = at === first ? 0xff >> (block.bits & 7) : 0xff;
    into[at] = (into[at] ?? 0) | (random.u32() & free);
  }
}

/** Draws addresses that lie in none of our networks; `size` 0: the networks leave none, and drawing must not be tried. */
export type Outside = { readonly draw: (random: Random, into: Uint8Array) => void; readonly size: number };

type Range = { readonly from: number; readonly to: number };

/** Unicast ranges that are routed in the internet, by the upper 32 bits. IPv6: the regional registries' blocks. */
const routed: Record<Family, readonly Range[]> = {
  4: [
    { from: 0x01000000, to: 0x09ffffff },
    { from: 0x0b000000, to: 0x643fffff },
    { from: 0x64800000, to: 0x7effffff },
    { from: 0x80000000, to: 0xa9fdffff },
    { from: 0xa9ff0000, to: 0xac0fffff },
    { from: 0xac200000, to: 0xbfffffff },
    { from: 0xc0000300, to: 0xc05862ff },
    { from: 0xc0586400, to: 0xc0a7ffff },
    { from: 0xc0a90000, to: 0xc611ffff },
    { from: 0xc6140000, to: 0xc63363ff },
    { from: 0xc6336500, to: 0xcb0070ff },
    { from: 0xcb007200, to: 0xdfffffff },
  ],
  6: [
    { from: 0x24000000, to: 0x240fffff },
    { from: 0x26000000, to: 0x260fffff },
    { from: 0x28000000, to: 0x280fffff },
    { from: 0x2a000000, to: 0x2a1fffff },
    { from: 0x2c000000, to: 0x2c0fffff },
  ],
};

/** Networks are taken out whole; an IPv6 network longer than a /32 takes its /32 out with it. */
export function outsideOf(networks: readonly Block[], family: Family): Outside {
  const holes = networks
    .filter((network) => network.family === family)
    .map((network) => {
      const from = upper32(network.bytes);
      return { from, to: from + 2 ** Math.max(0, 32 - network.bits) - 1 };
    })
    .sort((a, b) => a.from - b.from);
  const ranges = routed[family].flatMap((range) => without(range, holes));
  const ends = new Float64Array(ranges.length);
  let size = 0;
  for (const [index, range] of ranges.entries()) {
    size += range.to - range.from + 1;
    ends[index] = size;
  }
  const draw = (random: Random, into: Uint8Array): void => {
    const drawn = random.below(size);
    const index = firstAbove(ends, drawn);
    put32(into, 0, (ranges[index]?.to ?? 0) - ((ends[index] ?? 0) - 1 - drawn));
    if (family === 6) for (let at = 4; at < 16; at += 4) put32(into, at, random.u32());
  };
  return { draw, size };
}

/** What is left of `range`; the holes are in order of their start. */
function without(range: Range, holes: readonly Range[]): Range[] {
  const left: Range[] = [];
  let from = range.from;
  for (const hole of holes) {
    if (hole.to < from || hole.from > range.to) continue;
    if (hole.from > from) left.push({ from, to: hole.from - 1 });
    from = hole.to + 1;
  }
  if (from <= range.to) left.push({ from, to: range.to });
  return left;
}

/** Index of the first value greater than `wanted`, in a rising list whose last value is. */
function firstAbove(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

const upper32 = (bytes: Uint8Array): number =>
  (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 0;
