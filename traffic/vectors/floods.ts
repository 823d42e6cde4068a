/** Floods: packets that mean nothing, sent for their number or their size. */
import type { Family } from '../../domain/address.js';
import { composeFrame } from '../frames/compose.js';
import { newPacket, noBytes, type Packet, protocols, tcpFlags } from '../frames/packet.js';
import { payloadOf, randomPayload } from '../frames/payload.js';
import type { Random } from '../random.js';
import { type Shape, shapedWriter, type Vector } from './vector.js';

const bothFamilies: readonly Family[] = [4, 6];
const ephemeralPort = (random: Random): number => random.between(1024, 65_535);
const poolBytes = 32_768;
const webPorts = [80, 443];
/** TCP services on hosts that answer a spoofed SYN. */
const reflectorPorts = [80, 443, 22, 21, 25, 8080];

/** What the options of common stacks look like in a SYN: MSS, window scale, SACK permitted, timestamps. */
const synOptions: readonly Uint8Array[] = [
  noBytes,
  Uint8Array.of(2, 4, 0x05, 0xb4),
  Uint8Array.of(2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2),
  Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 1, 0x4a, 0x9f, 0, 0, 0, 0, 1, 3, 3, 7),
];
const synWindows = [1024, 8192, 29_200, 64_240, 65_535];

type TcpFlood = {
  readonly flags: number;
  readonly syn?: boolean;
  readonly reflected?: boolean;
  readonly maxPayload?: number;
};

const tcp =
  (flood: TcpFlood): Shape =>
  (packet, { random, port }) => {
    packet.protocol = protocols.tcp;
    packet.flags = flood.flags;
    packet.urgent = flood.flags & tcpFlags.urg ? 1 : 0;
    packet.payload = randomPayload(random, poolBytes);
    return () => {
      const service = port ?? random.pick(flood.reflected ? reflectorPorts : webPorts);
      packet.sourcePort = flood.reflected ? service : ephemeralPort(random);
      packet.destinationPort = flood.reflected ? ephemeralPort(random) : service;
      packet.sequence = random.u32();
      packet.acknowledgement = flood.flags & tcpFlags.ack ? random.u32() : 0;
      packet.window = flood.syn ? random.pick(synWindows) : random.u32() & 0xffff;
      if (flood.syn) packet.tcpOptions = random.pick(synOptions);
      if (flood.maxPayload !== undefined) cutPayload(packet, random, 0, flood.maxPayload);
    };
  };

function cutPayload(packet: Packet, random: Random, least: number, most: number): void {
  packet.payloadLength = random.between(least, most);
  packet.payloadAt = random.below((poolBytes - most) >> 1) * 2;
}

const udp =
  (least: number, most: number, fixedPort: number | null): Shape =>
  (packet, { random, port }) => {
    packet.payload = randomPayload(random, poolBytes);
    return () => {
      packet.sourcePort = ephemeralPort(random);
      packet.destinationPort = port ?? fixedPort ?? random.between(1, 65_535);
      cutPayload(packet, random, least, most);
    };
  };

const echo: Shape = (packet, { random, family }) => {
  packet.protocol = family === 4 ? protocols.icmp : protocols.icmpv6;
  packet.icmpType = family === 4 ? 8 : 128;
  packet.payload = randomPayload(random, poolBytes);
  return () => {
    packet.icmpRest = random.u32();
    cutPayload(packet, random, 16, 1400);
  };
};

/** Protocol numbers that IANA has not given to anyone. */
const unassignedProtocols = { first: 148, last: 252 };

const randomProtocol: Shape = (packet, { random }) => {
  packet.payload = randomPayload(random, poolBytes);
  return () => {
    packet.protocol = random.between(unassignedProtocols.first, unassignedProtocols.last);
    cutPayload(packet, random, 8, 600);
  };
};

/** Each datagram becomes a first and some later fragments. */
const fragmented: Shape = (packet, { random, port }) => {
  packet.payload = randomPayload(random, poolBytes);
  return () => {
    packet.sourcePort = ephemeralPort(random);
    packet.destinationPort = port ?? random.between(1024, 65_535);
    cutPayload(packet, random, 2000, 8000);
  };
};

