/** Hostgroups against each other, against our networks, and against what is counted at all. */
import { globalGroup, type Hostgroup } from '../domain/hostgroup.js';
import { prefixLength, prefixOf } from '../domain/prefix.js';
import { prefixSet, prefixTable } from '../domain/prefix-table.js';
import { directions, metrics } from '../domain/traffic.js';
import type { PrefixKey } from '../domain/units.js';
import type { Dialect, Plan, Tell } from './plan.js';
import { durationText } from './quantities.js';
import type { Settings } from './settings.js';
import { childPath } from './yaml-source.js';

const maxHostgroups = 1_024;

export function checkHostgroups(plan: Plan, settings: Settings, dialect: Dialect, tell: Tell): void {
  const names = new Set<string>();
  const owners = new Map<PrefixKey, string>();
  const known = prefixSet(settings.networks);
  const around = groupPrefixesAround(plan, settings.networks);
  if (plan.hostgroups.length > maxHostgroups) {
    tell(
      'error',
      'hostgroups',
      `there are ${plan.hostgroups.length} hostgroups; ${maxHostgroups} are allowed`,
      'join groups with equal settings',
    );
  }
  for (const group of plan.hostgroups.slice(0, maxHostgroups)) {
    const path = plan.origins.get(group) ?? 'hostgroups';
    if (path === '') continue; // the global group, which has no prefixes
    if (group.name === globalGroup) {
      tell(
        'error',
        childPath(path, 'name'),
        "a hostgroup cannot be named 'global'",
        `that group is set by ${dialect.name('thresholds')} at top level; choose another name`,
      );
    } else if (names.has(group.name)) {
      tell(
        dialect.conflict,
        childPath(path, 'name'),
        `there are two hostgroups named '${group.name}'`,
        'rename one, or join their networks',
      );
    }
    names.add(group.name);
    const networksPath = childPath(path, 'networks');
    if (group.networks.length === 0) {
      tell(
        'error',
        networksPath,
        `the hostgroup '${group.name}' has no networks`,
        'list the prefixes of its hosts, or remove it',
      );
    }
    for (const prefix of group.networks) {
      const owner = owners.get(prefix);
      if (owner !== undefined) {
        tell(
          dialect.conflict,
          networksPath,
          `${prefix} is in the hostgroups '${owner}' and '${group.name}'`,
          'leave it in one of the two',
        );
      } else owners.set(prefix, group.name);
      const ours = settings.networks.length === 0 || known.covers(prefix) || around.has(prefix);
      if (!ours) {
        tell(
          'warning',
          networksPath,
          `${prefix} of the hostgroup '${group.name}' is in none of our networks`,
          `add it to ${dialect.name('networks')}`,
        );
      }
    }
  }
  noteNesting(owners, plan, tell);
}

/** The groups' prefixes that contain one of our networks: up from each network, once a prefix. */
function groupPrefixesAround(plan: Plan, networks: readonly PrefixKey[]): ReadonlySet<PrefixKey> {
  const table = prefixSet(plan.hostgroups.flatMap((group) => group.networks));
  const around = new Set<PrefixKey>();
  for (const network of networks) {
    let outer = table.longest(network);
    while (outer !== null && !around.has(outer)) {
      around.add(outer);
      const length = prefixLength(outer);
      outer = length === 0 ? null : table.longest(prefixOf(outer, length - 1));
    }
  }
  return around;
}

const mostNestingNotes = 10;

function noteNesting(owners: ReadonlyMap<PrefixKey, string>, plan: Plan, tell: Tell): void {
  const table = prefixTable(owners);
  let notes = 0;
  for (const [inner, within] of owners) {
    const length = prefixLength(inner);
    const outer = length === 0 ? null : table.longest(prefixOf(inner, length - 1));
    if (outer === null || outer.value === within || notes >= mostNestingNotes) continue;
    const group = plan.hostgroups.find(({ name }) => name === within);
    const path =
      group === undefined ? 'hostgroups' : childPath(plan.origins.get(group) ?? 'hostgroups', 'networks');
    tell(
      'note',
      path,
      `${inner} of '${within}' lies in ${outer.prefix} of '${outer.value}'`,
      `nothing if meant so: hosts in it obey '${within}', the longer prefix`,
    );
    notes += 1;
  }
}

export function checkJudgement(plan: Plan, dialect: Dialect, tell: Tell): void {
  for (const group of plan.hostgroups) {
    const path = plan.origins.get(group) ?? 'hostgroups';
    const at = (key: string): string => childPath(path, key);
    if (group.windowMs < plan.capture.tickMs) {
      tell(
        'error',
        at('window'),
        `a window of ${durationText(group.windowMs)} is shorter than a tick of ${durationText(plan.capture.tickMs)}`,
        `make it at least ${durationText(plan.capture.tickMs)}`,
      );
    }
    const scopes = ['incoming', 'outgoing', 'total', 'network'] as const;
    for (const scope of scopes) {
      const limits = group.thresholds[scope];
      if (limits.flows !== undefined && !plan.capture.countFlows) {
        tell(
          'warning',
          at(`thresholds.${scope}.flows`),
          'flows are judged but not counted, so it never fires',
          `switch ${dialect.name('capture.count_flows')} on`,
        );
      }
    }
    if (scopes.every((scope) => metrics.every((metric) => group.thresholds[scope][metric] === undefined))) {
      tell(
        'warning',
        at('thresholds'),
        `the hostgroup '${group.name}' judges nothing, so no attack on its hosts is seen`,
        noThresholdRemedy(group, dialect),
      );
    }
    for (const direction of directions) {
      const judged = metrics.some((metric) => group.thresholds[direction][metric] !== undefined);
      if (judged && !plan.process[direction] && group.name === globalGroup) {
        tell(
          'note',
          `process.${direction}`,
          `${direction} traffic is neither counted nor judged`,
          'its thresholds have no effect',
        );
      }
    }
  }
}

const noThresholdRemedy = (group: Hostgroup, { name }: Dialect): string =>
  group.name === globalGroup
    ? `set a limit in ${name('thresholds.incoming')}`
    : `set limits for it: it ${name('thresholds') === 'thresholds' ? 'switches all inherited ones off' : 'inherits none'}`;
