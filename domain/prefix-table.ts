/**
 * Longest match over a fixed list of prefixes, with a value each: whitelists, hostgroups, networks.
 *
 * One hash map a prefix length in use; a lookup asks the longest first, so it costs at most one
 * probe a length in the list (33 for IPv4, 129 for IPv6). Never changed once built.
 */
import type { Address, Family } from './address.js';
import { masked, partsOf, prefixParts } from './prefix.js';
import type { HostKey, PrefixKey } from './units.js';

export type PrefixMatch<T> = { readonly prefix: PrefixKey; readonly value: T };

export type PrefixTable<T> = {
  readonly size: number;
  /** The longest prefix that contains all of `inner`, or null. */
  readonly longest: (inner: HostKey | PrefixKey) => PrefixMatch<T> | null;
};

export type PrefixSet = {
  readonly size: number;
  readonly longest: (inner: HostKey | PrefixKey) => PrefixKey | null;
  readonly covers: (inner: HostKey | PrefixKey) => boolean;
};

type Level<T> = { readonly length: number; readonly matches: Map<number | string, PrefixMatch<T>> };

/** Of equal prefixes the last one stays. */
export function prefixTable<T>(entries: Iterable<readonly [PrefixKey, T]>): PrefixTable<T> {
  const levels: { readonly [F in Family]: Level<T>[] } = { 4: [], 6: [] };
  for (const [prefix, value] of entries) {
    const { address, length } = prefixParts(prefix);
    const family = levels[address.family];
    let level = family.find((candidate) => candidate.length === length);
    if (level === undefined) {
      level = { length, matches: new Map() };
      family.push(level);
    }
    level.matches.set(slotOf(address), { prefix, value });
  }
  for (const family of [levels[4], levels[6]]) family.sort((a, b) => b.length - a.length);
  const size = [...levels[4], ...levels[6]].reduce((sum, level) => sum + level.matches.size, 0);
  return {
    size,
    longest: (inner) => {
      const { address, length } = partsOf(inner);
      for (const level of levels[address.family]) {
        if (level.length > length) continue;
        const match = level.matches.get(slotOf(masked(address, level.length)));
        if (match !== undefined) return match;
      }
      return null;
    },
  };
}

export function prefixSet(prefixes: Iterable<PrefixKey>): PrefixSet {
  const table = prefixTable(Array.from(prefixes, (prefix) => [prefix, true] as const));
  return {
    size: table.size,
    longest: (inner) => table.longest(inner)?.prefix ?? null,
    covers: (inner) => table.longest(inner) !== null,
  };
}

const slotOf = (address: Address): number | string =>
  address.family === 4 ? (address.words[0] ?? 0) : address.words.join(':');
