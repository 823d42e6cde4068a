/**
 * How it is done on the devices that flow telemetry usually comes from. Data: one row a remedy and system; names in
 * capitals are the operator's own. From the vendors' public command references.
 */
import type { VendorCommand } from '../../../../domain/diagnosis.js';
import type { FlowProtocol } from '../../../../domain/flow.js';

export const remedies = [
  'refresh_templates',
  'state_sampling',
  'active_timeout',
  'inactive_timeout',
  'set_clock',
  'observe_once',
  'longer_headers',
  'send_to_right_port',
  'larger_receive_buffer',
] as const;
export type RemedyName = (typeof remedies)[number];

type Kind = 'sflow' | 'netflow5' | 'templated';
type Row = VendorCommand & { readonly remedy: RemedyName; readonly for: readonly Kind[] };

const flows: readonly Kind[] = ['netflow5', 'templated'];
const all: readonly Kind[] = ['sflow', ...flows];

const kindOf: { readonly [P in FlowProtocol]: Kind } = {
  sflow2: 'sflow',
  sflow4: 'sflow',
  sflow5: 'sflow',
  netflow1: 'netflow5',
  netflow5: 'netflow5',
  netflow7: 'netflow5',
  netflow9: 'templated',
  ipfix: 'templated',
};

const row = (
  remedy: RemedyName,
  kinds: readonly Kind[],
  system: string,
  ...lines: readonly string[]
): Row => ({
  remedy,
  for: kinds,
  system,
  lines,
});

