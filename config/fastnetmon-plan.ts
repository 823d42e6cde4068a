/**
 * A fastnetmon.conf as a plan: every option takes effect or is told (`fastnetmon-options.ts`). An option
 * that is absent has FastNetMon's own default, which for bans and thresholds is off and 0.
 */
import { globalGroup } from '../domain/hostgroup.js';
import { defaultInterface, defaultPlan } from './defaults.js';
import { bgpOfFastnetmon } from './fastnetmon-bgp.js';
import { fastnetmonDialect } from './fastnetmon-dialect.js';
import { type GroupShape, groupNamed, hostgroupsOf, type PlannedGroup } from './fastnetmon-hostgroups.js';
import { flowOf } from './fastnetmon-listeners.js';
import { type OptionReader, optionReader } from './fastnetmon-reader.js';
import { readFastnetmonConf } from './fastnetmon-source.js';
import { tellUntaken } from './fastnetmon-untaken.js';
import type { Findings } from './findings.js';
import { listenerPath } from './flow-plan.js';
import { judge } from './formats.js';
import { type Plan, type PlannedInterface, pathFrom } from './plan.js';
import { quoted } from './quantities.js';
import { fanouts } from './schema.js';
import type { LogSettings } from './settings.js';
import type { Environment } from './values.js';
import { type Read, stateDirVariable } from './yaml.js';

/** Where FastNetMon always writes its reports; it has no option. */
const attacksDirectory = '/var/log/fastnetmon_attacks';
const longestBanSeconds = 365 * 86_400;
/** A packet's whole payload is meant to be in a dump. */
const dumpedBytes = 1_500;

export function readFastnetmonPlan(text: string, path: string, env: Environment, findings: Findings): Read {
  const source = readFastnetmonConf(text);
  const options = optionReader(source, (remark) => findings.add({ file: path, ...remark }));
  for (const remark of source.remarks) findings.add({ file: path, ...remark });

  const defaults = defaultPlan(path, stateDirOf(env, findings));
  const pathOption = (name: string, fallback: string): string | null => pathOf(options, name, fallback, path);
  const banSeconds = options.integer('ban_time', 1_800, 0, longestBanSeconds);
  const shape: GroupShape = {
    windowMs: options.integer('average_calculation_time', 15, 1, 300) * 1_000,
    ban: {
      timeMs: banSeconds === 0 ? null : banSeconds * 1_000,
      onlyIfFinished: options.boolean('unban_only_if_attack_finished', true),
      calmMs: defaults.calmMs,
    },
  };
  const groups = hostgroupsOf(source.hostgroups, options, shape, (severity, line, message, remedy) =>
    findings.add({ severity, file: path, line, key: 'hostgroup', message, remedy }),
  );
  const everyoneElse = groupNamed(globalGroup, [], options, shape);
  const dump = options.boolean('collect_attack_pcap_dumps', false);
  const bgp = bgpOfFastnetmon(options, path);
  const capture = captureOf(options, defaults.plan.capture, dump);
  const plan: Plan = {
    ...defaults.plan,
    networksFile: pathOption('networks_list_path', '/etc/networks_list'),
    whitelistFile: pathOption('white_list_path', '/etc/networks_whitelist'),
    monitorLocalAddresses: options.boolean('monitor_local_ip_addresses', true),
    monitorOpenvz: options.boolean('monitor_openvz_vps_ip_addresses', false),
    hostgroups: [...groups.map(({ group }) => group), everyoneElse],
    process: {
      incoming: options.boolean('process_incoming_traffic', true),
      outgoing: options.boolean('process_outgoing_traffic', true),
    },
    capture,
    evidence: {
      ...defaults.plan.evidence,
      packets: options.integer('ban_details_records_count', 50, 0, 10_000),
      directory: attacksDirectory,
      pcap: dump,
      sampleBytes: dump ? dumpedBytes : defaults.plan.evidence.sampleBytes,
    },
    notify: {
      ...defaults.plan.notify,
      script: pathOption('notify_script_path', '/usr/local/bin/notify_about_attack.sh'),
    },
    bgp,
    log: { ...defaults.plan.log, level: levelOf(options) },
    pidFile: pathOption('pid_path', '/var/run/fastnetmon.pid'),
    origins: originsOf(groups, everyoneElse, capture, bgp),
  };
  tellUntaken(
    source,
    groups.map(({ group }) => group.name),
    options,
  );
  return { plan, dialect: fastnetmonDialect(path, options, groups) };
}

