/**
 * What a flow exporter sees of a frame: addresses, ports, protocol, flags, and the bytes of its IP packet.
 *
 * Looks through VLAN tags, MPLS labels and IPv6 extension headers. As most exporters do, fragments after the first
 * have ports 0, and ICMP has type · 256 + code in place of its destination port. Allocates nothing.
 */

export type Observed = {
  /** Where the addresses lie in the buffer; their length is `addressBytes`. */
  sourceAt: number;
  destinationAt: number;
  /** 4 or 16. */
  addressBytes: number;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  tcpFlags: number;
  typeOfService: number;
  /** From the first byte of the IP header to the last of its packet. */
  bytes: number;
};

export const nothingObserved = (): Observed => ({
  sourceAt: 0,
  destinationAt: 0,
  addressBytes: 4,
  protocol: 0,
  sourcePort: 0,
  destinationPort: 0,
  tcpFlags: 0,
  typeOfService: 0,
  bytes: 0,
});

const vlanTypes: readonly number[] = [0x8100, 0x88a8, 0x9100];
const mplsType = 0x8847;
/** More of either than any network has. */
const maxTags = 4;
const maxLabels = 8;
const maxExtensions = 8;
const [icmp, tcp, udp, icmpv6, sctp] = [1, 6, 17, 58, 132];
const [hopByHop, routing, fragmentHeader, authentication, destinationOptions] = [0, 43, 44, 51, 60];

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Fills `into` with the frame at `start` … `end`; false when it holds no whole IP header. */
export function observe(bytes: Uint8Array, start: number, end: number, into: Observed): boolean {
  let at = start + 12;
  let etherType = u16(bytes, at);
  for (let tags = 0; tags < maxTags && vlanTypes.includes(etherType); tags++) {
    at += 4;
    etherType = u16(bytes, at);
  }
  at += 2;
  if (etherType === mplsType) {
    for (let labels = 0, bottom = false; labels < maxLabels && !bottom; labels++) {
      bottom = ((bytes[at + 2] ?? 0) & 1) === 1;
      at += 4;
    }
  } else if (etherType !== 0x0800 && etherType !== 0x86dd) return false;
  const version = (bytes[at] ?? 0) >> 4;
  if (version === 4) return observeIpv4(bytes, at, end, into);
  return version === 6 && observeIpv6(bytes, at, end, into);
}

function observeIpv4(bytes: Uint8Array, at: number, end: number, into: Observed): boolean {
  const header = ((bytes[at] ?? 0) & 15) * 4;
  if (header < 20 || at + header > end) return false;
  into.sourceAt = at + 12;
  into.destinationAt = at + 16;
  into.addressBytes = 4;
  into.typeOfService = bytes[at + 1] ?? 0;
  into.bytes = u16(bytes, at + 2);
  const isLater = (u16(bytes, at + 6) & 0x1fff) !== 0;
  observeTransport(bytes, at + header, end, bytes[at + 9] ?? 0, isLater, into);
  return true;
}

function observeIpv6(bytes: Uint8Array, start: number, end: number, into: Observed): boolean {
  if (start + 40 > end) return false;
  into.sourceAt = start + 8;
  into.destinationAt = start + 24;
  into.addressBytes = 16;
  into.typeOfService = (u16(bytes, start) >> 4) & 0xff;
  into.bytes = 40 + u16(bytes, start + 4);
  let next = bytes[start + 6] ?? 0;
  let at = start + 40;
  let isLater = false;
  for (let seen = 0; seen < maxExtensions && !isLater && at + 8 <= end; seen++) {
    if (next === fragmentHeader) {
      isLater = (u16(bytes, at + 2) & 0xfff8) !== 0;
      next = bytes[at] ?? 0;
      at += 8;
    } else if (next === hopByHop || next === routing || next === destinationOptions) {
      next = bytes[at] ?? 0;
      at += ((bytes[at + 1] ?? 0) + 1) * 8;
    } else if (next === authentication) {
      next = bytes[at] ?? 0;
      at += ((bytes[at + 1] ?? 0) + 2) * 4;
    } else break;
  }
  observeTransport(bytes, at, end, next, isLater, into);
  return true;
}

function observeTransport(
  bytes: Uint8Array,
  at: number,
  end: number,
  protocol: number,
  isLater: boolean,
  into: Observed,
): void {
  into.protocol = protocol;
  into.sourcePort = 0;
  into.destinationPort = 0;
  into.tcpFlags = 0;
  if (isLater || at + 4 > end) return;
  if (protocol === icmp || protocol === icmpv6) {
    into.destinationPort = u16(bytes, at);
  } else if (protocol === tcp || protocol === udp || protocol === sctp) {
    into.sourcePort = u16(bytes, at);
    into.destinationPort = u16(bytes, at + 2);
    if (protocol === tcp && at + 14 <= end) into.tcpFlags = bytes[at + 13] ?? 0;
  }
}
