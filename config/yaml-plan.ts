/** The validated values of a YAML file as a plan, in the program's units. */
import type { MitigationAction } from '../domain/bgp.js';
import {
  type BanPolicy,
  globalGroup,
  type Hostgroup,
  type ProbePolicy,
  type Thresholds,
} from '../domain/hostgroup.js';
import { parsePrefix } from '../domain/prefix.js';
import { type Limits, type Metric, metrics } from '../domain/traffic.js';
import type { Milliseconds, PrefixKey } from '../domain/units.js';
import { bgpOf } from './bgp-plan.js';
import { exportersOf, ipfixListenerOf, netflowListenerOf, sflowListenerOf } from './flow-plan.js';
import { receiversOf } from './notice-plan.js';
import { type Plan, type PlannedInterface, pathFrom } from './plan.js';
import {
  type RateUnit,
  type Reading,
  readConfidence,
  readDuration,
  readRate,
  readSize,
} from './quantities.js';
import type { FileValues, HostgroupValues, InterfaceValues, LimitValues } from './schema.js';
import { sure } from './sure.js';

const ms = (text: string): Milliseconds => sure(readDuration(text));
const banTime = (text: string): Milliseconds | null => (text === 'never' ? null : ms(text));

export const unitOf = (metric: Metric): RateUnit =>
  metric === 'flows' ? 'flows' : metric.endsWith('pps') ? 'packets' : 'bits';

function limitsOf(values: LimitValues, outer: Limits): Limits {
  const limits: { [M in Metric]?: number } = {};
  for (const metric of metrics) {
    const value = values[metric];
    const limit = value === undefined ? outer[metric] : sure(readRate(value, unitOf(metric)));
    if (limit !== undefined && limit !== null) limits[metric] = limit;
  }
  return limits;
}

type ThresholdValues = { readonly [P in keyof Thresholds]: LimitValues };
const nothingJudged: Thresholds = { incoming: {}, outgoing: {}, total: {}, network: {} };

const thresholdsOf = (values: ThresholdValues, outer: Thresholds): Thresholds => ({
  incoming: limitsOf(values.incoming, outer.incoming),
  outgoing: limitsOf(values.outgoing, outer.outgoing),
  total: limitsOf(values.total, outer.total),
  network: limitsOf(values.network, outer.network),
});

type ProbeValues = FileValues['ban']['probe'];

/** `outer`: what is not set here is as there. */
function probeOf(values: HostgroupValues['ban']['probe'], outer: ProbeValues | null): ProbePolicy | null {
  const { enabled, watch, growth, max_time: maxTime } = { ...outer, ...definedOf(values) };
  if (enabled !== true || watch === undefined || growth === undefined || maxTime === undefined) return null;
  return { watchMs: ms(watch), growth, maxTimeMs: ms(maxTime) };
}

const definedOf = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;

function hostgroupOf(values: HostgroupValues, outer: Hostgroup, outerProbe: ProbeValues): Hostgroup {
  const { ban } = values;
  const policy: BanPolicy = {
    enabled: ban.enabled ?? outer.ban.enabled,
    enabledIpv6: ban.enabled_ipv6 ?? ban.enabled ?? outer.ban.enabledIpv6,
    timeMs: ban.time === undefined ? outer.ban.timeMs : banTime(ban.time),
    onlyIfFinished: ban.only_if_finished ?? outer.ban.onlyIfFinished,
    calmMs: ban.calm === undefined ? outer.ban.calmMs : ms(ban.calm),
    probe: probeOf(ban.probe, outerProbe),
  };
  return {
    name: values.name,
    networks: prefixes(values.networks),
    windowMs: values.window === undefined ? outer.windowMs : ms(values.window),
    thresholds: thresholdsOf(values.thresholds, outer.thresholds),
    confidence: values.confidence === undefined ? outer.confidence : sure(readConfidence(values.confidence)),
    ban: policy,
    action: ban.action ?? outer.action,
  };
}

const prefixes = (values: readonly (string | undefined)[]): readonly PrefixKey[] =>
  values.filter((value) => value !== undefined).map((value) => sure(canonical(value)));

