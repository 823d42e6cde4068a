/**
 * What the proofs of detection share: packets as plain data, written as real frames into a capture, and replayed
 * through the native engine. Times are microseconds since `rehearsalEpoch`, which lies on a whole second; the first
 * packet sets the grid of ticks.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressBytes, hostOfBytes } from '../domain/address.js';
import { type BanPolicy, globalGroup, type Hostgroup, type Thresholds } from '../domain/hostgroup.js';
import type { HostKey, PrefixKey, UnixMicros } from '../domain/units.js';
import { composeFrame, datagramLength, maxFrameBytes } from '../traffic/frames/compose.js';
import { ipHeaderLength } from '../traffic/frames/ip.js';
import { buildLink } from '../traffic/frames/link.js';
import { newPacket, type Packet, protocols, tcpFlags } from '../traffic/frames/packet.js';
import { randomPayload } from '../traffic/frames/payload.js';
import { pcapWriter } from '../traffic/pcap.js';
import { createRandom } from '../traffic/random.js';
import { type ReplayEvent, type ReplayOutcome, type ReplaySettings, replay } from './replay.js';
import type { EndedEvent, StartedEvent } from './replay-cases.js';
import type { ExplainedEvent, ExplainPolicy } from './replay-explain.js';

/** 2026-11-23T00:39:40Z. */
export const rehearsalEpoch: UnixMicros = 1_795_394_380_000_000;

export const packetKinds = ['tcp', 'syn', 'udp', 'icmp', 'gre', 'tcp_fragment', 'udp_fragment'] as const;
export type PacketKind = (typeof packetKinds)[number];

/** One packet on the wire. `bytes`: of the whole frame. */
export type PlainPacket = {
  readonly at: number;
  readonly source: string;
  readonly destination: string;
  readonly kind: PacketKind;
  readonly bytes: number;
  readonly sourcePort: number;
};

/** The longest header that a kind needs: Ethernet, IPv6 with a fragment header, TCP. */
export const leastBytes = 90;

const link = buildLink('plain', createRandom(1, 'link'));
const payload = randomPayload(createRandom(1, 'payload'), 4096);
const laterFragmentAt = 1480;
const linkBytes = 14;

/** A later fragment has no transport header, so no ports and no flags. */
function composed({ source, destination, kind, bytes, sourcePort }: PlainPacket): Packet {
  const packet = newPacket(link);
  packet.source = addressBytes(source as HostKey);
  packet.destination = addressBytes(destination as HostKey);
  packet.sourcePort = sourcePort;
  packet.destinationPort = 9;
  packet.payload = payload;
  const version6 = packet.source.length === 16;
  const protocolOf: { readonly [K in PacketKind]: number } = {
    tcp: protocols.tcp,
    syn: protocols.tcp,
    udp: protocols.udp,
    icmp: version6 ? protocols.icmpv6 : protocols.icmp,
    gre: protocols.gre,
    tcp_fragment: protocols.tcp,
    udp_fragment: protocols.udp,
  };
  packet.protocol = protocolOf[kind];
  packet.flags = kind === 'syn' ? tcpFlags.syn : tcpFlags.ack;
  if (kind === 'tcp_fragment' || kind === 'udp_fragment') {
    const at = laterFragmentAt;
    packet.fragment = { offset: at, length: 0, more: false };
    const length = bytes - linkBytes - ipHeaderLength(packet);
    packet.fragment = { offset: at, length, more: false };
    packet.payloadLength = at + length;
  } else {
    packet.payloadLength = bytes - linkBytes - ipHeaderLength(packet) - datagramLength(packet);
  }
  if (packet.payloadLength < 0) throw new RangeError(`no ${kind} packet of ${bytes} bytes`);
  return packet;
}

/** Writes the packets, in the order of their times, as a capture. */
export function writePackets(path: string, packets: readonly PlainPacket[]): void {
  const pieces: Buffer[] = [];
  const writer = pcapWriter(rehearsalEpoch, 'micro', (piece) => pieces.push(Buffer.from(piece)));
  const frame = new Uint8Array(maxFrameBytes);
  for (const packet of [...packets].sort((a, b) => a.at - b.at)) {
    const end = composeFrame(frame, 0, composed(packet));
    if (end !== packet.bytes) throw new RangeError(`${packet.kind}: ${end} bytes, not ${packet.bytes}`);
    writer.frame(frame, 0, end, packet.at);
  }
  writer.finish();
  writeFileSync(path, Buffer.concat(pieces));
}

