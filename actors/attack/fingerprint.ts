/**
 * Names what the sampled packets of an attack show.
 *
 * Pure. A packet weighs as many packets as its sampling says it stands for. Shares are 0..1 of that weight.
 * A vector leads alone with `leadingShare`, or when the next one is below `secondShare`; else the two are named
 * together. With no packet in the attack's direction the vector is 'unknown'.
 */
import type { Attack, Fingerprint, SampledPacket } from '../../domain/attack.js';
import type { UnixMicros } from '../../domain/units.js';
import {
  type AmplifyingService,
  amplifyingServiceAt,
  isTcpService,
  protocolName,
  protocolVectors,
} from './vectors.js';

const topCount = 10;
const leadingShare = 0.6;
const secondShare = 0.3;
/** A service's share of the UDP packets with ports from which it is more than an accident of random ports. */
const serviceShare = 0.1;
/** Share of the SYN-ACKs that come from ports of services, from which they are reflections. */
const reflectionShare = 0.7;
/** Two leading TCP vectors below this share of all TCP: too many kinds to name two. */
const namedTcpShare = 0.75;
const randomProtocols = 5;

const fin = 1;
const syn = 2;
const rst = 4;
const psh = 8;
const ack = 16;
const urg = 32;

const weightOf = (packet: SampledPacket): number => Math.max(1, packet.sampling);
/** Flow records have no ports of later fragments, and seldom say that they are fragments. */
const hasPorts = (packet: SampledPacket): boolean =>
  (!packet.fragment || packet.firstFragment) &&
  (packet.sourcePort !== 0 || packet.destinationPort !== 0) &&
  (packet.protocol === 6 || packet.protocol === 17 || packet.protocol === 132);

function tally<K>(packets: readonly SampledPacket[], keyOf: (packet: SampledPacket) => K): Map<K, number> {
  const weights = new Map<K, number>();
  for (const packet of packets) {
    const key = keyOf(packet);
    weights.set(key, (weights.get(key) ?? 0) + weightOf(packet));
  }
  return weights;
}
const total = (packets: readonly SampledPacket[]): number =>
  packets.reduce((sum, packet) => sum + weightOf(packet), 0);
const ranked = <K>(weights: Map<K, number>): [K, number][] => [...weights].sort((a, b) => b[1] - a[1]);
const share = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 1e4) / 1e4;

function tcpVector(flags: number): string {
  const bits = flags & (fin | syn | rst | psh | ack | urg);
  if (bits === 0) return 'null_flood';
  if ((bits & (fin | psh | urg)) === (fin | psh | urg)) return 'xmas_flood';
  if (bits & syn) return bits & ack ? 'syn_ack_flood' : 'syn_flood';
  if (bits & rst) return 'rst_flood';
  if (bits & fin) return 'fin_flood';
  return bits & ack ? 'ack_flood' : 'tcp_flood';
}

/** Services whose answers are a fair part of the UDP packets and as large as amplified answers are. */
function servicesAtWork(packets: readonly SampledPacket[]): ReadonlySet<AmplifyingService> {
  const udp = packets.filter((packet) => packet.protocol === 17 && hasPorts(packet));
  const whole = total(udp);
  const seen = new Map<AmplifyingService, { weight: number; ipBytes: number; fragments: number }>();
  for (const packet of udp) {
    const one = amplifyingServiceAt(packet.sourcePort);
    if (one === null) continue;
    const sum = seen.get(one) ?? { weight: 0, ipBytes: 0, fragments: 0 };
    const weight = weightOf(packet);
    sum.weight += weight;
    sum.ipBytes += weight * packet.ipLength;
    if (packet.fragment) sum.fragments += weight;
    seen.set(one, sum);
  }
  const atWork = [...seen].filter(
    ([one, sum]) =>
      sum.weight >= serviceShare * whole &&
      (sum.ipBytes / sum.weight >= one.minMeanIpBytes || sum.fragments > sum.weight / 2),
  );
  return new Set(atWork.map(([one]) => one));
}

/** The vector that each packet shows by itself, given which services are at work. */
function classifier(packets: readonly SampledPacket[]): (packet: SampledPacket) => string {
  const services = servicesAtWork(packets);
  const amplified = (packet: SampledPacket): AmplifyingService | null => {
    if (packet.protocol !== 17 || !hasPorts(packet)) return null;
    const one = amplifyingServiceAt(packet.sourcePort);
    return one !== null && services.has(one) ? one : null;
  };
  const serviceOfSource = new Map<string, AmplifyingService>();
  const serviceWeights = new Map<AmplifyingService, number>();
  for (const packet of packets) {
    const one = amplified(packet);
    if (one === null) continue;
    serviceOfSource.set(packet.source, one);
    serviceWeights.set(one, (serviceWeights.get(one) ?? 0) + weightOf(packet));
  }
  const udp = total(packets.filter((packet) => packet.protocol === 17 && hasPorts(packet)));
  const answers = [...serviceWeights.values()].reduce((sum, weight) => sum + weight, 0);
  // A later fragment has no port. Where answers are most of the UDP packets, it is the rest of one of them.
  const likely = answers * 2 >= udp ? (ranked(serviceWeights)[0]?.[0] ?? null) : null;
  const synAcks = packets.filter(
    (packet) => packet.protocol === 6 && hasPorts(packet) && tcpVector(packet.tcpFlags) === 'syn_ack_flood',
  );
  const fromServices = synAcks.filter((packet) => isTcpService(packet.sourcePort));
  const reflected = synAcks.length > 0 && total(fromServices) >= reflectionShare * total(synAcks);
  return (packet) => {
    const one = amplified(packet);
    if (one !== null) return `${one.name}_amplification`;
    if (packet.fragment) {
      const owner =
        packet.protocol === 17 && !packet.firstFragment
          ? (serviceOfSource.get(packet.source) ?? likely)
          : null;
      return owner === null ? 'fragment_flood' : `${owner.name}_amplification`;
    }
    if (packet.protocol === 17) {
      const owner = hasPorts(packet) ? null : (serviceOfSource.get(packet.source) ?? likely);
      return owner === null ? 'udp_flood' : `${owner.name}_amplification`;
    }
    if (packet.protocol !== 6) return protocolVectors[packet.protocol] ?? `ip_protocol_${packet.protocol}`;
    const vector = tcpVector(packet.tcpFlags);
    return vector === 'syn_ack_flood' && reflected ? 'tcp_reflection' : vector;
  };
}

