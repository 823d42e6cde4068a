/**
 * A fastnetmon.conf as a YAML file of equal effect, with a comment that names where each line comes from.
 *
 * Equal is meant exactly: loaded in the same surroundings, both give the same Settings. A file that has
 * errors is not imported. What takes no effect is listed at the end, so that nothing is lost in silence.
 */
import { globalGroup, type Hostgroup } from '../domain/hostgroup.js';
import { directions, metrics } from '../domain/traffic.js';
import { readFastnetmonPlan } from './fastnetmon-plan.js';
import type { Files } from './files.js';
import { findingList } from './findings.js';
import { bgpLines } from './import-bgp.js';
import type { Dialect, Plan, PlannedInterface, PlannedListener } from './plan.js';
import { confidenceText, durationText, sizeText } from './quantities.js';
import { defaultLimits } from './schema.js';
import type { Finding } from './settings.js';
import type { Environment } from './values.js';

export type ImportRequest = {
  readonly path: string;
  readonly env: Environment;
  /** Looks at what the file names: a list or script that is not there is written as a comment. */
  readonly files: Files;
};
export type Imported =
  | { readonly ok: true; readonly yaml: string; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

export function importFastnetmon({ path, env, files }: ImportRequest): Imported {
  const findings = findingList();
  const source = files.read(path);
  if (!source.ok) {
    findings.add({
      severity: 'error',
      file: path,
      line: null,
      key: null,
      message: `the configuration is not read: ${source.why}`,
      remedy: 'give the path of a fastnetmon.conf',
    });
    return { ok: false, findings: findings.all() };
  }
  const { plan, dialect } = readFastnetmonPlan(source.text, path, env, findings);
  if (findings.failed()) return { ok: false, findings: findings.all() };
  const untold = findings.all().filter(({ message }) => message.startsWith('known, not supported'));
  return { ok: true, yaml: yamlOf(plan, dialect, files, untold), findings: findings.all() };
}

/** Plain where YAML reads it back as the same text, else in double quotes. */
const scalar = (text: string): string =>
  /^[A-Za-z/][A-Za-z0-9/_.-]*$/.test(text) && !/^(true|false|null|off|on|yes|no|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);

function yamlOf(plan: Plan, { file, name }: Dialect, files: Files, untold: readonly Finding[]): string {
  const from = (path: string): string => `  # ${name(path)}`;
  const listFile = (key: string, path: string | null): readonly string[] => {
    if (path === null) return [];
    const there = files.stat(path) !== null;
    return [`${there ? '' : '# not there: '}${key}: ${scalar(path)}${from(key)}`];
  };
  const everyone = plan.hostgroups.filter((group) => group.name === globalGroup);
  const groups = plan.hostgroups.filter((group) => group.name !== globalGroup);
  const { evidence, notify, capture, process } = plan;
  const { exporters } = capture;
  const script = notify.script === null ? undefined : files.stat(notify.script);
  const usable = script?.kind === 'file' && script.executable;
  return [
    `# Made from ${file}. Every key: docs/configuration.md.`,
    '',
    ...listFile('networks_file', plan.networksFile),
    ...listFile('whitelist_file', plan.whitelistFile),
    `monitor_local_addresses: ${plan.monitorLocalAddresses}${from('monitor_local_addresses')}`,
    `monitor_openvz: ${plan.monitorOpenvz}${from('monitor_openvz')}`,
    '',
    ...everyone.flatMap((group) => groupLines(group, null)),
    ...(groups.length === 0
      ? []
      : [
          '',
          '# A host group of fastnetmon.conf inherits nothing, so each is written in full.',
          'hostgroups:',
        ]),
    ...groups.flatMap((group) => [
      `  - name: ${JSON.stringify(group.name)}`,
      `    networks: [${group.networks.map((prefix) => JSON.stringify(prefix)).join(', ')}]`,
      ...groupLines(group, everyone[0] ?? null).map((line) => `    ${line}`),
    ]),
    '',
    'process:',
    `  incoming: ${process.incoming}${from('process.incoming')}`,
    `  outgoing: ${process.outgoing}${from('process.outgoing')}`,
    '',
    'capture:',
    `  count_flows: ${capture.countFlows}${from('capture.count_flows')}`,
    ...(capture.interfaces.length === 0 ? [] : ['  interfaces:  # interfaces, with mirror_afpacket = on']),
    ...capture.interfaces.flatMap(interfaceLines),
    ...familyLines('sflow', capture),
    ...familyLines('netflow', capture),
    ...(exporters.samplingFallback === null
      ? []
      : ['  exporters:', `    sampling_fallback: ${exporters.samplingFallback}  # netflow_sampling_ratio`]),
    '',
    'evidence:',
    `  packets: ${evidence.packets}  # ban_details_records_count`,
    `  directory: ${scalar(evidence.directory)}  # fixed in FastNetMon`,
    `  pcap: ${evidence.pcap}  # collect_attack_pcap_dumps`,
    `  sample_bytes: ${sizeText(evidence.sampleBytes)}`,
    ...(notify.script === null
      ? []
      : [
          '',
          'notify:',
          `  ${usable ? '' : '# cannot be run: '}script: ${scalar(notify.script)}${from('notify.script')}`,
        ]),
    ...bgpLines(plan.bgp),
    '',
    'log:',
    `  level: ${plan.log.level}  # logging_level`,
    ...(plan.pidFile === null ? [] : ['', `pid_file: ${scalar(plan.pidFile)}  # pid_path`]),
    ...(untold.length === 0 ? [] : ['', `# Not carried over from ${file}:`]),
    ...untold.map(({ key, message, remedy }) => `#   ${key}: ${message}; ${remedy}`),
    '',
  ].join('\n');
}

/** `outer`: whose limits a group would inherit, so that those it does not have are switched off. */
function groupLines(group: Hostgroup, outer: Hostgroup | null): readonly string[] {
  const { ban, confidence, thresholds, windowMs } = group;
  const inherited = outer?.thresholds;
  const limitLines = directions.flatMap((direction) => [
    `  ${direction}:`,
    ...metrics.flatMap((metric) => {
      const limit = thresholds[direction][metric];
      const other =
        inherited === undefined
          ? (defaultLimits as { readonly [metric: string]: number })[metric]
          : inherited[direction][metric];
      return limit === undefined && other === undefined ? [] : [`    ${metric}: ${limit ?? 'off'}`];
    }),
  ]);
  return [
    `window: ${durationText(windowMs)}  # average_calculation_time`,
    `confidence: ${confidenceText(confidence)}  # as in FastNetMon`,
    'thresholds:',
    ...limitLines.map((line, index) =>
      limitLines[index + 1]?.startsWith('    ') || line.startsWith('    ') ? line : `${line} {}`,
    ),
    'ban:',
    `  enabled: ${ban.enabled}  # enable_ban`,
    `  enabled_ipv6: ${ban.enabledIpv6}  # enable_ban_ipv6`,
    `  time: ${ban.timeMs === null ? 'never' : durationText(ban.timeMs)}  # ban_time`,
    `  only_if_finished: ${ban.onlyIfFinished}  # unban_only_if_attack_finished`,
  ];
}

const interfaceLines = (one: PlannedInterface): readonly string[] => [
  `    - name: ${JSON.stringify(one.name)}`,
  `      workers: ${one.workers}`,
  `      fanout: ${one.fanout}`,
  `      sampling: ${one.sampling}`,
  `      length_from_ip: ${one.lengthFromIp}`,
  `      snap_length: ${sizeText(one.snapLength)}`,
];

const listenerLines = ({ family, address, port, lengthFromIp }: PlannedListener): readonly string[] => [
  `    - listen: ${JSON.stringify(`${address.includes(':') ? `[${address}]` : address}:${port}`)}`,
  ...(family === 'sflow' ? [`      length_from_ip: ${lengthFromIp}`] : []),
];

/** The listeners of one family, which fastnetmon.conf has on one address and several ports. */
function familyLines(family: 'sflow' | 'netflow', { listeners }: Plan['capture']): readonly string[] {
  const own = listeners.filter((one) => one.family === family);
  if (own.length === 0) return [];
  return [`  ${family}:  # ${family}_host with each ${family}_port`, ...own.flatMap(listenerLines)];
}
