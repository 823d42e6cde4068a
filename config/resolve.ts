/**
 * A plan with everything looked up that it names: lists of networks, this machine's addresses, CPUs.
 * What cannot be had is told; the settings then hold the rest, so that it can be judged as well.
 */
import { hostPrefix } from '../domain/prefix.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import type { Files } from './files.js';
import type { Findings } from './findings.js';
import { openvzAddresses } from './machine-addresses.js';
import type { Dialect, Plan, Tell } from './plan.js';
import { readPrefixList } from './prefix-list.js';
import type { Settings, Severity } from './settings.js';

export type Surroundings = {
  readonly files: Files;
  /** See `localAddresses`. */
  readonly localAddresses: readonly HostKey[];
  readonly cpus: number;
};

const mostAutoWorkers = 8;
const openvzVersion = '/proc/vz/version';
const openvzList = '/proc/vz/veip';

/** One CPU stays for judging and announcing, so that a flood does not starve its own mitigation. */
export const autoWorkers = (cpus: number): number => Math.min(mostAutoWorkers, Math.max(1, cpus - 1));

export const tellInto =
  (findings: Findings, dialect: Dialect): Tell =>
  (severity, path, message, remedy) => {
    const key = path === '' ? null : dialect.name(path);
    findings.add({ severity, file: dialect.file, line: dialect.lineOf(path), key, message, remedy });
  };

export function resolve(
  plan: Plan,
  dialect: Dialect,
  surroundings: Surroundings,
  findings: Findings,
): Settings {
  const tell = tellInto(findings, dialect);
  const { files, localAddresses, cpus } = surroundings;
  const listed = (path: string | null, key: string, missing: Severity): readonly PrefixKey[] =>
    path === null ? [] : readList(path, key, missing, files, tell, findings);
  const counted = <T extends { readonly workers: number | 'auto' }>(
    one: T,
  ): T & { readonly workers: number } => ({
    ...one,
    workers: one.workers === 'auto' ? autoWorkers(cpus) : one.workers,
  });
  const { networksFile, whitelistFile, monitorLocalAddresses, monitorOpenvz, origins, ...rest } = plan;
  warnOfRepeats(plan.networks, 'networks', tell);
  warnOfRepeats(plan.whitelist, 'whitelist', tell);
  return {
    ...rest,
    networks: unique([
      ...plan.networks,
      ...listed(networksFile, 'networks_file', dialect.missingNetworks),
      ...(monitorLocalAddresses ? localAddresses.map(hostPrefix) : []),
      ...(monitorOpenvz ? openvzHosts(files, tell).map(hostPrefix) : []),
    ]),
    whitelist: unique([
      ...plan.whitelist,
      ...listed(whitelistFile, 'whitelist_file', dialect.missingWhitelist),
    ]),
    notify: { ...plan.notify, script: usableScript(plan.notify.script, dialect, files) },
    capture: {
      ...plan.capture,
      interfaces: plan.capture.interfaces.map(counted),
      listeners: plan.capture.listeners.map(counted),
    },
  };
}

/** FastNetMon starts without a script that cannot be run, and so do we with its file. */
function usableScript(script: string | null, dialect: Dialect, files: Files): string | null {
  if (script === null || dialect.missingScript === 'error') return script;
  const found = files.stat(script);
  return found?.kind === 'file' && found.executable ? script : null;
}

function readList(
  path: string,
  key: string,
  missing: Severity,
  files: Files,
  tell: Tell,
  findings: Findings,
): readonly PrefixKey[] {
  const read = files.read(path);
  if (!read.ok) {
    const severity = read.missing ? missing : 'error';
    tell(
      severity,
      key,
      `'${path}' is not read: ${read.why}`,
      'write one prefix a line into that file, or correct the path',
    );
    return [];
  }
  const { prefixes, remarks } = readPrefixList(read.text);
  for (const remark of remarks) findings.add({ file: path, key: null, ...remark });
  return prefixes;
}

function openvzHosts(files: Files, tell: Tell): readonly HostKey[] {
  if (files.stat(openvzVersion) === null) {
    tell(
      'note',
      'monitor_openvz',
      'this machine does not run OpenVZ, so no address is added',
      'switch it off',
    );
    return [];
  }
  const read = files.read(openvzList);
  if (read.ok) return openvzAddresses(read.text);
  tell(
    'warning',
    'monitor_openvz',
    `'${openvzList}' is not read: ${read.why}`,
    'run with the right to read it, or switch it off',
  );
  return [];
}

function warnOfRepeats(prefixes: readonly PrefixKey[], key: string, tell: Tell): void {
  const seen = new Set<PrefixKey>();
  for (const prefix of prefixes) {
    if (seen.has(prefix)) tell('warning', key, `${prefix} is listed twice`, 'remove one of the two');
    seen.add(prefix);
  }
}

const unique = (prefixes: readonly PrefixKey[]): readonly PrefixKey[] => [...new Set(prefixes)];
