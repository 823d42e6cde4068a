/**
 * One packet to be written, as one flat mutable record. A source of packets keeps a single record and sets
 * what changes between packets, so that the hot path allocates nothing.
 */
import type { Extension } from './ip.js';
import type { Link } from './link.js';
import { emptyPayload, type Payload } from './payload.js';

export const protocols = { icmp: 1, tcp: 6, udp: 17, gre: 47, esp: 50, icmpv6: 58 } as const;

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20 } as const;

/** A part of the datagram above IP. `offset` is a multiple of 8; so is `length` while `more`. Bytes. */
export type Fragment = { readonly offset: number; readonly length: number; readonly more: boolean };

export type Packet = {
  link: Link;
  /** 4 or 16 bytes, both alike: their length is the IP version. */
  source: Uint8Array;
  destination: Uint8Array;
  hopLimit: number;
  trafficClass: number;
  /** IPv4: 16 bits. IPv6: 32 bits, of a fragment header only. */
  identification: number;
  dontFragment: boolean;
  /** IPv4 options, padded to a multiple of 4 bytes. */
  ipOptions: Uint8Array;
  /** IPv6 extension headers, in the order of ip.ts `extensions`. */
  extensions: readonly Extension[];
  /** null: the whole datagram. */
  fragment: Fragment | null;

  /** TCP, UDP, ICMP and ICMPv6 get their headers; of any other protocol the payload is all there is. */
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgement: number;
  flags: number;
  window: number;
  urgent: number;
  /** Padded to a multiple of 4 bytes. */
  tcpOptions: Uint8Array;
  icmpType: number;
  icmpCode: number;
  /** The second word of an ICMP header: identifier and sequence of an echo. */
  icmpRest: number;

  payload: Payload;
  /** Where the payload is cut from; even. */
  payloadAt: number;
  payloadLength: number;
  /** Written over the start of the payload; an even number of bytes, at most the payload's length. */
  head: Uint8Array;
};

export const noBytes: Uint8Array = new Uint8Array(0);

export function newPacket(link: Link): Packet {
  return {
    link,
    source: new Uint8Array(4),
    destination: new Uint8Array(4),
    hopLimit: 64,
    trafficClass: 0,
    identification: 0,
    dontFragment: false,
    ipOptions: noBytes,
    extensions: [],
    fragment: null,
    protocol: protocols.udp,
    sourcePort: 0,
    destinationPort: 0,
    sequence: 0,
    acknowledgement: 0,
    flags: 0,
    window: 0,
    urgent: 0,
    tcpOptions: noBytes,
    icmpType: 0,
    icmpCode: 0,
    icmpRest: 0,
    payload: emptyPayload,
    payloadAt: 0,
    payloadLength: 0,
    head: noBytes,
  };
}

/** Bytes of the header above IP. */
export function transportHeaderLength(packet: Packet): number {
  switch (packet.protocol) {
    case protocols.tcp:
      return 20 + packet.tcpOptions.length;
    case protocols.udp:
    case protocols.icmp:
    case protocols.icmpv6:
      return 8;
    default:
      return 0;
  }
}
