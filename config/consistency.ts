/**
 * What no single key can show: settings that contradict each other or the machine they are to run on.
 * The same for both dialects; a path names the YAML key, and the dialect says what it is called there.
 */
import { prefixLength } from '../domain/prefix.js';
import { prefixSet } from '../domain/prefix-table.js';
import type { PrefixKey } from '../domain/units.js';
import { checkBgp } from './bgp-consistency.js';
import type { Files } from './files.js';
import { checkFlow } from './flow-consistency.js';
import { checkHostgroups, checkJudgement } from './hostgroup-consistency.js';
import { checkReceivers } from './notice-consistency.js';
import type { Dialect, Plan, Tell } from './plan.js';
import { maxPrefixes } from './prefix-list.js';
import type { Settings } from './settings.js';

/** What the caller cannot do without: a replay brings its own source, and perhaps its networks. */
export type Needs = { readonly sources: boolean; readonly networks: boolean };

/** IPv4 in blocks of 256 addresses that the data plane's table holds. */
const maxIpv4Blocks = 2 ** 17;

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
  checkFlow(plan, dialect, tell);
  checkReceivers(plan, tell);
  checkBgp(plan, settings, dialect, tell);
  checkHostgroups(plan, settings, dialect, tell);
  checkJudgement(plan, dialect, tell);
  checkPlaces(plan, dialect, files, tell);
}

function checkSources(plan: Plan, { name, howToCapture }: Dialect, tell: Tell): void {
  const { interfaces, listeners } = plan.capture;
  if (interfaces.length + listeners.length === 0) {
    tell('error', 'capture', 'no source is set, so nothing would be captured', howToCapture);
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
  for (const one of plan.capture.listeners)
    once(
      one,
      `${one.transport} ${one.address} ${one.port}`,
      `the listener on ${one.transport === 'udp' ? '' : 'TCP '}port ${one.port} of ${one.address}`,
    );
}

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
