/**
 * Sampled packets as a classic capture file (draft-ietf-opsawg-pcap section 4): version 2.4, microseconds,
 * link type Ethernet. Written little-endian on every machine.
 *
 * Each record keeps the packet's own time, and its length on the wire beside what was captured of it. Packets of
 * which only facts are known (flow records, say) have no bytes to write: they are left out and counted.
 */
import type { SampledPacket } from '../../domain/attack.js';

const magicMicros = 0xa1b2c3d4;
const linkEthernet = 1;
const snapLength = 65_535;
const fileHeaderBytes = 24;
const recordHeaderBytes = 16;

export type CaptureFile = {
  readonly bytes: Uint8Array;
  readonly packets: number;
  /** Packets without bytes. */
  readonly leftOut: number;
};

export function captureFile(packets: readonly SampledPacket[]): CaptureFile {
  const records = packets.flatMap((packet) =>
    packet.bytes === null ? [] : [{ packet, bytes: packet.bytes.subarray(0, snapLength) }],
  );
  const size = records.reduce((sum, { bytes }) => sum + recordHeaderBytes + bytes.length, fileHeaderBytes);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, magicMicros, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkEthernet, true);
  let at = fileHeaderBytes;
  for (const { packet, bytes } of records) {
    const seconds = Math.floor(packet.at / 1e6);
    view.setUint32(at, seconds, true);
    view.setUint32(at + 4, Math.floor(packet.at - seconds * 1e6), true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, Math.max(packet.wireLength, bytes.length), true);
    out.set(bytes, at + recordHeaderBytes);
    at += recordHeaderBytes + bytes.length;
  }
  return { bytes: out, packets: records.length, leftOut: packets.length - records.length };
}
