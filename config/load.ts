/**
 * From a configuration file to settings, with every fault found on the way, in one pass.
 *
 * Pure but for the `files` it is given: the environment, this machine's addresses and its CPUs are
 * arguments, so a check and a test see exactly what a start sees.
 */
import type { HostKey } from '../domain/units.js';
import { checkTls } from './bgp-tls.js';
import { checkTogether, type Needs } from './consistency.js';
import { readFastnetmonPlan } from './fastnetmon-plan.js';
import type { Files } from './files.js';
import { findingList } from './findings.js';
import { resolve, tellInto } from './resolve.js';
import type { Loaded } from './settings.js';
import type { Environment } from './values.js';
import { readYamlPlan } from './yaml.js';

export type LoadRequest = {
  /** A name that ends in '.conf' is FastNetMon's, any other is YAML. null: the built-in defaults. */
  readonly path: string | null;
  readonly env: Environment;
  readonly files: Files;
  /** `localAddresses(os.networkInterfaces())`. */
  readonly localAddresses: readonly HostKey[];
  readonly cpus: number;
  /** The time of day. Without it nobody looks whether certificates are valid now. */
  readonly now?: Date;
  /** Both unless said otherwise. */
  readonly needs?: Needs;
};

export const isFastnetmonPath = (path: string): boolean => path.endsWith('.conf');

/** Findings are sorted by file and line; `ok` is false when one of them is an error. */
export function loadSettings(request: LoadRequest): Loaded {
  const { path, env, files, needs = { sources: true, networks: true } } = request;
  const findings = findingList();
  const file = path ?? 'defaults';
  const source = path === null ? ({ ok: true, text: '' } as const) : files.read(path);
  if (!source.ok) {
    const remedy = source.missing
      ? 'give the path of your configuration with --config'
      : 'correct its permissions or the path';
    findings.add({
      severity: 'error',
      file,
      line: null,
      key: null,
      message: `the configuration is not read: ${source.why}`,
      remedy,
    });
    return { ok: false, findings: findings.all() };
  }
  const read = isFastnetmonPath(file)
    ? readFastnetmonPlan(source.text, file, env, findings)
    : readYamlPlan(source.text, file, env, findings);
  if (read === null) return { ok: false, findings: findings.all() };
  const { plan, dialect } = read;
  // Of a list whose entries are all faulty, that it is empty is no news.
  const faulty = (list: string): boolean =>
    findings.all().some(({ severity, key }) => severity === 'error' && (key ?? '').startsWith(list));
  const needed = {
    networks: needs.networks && !faulty('networks'),
    sources: needs.sources && !faulty('capture'),
  };
  const settings = resolve(plan, dialect, request, findings);
  const tell = tellInto(findings, dialect);
  checkTogether(plan, settings, dialect, files, needed, tell);
  checkTls(plan, files, request.now ?? null, tell);
  return findings.failed()
    ? { ok: false, findings: findings.all() }
    : { ok: true, settings, findings: findings.all() };
}
