/** What the keys of a plan are called in fastnetmon.conf, and how much of a fault FastNetMon starts with. */
import type { PlannedGroup } from './fastnetmon-hostgroups.js';
import type { OptionReader } from './fastnetmon-reader.js';
import type { Dialect } from './plan.js';

/** Longer paths fall back to shorter ones, part by part. */
const names: { readonly [path: string]: string } = {
  networks: 'networks_list_path',
  networks_file: 'networks_list_path',
  whitelist: 'white_list_path',
  whitelist_file: 'white_list_path',
  monitor_local_addresses: 'monitor_local_ip_addresses',
  monitor_openvz: 'monitor_openvz_vps_ip_addresses',
  window: 'average_calculation_time',
  thresholds: 'threshold_pps',
  'thresholds.incoming': 'threshold_pps',
  'thresholds.incoming.flows': 'ban_for_flows',
  'thresholds.outgoing.flows': 'ban_for_flows',
  hostgroups: 'hostgroup',
  process: 'process_incoming_traffic',
  'process.incoming': 'process_incoming_traffic',
  'process.outgoing': 'process_outgoing_traffic',
  capture: 'mirror_afpacket',
  'capture.count_flows': 'enable_connection_tracking',
  'capture.interfaces': 'interfaces',
  'capture.sflow': 'sflow_port',
  'capture.netflow': 'netflow_port',
  'capture.exporters': 'netflow_sampling_ratio',
  'notify.script': 'notify_script_path',
  'bgp.gobgp': 'gobgp',
  'bgp.exabgp': 'exabgp',
  'bgp.guard.shortest_ipv4': 'gobgp_announce_whole_subnet',
  'bgp.guard.shortest_ipv6': 'gobgp_announce_whole_subnet_ipv6',
};

/** Options that have no name here: they are ours, or fixed in FastNetMon. */
const nameOf = (path: string): string => {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['), 0))) {
    const name = names[at];
    if (name !== undefined) return name;
  }
  return path;
};

export function fastnetmonDialect(
  file: string,
  options: OptionReader,
  groups: readonly PlannedGroup[],
): Dialect {
  const groupAt = (path: string): PlannedGroup | undefined => {
    const index = /^hostgroups\[(\d+)\]/.exec(path)?.[1];
    return index === undefined ? undefined : groups[Number(index)];
  };
  return {
    file,
    name: nameOf,
    lineOf: (path) => {
      const group = groupAt(path);
      if (group === undefined) return options.lineOf(nameOf(path));
      return path.endsWith('.flows') ? options.lineOf(`${group.group.name}_ban_for_flows`) : group.line;
    },
    howToCapture:
      'set mirror_afpacket = on with interfaces, sflow = on with sflow_port, or netflow = on with netflow_port',
    missingNetworks: 'warning',
    missingWhitelist: 'note',
    missingScript: 'warning',
    conflict: 'warning',
  };
}
