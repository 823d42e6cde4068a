/**
 * The report of an attack as text, in the layout that FastNetMon 1.2.4 gives its notify script and its attack files.
 *
 * Pure. Rates are in whole packets per second and whole mbps (10^6 bits, rounded down), as there. Times are in the
 * time zone of the process. Differences, all in docs/attack-report.md: IPv6 addresses are real and as in
 * RFC 5952, a prefix can be the subject, "Attack type" falls back to the fingerprint, there is no flow dump, and a
 * decision on sampled traffic has a last line that says what it rests on.
 */
import { type Attack, type SampledPacket, subjectText } from '../../domain/attack.js';
import { flowspecRuleText } from '../../domain/flowspec.js';
import type { HostRates, Rates } from '../../domain/traffic.js';
import type { UnixMicros } from '../../domain/units.js';
import type { Compiled } from './flowspec/compile.js';
import { protocolName } from './vectors.js';

/** Share of a direction's packets from which one class names the attack. */
const typeShare = 0.9;

const flagNames = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'] as const;

const whole = (rate: number): number => Math.floor(rate);
const mbps = (bps: number): number => Math.floor((Math.floor(bps / 8) / 1000 / 1000) * 8);
/** Small rates, as of megabits, keep a decimal. */
const figure = (rate: number): string => (rate < 100 ? rate.toFixed(1) : String(whole(rate)));
const two = (value: number): string => String(value).padStart(2, '0');

type Way = 'incoming' | 'outgoing';
/** A manual ban has no direction; its rates are those towards the host. */
const wayOf = (attack: Attack): Way => (attack.direction === 'outgoing' ? 'outgoing' : 'incoming');

/** 'syn_flood', 'icmp_flood', 'ip_fragmentation' or 'udp_flood' by the rates, else what the evidence shows. */
function attackType(attack: Attack): string {
  const rates = attack.ratesAtStart[wayOf(attack)];
  const all = rates.total.pps;
  if (all > 0) {
    if (rates.tcp_syn.pps / all > typeShare) return 'syn_flood';
    if (rates.icmp.pps / all > typeShare) return 'icmp_flood';
    if (rates.fragment.pps / all > typeShare) return 'ip_fragmentation';
    if (rates.udp.pps / all > typeShare) return 'udp_flood';
  }
  const vector = attack.fingerprint?.vector ?? 'unknown';
  return vector === 'fragment_flood' ? 'ip_fragmentation' : vector;
}

function attackProtocol(rates: Rates): string {
  const { tcp, udp, icmp } = rates;
  if (tcp.pps >= udp.pps && tcp.pps >= icmp.pps) return 'tcp';
  return udp.pps >= icmp.pps ? 'udp' : 'icmp';
}

/** Packets per second that the notify script is told: of the attack's direction, at the decision; 0 for a manual ban. */
export const attackPower = (attack: Attack): number =>
  attack.origin === 'manual' ? 0 : whole(attack.ratesAtStart[wayOf(attack)].total.pps);

const classLines = (
  label: string,
  kind: 'fragment' | 'tcp' | 'tcp_syn' | 'udp' | 'icmp',
  rates: HostRates,
) => [
  `Incoming ${label} traffic: ${mbps(rates.incoming[kind].bps)} mbps`,
  `Outgoing ${label} traffic: ${mbps(rates.outgoing[kind].bps)} mbps`,
  `Incoming ${label} pps: ${whole(rates.incoming[kind].pps)} packets per second`,
  `Outgoing ${label} pps: ${whole(rates.outgoing[kind].pps)} packets per second`,
];

const totalLines = (label: string, rates: HostRates) => [
  `${label} incoming traffic: ${mbps(rates.incoming.total.bps)} mbps`,
  `${label} outgoing traffic: ${mbps(rates.outgoing.total.bps)} mbps`,
  `${label} incoming pps: ${whole(rates.incoming.total.pps)} packets per second`,
  `${label} outgoing pps: ${whole(rates.outgoing.total.pps)} packets per second`,
  `${label} incoming flows: ${whole(rates.incoming.flows)} flows per second`,
  `${label} outgoing flows: ${whole(rates.outgoing.flows)} flows per second`,
];

function meanBytes(rates: Rates): string {
  const { pps, bps } = rates.total;
  return (pps > 0 ? bps / 8 / pps : 0).toFixed(1);
}

