/**
 * What of a sampled packet a flowspec rule can look at (RFC 8955 section 4.2.2, RFC 8956 section 3).
 *
 * Most is known from the packet's facts; ICMP type, DF and MF are read from its bytes, where there are some. null: a
 * router would not find it in this packet either (ports of a later fragment), or it is not known here; no component
 * matches it then. Of a flow record the length is not known: a record shows a mean. Pure.
 */
import { type Address, parseAddress } from '../../../domain/address.js';
import type { SampledPacket } from '../../../domain/attack.js';
import { type FragmentKind, fragmentKinds } from '../../../domain/flowspec.js';

export type PacketFacts = {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly icmpType: number | null;
  readonly tcpFlags: number | null;
  /** Bytes from the IP header on. */
  readonly length: number | null;
  /** One bit a kind, in the order of `fragmentKinds`. */
  readonly fragments: number;
  /** Packets it stands for. */
  readonly weight: number;
};

export const protocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;

export const fragmentBit = (kind: FragmentKind): number => 1 << fragmentKinds.indexOf(kind);

/** Behind Ethernet with four tags and a few labels an IP header stands no further in. */
const deepestHeader = 96;
const mostExtensions = 8;

export function factsOf(packet: SampledPacket): PacketFacts | null {
  const source = parseAddress(packet.source);
  const destination = parseAddress(packet.destination);
  if (source === null || destination === null) return null;
  const later = packet.fragment && !packet.firstFragment;
  const transport = !later && (packet.protocol === protocol.tcp || packet.protocol === protocol.udp);
  const ports = transport && (packet.sourcePort !== 0 || packet.destinationPort !== 0);
  const icmp = packet.protocol === protocol.icmp || packet.protocol === protocol.icmpv6;
  const header = packet.bytes === null ? null : headerOf(packet.bytes, source, destination);
  return {
    source,
    destination,
    protocol: packet.protocol,
    sourcePort: ports ? packet.sourcePort : null,
    destinationPort: ports ? packet.destinationPort : null,
    icmpType: icmp && !later ? (header?.firstByte ?? null) : null,
    tcpFlags: transport && packet.protocol === protocol.tcp ? packet.tcpFlags : null,
    length: packet.bytes === null ? null : packet.ipLength,
    fragments: fragmentsOf(packet, header),
    weight: Math.max(1, packet.sampling),
  };
}

function fragmentsOf(packet: SampledPacket, header: Header | null): number {
  const dont = header?.dontFragment ? fragmentBit('dont_fragment') : 0;
  if (!packet.fragment) return dont;
  if (packet.firstFragment) return dont | fragmentBit('first_fragment');
  const last = header !== null && !header.more ? fragmentBit('last_fragment') : 0;
  return dont | fragmentBit('is_fragment') | last;
}

type Header = {
  readonly dontFragment: boolean;
  readonly more: boolean;
  /** Of what follows the IP headers: an ICMP type, where that is ICMP. null: cut off, or in another fragment. */
  readonly firstByte: number | null;
};

/** Whatever the link layer is, the IP header is where both addresses stand. */
function headerOf(bytes: Uint8Array, source: Address, destination: Address): Header | null {
  const version6 = source.family === 6;
  const addresses = version6 ? 8 : 12;
  const length = source.words.length * 4;
  const last = Math.min(deepestHeader, bytes.length - addresses - 2 * length);
  for (let at = 0; at <= last; at += 1) {
    if ((bytes[at] ?? 0) >> 4 !== source.family) continue;
    if (!standsAt(bytes, at + addresses, source.words)) continue;
    if (!standsAt(bytes, at + addresses + length, destination.words)) continue;
    return version6 ? headerOfIpv6(bytes, at) : headerOfIpv4(bytes, at);
  }
  return null;
}

const standsAt = (bytes: Uint8Array, at: number, words: readonly number[]): boolean =>
  words.every((word, index) => wordAt(bytes, at + index * 4) === word);

const wordAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

/** RFC 791 section 3.1. */
function headerOfIpv4(bytes: Uint8Array, at: number): Header {
  const flags = bytes[at + 6] ?? 0;
  const later = (((flags & 0x1f) << 8) | (bytes[at + 7] ?? 0)) !== 0;
  const next = at + ((bytes[at] ?? 0) & 15) * 4;
  return {
    dontFragment: (flags & 0x40) !== 0,
    more: (flags & 0x20) !== 0,
    firstByte: later ? null : (bytes[next] ?? null),
  };
}

/** RFC 8200 section 4: hop-by-hop, routing, fragment, authentication, destination, mobility, HIP, shim6. */
const extensionHeaders = new Set([0, 43, 44, 51, 60, 135, 139, 140]);

function headerOfIpv6(bytes: Uint8Array, start: number): Header {
  let next = bytes[start + 6] ?? 59;
  let at = start + 40;
  let more = false;
  for (let seen = 0; seen < mostExtensions && extensionHeaders.has(next); seen += 1) {
    const size = bytes[at + 1] ?? 0;
    if (next === 44) {
      const placing = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      more = (placing & 1) !== 0;
      if (placing >> 3 !== 0) return { dontFragment: false, more, firstByte: null };
    }
    const length = next === 44 ? 8 : next === 51 ? (size + 2) * 4 : (size + 1) * 8;
    next = bytes[at] ?? 59;
    at += length;
  }
  return { dontFragment: false, more, firstByte: bytes[at] ?? null };
}