/** By hand alone: an attack lasts to the end of the capture. */
export const lastingBan: BanPolicy = {
  enabled: true,
  enabledIpv6: true,
  timeMs: null,
  onlyIfFinished: false,
  calmMs: 1_000,
  probe: null,
};

export const groupOf = (
  name: string,
  networks: readonly string[],
  thresholds: Partial<Thresholds>,
  change: Partial<Hostgroup> = {},
): Hostgroup => ({
  name,
  networks: networks as readonly PrefixKey[],
  windowMs: 1_000,
  thresholds: { incoming: {}, outgoing: {}, total: {}, network: {}, ...thresholds },
  confidence: null,
  ban: lastingBan,
  action: 'blackhole',
  ...change,
});

export const settingsOf = (
  networks: readonly string[],
  hostgroups: readonly Hostgroup[],
  change: { readonly whitelist?: readonly string[]; readonly tickMs?: number } = {},
): ReplaySettings => ({
  networks: networks as readonly PrefixKey[],
  whitelist: (change.whitelist ?? []) as readonly PrefixKey[],
  hostgroups: hostgroups.some(({ name }) => name === globalGroup)
    ? hostgroups
    : [...hostgroups, groupOf(globalGroup, [], {})],
  capture: {
    tickMs: change.tickMs ?? 100,
    ipv6Hosts: 65_536,
    countFlows: true,
    flowSlots: 2 ** 18,
    interfaces: [],
    listeners: [],
    exporters: { allow: [], refuseUnknown: false, samplingFallback: null, overrides: [] },
    filters: [],
  },
  evidence: { packets: 100, timeLimitMs: 1_000, directory: '', pcap: false, sampleBytes: 128 },
});

export type Rehearsed = ReplayOutcome & {
  readonly events: readonly ReplayEvent[];
  readonly started: readonly StartedEvent[];
  readonly ended: readonly EndedEvent[];
  readonly explained: readonly ExplainedEvent[];
};

/** Replays a capture that is there; throws when it cannot be read. */
export async function replayed(
  settings: ReplaySettings,
  path: string,
  flows = false,
  sampling = 1,
  explain: ExplainPolicy | null = null,
): Promise<Rehearsed> {
  const events: ReplayEvent[] = [];
  const outcome = await replay(settings, {
    path,
    flows,
    sampling,
    explain,
    emit: (event) => events.push(event),
    progress: () => undefined,
  });
  if (!outcome.ok) throw new Error(`${path}: ${outcome.error.code} ${outcome.error.detail}`);
  return {
    ...outcome.value,
    events,
    started: events.filter((event) => event.event === 'attack_started'),
    ended: events.filter((event) => event.event === 'attack_ended'),
    explained: events.filter((event) => event.event === 'attack_explained'),
  };
}

/** A folder for captures; `close` removes it. */
export function captureFolder(): {
  readonly path: (name: string) => string;
  /** `sampling`: what each packet stands for. */
  readonly rehearse: (
    settings: ReplaySettings,
    packets: readonly PlainPacket[],
    sampling?: number,
  ) => Promise<Rehearsed>;
  readonly close: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-detection-'));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    rehearse: (settings, packets, sampling = 1) => {
      const capture = path('rehearsal.pcap');
      writePackets(capture, packets);
      return replayed(settings, capture, false, sampling);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The address `steps` after a host. */
export function hostAfter(host: string, steps: number): string {
  const bytes = addressBytes(host as HostKey);
  for (let at = bytes.length - 1, carry = steps; at >= 0 && carry > 0; at--) {
    carry += bytes[at] ?? 0;
    bytes[at] = carry & 255;
    carry >>>= 8;
  }
  const later = hostOfBytes(bytes);
  if (!later.ok) throw new RangeError(later.error.detail);
  return later.value;
}
