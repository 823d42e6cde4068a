/**
 * Every option of fastnetmon.conf, of today's FastNetMon Community and of older ones, and what becomes of it.
 *
 * `taken`: it takes effect, and `key` is where a YAML file has it. `later`: known, not supported yet.
 * `gone`: known, not supported any more. The last two are told once: a switch when it is on, an option
 * that belongs to a switch together with it, any other when it is in the file. As a note; as a warning where
 * the operator would otherwise believe that traffic is watched or an attack is announced.
 */
import type { Metric } from '../domain/traffic.js';
import type { Severity } from './settings.js';

export type OptionType = 'boolean' | 'integer' | 'text';
export type Told = 'on' | 'present' | { readonly with: string };
export type Effect =
  | { readonly kind: 'taken'; readonly key: string }
  | {
      readonly kind: 'later' | 'gone';
      readonly told: Told;
      readonly instead: string;
      readonly severity: Severity;
    };
export type OptionSpec = { readonly name: string; readonly type: OptionType; readonly effect: Effect };

const taken = (name: string, type: OptionType, key: string): OptionSpec => ({
  name,
  type,
  effect: { kind: 'taken', key },
});
const later = (name: string, told: Told, instead: string, severity: Severity = 'note'): OptionSpec => ({
  name,
  type: told === 'on' ? 'boolean' : 'text',
  effect: { kind: 'later', told, instead, severity },
});
const gone = (name: string, told: Told, instead: string, severity: Severity = 'note'): OptionSpec => ({
  name,
  type: told === 'on' ? 'boolean' : 'text',
  effect: { kind: 'gone', told, instead, severity },
});
/** Options that only say how a feature is set up, and are told with its switch. */
const partsOf = (name: string, parts: readonly string[]): readonly OptionSpec[] =>
  parts.map((part) => later(part, { with: name }, ''));
const goneParts = (name: string, parts: readonly string[]): readonly OptionSpec[] =>
  parts.map((part) => gone(part, { with: name }, ''));

/** Settings that the global group has by itself and every host group by `<group>_<name>`. */
export const groupSwitches: readonly {
  readonly flag: string;
  readonly threshold: string;
  readonly metric: Metric;
}[] = [
  { flag: 'ban_for_pps', threshold: 'threshold_pps', metric: 'pps' },
  { flag: 'ban_for_bandwidth', threshold: 'threshold_mbps', metric: 'mbps' },
  { flag: 'ban_for_flows', threshold: 'threshold_flows', metric: 'flows' },
  { flag: 'ban_for_tcp_pps', threshold: 'threshold_tcp_pps', metric: 'tcp_pps' },
  { flag: 'ban_for_udp_pps', threshold: 'threshold_udp_pps', metric: 'udp_pps' },
  { flag: 'ban_for_icmp_pps', threshold: 'threshold_icmp_pps', metric: 'icmp_pps' },
  { flag: 'ban_for_tcp_bandwidth', threshold: 'threshold_tcp_mbps', metric: 'tcp_mbps' },
  { flag: 'ban_for_udp_bandwidth', threshold: 'threshold_udp_mbps', metric: 'udp_mbps' },
  { flag: 'ban_for_icmp_bandwidth', threshold: 'threshold_icmp_mbps', metric: 'icmp_mbps' },
];

export const groupOptions: readonly OptionSpec[] = [
  taken('enable_ban', 'boolean', 'ban.enabled'),
  taken('enable_ban_ipv6', 'boolean', 'ban.enabled_ipv6'),
  ...groupSwitches.flatMap(({ flag, threshold, metric }) => [
    taken(flag, 'boolean', `thresholds.incoming.${metric} and thresholds.outgoing.${metric}`),
    taken(threshold, 'integer', `thresholds.incoming.${metric} and thresholds.outgoing.${metric}`),
  ]),
];

