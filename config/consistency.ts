/**
 * What no single key can show: settings that contradict each other or the machine they are to run on.
 * The same for both dialects; a path names the YAML key, and the dialect says what it is called there.
 */
import { globalGroup, type Hostgroup } from '../domain/hostgroup.js';
import { contains, prefixLength, prefixOf } from '../domain/prefix.js';
import { prefixSet, prefixTable } from '../domain/prefix-table.js';
import { directions, metrics } from '../domain/traffic.js';
import type { PrefixKey } from '../domain/units.js';
import type { Files } from './files.js';
import type { Dialect, Plan, Tell } from './plan.js';
import { maxPrefixes } from './prefix-list.js';
import { durationText } from './quantities.js';
import type { Settings } from './settings.js';
import { childPath } from './yaml-source.js';

/** What the caller cannot do without: a replay brings its own source, and perhaps its networks. */
export type Needs = { readonly sources: boolean; readonly networks: boolean };

/** IPv4 in blocks of 256 addresses that the data plane's table holds. */
const maxIpv4Blocks = 2 ** 17;
const maxHostgroups = 1_024;

export function checkTogether(
  plan: Plan,
  settings: Settings,
  dialect: Dialect,
  files: Files,
  needs: Needs,
  tell: Tell,
): void {
  if (needs.sources) checkSources(plan, dialect, tell);
  checkNetworks(needs.networks, settings, dialect, tell);
  checkRepeatedSources(plan, dialect, tell);
  checkHostgroups(plan, settings, dialect, tell);
  checkJudgement(plan, dialect, tell);
  checkPlaces(plan, dialect, files, tell);
}

function checkSources(plan: Plan, { name }: Dialect, tell: Tell): void {
  const { interfaces, sflow } = plan.capture;
  if (interfaces.length + sflow.length === 0) {
    tell(
      'error',
      'capture',
      'no source is set, so nothing would be captured',
      `set ${name('capture.interfaces')} or ${name('capture.sflow')}`,
    );
  }
  if (!plan.process.incoming && !plan.process.outgoing) {
    tell(
      'error',
      'process',
      'both directions are off, so nothing would be counted',
      `switch ${name('process.incoming')} on`,
    );
  }
}

function checkNetworks(
  needed: boolean,
  { networks, whitelist }: Settings,
  { name }: Dialect,
  tell: Tell,
): void {
  if (needed && networks.length === 0) {
    tell(
      'error',
      'networks',
      'there is no network to protect',
      `list your prefixes in ${name('networks')} or ${name('networks_file')}`,
    );
  }
  if (networks.length > maxPrefixes) {
    tell(
      'error',
      'networks',
      `there are ${networks.length} networks; ${maxPrefixes} fit`,
      'merge neighbours into shorter prefixes',
    );
  }
  const blocks = ipv4Blocks(networks);
  if (blocks > maxIpv4Blocks) {
    tell(
      'error',
      'networks',
      `the IPv4 networks span ${blocks} blocks of 256 addresses; ${maxIpv4Blocks} fit`,
      'list only prefixes that are yours',
    );
  }
  const listed = prefixSet(whitelist);
  for (const network of networks.slice(0, maxPrefixes)) {
    if (!listed.covers(network)) continue;
    tell(
      'warning',
      'whitelist',
      `all of ${network} is whitelisted, so no attack on it is ever acted on`,
      `take ${network} off one of the lists`,
    );
  }
}

/** Nested prefixes count once. */
function ipv4Blocks(networks: readonly PrefixKey[]): number {
  const outer = prefixSet([]);
  const byLength = networks
    .filter((network) => !network.includes(':'))
    .sort((a, b) => prefixLength(a) - prefixLength(b));
  const counted: PrefixKey[] = [];
  let covering = outer;
  let blocks = 0;
  let length = -1;
  for (const network of byLength) {
    if (prefixLength(network) !== length) {
      length = prefixLength(network);
      covering = prefixSet(counted);
    }
    if (covering.covers(network)) continue;
    counted.push(network);
    blocks += 2 ** Math.max(0, 24 - length);
  }
  return blocks;
}

function checkRepeatedSources(plan: Plan, dialect: Dialect, tell: Tell): void {
  const seen = new Map<string, string>();
  const once = (item: object, text: string, what: string): void => {
    const path = plan.origins.get(item) ?? 'capture';
    const first = seen.get(text);
    if (first !== undefined) {
      const line = dialect.lineOf(first);
      tell(
        'error',
        path,
        `${what} is listed twice${line === null ? '' : `, first on line ${line}`}, so its traffic would count twice`,
        'remove one of the two',
      );
    } else seen.set(text, path);
  };
  for (const one of plan.capture.interfaces) once(one, one.name, `the interface '${one.name}'`);
  for (const one of plan.capture.sflow)
    once(one, `${one.address} ${one.port}`, `the listener on port ${one.port} of ${one.address}`);
}

function checkHostgroups(plan: Plan, settings: Settings, dialect: Dialect, tell: Tell): void {
  const names = new Set<string>();
  const owners = new Map<PrefixKey, string>();
  const known = prefixSet(settings.networks);
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
      const ours =
        settings.networks.length === 0 ||
        known.covers(prefix) ||
        settings.networks.some((network) => contains(prefix, network));
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

function checkJudgement(plan: Plan, dialect: Dialect, tell: Tell): void {
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

function checkPlaces(plan: Plan, dialect: Dialect, files: Files, tell: Tell): void {
  const { script } = plan.notify;
  if (script !== null) {
    const found = files.stat(script);
    if (found === null) {
      tell(
        dialect.missingScript,
        'notify.script',
        `there is no '${script}', so nobody would be notified`,
        'install the script there, or correct the path',
      );
    } else if (found.kind !== 'file') {
      tell('error', 'notify.script', `'${script}' is not a file`, 'name the program itself');
    } else if (!found.executable) {
      tell(
        dialect.missingScript,
        'notify.script',
        `'${script}' is not executable`,
        `run: chmod +x ${script}`,
      );
    }
  }
  const directories = [
    ['state.dir', plan.state.dir],
    ['evidence.directory', plan.evidence.directory],
  ] as const;
  for (const [path, directory] of directories) {
    const found = files.stat(directory);
    if (found !== null && found.kind !== 'directory') {
      tell(
        'error',
        path,
        `'${directory}' is not a directory`,
        'name a directory; one that is missing is made',
      );
    }
  }
  if (plan.log.file !== null && files.stat(plan.log.file)?.kind === 'directory') {
    tell('error', 'log.file', `'${plan.log.file}' is a directory`, 'name the file in it');
  }
}