/** On what a sampled rate rests: FastNetMon does not say it, so it stands behind all that FastNetMon says. */
function samplingLines({ cause }: Attack): readonly string[] {
  if (cause === null || typeof cause.samples !== 'number') return [];
  const bounds =
    cause.interval === null
      ? ''
      : `, true rate ${figure(cause.interval.low)} to ${figure(cause.interval.high)}`;
  return [
    `Sampling: ${cause.metric} ${figure(cause.rate)} estimated from ${cause.samples} sampled packets${bounds}`,
  ];
}

/** FastNetMon has no such line either. */
const returnLines = ({ returns }: Attack): readonly string[] =>
  returns > 0 ? [`Returned: ${returns} ${returns === 1 ? 'time' : 'times'} after a release`] : [];

/** What a script reads on its stdin at `ban`: the whole report without packets. */
export function banReport(attack: Attack): string {
  const rates = attack.ratesAtStart;
  const power = attackPower(attack);
  const lines = [
    `IP: ${subjectText(attack.subject)}`,
    `Attack type: ${attackType(attack)}`,
    `Initial attack power: ${power} packets per second`,
    `Peak attack power: ${Math.max(power, whole(attack.peak.pps))} packets per second`,
    `Attack direction: ${attack.direction}`,
    `Attack protocol: ${attackProtocol(rates[wayOf(attack)])}`,
    ...totalLines('Total', rates),
    ...totalLines('Average', rates),
    ...classLines('ip fragmented', 'fragment', rates),
    ...classLines('tcp', 'tcp', rates),
    ...classLines('syn tcp', 'tcp_syn', rates),
    ...classLines('udp', 'udp', rates),
    ...classLines('icmp', 'icmp', rates),
    '',
    `Average packet size for incoming traffic: ${meanBytes(rates.incoming)} bytes `,
    `Average packet size for outgoing traffic: ${meanBytes(rates.outgoing)} bytes `,
    ...samplingLines(attack),
    ...returnLines(attack),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a script reads at `attack_details`: the report, the rules, two blank lines, one line a packet. */
export const detailsReport = (
  attack: Attack,
  packets: readonly SampledPacket[],
  compiled: Compiled | null,
): string => `${banReport(attack)}${rulesText(compiled)}\n\n${packets.map(packetLine).join('')}`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** FastNetMon has no such lines: they stand behind all that it says. */
function rulesText(compiled: Compiled | null): string {
  if (compiled === null) return '';
  const { rules, coverage, collateral, attackPackets, normalPackets, reason } = compiled;
  if (reason !== null) return `Flowspec rules: none, ${reason}\n`;
  const hit =
    collateral === null
      ? 'no normal packets are known'
      : `hit ${percent(collateral)} of ${normalPackets} normal packets`;
  const lines = rules.map((rule) => `Flowspec rule: ${flowspecRuleText(rule)}\n`);
  return `Flowspec rules: ${rules.length} cover ${percent(coverage)} of ${attackPackets} attack packets, ${hit}\n${lines.join('')}`;
}

export function packetLine(packet: SampledPacket): string {
  const flags =
    packet.protocol === 6
      ? ` flags: ${flagNames.filter((_, bit) => packet.tcpFlags & (1 << bit)).join(',') || '-'}`
      : '';
  return (
    `${localTime(packet.at)} ${packet.source}:${packet.sourcePort} > ${packet.destination}:${packet.destinationPort} ` +
    `protocol: ${protocolName(packet.protocol)}${flags} frag: ${packet.fragment ? 1 : 0}  ` +
    `packets: 1 size: ${packet.wireLength} bytes ttl: ${packet.ttl} sample ratio: ${packet.sampling}  \n`
  );
}

/** '2026-11-23 00:39:40.000000', local. */
export function localTime(at: UnixMicros): string {
  const time = new Date(Math.floor(at / 1000));
  const micros = String(Math.floor(at) % 1_000_000).padStart(6, '0');
  return (
    `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
    `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${micros}`
  );
}

/** '192.0.2.7_23_11_26_00:39:40': subject and local time of the decision; a prefix's '/' becomes '_'. */
export function evidenceName(attack: Attack): string {
  const time = new Date(Math.floor(attack.startedAt / 1000));
  const day = `${two(time.getDate())}_${two(time.getMonth() + 1)}_${two(time.getFullYear() % 100)}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${subjectText(attack.subject).replace('/', '_')}_${day}_${clock}`;
}