export const commandRows: readonly Row[] = [
  row(
    'refresh_templates',
    ['templated'],
    'Cisco IOS, IOS-XE',
    'flow exporter NAME',
    ' template data timeout 60',
  ),
  row(
    'refresh_templates',
    ['templated'],
    'Cisco NX-OS',
    'flow exporter NAME',
    ' version 9',
    '  template data timeout 60',
  ),
  row(
    'refresh_templates',
    ['templated'],
    'Juniper (inline-jflow)',
    'edit services flow-monitoring version9 template NAME',
    'set template-refresh-rate seconds 60',
    'top edit services flow-monitoring version-ipfix template NAME',
    'set template-refresh-rate seconds 60',
  ),
  row(
    'refresh_templates',
    ['templated'],
    'Arista EOS',
    'flow tracking sampled',
    ' tracker NAME',
    '  exporter NAME',
    '   template interval 60000',
  ),
  row(
    'refresh_templates',
    ['templated'],
    'MikroTik',
    '/ip traffic-flow target set [find] v9-template-timeout=1m',
  ),

  row('state_sampling', ['netflow5'], 'Cisco IOS', 'flow-sampler-map NAME', ' mode random one-out-of 1000'),
  row(
    'state_sampling',
    ['templated'],
    'Cisco IOS, IOS-XE',
    'flow exporter NAME',
    ' option sampler-table timeout 60',
  ),
  row(
    'state_sampling',
    ['templated'],
    'Cisco NX-OS',
    'flow exporter NAME',
    ' version 9',
    '  option sampler-table timeout 60',
  ),
  row(
    'state_sampling',
    ['templated'],
    'Juniper (inline-jflow)',
    'edit services flow-monitoring version9 template NAME',
    'set option-refresh-rate seconds 60',
    'top edit services flow-monitoring version-ipfix template NAME',
    'set option-refresh-rate seconds 60',
  ),
  row('state_sampling', flows, 'softflowd', 'softflowd -s 100 …'),
  row('state_sampling', flows, 'pmacct (nfprobe)', 'sampling_rate: 100'),
  row('state_sampling', ['sflow'], 'Arista EOS', 'sflow sample 16384'),
  row('state_sampling', ['sflow'], 'Cisco NX-OS', 'sflow sampling-rate 16384'),
  row('state_sampling', ['sflow'], 'Juniper', 'set protocols sflow sample-rate ingress 16384'),
  row('state_sampling', ['sflow'], 'host-sflow', 'sampling = 16384   (in /etc/hsflowd.conf)'),

  row('active_timeout', flows, 'Cisco IOS', 'ip flow-cache timeout active 1'),
  row(
    'active_timeout',
    flows,
    'Cisco IOS-XE (Flexible NetFlow)',
    'flow monitor NAME',
    ' cache timeout active 60',
  ),
  row('active_timeout', ['templated'], 'Cisco NX-OS', 'flow timeout active 60'),
  row(
    'active_timeout',
    ['templated'],
    'Juniper (inline-jflow)',
    'edit services flow-monitoring version9 template NAME',
    'set flow-active-timeout 60',
    'top edit services flow-monitoring version-ipfix template NAME',
    'set flow-active-timeout 60',
  ),
  row(
    'active_timeout',
    ['templated'],
    'Arista EOS',
    'flow tracking sampled',
    ' tracker NAME',
    '  record export on interval 60000',
  ),
  row('active_timeout', flows, 'MikroTik', '/ip traffic-flow set active-flow-timeout=1m'),
  row('active_timeout', flows, 'softflowd', 'softflowd -t maxlife=60 …'),
  row('active_timeout', flows, 'pmacct (nfprobe)', 'nfprobe_timeouts: maxlife=60'),

  row('inactive_timeout', flows, 'Cisco IOS', 'ip flow-cache timeout inactive 15'),
  row(
    'inactive_timeout',
    flows,
    'Cisco IOS-XE (Flexible NetFlow)',
    'flow monitor NAME',
    ' cache timeout inactive 15',
  ),
  row('inactive_timeout', ['templated'], 'Cisco NX-OS', 'flow timeout inactive 15'),
  row(
    'inactive_timeout',
    ['templated'],
    'Juniper (inline-jflow)',
    'edit services flow-monitoring version9 template NAME',
    'set flow-inactive-timeout 15',
    'top edit services flow-monitoring version-ipfix template NAME',
    'set flow-inactive-timeout 15',
  ),
  row(
    'inactive_timeout',
    ['templated'],
    'Arista EOS',
    'flow tracking sampled',
    ' tracker NAME',
    '  record export on inactive timeout 15000',
  ),
  row('inactive_timeout', flows, 'MikroTik', '/ip traffic-flow set inactive-flow-timeout=15s'),
  row('inactive_timeout', flows, 'softflowd', 'softflowd -t general=15 -t tcp=15 -t udp=15 …'),
  row('inactive_timeout', flows, 'pmacct (nfprobe)', 'nfprobe_timeouts: general=15:tcp=15:udp=15'),

  row('set_clock', flows, 'Cisco IOS, IOS-XE, NX-OS, Arista EOS', 'ntp server ADDRESS'),
  row('set_clock', flows, 'Juniper', 'set system ntp server ADDRESS'),
  row('set_clock', flows, 'MikroTik', '/system ntp client set enabled=yes servers=ADDRESS'),
  row('set_clock', flows, 'Linux', 'timedatectl set-ntp true'),

  row('observe_once', flows, 'Cisco IOS-XE', 'interface INTERFACE', ' no ip flow monitor NAME output'),
  row('observe_once', flows, 'Cisco IOS', 'interface INTERFACE', ' no ip flow egress'),
  row('observe_once', flows, 'Juniper', 'delete interfaces INTERFACE unit 0 family inet sampling output'),
  row('observe_once', ['sflow'], 'Arista EOS', 'interface INTERFACE', ' no sflow enable'),
  row('observe_once', ['sflow'], 'Juniper', 'delete protocols sflow interfaces INTERFACE'),

  row('longer_headers', ['sflow'], 'Cisco NX-OS', 'sflow max-sampled-size 128'),
  row('longer_headers', ['sflow'], 'HPE Comware, H3C', 'interface INTERFACE', ' sflow flow max-header 128'),
  row('longer_headers', ['sflow'], 'Ruckus, Brocade', 'sflow max-packet-size 128'),
  row('longer_headers', ['sflow'], 'Open vSwitch', 'ovs-vsctl set sflow UUID header=128'),
  row('longer_headers', ['sflow'], 'host-sflow', 'headerBytes = 128   (in /etc/hsflowd.conf)'),

  row('send_to_right_port', flows, 'Cisco IOS-XE', 'flow exporter NAME', ' transport udp PORT'),
  row(
    'send_to_right_port',
    flows,
    'Juniper',
    'edit forwarding-options sampling instance NAME family inet output',
    'set flow-server ADDRESS port PORT',
  ),
  row('send_to_right_port', flows, 'MikroTik', '/ip traffic-flow target set [find] port=PORT'),
  row('send_to_right_port', ['sflow'], 'Arista EOS', 'sflow destination ADDRESS PORT'),
  row('send_to_right_port', ['sflow'], 'Cisco NX-OS', 'sflow collector-port PORT'),
  row('send_to_right_port', ['sflow'], 'Juniper', 'set protocols sflow collector ADDRESS udp-port PORT'),

  row('larger_receive_buffer', all, 'this machine', 'sysctl -w net.core.rmem_max=BYTES'),
];

/** The rows for a remedy, of a protocol; PORT and BYTES as given. */
export function commandsFor(
  remedy: RemedyName,
  protocol: FlowProtocol,
  figures: { readonly port?: number; readonly bytes?: number } = {},
): readonly VendorCommand[] {
  const kind = kindOf[protocol];
  const filled = (line: string): string => {
    const withPort = figures.port === undefined ? line : line.replace('PORT', String(figures.port));
    return figures.bytes === undefined ? withPort : withPort.replace('BYTES', String(figures.bytes));
  };
  return commandRows
    .filter((each) => each.remedy === remedy && each.for.includes(kind))
    .map(({ system, lines }) => ({ system, lines: lines.map(filled) }));
}