export const fastnetmonOptions: readonly OptionSpec[] = [
  ...groupOptions,
  taken('hostgroup', 'text', 'hostgroups'),

  // Logging and the process
  taken('logging_level', 'text', 'log.level'),
  later(
    'logging_local_syslog_logging',
    'on',
    'logs go to standard error, which the journal of systemd keeps',
  ),
  later('logging_remote_syslog_logging', 'on', 'forward the journal with your syslog daemon'),
  ...partsOf('logging_remote_syslog_logging', ['logging_remote_syslog_server', 'logging_remote_syslog_port']),
  gone('logging:local_syslog_logging', 'on', 'logs go to standard error, which the journal of systemd keeps'),
  gone('logging:remote_syslog_logging', 'on', 'forward the journal with your syslog daemon'),
  ...goneParts('logging:remote_syslog_logging', [
    'logging:remote_syslog_server',
    'logging:remote_syslog_port',
  ]),
  gone(
    'disable_usage_report',
    'present',
    'nothing is ever reported to anybody, so there is nothing to disable',
  ),
  taken('pid_path', 'text', 'pid_file'),

  // Networks
  taken('networks_list_path', 'text', 'networks_file'),
  taken('white_list_path', 'text', 'whitelist_file'),
  taken('monitor_local_ip_addresses', 'boolean', 'monitor_local_addresses'),
  taken('monitor_openvz_vps_ip_addresses', 'boolean', 'monitor_openvz'),

  // What is counted, and how long a ban stays
  taken('process_incoming_traffic', 'boolean', 'process.incoming'),
  taken('process_outgoing_traffic', 'boolean', 'process.outgoing'),
  taken('enable_connection_tracking', 'boolean', 'capture.count_flows'),
  taken('average_calculation_time', 'integer', 'window'),
  gone(
    'speed_calculation_delay',
    'present',
    'rates are judged at every tick, ten times a second (capture.tick)',
  ),
  taken('ban_time', 'integer', 'ban.time'),
  taken('unban_only_if_attack_finished', 'boolean', 'ban.only_if_finished'),
  taken('ban_details_records_count', 'integer', 'evidence.packets'),
  taken('collect_attack_pcap_dumps', 'boolean', 'evidence.pcap'),
  gone('dump_all_traffic', 'on', 'use tcpdump on the interface'),
  gone('dump_other_traffic', 'on', '`tidegate status` shows how much traffic is nobody of ours'),
  gone('enable_subnet_counters', 'on', 'every network is always counted'),
  gone(
    'average_calculation_time_for_subnets',
    'present',
    'networks have the window of their hostgroup (window)',
  ),

  // Mirrored traffic
  taken('mirror_afpacket', 'boolean', 'capture.interfaces'),
  taken('interfaces', 'text', 'capture.interfaces'),
  taken('mirror_af_packet_custom_sampling_rate', 'integer', 'capture.interfaces[].sampling'),
  taken('mirror_af_packet_fanout_mode', 'text', 'capture.interfaces[].fanout'),
  taken('af_packet_read_packet_length_from_ip_header', 'boolean', 'capture.interfaces[].length_from_ip'),
  later('mirror_afxdp', 'on', 'set mirror_afpacket = on to capture the same interface', 'warning'),
  ...partsOf('mirror_afxdp', [
    'poll_mode_xdp',
    'xdp_set_promisc',
    'zero_copy_xdp',
    'force_native_mode_xdp',
    'xdp_read_packet_length_from_ip_header',
    'microcode_xdp_path',
  ]),
  gone('mirror_netmap', 'on', 'set mirror_afpacket = on to capture the same interfaces'),
  ...goneParts('mirror_netmap', ['netmap_sampling_ratio', 'netmap_read_packet_length_from_ip_header']),
  gone('pcap', 'on', 'set mirror_afpacket = on to capture the same interface'),
  gone('mirror', 'on', 'PF_RING is replaced by mirror_afpacket = on'),
  ...goneParts('mirror', ['pfring_sampling_ratio']),
  gone('enable_pf_ring_zc_mode', 'on', 'PF_RING is replaced by mirror_afpacket = on'),
  gone('pfring_hardware_filters_enabled', 'on', 'announce the attacked host over BGP'),
  gone('mirror_snabbswitch', 'on', 'set mirror_afpacket = on with interfaces'),
  ...goneParts('mirror_snabbswitch', ['interfaces_snabbswitch']),

  // Flow telemetry
  taken('sflow', 'boolean', 'capture.sflow'),
  taken('sflow_port', 'text', 'capture.sflow[].listen'),
  taken('sflow_host', 'text', 'capture.sflow[].listen'),
  taken('sflow_read_packet_length_from_ip_header', 'boolean', 'capture.sflow[].length_from_ip'),
  gone('sflow_lua_hooks_path', 'present', 'in a YAML file capture.filters says which records count'),
  gone('sflow_qinq_process', 'on', 'stacked VLAN tags are always read'),
  ...goneParts('sflow_qinq_process', ['sflow_qinq_ethertype']),
  taken('netflow', 'boolean', 'capture.netflow'),
  taken('netflow_port', 'text', 'capture.netflow[].listen'),
  taken('netflow_host', 'text', 'capture.netflow[].listen'),
  taken('netflow_sampling_ratio', 'integer', 'capture.exporters.sampling_fallback'),
  gone('netflow_lua_hooks_path', 'present', 'in a YAML file capture.filters says which records count'),
  gone('netflow_divide_counters_on_interval_length', 'on', "a flow's packets are spread over its own time"),

  // Actions
  taken('notify_script_path', 'text', 'notify.script'),
  gone('notify_script_pass_details', 'present', 'the script always gets the details on standard input'),
  gone('process_pcap_attack_dumps_with_dpi', 'on', 'the evidence of each attack names its vector'),
  taken('exabgp', 'boolean', 'bgp.exabgp'),
  taken('exabgp_command_pipe', 'text', 'bgp.exabgp[].pipe'),
  taken(
    'exabgp_community',
    'text',
    'bgp.exabgp[].ipv4.host.communities and bgp.exabgp[].ipv4.subnet.communities',
  ),
  taken('exabgp_community_host', 'text', 'bgp.exabgp[].ipv4.host.communities'),
  taken('exabgp_community_subnet', 'text', 'bgp.exabgp[].ipv4.subnet.communities'),
  taken('exabgp_next_hop', 'text', 'bgp.exabgp[].ipv4.host.next_hop and bgp.exabgp[].ipv4.subnet.next_hop'),
  taken('exabgp_announce_host', 'boolean', 'bgp.exabgp[].ipv4.host.announce'),
  taken('exabgp_announce_whole_subnet', 'boolean', 'bgp.exabgp[].ipv4.subnet.announce'),
  gone(
    'exabgp_flow_spec_announces',
    'on',
    'announce the attacked host itself, or in a YAML file rules made from the evidence: ban.action: flowspec',
    'warning',
  ),
  taken('gobgp', 'boolean', 'bgp.gobgp'),
  taken('gobgp_next_hop', 'text', 'bgp.gobgp[].ipv4.host.next_hop and bgp.gobgp[].ipv4.subnet.next_hop'),
  taken('gobgp_next_hop_host_ipv4', 'text', 'bgp.gobgp[].ipv4.host.next_hop'),
  taken('gobgp_next_hop_subnet_ipv4', 'text', 'bgp.gobgp[].ipv4.subnet.next_hop'),
  taken('gobgp_next_hop_ipv6', 'text', 'bgp.gobgp[].ipv6.host.next_hop and bgp.gobgp[].ipv6.subnet.next_hop'),
  taken('gobgp_next_hop_host_ipv6', 'text', 'bgp.gobgp[].ipv6.host.next_hop'),
  taken('gobgp_next_hop_subnet_ipv6', 'text', 'bgp.gobgp[].ipv6.subnet.next_hop'),
  taken('gobgp_announce_host', 'boolean', 'bgp.gobgp[].ipv4.host.announce'),
  taken('gobgp_announce_whole_subnet', 'boolean', 'bgp.gobgp[].ipv4.subnet.announce'),
  taken('gobgp_announce_host_ipv6', 'boolean', 'bgp.gobgp[].ipv6.host.announce'),
  taken('gobgp_announce_whole_subnet_ipv6', 'boolean', 'bgp.gobgp[].ipv6.subnet.announce'),
  taken('gobgp_community_host', 'text', 'bgp.gobgp[].ipv4.host.communities'),
  taken('gobgp_community_subnet', 'text', 'bgp.gobgp[].ipv4.subnet.communities'),
  taken('gobgp_community_host_ipv6', 'text', 'bgp.gobgp[].ipv6.host.communities'),
  taken('gobgp_community_subnet_ipv6', 'text', 'bgp.gobgp[].ipv6.subnet.communities'),

  // Stores and exports
  later('redis_enabled', 'on', 'attacks are kept in the journal in state.dir'),
  ...partsOf('redis_enabled', ['redis_host', 'redis_port', 'redis_prefix']),
  later('mongodb_enabled', 'on', 'attacks are kept in the journal in state.dir'),
  ...partsOf('mongodb_enabled', ['mongodb_host', 'mongodb_port', 'mongodb_database_name']),
  later('influxdb', 'on', '`tidegate status --json` has the same figures'),
  ...partsOf('influxdb', [
    'influxdb_host',
    'influxdb_port',
    'influxdb_database',
    'influxdb_auth',
    'influxdb_user',
    'influxdb_password',
    'influxdb_push_period',
  ]),
  later('graphite', 'on', '`tidegate status --json` has the same figures'),
  ...partsOf('graphite', ['graphite_host', 'graphite_port', 'graphite_prefix', 'graphite_push_period']),
  later('prometheus', 'on', '`tidegate status --json` has the same figures'),
  ...partsOf('prometheus', ['prometheus_host', 'prometheus_port']),
  later('clickhouse_metrics', 'on', '`tidegate status --json` has the same figures'),
  ...partsOf('clickhouse_metrics', [
    'clickhouse_metrics_database',
    'clickhouse_metrics_username',
    'clickhouse_metrics_password',
    'clickhouse_metrics_host',
    'clickhouse_metrics_port',
    'clickhouse_metrics_push_period',
  ]),
  later('kafka_traffic_export', 'on', 'send the exporters\u2019 datagrams to a second collector'),
  ...partsOf('kafka_traffic_export', [
    'kafka_traffic_export_topic',
    'kafka_traffic_export_format',
    'kafka_traffic_export_brokers',
  ]),

  // What people see
  later('enable_api', 'on', '`tidegate status`, `attacks`, `ban` and `unban` ask the daemon over its socket'),
  gone('check_period', 'present', '`watch tidegate top` asks as often as you like'),
  gone('cli_stats_file_path', 'present', '`tidegate top` asks the daemon'),
  gone('cli_stats_ipv6_file_path', 'present', '`tidegate top` asks the daemon'),
  gone('sort_parameter', 'present', '`tidegate top --by` sorts by what you choose'),
  gone('max_ips_in_list', 'present', '`tidegate top --count` shows as many as you like'),
];

export const optionNamed: ReadonlyMap<string, OptionSpec> = new Map(
  fastnetmonOptions.map((spec) => [spec.name, spec]),
);

/** For a FastNetMon name in a YAML file. */
export function foreignKeyRemedy(key: string): string | null {
  const spec = optionNamed.get(key);
  if (spec === undefined) return null;
  return spec.effect.kind === 'taken'
    ? `that is FastNetMon's name; here it is ${spec.effect.key}`
    : "that is an option of fastnetmon.conf; give such a file a name that ends in '.conf'";
}
