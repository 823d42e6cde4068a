/**
 * Every key of the YAML configuration: its format, default, bounds and meaning.
 * docs/configuration.md is made from this table, and a test holds the two together.
 */
import { type MitigationAction, mitigationActions } from '../domain/bgp.js';
import { type Metric, metrics } from '../domain/traffic.js';
import { bgpKeys } from './bgp-schema.js';
import {
  choice,
  inherited,
  type Leaf,
  later,
  leaf,
  list,
  required,
  type Section,
  section,
  type ValuesOf,
} from './declaration.js';
import { flowKeys } from './flow-schema.js';
import type { FormatName } from './formats.js';
import { noticeKeys } from './notice-schema.js';

type RateValue = string | number | undefined;
type LimitKeys = { readonly [M in Metric]: Leaf<RateValue> };

const metricFormat = (metric: Metric): FormatName =>
  metric === 'flows' ? 'flow_rate' : metric.endsWith('pps') ? 'packet_rate' : 'bit_rate';

const metricDoc = (metric: Metric): string => {
  if (metric === 'flows') return 'New flows; needs `capture.count_flows`.';
  const [, kind = '', unit] = /^(?:(.*)_)?(pps|mbps)$/.exec(metric) ?? [];
  const what = {
    tcp: 'TCP',
    udp: 'UDP',
    icmp: 'ICMP and ICMPv6',
    tcp_syn: 'TCP SYN',
    fragment: 'Fragmented',
  }[kind];
  return `${what === undefined ? 'All' : what} ${unit === 'pps' ? 'packets' : 'traffic'}.`;
};

const limits = (
  doc: string,
  words: string,
  defaults: { readonly [M in Metric]?: RateValue } = {},
): Section<LimitKeys> =>
  section(
    doc,
    Object.fromEntries(
      metrics.map((metric) => [
        metric,
        defaults[metric] === undefined
          ? inherited<RateValue>(metricFormat(metric), metricDoc(metric), words)
          : leaf<RateValue>(metricFormat(metric), defaults[metric], metricDoc(metric)),
      ]),
    ) as LimitKeys,
  );

/** Of the `global` group, in each judged direction. */
export const defaultLimits = { pps: 20_000, mbps: 1_000 } as const;

const thresholds = (words: string, defaults: { readonly [M in Metric]?: RateValue }) =>
  section('A rate strictly greater is an attack. `off`: not judged.', {
    incoming: limits('To each host.', words, defaults),
    outgoing: limits('From each host.', words, defaults),
    total: limits(
      'To or from all hosts of the group together; the attack is named by the prefix of the group when it has one alone, else by its busiest network.',
      words,
    ),
    network: limits('To or from each of the networks as a whole.', words),
  });

const windowBounds = { min: 100, max: 300_000 } as const;
const banTimeBounds = { min: 0, max: 365 * 86_400_000 } as const;
const calmBounds = { min: 0, max: 3_600_000 } as const;
const banDocs = {
  enabled: 'Act on attacks: script and announcements. Off: detect and report only.',
  enabledIpv6: 'The same for IPv6 hosts.',
  time: 'How long a mitigation stays. `0s`: until the attack is over; `never`: until lifted by hand.',
  finished: 'When the time is up, release only once the attack is over.',
  action:
    'What is announced: `blackhole` the host, `flowspec` rules against the attack, `flowspec_then_blackhole` when rules do not help or the uplink is in danger, or `none`.',
  calm: 'How long the rate must stay at or below the threshold for an attack to be over.',
} as const;
const growthBounds = { min: 1, max: 100 } as const;
const probeDocs = {
  all: 'For drops upstream, behind which an attack cannot be seen: a release is a probe.',
  enabled: 'Watch a released host, and take an attack on it for the same one.',
  watch: 'For so long after the release.',
  growth: 'Each return is mitigated so many times as long as before.',
  maxTime: 'And not longer than this.',
} as const;
const asGlobal = 'as at top level';

