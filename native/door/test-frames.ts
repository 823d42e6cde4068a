/** Frames, capture files and sFlow datagrams that the door's tests write themselves. */

export type UdpFrame = {
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
};

/** Ethernet, IPv4 (RFC 791), UDP (RFC 768); checksums left zero. */
export function udpFrame({ source, destination, sourcePort, destinationPort, payload }: UdpFrame): Buffer {
  const frame = Buffer.alloc(42 + payload.length);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(28 + payload.length, 16);
  frame[22] = 64;
  frame[23] = 17;
  frame.set(source, 26);
  frame.set(destination, 30);
  frame.writeUInt16BE(sourcePort, 34);
  frame.writeUInt16BE(destinationPort, 36);
  frame.writeUInt16BE(8 + payload.length, 38);
  frame.set(payload, 42);
  return frame;
}

/** A classic pcap file in microseconds, link type Ethernet (draft-ietf-opsawg-pcap sections 4 and 5). */
export function pcapFile(frames: readonly { readonly at: number; readonly frame: Uint8Array }[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65_535, 16);
  head.writeUInt32LE(1, 20);
  const records = frames.map(({ at, frame }) => {
    const record = Buffer.alloc(16 + frame.length);
    record.writeUInt32LE(Math.floor(at / 1e6), 0);
    record.writeUInt32LE(at % 1e6, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    record.set(frame, 16);
    return record;
  });
  return Buffer.concat([head, ...records]);
}

const words = (...values: readonly number[]): Buffer => {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    out.writeUInt32BE(value >>> 0, 4 * i);
  });
  return out;
};

/** One sFlow version 5 datagram with one flow sample of a raw Ethernet header (sflow.org version 5, section 5). */
export function sflowDatagram(
  header: Uint8Array,
  samplingRate: number,
  sequence: number,
  agent = 0xc0000201,
): Buffer {
  const padded = Buffer.concat([header, Buffer.alloc((4 - (header.length % 4)) % 4)]);
  const record = Buffer.concat([words(1, header.length, 4, header.length), padded]);
  const sample = Buffer.concat([
    words(sequence, 3, samplingRate, samplingRate * sequence, 0, 3, 0, 1),
    words(1, record.length),
    record,
  ]);
  return Buffer.concat([
    words(5, 1, agent, 7, sequence, 1000, 1), // agent 192.0.2.1 unless told, sub-agent 7, one sample
    words(1, sample.length),
    sample,
  ]);
}
