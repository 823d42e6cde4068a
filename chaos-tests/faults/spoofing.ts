/** NetFlow version 9 from many addresses, as frames of a capture: exporters that are real, and a crowd that is not. */
import { finish, put16, put32, sumWords } from '../../traffic/frames/checksum.js';
import { pcapWriter, writePieces } from '../../traffic/pcap.js';

/** IN_BYTES, IN_PKTS, IPV4_SRC_ADDR, IPV4_DST_ADDR (RFC 3954 section 8), four bytes each. */
const fields = [1, 2, 8, 12] as const;
const fieldBytes = 4;
const headerBytes = 20;
const setHeaderBytes = 4;
const templateBytes = 4 + fields.length * 4;
const firstTemplate = 256;
const ethernetBytes = 14;
const ipBytes = 20;
const udpBytes = 8;
const victim = 0xcb00_7105;
const stranger = 0xc633_6401;

/** `records`: templates, or data records of template 256. */
function datagram(records: number, sequence: number, payloadBytes: number): Uint8Array {
  const out = new Uint8Array(headerBytes + payloadBytes);
  put16(out, 0, 9);
  put16(out, 2, records);
  put32(out, 4, 3_600_000);
  put32(out, 8, Math.floor(Date.now() / 1_000));
  put32(out, 12, sequence);
  put32(out, 16, 1);
  return out;
}

export function templates(count: number, sequence: number, from = firstTemplate): Uint8Array {
  const out = datagram(count, sequence, setHeaderBytes + count * templateBytes);
  put16(out, headerBytes + 2, out.length - headerBytes);
  let at = headerBytes + setHeaderBytes;
  for (let index = 0; index < count; index++) {
    put16(out, at, from + index);
    put16(out, at + 2, fields.length);
    fields.forEach((field, place) => {
      put16(out, at + 4 + place * 4, field);
      put16(out, at + 6 + place * 4, fieldBytes);
    });
    at += templateBytes;
  }
  return out;
}

/** One record by template `id`. */
export function record(id: number, sequence: number): Uint8Array {
  const out = datagram(1, sequence, setHeaderBytes + fields.length * fieldBytes);
  put16(out, headerBytes, id);
  put16(out, headerBytes + 2, out.length - headerBytes);
  [600, 1, stranger, victim].forEach((value, place) => {
    put32(out, headerBytes + setHeaderBytes + place * fieldBytes, value);
  });
  return out;
}

/** A UDP payload as a broadcast Ethernet frame, so that nobody's link address matters. UDP without a checksum. */
export function framed(
  payload: Uint8Array,
  source: number,
  to: { readonly address: number; readonly port: number },
): Uint8Array {
  const out = new Uint8Array(ethernetBytes + ipBytes + udpBytes + payload.length);
  out.fill(0xff, 0, 6);
  out.set([2, 0, 0, 0, 0, 1], 6);
  put16(out, 12, 0x0800);
  const ip = ethernetBytes;
  out.set([0x45, 0], ip);
  put16(out, ip + 2, out.length - ethernetBytes);
  out.set([64, 17], ip + 8);
  put32(out, ip + 12, source);
  put32(out, ip + 16, to.address);
  put16(out, ip + 10, finish(sumWords(out, ip, ipBytes)));
  const udp = ip + ipBytes;
  put16(out, udp, 50_000);
  put16(out, udp + 2, to.port);
  put16(out, udp + 4, udpBytes + payload.length);
  out.set(payload, udp + udpBytes);
  return out;
}

/** Throws when it cannot be written. Returns the number of frames. */
export function writeFrames(path: string, frames: Iterable<Uint8Array>): number {
  let count = 0;
  const written = writePieces(path, (sink) => {
    const writer = pcapWriter(1_700_000_000_000_000, 'micro', sink);
    for (const frame of frames) writer.frame(frame, 0, frame.length, count++);
    writer.finish();
  });
  if (!written.ok) throw new Error(written.error.detail);
  return count;
}