const isOtherProtocol = (packet: SampledPacket): boolean =>
  !packet.fragment && ![1, 6, 17, 58].includes(packet.protocol);

/** The name for all packets together and its share. */
function leading(packets: readonly SampledPacket[]): { vector: string; share: number } {
  const whole = total(packets);
  const classify = classifier(packets);
  const order = ranked(tally(packets, classify));
  const [first, second] = order;
  if (first === undefined) return { vector: 'unknown', share: 0 };
  if (first[1] >= leadingShare * whole) return { vector: first[0], share: share(first[1], whole) };
  const others = packets.filter(isOtherProtocol);
  const otherWeights = ranked(tally(others, (packet) => packet.protocol));
  const otherTotal = total(others);
  if (
    otherTotal >= leadingShare * whole &&
    otherWeights.length >= randomProtocols &&
    (otherWeights[0]?.[1] ?? 0) < otherTotal / 2
  ) {
    return { vector: 'random_protocol_flood', share: share(otherTotal, whole) };
  }
  const tcp = packets.filter((packet) => packet.protocol === 6 && !packet.fragment);
  const tcpTotal = total(tcp);
  const tcpOrder = ranked(tally(tcp, classify));
  const namedTcp = (tcpOrder[0]?.[1] ?? 0) + (tcpOrder[1]?.[1] ?? 0);
  if (tcpTotal >= leadingShare * whole && namedTcp < namedTcpShare * tcpTotal) {
    return { vector: 'tcp_flood', share: share(tcpTotal, whole) };
  }
  if (second === undefined || second[1] < secondShare * whole) {
    return { vector: first[0], share: share(first[1], whole) };
  }
  return { vector: `mixed:${first[0]}+${second[0]}`, share: share(first[1] + second[1], whole) };
}

/** A vector with less of the packets is a stray, not a part of the attack. */
const strayShare = 0.05;

/** Whether a packet is like most of these: it shows a vector that leads, or that many of them show. */
export function dominant(packets: readonly SampledPacket[]): (packet: SampledPacket) => boolean {
  const classify = classifier(packets);
  const least = strayShare * total(packets);
  const { vector } = leading(packets);
  const leaders = vector.replace(/^mixed:/, '').split('+');
  const often = [...tally(packets, classify)].filter(([, weight]) => weight >= least).map(([name]) => name);
  const names = new Set([...leaders, ...often]);
  return (packet) =>
    names.has(classify(packet)) ||
    (vector === 'tcp_flood' && packet.protocol === 6) ||
    (vector === 'random_protocol_flood' && isOtherProtocol(packet));
}

function topOf<K>(packets: readonly SampledPacket[], keyOf: (packet: SampledPacket) => K): [K, number][] {
  const whole = total(packets);
  return ranked(tally(packets, keyOf))
    .slice(0, topCount)
    .map(([key, weight]) => [key, share(weight, whole)]);
}

/** Packets that move in the attack's direction; a packet between two hosts of ours moves in both. */
export const inDirection = (
  packets: readonly SampledPacket[],
  direction: Attack['direction'],
): readonly SampledPacket[] =>
  direction === 'other'
    ? packets
    : packets.filter((packet) => packet.direction === direction || packet.direction === 'internal');

export function fingerprint(
  all: readonly SampledPacket[],
  direction: Attack['direction'],
  decidedAt: UnixMicros,
): Fingerprint {
  const packets = inDirection(all, direction);
  const withPorts = packets.filter(hasPorts);
  const sources = tally(packets, (packet) => packet.source);
  const protocol = ranked(tally(packets, (packet) => packet.protocol))[0];
  return {
    ...leading(packets),
    protocol: protocol === undefined ? 'unknown' : protocolName(protocol[0]),
    topSources: topOf(packets, (packet) => packet.source).map(([host, part]) => ({ host, share: part })),
    topSourcePorts: topOf(withPorts, (packet) => packet.sourcePort).map(([port, part]) => ({
      port,
      share: part,
    })),
    topDestinationPorts: topOf(withPorts, (packet) => packet.destinationPort).map(([port, part]) => ({
      port,
      share: part,
    })),
    sources: sources.size,
    samples: packets.length,
    samplesBefore: packets.filter((packet) => packet.at < decidedAt).length,
  };
}
