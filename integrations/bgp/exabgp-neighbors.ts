/**
 * ExaBGP's neighbours, from `show neighbor configuration`, and what follows for its routes.
 *
 * ExaBGP keeps one table a neighbour, and a neighbour that is added by a reload starts with an empty one: a route that some
 * of the neighbours of its family hold and others do not is announced again, which changes nothing for those that have it.
 */
import { type Announcement, announcementKey } from '../../domain/announcement.js';
import type { HeldRoute } from './exabgp-rib.js';

export type Neighbor = {
  readonly address: string;
  /** 'ipv4 unicast', 'ipv6 flow'. */
  readonly families: ReadonlySet<string>;
  /** false (`adj-rib-out false`): what it was told cannot be read back. */
  readonly keepsRoutes: boolean;
};

export function readNeighbors(lines: readonly string[]): readonly Neighbor[] {
  const neighbors: { address: string; families: Set<string>; keepsRoutes: boolean }[] = [];
  let inFamilies = false;
  for (const line of lines) {
    const head = /^neighbor (\S+) \{/.exec(line);
    if (head !== null) {
      neighbors.push({ address: head[1] ?? '', families: new Set(), keepsRoutes: true });
      inFamilies = false;
      continue;
    }
    const neighbor = neighbors.at(-1);
    if (neighbor === undefined) continue;
    const text = line.trim();
    if (text === 'family {') inFamilies = true;
    else if (text === '}') inFamilies = false;
    else if (inFamilies) neighbor.families.add(text.replace(/;$/, ''));
    else if (text === 'adj-rib-out false;') neighbor.keepsRoutes = false;
  }
  return neighbors;
}

/** One announcement for each key that not all neighbours of its family hold, or not in the same form. */
export function unevenRoutes(
  ours: readonly HeldRoute[],
  neighbors: readonly Neighbor[],
): readonly Announcement[] {
  const holders = new Map<string, Set<string>>();
  for (const { address, families, keepsRoutes } of neighbors) {
    if (!keepsRoutes) continue;
    for (const family of families) {
      const all = holders.get(family) ?? new Set();
      all.add(address);
      holders.set(family, all);
    }
  }
  const uneven = new Map<string, Announcement>();
  for (const { announcement, family, neighbors: holding } of ours) {
    const expected = [...(holders.get(family) ?? [])];
    const key = announcementKey(announcement);
    if (!uneven.has(key) && expected.some((address) => !holding.has(address))) uneven.set(key, announcement);
  }
  return [...uneven.values()];
}
