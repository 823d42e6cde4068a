/** The top talkers of all hostgroups as one list. Pure. A host is in one hostgroup alone, so nothing is added up. */
import type { Talker, TopBy } from '../../domain/ports.js';
import type { Direction, HostRates } from '../../domain/traffic.js';

export function mergeTalkers(
  lists: readonly (readonly Talker[] | null)[],
  by: TopBy,
  direction: Direction,
  count: number,
): readonly Talker[] {
  const talkers = lists.flatMap((list) => list ?? []);
  return talkers
    .sort((a, b) => worth(b.rates, by, direction) - worth(a.rates, by, direction))
    .slice(0, Math.max(0, count));
}

function worth(rates: HostRates, by: TopBy, direction: Direction): number {
  const { total, flows } = rates[direction];
  switch (by) {
    case 'packets':
      return total.pps;
    case 'bytes':
      return total.bps;
    case 'flows':
      return flows;
  }
}