function originsOf(
  groups: readonly PlannedGroup[],
  everyoneElse: object,
  capture: Plan['capture'],
  bgp: Plan['bgp'],
): ReadonlyMap<object, string> {
  return new Map<object, string>([
    ...groups.map(({ group }, index) => [group, `hostgroups[${index}]`] as const),
    [everyoneElse, ''],
    ...capture.interfaces.map((one, index) => [one, `capture.interfaces[${index}]`] as const),
    ...capture.listeners.map((one, index) => [one, `${listenerPath(one.family)}[${index}]`] as const),
    ...bgp.policy.speakers.map((one) => [one, `bgp.${one.name}[0]`] as const),
  ]);
}

/** Of the environment, which has no line; null when it says nothing. */
function stateDirOf(env: Environment, findings: Findings): string | null {
  const dir = env[stateDirVariable] || null;
  const fault = dir === null ? null : judge('path', dir, {});
  if (fault === null) return dir;
  findings.add({ severity: 'error', file: 'environment', line: null, key: stateDirVariable, ...fault });
  return null;
}

/** null: set to nothing, which to FastNetMon is a file that is not there. */
function pathOf(options: OptionReader, name: string, fallback: string, configPath: string): string | null {
  const path = options.text(name, fallback);
  if (path === '') {
    options.tell(
      'warning',
      name,
      'it is empty',
      `write a path such as ${fallback}, or remove the line for that one`,
    );
    return null;
  }
  const fault = judge('path', path, {});
  if (fault === null) return pathFrom(configPath, path);
  options.tell('error', name, fault.message, fault.remedy);
  return null;
}

function levelOf(options: OptionReader): LogSettings['level'] {
  const level = options.text('logging_level', 'info');
  if (level === 'info' || level === 'debug') return level;
  options.tell(
    'warning',
    'logging_level',
    `${quoted(level)} is not a level and is taken as info`,
    'write info or debug',
  );
  return 'info';
}

function captureOf(options: OptionReader, defaults: Plan['capture'], dump: boolean): Plan['capture'] {
  const mirrored = options.boolean('mirror_afpacket', false);
  // What FastNetMon refuses to start with.
  if (mirrored && options.boolean('mirror_afxdp', false)) {
    options.tell(
      'error',
      'mirror_afxdp',
      'mirror_afpacket is on too, and only one of them can be',
      'switch one of the two off',
    );
  }
  if (options.boolean('mirror_netmap', false) && options.boolean('mirror', false)) {
    options.tell(
      'error',
      'mirror_netmap',
      'mirror is on too, and only one of them can be',
      'switch both off and mirror_afpacket on',
    );
  }
  const { listeners, samplingFallback } = flowOf(options);
  return {
    ...defaults,
    countFlows: options.boolean('enable_connection_tracking', true),
    interfaces: mirrored ? interfacesOf(options, dump) : [],
    listeners,
    exporters: { ...defaults.exporters, samplingFallback },
  };
}

function interfacesOf(options: OptionReader, dump: boolean): readonly PlannedInterface[] {
  const sampling = options.integer('mirror_af_packet_custom_sampling_rate', 1, 1, 10_000_000);
  const lengthFromIp = options.boolean('af_packet_read_packet_length_from_ip_header', false);
  const mode = options.text('mirror_af_packet_fanout_mode', 'cpu');
  const fanout = fanouts.find((one) => one === mode);
  if (fanout === undefined) {
    options.tell(
      'error',
      'mirror_af_packet_fanout_mode',
      `${quoted(mode)} is not a fanout mode`,
      `write one of ${fanouts.join(', ')}`,
    );
  }
  const names = options.list('interfaces');
  if (names.length === 0) {
    const where = options.has('interfaces') ? 'interfaces' : 'mirror_afpacket';
    options.tell(
      'error',
      where,
      'mirror_afpacket is on and no interface is named',
      'write interfaces = eth0',
    );
  }
  const valid = names.filter((name) => {
    const fault = judge('interface_name', name, {});
    if (fault !== null) options.tell('error', 'interfaces', fault.message, fault.remedy);
    return fault === null;
  });
  return valid.map((name) => {
    const one = defaultInterface(name);
    const snapLength = dump ? dumpedBytes : one.snapLength;
    return { ...one, workers: 'auto', fanout: fanout ?? one.fanout, sampling, lengthFromIp, snapLength };
  });
}
