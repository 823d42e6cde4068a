/**
 * A second, slow and obvious reading of captures and frames. Nothing here is shared with what writes them,
 * so that tests can hold the one against the other. A frame or file that is not as it must be throws RangeError.
 */

export type ReadFrame = { readonly seconds: number; readonly fraction: number; readonly bytes: Uint8Array };
export type ReadCapture = { readonly nano: boolean; readonly frames: readonly ReadFrame[] };

/** A whole pcap file in memory, either precision, either byte order. */
export function readCapture(file: Uint8Array): ReadCapture {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = view.getUint32(0, false);
  const little = magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1;
  const nano = view.getUint32(0, little) === 0xa1b23c4d;
  if (!nano && view.getUint32(0, little) !== 0xa1b2c3d4) throw new RangeError('not a pcap file');
  if (view.getUint32(20, little) !== 1) throw new RangeError('not Ethernet');
  const frames: ReadFrame[] = [];
  let at = 24;
  while (at < file.length) {
    const captured = view.getUint32(at + 8, little);
    if (captured !== view.getUint32(at + 12, little)) throw new RangeError('a frame cut short');
    frames.push({
      seconds: view.getUint32(at, little),
      fraction: view.getUint32(at + 4, little),
      bytes: file.subarray(at + 16, at + 16 + captured),
    });
    at += 16 + captured;
  }
  if (at !== file.length) throw new RangeError('the last record is cut short');
  return { nano, frames };
}

export type ReadPacket = {
  /** EtherTypes of the tags, outermost first. */
  readonly tags: readonly number[];
  readonly labels: number;
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly headerChecksumRight: boolean;
  readonly extensionHeaders: readonly number[];
  readonly protocol: number;
  readonly fragment: { readonly offset: number; readonly more: boolean } | null;
  readonly identification: number;
  /** Bytes after all IP headers. */
  readonly body: Uint8Array;
  /** From the start of the IP header; the IP header's own word for it. */
  readonly ipLength: number;
  readonly ipHeaderAt: number;
};

const extensionNumbers = [0, 43, 44, 51, 60];

export function readPacket(frame: Uint8Array): ReadPacket {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const tags: number[] = [];
  let at = 12;
  while ([0x8100, 0x88a8, 0x9100].includes(view.getUint16(at))) {
    tags.push(view.getUint16(at));
    at += 4;
  }
  const etherType = view.getUint16(at);
  at += 2;
  let labels = 0;
  if (etherType === 0x8847) {
    let bottom = false;
    while (!bottom) {
      bottom = (view.getUint8(at + 2) & 1) === 1;
      labels++;
      at += 4;
    }
  }
  const version = view.getUint8(at) >> 4;
  if (etherType !== 0x8847 && etherType !== (version === 4 ? 0x0800 : 0x86dd)) {
    throw new RangeError(`EtherType ${etherType} before IP version ${version}`);
  }
  const rest = { tags, labels, ipHeaderAt: at };
  if (version === 4) return { ...readIpv4(frame, view, at), ...rest };
  if (version === 6) return { ...readIpv6(frame, view, at), ...rest };
  throw new RangeError(`IP version ${version}`);
}

type IpPart = Omit<ReadPacket, 'tags' | 'labels' | 'ipHeaderAt'>;

function readIpv4(frame: Uint8Array, view: DataView, at: number): IpPart {
  const header = (view.getUint8(at) & 15) * 4;
  const ipLength = view.getUint16(at + 2);
  const offset = (view.getUint16(at + 6) & 0x1fff) * 8;
  const more = (view.getUint16(at + 6) & 0x2000) !== 0;
  return {
    version: 4,
    source: frame.subarray(at + 12, at + 16),
    destination: frame.subarray(at + 16, at + 20),
    headerChecksumRight: onesSum(frame.subarray(at, at + header)) === 0xffff,
    extensionHeaders: [],
    protocol: view.getUint8(at + 9),
    fragment: offset > 0 || more ? { offset, more } : null,
    identification: view.getUint16(at + 4),
    body: exactly(frame, at + header, at + ipLength),
    ipLength,
  };
}

function readIpv6(frame: Uint8Array, view: DataView, at: number): IpPart {
  const end = at + 40 + view.getUint16(at + 4);
  const extensionHeaders: number[] = [];
  let fragment: ReadPacket['fragment'] = null;
  let identification = 0;
  let next = view.getUint8(at + 6);
  let body = at + 40;
  while (extensionNumbers.includes(next)) {
    extensionHeaders.push(next);
    const size =
      next === 44 ? 8 : next === 51 ? (view.getUint8(body + 1) + 2) * 4 : (view.getUint8(body + 1) + 1) * 8;
    if (next === 44) {
      const word = view.getUint16(body + 2);
      fragment = { offset: word & 0xfff8, more: (word & 1) === 1 };
      identification = view.getUint32(body + 4);
    }
    next = view.getUint8(body);
    body += size;
    if (fragment !== null && fragment.offset > 0) break;
  }
  return {
    version: 6,
    source: frame.subarray(at + 8, at + 24),
    destination: frame.subarray(at + 24, at + 40),
    headerChecksumRight: true,
    extensionHeaders,
    protocol: next,
    fragment,
    identification,
    body: exactly(frame, body, end),
    ipLength: end - at,
  };
}

/** Whether the checksum of a whole datagram is right; null where the protocol has none. */
export function datagramChecksumRight(packet: ReadPacket, datagram: Uint8Array): boolean | null {
  const { protocol, source, destination } = packet;
  const pseudo = [
    ...source,
    ...destination,
    0,
    protocol,
    ...[24, 16, 8, 0].map((bits) => (datagram.length >> bits) & 255),
  ];
  switch (protocol) {
    case 1:
      return onesSum(datagram) === 0xffff;
    case 6:
    case 17:
    case 58:
      // The length is added as two words: in IPv4 the upper one is zero.
      return onesSum(Uint8Array.from([...pseudo, ...datagram])) === 0xffff;
    default:
      return null;
  }
}

/** Ones' complement sum, carries added as they come. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function exactly(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (to > bytes.length || from > to) throw new RangeError(`bytes ${from} to ${to} of ${bytes.length}`);
  return bytes.subarray(from, to);
}
