/**
 * Host groups and thresholds of fastnetmon.conf: 'hostgroup = name:net1,net2', then '<name>_<setting>'.
 *
 * Nothing is inherited: what a group does not set is off. Unlike in FastNetMon, a group's prefix need not
 * be one of the networks list, its host bits are cleared, and it may be IPv6.
 */
import { type BanPolicy, globalGroup, type Hostgroup, type Thresholds } from '../domain/hostgroup.js';
import { parsePrefixLenient } from '../domain/prefix.js';
import type { Limits, Metric } from '../domain/traffic.js';
import type { Milliseconds, PrefixKey } from '../domain/units.js';
import { groupSwitches } from './fastnetmon-options.js';
import type { OptionReader } from './fastnetmon-reader.js';
import type { Entry } from './fastnetmon-source.js';
import { judge } from './formats.js';
import { quoted } from './quantities.js';
import type { Severity } from './settings.js';

const highestThreshold = 1_000_000_000_000;
const maxGroups = 1_024;

export type GroupTell = (severity: Severity, line: number, message: string, remedy: string) => void;
export type GroupShape = {
  readonly windowMs: Milliseconds;
  readonly ban: Pick<BanPolicy, 'timeMs' | 'onlyIfFinished' | 'calmMs'>;
};
export type PlannedGroup = { readonly group: Hostgroup; readonly line: number };

/** The settings of one group; `prefix` is '' for the global one, else '<name>_'. */
export function groupNamed(
  name: string,
  networks: readonly PrefixKey[],
  options: OptionReader,
  shape: GroupShape,
): Hostgroup {
  const prefix = name === globalGroup ? '' : `${name}_`;
  const both = limitsOf(prefix, options);
  const thresholds: Thresholds = { incoming: both, outgoing: both, total: {}, network: {} };
  // The global switches are masters of every group's.
  const enabled = options.boolean('enable_ban', false) && options.boolean(`${prefix}enable_ban`, false);
  const enabledIpv6 =
    options.boolean('enable_ban_ipv6', false) && options.boolean(`${prefix}enable_ban_ipv6`, false);
  return {
    name,
    networks,
    windowMs: shape.windowMs,
    thresholds,
    confidence: null, // an estimate is judged as it is, as FastNetMon does
    ban: { ...shape.ban, enabled, enabledIpv6, probe: null },
    action: 'blackhole',
  };
}

function limitsOf(prefix: string, options: OptionReader): Limits {
  const limits: { [M in Metric]?: number } = {};
  for (const { flag, threshold, metric } of groupSwitches) {
    const value = options.integer(`${prefix}${threshold}`, 0, 0, highestThreshold);
    if (!options.boolean(`${prefix}${flag}`, false)) continue;
    if (value > 0) {
      limits[metric] = value;
      continue;
    }
    const written = options.has(`${prefix}${threshold}`);
    options.tell(
      'error',
      `${prefix}${flag}`,
      `it is on and ${prefix}${threshold} is ${written ? 'not above 0' : 'not set'}, which would ban every host with any traffic`,
      `set ${prefix}${threshold}, or switch it off`,
    );
  }
  return limits;
}

export function hostgroupsOf(
  entries: readonly Entry[],
  options: OptionReader,
  shape: GroupShape,
  tell: GroupTell,
): readonly PlannedGroup[] {
  const groups: PlannedGroup[] = [];
  const owners = new Map<PrefixKey, string>();
  for (const { value, line } of entries.slice(0, maxGroups)) {
    const colon = value.indexOf(':');
    const name = colon < 0 ? value : value.slice(0, colon).trim();
    if (colon < 0) {
      tell(
        'error',
        line,
        `${quoted(value)} has no ':' between the group's name and its networks`,
        'write hostgroup = name:10.0.0.0/24,10.0.1.0/24',
      );
      continue;
    }
    const fault = judge('name', name, {});
    if (fault !== null) {
      tell('error', line, `as a host group, ${fault.message}`, fault.remedy);
      continue;
    }
    if (groups.some(({ group }) => group.name === name)) {
      tell(
        'warning',
        line,
        `the host group '${name}' is there already, so this line is ignored`,
        'put all of its networks on one line',
      );
      continue;
    }
    const networks = networksOf(value.slice(colon + 1), name, line, owners, tell);
    groups.push({ group: groupNamed(name, networks, options, shape), line });
  }
  if (entries.length > maxGroups) {
    tell(
      'error',
      entries[maxGroups]?.line ?? 1,
      `there are more than ${maxGroups} hostgroup lines`,
      'join groups with equal settings',
    );
  }
  return groups;
}

function networksOf(
  text: string,
  name: string,
  line: number,
  owners: Map<PrefixKey, string>,
  tell: GroupTell,
): readonly PrefixKey[] {
  const networks: PrefixKey[] = [];
  for (const part of text.split(',')) {
    const item = part.trim();
    const parsed = parsePrefixLenient(item);
    if (!parsed.ok || parsed.value.bareAddress) {
      const remedy = parsed.ok
        ? `write ${parsed.value.prefix}`
        : 'write prefixes separated by commas, such as 10.0.0.0/24,10.0.1.0/24';
      tell('error', line, `${quoted(item)} in the host group '${name}' is not a prefix`, remedy);
      continue;
    }
    const { prefix, hostBitsCleared } = parsed.value;
    if (item !== part)
      tell(
        'warning',
        line,
        `there is a blank beside ${item}, for which FastNetMon skips it; it is taken here`,
        'remove the blanks around commas',
      );
    if (hostBitsCleared)
      tell('warning', line, `${item} in the host group '${name}' is taken as ${prefix}`, `write ${prefix}`);
    const owner = owners.get(prefix);
    if (owner !== undefined) {
      tell(
        'warning',
        line,
        `${prefix} is in the host group '${owner}' already and stays there`,
        'list it once',
      );
      continue;
    }
    owners.set(prefix, name);
    networks.push(prefix);
  }
  return networks;
}
