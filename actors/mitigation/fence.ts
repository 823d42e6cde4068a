/**
 * The fixed guards: what is never announced, whatever wants it. Pure; built once for a configuration.
 *
 * An announcement has to lie inside our networks, must not overlap a whitelisted prefix, and must not be shorter than allowed. A
 * default route passes no configuration. Of a flowspec rule this is judged by its end that is ours: the destination, or the source
 * of an attack that goes out.
 */
import { familyOf } from '../../domain/address.js';
import type { Announcement } from '../../domain/announcement.js';
import type { GuardPolicy } from '../../domain/bgp.js';
import type { Guard } from '../../domain/guard.js';
import { contains, partsOf } from '../../domain/prefix.js';
import { type PrefixSet, prefixSet } from '../../domain/prefix-table.js';
import type { PrefixKey } from '../../domain/units.js';

export type Guarded = { readonly networks: readonly PrefixKey[]; readonly whitelist: readonly PrefixKey[] };
export type FixedGuard = Extract<Guard, 'not_ours' | 'whitelisted' | 'shortest_prefix'>;

export type Fence = {
  readonly networks: PrefixSet;
  /** null: it may be announced. */
  readonly refusal: (announcement: Announcement) => FixedGuard | null;
  /** The same of a unicast prefix. */
  readonly refusalOf: (prefix: PrefixKey) => FixedGuard | null;
};

/** Answers about prefixes wider than a host are remembered, so many at the most. */
const maxRemembered = 10_000;

export function fence(
  guarded: Guarded,
  { shortestIpv4, shortestIpv6 }: Pick<GuardPolicy, 'shortestIpv4' | 'shortestIpv6'>,
): Fence {
  const networks = prefixSet(guarded.networks);
  const whitelist = prefixSet(guarded.whitelist);
  const remembered = new Map<PrefixKey, boolean>();

  const holdsWhitelisted = (prefix: PrefixKey): boolean => {
    const known = remembered.get(prefix);
    if (known !== undefined) return known;
    if (remembered.size >= maxRemembered) remembered.clear();
    const holds = guarded.whitelist.some((inner) => contains(prefix, inner));
    remembered.set(prefix, holds);
    return holds;
  };
  const whitelisted = (prefix: PrefixKey): boolean =>
    whitelist.size > 0 && (whitelist.covers(prefix) || holdsWhitelisted(prefix));

  const refusalOf = (prefix: PrefixKey): FixedGuard | null => {
    if (!networks.covers(prefix)) return 'not_ours';
    if (whitelisted(prefix)) return 'whitelisted';
    const shortest = familyOf(prefix) === 4 ? shortestIpv4 : shortestIpv6;
    return partsOf(prefix).length < Math.max(1, shortest) ? 'shortest_prefix' : null;
  };

  const refusal = (announcement: Announcement): FixedGuard | null => {
    if (announcement.kind === 'unicast') return refusalOf(announcement.prefix);
    const { destination, source } = announcement.rule;
    const ends = [destination, source].filter((end) => end !== null);
    const [ours] = ends.filter((end) => networks.covers(end));
    if (ours === undefined) return 'not_ours';
    return ends.some(whitelisted) ? 'whitelisted' : refusalOf(ours);
  };

  return { networks, refusal, refusalOf };
}