function canonical(text: string): Reading<PrefixKey> {
  const prefix = parsePrefix(text);
  return prefix.ok ? prefix : { ok: false, fault: { message: prefix.error.detail, remedy: '' } };
}

export const interfaceOf = (values: InterfaceValues): PlannedInterface => ({
  name: values.name,
  workers: values.workers,
  fanout: values.fanout,
  promiscuous: values.promiscuous,
  snapLength: sure(readSize(values.snap_length)),
  ringBytes: sure(readSize(values.ring)),
  blockTimeoutMs: ms(values.block_timeout),
  sampling: values.sampling,
  lengthFromIp: values.length_from_ip,
});

/** Items that have values, remembered with where in the file they come from. */
function itemsOf<V, T extends object>(
  values: readonly (V | undefined)[],
  path: string,
  make: (value: V) => T,
  origins: Map<object, string>,
): readonly T[] {
  const items: T[] = [];
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    const item = make(value);
    origins.set(item, `${path}[${index}]`);
    items.push(item);
  }
  return items;
}

/** `configPath`: where the values come from, for relative paths. `stateDir`: of the environment, or null. */
export function planOfYaml(values: FileValues, configPath: string, stateDir: string | null): Plan {
  const origins = new Map<object, string>();
  const optionalPath = (path: string | null): string | null =>
    path === null ? null : pathFrom(configPath, path);
  const dir = stateDir ?? pathFrom(configPath, values.state.dir);
  const { ban } = values;
  const globalHosts: Hostgroup = {
    name: globalGroup,
    networks: [],
    windowMs: ms(values.window),
    thresholds: thresholdsOf(values.thresholds, nothingJudged),
    confidence: sure(readConfidence(values.confidence)),
    ban: {
      enabled: ban.enabled,
      enabledIpv6: ban.enabled_ipv6 ?? ban.enabled,
      timeMs: banTime(ban.time),
      onlyIfFinished: ban.only_if_finished,
      calmMs: ms(ban.calm),
      probe: probeOf(ban.probe, null),
    },
    action: ban.action as MitigationAction,
  };
  origins.set(globalHosts, '');
  const { capture, evidence, notify } = values;
  const groups = itemsOf(
    values.hostgroups,
    'hostgroups',
    (group) => hostgroupOf(group, globalHosts, ban.probe),
    origins,
  );
  return {
    networks: prefixes(values.networks),
    networksFile: optionalPath(values.networks_file),
    whitelist: prefixes(values.whitelist),
    whitelistFile: optionalPath(values.whitelist_file),
    monitorLocalAddresses: values.monitor_local_addresses,
    monitorOpenvz: values.monitor_openvz,
    hostgroups: [...groups, globalHosts],
    process: values.process,
    capture: {
      tickMs: ms(capture.tick),
      ipv6Hosts: capture.ipv6_hosts,
      countFlows: capture.count_flows,
      flowSlots: capture.flow_slots,
      interfaces: itemsOf(capture.interfaces, 'capture.interfaces', interfaceOf, origins),
      listeners: [
        ...itemsOf(capture.sflow, 'capture.sflow', sflowListenerOf, origins),
        ...itemsOf(capture.netflow, 'capture.netflow', netflowListenerOf, origins),
        ...itemsOf(capture.ipfix, 'capture.ipfix', ipfixListenerOf, origins),
      ],
      exporters: exportersOf(capture.exporters),
      filters: capture.filters,
    },
    evidence: {
      packets: evidence.packets,
      timeLimitMs: ms(evidence.time_limit),
      directory: evidence.directory === null ? `${dir}/attacks` : pathFrom(configPath, evidence.directory),
      pcap: evidence.pcap,
      sampleBytes: sure(readSize(evidence.sample_bytes)),
    },
    notify: {
      script: optionalPath(notify.script),
      timeoutMs: ms(notify.timeout),
      concurrency: notify.concurrency,
      queue: notify.queue,
      receivers: receiversOf(notify, origins),
    },
    bgp: bgpOf(values.bgp, configPath, origins),
    state: { dir },
    log: { ...values.log, file: optionalPath(values.log.file) },
    pidFile: optionalPath(values.pid_file),
    origins,
  };
}