const esp: Shape = (packet, { random }) => {
  packet.protocol = protocols.esp;
  packet.payload = randomPayload(random, poolBytes);
  return () => {
    // Encrypted payloads are multiples of 4 bytes (RFC 4303 section 2.4).
    packet.payloadLength = random.between(16, 320) * 4;
    packet.payloadAt = random.below(8192) * 2;
  };
};

const innerPackets = 64;
const ethernetBytes = 14;

/** GRE (RFC 2784) around small IPv4 UDP packets. */
const gre: Shape = (packet, { random, links }) => {
  packet.protocol = protocols.gre;
  const inner = newPacket(links[0]);
  inner.payload = randomPayload(random, 1024);
  const plain = Uint8Array.from([...new Array<number>(ethernetBytes).fill(0)]);
  inner.link = { encapsulation: 'plain', ipv4: plain, ipv6: plain };
  const frame = new Uint8Array(2048);
  const payloads = Array.from({ length: innerPackets }, () => {
    inner.source = random.fill(new Uint8Array(4));
    inner.destination = random.fill(new Uint8Array(4));
    inner.sourcePort = ephemeralPort(random);
    inner.destinationPort = ephemeralPort(random);
    inner.payloadLength = random.between(64, 512);
    const end = composeFrame(frame, 0, inner);
    return payloadOf(Uint8Array.from([0, 0, 0x08, 0x00, ...frame.subarray(ethernetBytes, end)]));
  });
  return () => {
    packet.payload = random.pick(payloads);
    packet.payloadLength = packet.payload.bytes.length;
  };
};

type FloodOptions = {
  readonly families?: readonly Family[];
  readonly sources?: number;
  readonly fragments?: boolean;
};

const flood = (
  name: string,
  shows: string,
  summary: string,
  shape: Shape,
  options: FloodOptions = {},
): Vector => ({
  name,
  shows,
  summary,
  families: options.families ?? bothFamilies,
  sources: options.sources ?? null,
  fragments: options.fragments ?? false,
  open: (context) => shapedWriter(context, shape),
});

const { fin, syn, rst, psh, ack, urg } = tcpFlags;

export const floods: readonly Vector[] = [
  flood('syn', 'syn_flood', 'TCP SYN to a web port', tcp({ flags: syn, syn: true })),
  flood('syn_ack', 'syn_ack_flood', 'TCP SYN+ACK out of nothing', tcp({ flags: syn | ack })),
  flood(
    'tcp_reflection',
    'tcp_reflection',
    'SYN+ACK from services that answer spoofed SYNs',
    tcp({ flags: syn | ack, syn: true, reflected: true }),
    { sources: 3000 },
  ),
  flood('ack', 'ack_flood', 'TCP ACK, some with data', tcp({ flags: ack, maxPayload: 128 })),
  flood('rst', 'rst_flood', 'TCP RST', tcp({ flags: rst })),
  flood('fin', 'fin_flood', 'TCP FIN', tcp({ flags: fin })),
  flood('xmas', 'xmas_flood', 'TCP FIN+PSH+URG', tcp({ flags: fin | psh | urg })),
  flood('null', 'null_flood', 'TCP without flags', tcp({ flags: 0 })),
  flood('udp', 'udp_flood', 'UDP to random ports', udp(64, 1400, null)),
  flood('udp_plain', 'udp_flood', 'UDP to one port', udp(512, 512, 27_015)),
  flood('icmp', 'icmp_flood', 'ICMP echo requests', echo, { families: [4] }),
  flood('icmpv6', 'icmpv6_flood', 'ICMPv6 echo requests', echo, { families: [6] }),
  flood('random_protocol', 'random_protocol_flood', 'unassigned IP protocols', randomProtocol),
  flood('fragments', 'fragment_flood', 'UDP datagrams in first and later fragments', fragmented, {
    fragments: true,
  }),
  flood('gre', 'gre_flood', 'GRE around small UDP packets', gre),
  flood('esp', 'esp_flood', 'ESP', esp),
];
