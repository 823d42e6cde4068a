/**
 * What a new configuration asks of a running daemon, in words and in deeds.
 *
 * Pure. Thresholds, windows, bans and whitelist are told to the hostgroups; sources and the script are
 * replaced; what traffic is counted by (networks, groups of them, tick, tables, sample length) needs a new
 * engine, while ledger and attacks carry on. What lies under the daemon's feet waits for the next start.
 */
import { type Change, describeChange, difference } from '../config/difference.js';
import type { Settings } from '../config/settings.js';

export type ReloadPlan = {
  readonly engine: boolean;
  readonly hostgroups: boolean;
  readonly sources: boolean;
  readonly outlets: boolean;
  /** Speakers, or what is announced to them, or what may be. */
  readonly announcements: boolean;
  readonly log: boolean;
  /** One line a change, for the operator. */
  readonly lines: readonly string[];
};

export function planReload(before: Settings, next: Settings): ReloadPlan {
  const changes = difference(before, next);
  const has = (...kinds: readonly Change['kind'][]): boolean =>
    changes.some(({ kind }) => kinds.includes(kind));
  const engine = changes.some(countsOtherwise);
  return {
    engine,
    hostgroups: has('hostgroup', 'whitelist', 'process'),
    sources: has('interface', 'listener', 'exporters', 'filters') || changes.some(changesWindow),
    outlets: has('notify'),
    announcements: has('speaker', 'bgp', 'networks', 'whitelist', 'hostgroup'),
    log: has('log'),
    lines: [
      ...changes.map(describeChange),
      ...(engine ? ['counters: began anew, rates are right again after one window'] : []),
    ],
  };
}

function countsOtherwise(change: Change): boolean {
  switch (change.kind) {
    case 'networks':
      // Another order of the same prefixes matches the same hosts.
      return change.added.length + change.removed.length > 0;
    case 'tables':
      return true;
    case 'hostgroup':
      return change.change !== 'changed' || change.fields.includes('networks');
    case 'evidence':
      return change.fields.includes('sampleBytes');
    case 'whitelist':
    case 'interface':
    case 'listener':
    case 'exporters':
    case 'filters':
    case 'process':
    case 'notify':
    case 'speaker':
    case 'bgp':
    case 'log':
    case 'state':
    case 'pid_file':
      return false;
  }
}

/** Flow listeners spread what they count by the shortest window. */
const changesWindow = (change: Change): boolean =>
  change.kind === 'hostgroup' && change.fields.includes('windowMs');
