/**
 * A whole frame from a packet: link header, IP, transport, payload, right lengths and checksums, padded to the
 * least Ethernet frame (60 bytes, the check sequence not included). Writes into the caller's buffer.
 *
 * Checksums: RFC 793 section 3.1, RFC 768, RFC 792, RFC 4443 section 2.3, pseudo-header of IPv6: RFC 8200 section 8.1.
 */
import { finish, put16, put32, sumWords } from './checksum.js';
import { writeIpv4, writeIpv6 } from './ip.js';
import { maxLinkBytes } from './link.js';
import { type Packet, protocols, transportHeaderLength } from './packet.js';
import { payloadSum } from './payload.js';

export const minFrameBytes = 60;
/** No frame is longer: a whole IP packet behind the longest link header. */
export const maxFrameBytes = maxLinkBytes + 65_535 + 40;

/** Bytes above IP, all fragments together. */
export const datagramLength = (packet: Packet): number =>
  transportHeaderLength(packet) + packet.payloadLength;

/** Writes one frame at `start` and returns its end. `out` must have room for it. */
export function composeFrame(out: Uint8Array, start: number, packet: Packet): number {
  const isIpv6 = packet.source.length === 16;
  const link = isIpv6 ? packet.link.ipv6 : packet.link.ipv4;
  for (let i = 0; i < link.length; i++) out[start + i] = link[i] ?? 0;
  const ipAt = start + link.length;
  const { fragment } = packet;
  const whole = datagramLength(packet);
  const carried = fragment === null ? whole : fragment.length;
  const at = isIpv6 ? writeIpv6(out, ipAt, packet, carried) : writeIpv4(out, ipAt, packet, carried);
  const end = at + carried;
  if (fragment === null || fragment.offset === 0) {
    const addresses = isIpv6 ? sumWords(out, ipAt + 8, 32) : sumWords(out, ipAt + 12, 8);
    writeTransport(out, at, packet, carried, addresses + packet.protocol + whole);
  } else {
    const skipped = fragment.offset - transportHeaderLength(packet);
    copyPayload(out, at, packet, packet.payloadAt + skipped, carried);
  }
  const padded = start + minFrameBytes;
  if (end >= padded) return end;
  out.fill(0, end, padded);
  return padded;
}

/** `carried` bytes from the front of the datagram; the checksum is over all of it. */
function writeTransport(out: Uint8Array, at: number, packet: Packet, carried: number, pseudo: number): void {
  const header = transportHeaderLength(packet);
  const body = at + header;
  copyPayload(out, body, packet, packet.payloadAt, carried - header);
  const { head } = packet;
  for (let i = 0; i < head.length; i++) out[body + i] = head[i] ?? 0;
  const headBytes = head.length;
  const sum =
    sumWords(out, body, headBytes) +
    payloadSum(packet.payload, packet.payloadAt + headBytes, packet.payloadLength - headBytes);

  switch (packet.protocol) {
    case protocols.tcp:
      writeTcp(out, at, packet, header);
      put16(out, at + 16, finish(pseudo + sum + sumWords(out, at, header)));
      break;
    case protocols.udp:
      put16(out, at, packet.sourcePort);
      put16(out, at + 2, packet.destinationPort);
      put16(out, at + 4, header + packet.payloadLength);
      put16(out, at + 6, 0);
      // Zero would mean 'no checksum'.
      put16(out, at + 6, finish(pseudo + sum + sumWords(out, at, header)) || 0xffff);
      break;
    case protocols.icmp:
    case protocols.icmpv6:
      out[at] = packet.icmpType;
      out[at + 1] = packet.icmpCode;
      put16(out, at + 2, 0);
      put32(out, at + 4, packet.icmpRest);
      put16(
        out,
        at + 2,
        finish((packet.protocol === protocols.icmpv6 ? pseudo : 0) + sum + sumWords(out, at, header)),
      );
      break;
    default: // the payload is all there is
  }
}

function writeTcp(out: Uint8Array, at: number, packet: Packet, header: number): void {
  put16(out, at, packet.sourcePort);
  put16(out, at + 2, packet.destinationPort);
  put32(out, at + 4, packet.sequence);
  put32(out, at + 8, packet.acknowledgement);
  out[at + 12] = (header >> 2) << 4;
  out[at + 13] = packet.flags;
  put16(out, at + 14, packet.window);
  put16(out, at + 16, 0);
  put16(out, at + 18, packet.urgent);
  const options = packet.tcpOptions;
  for (let i = 0; i < options.length; i++) out[at + 20 + i] = options[i] ?? 0;
}

function copyPayload(out: Uint8Array, at: number, packet: Packet, from: number, length: number): void {
  if (length > 0) out.set(packet.payload.bytes.subarray(from, from + length), at);
}
