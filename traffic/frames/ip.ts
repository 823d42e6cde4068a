/**
 * IPv4 (RFC 791) with options and fragments, and IPv6 (RFC 8200) with extension headers.
 *
 * Each writer returns where the payload of IP begins. Extension headers are written in the order of `extensions`,
 * which is that of RFC 8200 section 4.1; the fragment header of a real fragment stands before `ah`.
 */
import { finish, put16, put32, sumWords } from './checksum.js';
import type { Packet } from './packet.js';

export const extensions = ['hop_by_hop', 'destination', 'routing', 'atomic_fragment', 'ah'] as const;
/** `atomic_fragment`: a fragment header on a whole packet (RFC 6946). */
export type Extension = (typeof extensions)[number];

const extensionNumbers: Readonly<Record<Extension, number>> = {
  hop_by_hop: 0,
  destination: 60,
  routing: 43,
  atomic_fragment: 44,
  ah: 51,
};

/** Bytes: options 8 each, a segment routing header with one segment 24, AH with a 96-bit check value 24. */
const extensionBytes: Readonly<Record<Extension, number>> = {
  hop_by_hop: 8,
  destination: 8,
  routing: 24,
  atomic_fragment: 8,
  ah: 24,
};
const fragmentHeaderBytes = 8;
const fragmentHeaderNumber = 44;

export const inOrder = (wanted: readonly Extension[]): Extension[] =>
  extensions.filter((extension) => wanted.includes(extension));

export const extensionsLength = (wanted: readonly Extension[]): number => {
  let total = 0;
  for (const extension of wanted) total += extensionBytes[extension];
  return total;
};

/** Bytes of the IP header with all that belongs to it. */
export function ipHeaderLength(packet: Packet): number {
  if (packet.source.length === 4) return 20 + packet.ipOptions.length;
  return 40 + extensionsLength(packet.extensions) + (packet.fragment === null ? 0 : fragmentHeaderBytes);
}

/** `carried`: bytes after the IP header. */
export function writeIpv4(out: Uint8Array, at: number, packet: Packet, carried: number): number {
  const headerLength = 20 + packet.ipOptions.length;
  const { fragment } = packet;
  out[at] = 0x40 | (headerLength >> 2);
  out[at + 1] = packet.trafficClass;
  put16(out, at + 2, headerLength + carried);
  put16(out, at + 4, packet.identification);
  put16(
    out,
    at + 6,
    fragment === null
      ? packet.dontFragment
        ? 0x4000
        : 0
      : (fragment.more ? 0x2000 : 0) | (fragment.offset >> 3),
  );
  out[at + 8] = packet.hopLimit;
  out[at + 9] = packet.protocol;
  put16(out, at + 10, 0);
  for (let i = 0; i < 4; i++) {
    out[at + 12 + i] = packet.source[i] ?? 0;
    out[at + 16 + i] = packet.destination[i] ?? 0;
  }
  if (packet.ipOptions.length > 0) out.set(packet.ipOptions, at + 20);
  put16(out, at + 10, finish(sumWords(out, at, headerLength)));
  return at + headerLength;
}

/** Throws RangeError for AH on a real fragment: it would belong to the datagram that is being cut. */
export function writeIpv6(out: Uint8Array, at: number, packet: Packet, carried: number): number {
  const { fragment } = packet;
  const headerLength = ipHeaderLength(packet);
  put32(out, at, (6 << 28) | (packet.trafficClass << 20));
  put16(out, at + 4, headerLength - 40 + carried);
  out[at + 7] = packet.hopLimit;
  for (let i = 0; i < 16; i++) {
    out[at + 8 + i] = packet.source[i] ?? 0;
    out[at + 24 + i] = packet.destination[i] ?? 0;
  }
  let nextHeaderAt = at + 6;
  let end = at + 40;
  for (const extension of packet.extensions) {
    if (fragment !== null && (extension === 'ah' || extension === 'atomic_fragment')) {
      throw new RangeError(`'${extension}' on a fragment`);
    }
    out[nextHeaderAt] = extensionNumbers[extension];
    nextHeaderAt = end;
    end = writeExtension(out, end, extension, packet);
  }
  if (fragment !== null) {
    out[nextHeaderAt] = fragmentHeaderNumber;
    nextHeaderAt = end;
    out[end + 1] = 0;
    put16(out, end + 2, fragment.offset | (fragment.more ? 1 : 0));
    put32(out, end + 4, packet.identification);
    end += fragmentHeaderBytes;
  }
  out[nextHeaderAt] = packet.protocol;
  return end;
}

/** Leaves the first byte, next header, to the caller. */
function writeExtension(out: Uint8Array, at: number, extension: Extension, packet: Packet): number {
  const end = at + extensionBytes[extension];
  out.fill(0, at + 1, end);
  switch (extension) {
    case 'hop_by_hop': // router alert, RFC 2711, and two bytes of padding
      out[at + 2] = 5;
      out[at + 3] = 2;
      out[at + 6] = 1;
      break;
    case 'destination': // six bytes of padding, RFC 8200 section 4.2
      out[at + 2] = 1;
      out[at + 3] = 4;
      break;
    case 'routing': // segment routing, RFC 8754, at its last segment: the destination is final
      out[at + 1] = 2;
      out[at + 2] = 4;
      out.set(packet.destination, at + 8);
      break;
    case 'atomic_fragment': // offset 0, nothing follows
      put32(out, at + 4, packet.identification);
      break;
    case 'ah': // RFC 4302; the check value is of no key
      out[at + 1] = 4;
      put32(out, at + 4, 0x1000 + (packet.identification & 0xff));
      put32(out, at + 8, packet.identification);
      put32(out, at + 12, packet.identification ^ 0x5bd1e995);
      break;
  }
  return end;
}