const hostgroup = section('', {
  name: required<string>('name', 'Name in reports and metrics; unique.'),
  networks: list(
    'Prefixes of the group. Of several groups the longest matching prefix decides.',
    required<string>('prefix', ''),
  ),
  window: inherited<string>('duration', 'As `window` at top level.', asGlobal, windowBounds),
  thresholds: thresholds(asGlobal, {}),
  confidence: inherited<string>('confidence', 'As `confidence` at top level.', asGlobal),
  ban: section('What is not set here is as in `ban` at top level.', {
    enabled: inherited<boolean>('boolean', banDocs.enabled, asGlobal),
    enabled_ipv6: inherited<boolean>(
      'boolean',
      banDocs.enabledIpv6,
      'as `enabled` if that is set here, else as at top level',
    ),
    time: inherited<string>('ban_time', banDocs.time, asGlobal, banTimeBounds),
    only_if_finished: inherited<boolean>('boolean', banDocs.finished, asGlobal),
    calm: inherited<string>('duration', banDocs.calm, asGlobal, calmBounds),
    action: inherited<MitigationAction>('choice', banDocs.action, asGlobal, { options: mitigationActions }),
    probe: section(probeDocs.all, {
      enabled: inherited<boolean>('boolean', probeDocs.enabled, asGlobal),
      watch: inherited<string>('duration', probeDocs.watch, asGlobal, banTimeBounds),
      growth: inherited<number>('factor', probeDocs.growth, asGlobal, growthBounds),
      max_time: inherited<string>('duration', probeDocs.maxTime, asGlobal, banTimeBounds),
    }),
  }),
});

export const fanouts = ['cpu', 'lb', 'hash', 'random', 'rollover', 'queue_mapping'] as const;

export const captureInterface = section('', {
  name: required<string>('interface_name', 'The interface that receives the mirrored traffic.'),
  workers: leaf<number | 'auto'>('workers', 1, 'Capture threads. `auto`: one per CPU but one, 8 at most.', {
    min: 1,
    max: 64,
  }),
  fanout: choice(fanouts, 'cpu', 'How the kernel shares packets among workers (packet(7)).'),
  promiscuous: leaf<boolean>('boolean', true, 'Also take frames addressed to others.'),
  snap_length: leaf<string>(
    'size',
    '128B',
    'Bytes taken of each frame; lengths are counted in full. 128 hold the headers and the begin of what they carry; each further line of 64 costs CPU.',
    { min: 64, max: 65_535 },
  ),
  ring: leaf<string>('size', '16MiB', 'Kernel ring of each worker.', { min: 1 << 18, max: 2 ** 31 }),
  block_timeout: leaf<string>(
    'duration',
    '25ms',
    'A block of the ring is handed over after this, or a quarter of a tick, at the latest.',
    { min: 1, max: 1_000 },
  ),
  sampling: leaf<number>('count', 1, 'What each packet stands for, when the mirror samples.', {
    min: 1,
    max: 10_000_000,
  }),
  length_from_ip: leaf<boolean>(
    'boolean',
    false,
    'Count the length in the IP header, when the mirror cuts packets short.',
  ),
});

export const schema = section('', {
  networks: list(
    'Our networks: what is in none of them is nobody of ours. Nested prefixes are allowed.',
    required<string>('prefix', ''),
  ),
  networks_file: leaf<string | null>('path', null, 'More networks, one prefix or address a line.'),
  whitelist: list(
    'Hosts and networks that are detected and reported but never acted on.',
    required<string>('prefix', ''),
  ),
  whitelist_file: leaf<string | null>('path', null, 'More of the whitelist, one prefix or address a line.'),
  monitor_local_addresses: leaf<boolean>(
    'boolean',
    false,
    'Add the addresses of this machine, except those of `lo` and link-local ones, to the networks.',
  ),
  monitor_openvz: leaf<boolean>('boolean', false, 'Add the addresses in /proc/vz/veip to the networks.'),
  window: leaf<string>('duration', '1s', 'Rates are sums over the last window.', windowBounds),
  thresholds: thresholds('off', defaultLimits),
  confidence: leaf<string>(
    'confidence',
    '95%',
    'How sure it must be that a rate estimated from sampled packets is above its threshold. Rates of unsampled traffic are certain. `off`: an estimate is judged as it is.',
  ),
  ban: section('What happens to an attacked host, and until when.', {
    enabled: leaf<boolean>('boolean', true, banDocs.enabled),
    enabled_ipv6: inherited<boolean>('boolean', banDocs.enabledIpv6, 'as `enabled`'),
    time: leaf<string>('ban_time', '1900s', banDocs.time, banTimeBounds),
    only_if_finished: leaf<boolean>('boolean', true, banDocs.finished),
    calm: leaf<string>('duration', '5s', banDocs.calm, calmBounds),
    action: choice(mitigationActions, 'blackhole', banDocs.action),
    probe: section(probeDocs.all, {
      enabled: leaf<boolean>('boolean', false, probeDocs.enabled),
      watch: leaf<string>('duration', '10m', probeDocs.watch, banTimeBounds),
      growth: leaf<number>('factor', 2, probeDocs.growth, growthBounds),
      max_time: leaf<string>('duration', '1d', probeDocs.maxTime, banTimeBounds),
    }),
  }),
  hostgroups: list(
    'Groups of hosts with settings of their own. All other hosts are in the group `global`, which the settings at top level are for.',
    hostgroup,
  ),
  process: section('Directions that are counted and judged for hosts at all.', {
    incoming: leaf<boolean>('boolean', true, 'Traffic to our hosts.'),
    outgoing: leaf<boolean>('boolean', true, 'Traffic from our hosts.'),
  }),
  capture: section('Where traffic comes from.', {
    tick: leaf<string>(
      'duration',
      '100ms',
      'Period in which sources hand over counters and rates are judged.',
      { min: 10, max: 1_000 },
    ),
    ipv6_hosts: leaf<number>(
      'power_of_two',
      65_536,
      'Rows for IPv6 hosts, a worker. Beyond it, traffic counts for the network alone.',
      { min: 1_024, max: 2 ** 24 },
    ),
    count_flows: leaf<boolean>('boolean', true, 'Count flows per host. Costs about half of the packet path.'),
    flow_slots: leaf<number>('power_of_two', 1_048_576, 'Flows a worker tells apart within a second.', {
      min: 1_024,
      max: 2 ** 26,
    }),
    interfaces: list(
      'Interfaces with mirrored traffic (AF_PACKET). A text stands for the name alone.',
      captureInterface,
      'name',
    ),
    ...flowKeys,
  }),
  evidence: section('What is gathered about an attack, beside the decision.', {
    packets: leaf<number>('count', 100, 'Packets sampled per attack. 0: none.', { min: 0, max: 10_000 }),
    time_limit: leaf<string>('duration', '10s', 'Gathering ends with what there is after this.', {
      min: 100,
      max: 600_000,
    }),
    directory: leaf<string | null>('path', null, 'Where reports and captures go.', {
      words: '`attacks` in `state.dir`',
    }),
    pcap: leaf<boolean>('boolean', true, 'Write the sampled packets as a pcap file too.'),
    sample_bytes: leaf<string>('size', '128B', 'Bytes kept of a sampled packet, of those that were taken.', {
      min: 64,
      max: 65_535,
    }),
  }),
  notify: section(
    'Who is told of attacks. The script is called with address, direction, packets per second and action.',
    {
      script: leaf<string | null>('path', null, 'Program to run. Executed directly, without a shell.'),
      timeout: leaf<string>('duration', '30s', 'It is killed with its children after this.', {
        min: 100,
        max: 3_600_000,
      }),
      concurrency: leaf<number>('count', 4, 'Runs at one time.', { min: 1, max: 256 }),
      queue: leaf<number>('count', 1_024, 'Runs that may wait.', { min: 1, max: 1_000_000 }),
      ...noticeKeys,
    },
  ),
  bgp: section('Announcements: to whom, how, and within which limits.', bgpKeys),
  export: section('Where metrics go.', {
    influxdb: later('InfluxDB.'),
    graphite: later('Graphite.'),
    prometheus: later('Endpoint for Prometheus.'),
  }),
  store: section('Where attacks are kept, beside the local journal.', {
    redis: later('Redis.'),
    mongodb: later('MongoDB.'),
  }),
  api: later('The API beyond the control socket.'),
  state: section('', {
    dir: leaf<string>('path', '/var/lib/tidegate', 'Journal, control socket and evidence.', {
      env: 'TIDEGATE_STATE_DIR',
    }),
  }),
  log: section('', {
    level: choice(['debug', 'info', 'warn', 'error'], 'info', 'Least severity written.'),
    file: leaf<string | null>('path', null, 'Log file, reopened at SIGHUP.', { words: 'standard error' }),
    format: choice(['json', 'pretty', 'auto'], 'auto', '`auto`: pretty on a terminal, else json.'),
  }),
  pid_file: leaf<string | null>(
    'path',
    null,
    'Written by `run --daemonize`; in the foreground only `--pid-file` writes one.',
  ),
});

export type FileValues = ValuesOf<typeof schema>;
export type HostgroupValues = ValuesOf<typeof hostgroup>;
export type LimitValues = { readonly [M in Metric]: RateValue };
export type InterfaceValues = ValuesOf<typeof captureInterface>;
