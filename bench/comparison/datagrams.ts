/**
 * What may be flow telemetry, told by its first bytes alone, whatever port it went to; written apart from the
 * detector's own way of telling, against which it is held. And bare datagrams as a capture that all readers take.
 */
import { writeFileSync } from 'node:fs';
import { composeFrame, maxFrameBytes } from '../../traffic/frames/compose.js';
import { buildLink } from '../../traffic/frames/link.js';
import { newPacket } from '../../traffic/frames/packet.js';
import { payloadOf } from '../../traffic/frames/payload.js';
import { pcapWriter } from '../../traffic/pcap.js';
import { createRandom } from '../../traffic/random.js';

export type Dissector = 'sflow' | 'cflow';

const fixedRecordBytes: { readonly [version: number]: readonly number[] } = { 1: [48, 52], 5: [48], 7: [52] };
const fixedHeaderBytes: { readonly [version: number]: number } = { 1: 16, 5: 24, 7: 24 };
const mostRecords = 31;
const firstDataSet = 256;
const setIds: { readonly [version: number]: readonly number[] } = { 9: [0, 1], 10: [2, 3] };

export function dissectorOf(payload: Uint8Array): Dissector | null {
  if (payload.length < 16) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const version = view.getUint16(0);
  if (version === 0) return isSflow(view) ? 'sflow' : null;
  const isCflow = version === 9 || version === 10 ? isTemplated(view, version) : isFixed(view, version);
  return isCflow ? 'cflow' : null;
}

/** For what is known to be telemetry, whole or not. */
export const likelyDissector = (payload: Uint8Array): Dissector => (payload[1] === 0 ? 'sflow' : 'cflow');

function isSflow(view: DataView): boolean {
  if (view.byteLength < 28 || ![2, 4, 5].includes(view.getUint32(0))) return false;
  return view.getUint32(4) === 1 || (view.getUint32(4) === 2 && view.byteLength >= 40);
}

/** Bytes behind the last record are taken, as some exporters send them. */
function isFixed(view: DataView, version: number): boolean {
  const count = view.getUint16(2);
  if (count === 0 || count > mostRecords) return false;
  const header = fixedHeaderBytes[version] ?? 0;
  return (fixedRecordBytes[version] ?? []).some((bytes) => view.byteLength - header === count * bytes);
}

function isTemplated(view: DataView, version: number): boolean {
  const header = version === 9 ? 20 : 16;
  if (view.byteLength < header + 4) return false;
  if (version === 10 && view.getUint16(2) !== view.byteLength) return false;
  const id = view.getUint16(header);
  const length = view.getUint16(header + 2);
  return (
    (id >= firstDataSet || (setIds[version] ?? []).includes(id)) &&
    length >= 4 &&
    length <= view.byteLength - header
  );
}

/** Where each kind is sent to when bare datagrams are put into a capture. */
export const wrappedPorts: { readonly [D in Dissector]: number } = { sflow: 6343, cflow: 2055 };

/** A file of IPFIX messages back to back (RFC 5655 section 6), cut at their lengths; what is left over is the last. */
export function messagesOf(file: Uint8Array): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = at + 4 <= file.length ? ((file[at + 2] ?? 0) << 8) | (file[at + 3] ?? 0) : 0;
    const end = length < 16 ? file.length : Math.min(at + length, file.length);
    messages.push(file.subarray(at, end));
    at = end;
  }
  return messages;
}

/** The datagrams one after the other, all from one exporter, a millisecond apart. */
export function wrap(path: string, datagrams: readonly Uint8Array[]): void {
  const packet = newPacket(buildLink('plain', createRandom(1)));
  packet.source = Uint8Array.of(192, 0, 2, 1);
  packet.destination = Uint8Array.of(192, 0, 2, 2);
  packet.sourcePort = 50_343;
  const frame = new Uint8Array(maxFrameBytes);
  const pieces: Uint8Array[] = [];
  const writer = pcapWriter(1_700_000_000_000_000, 'micro', (piece) => pieces.push(piece.slice()));
  for (const [index, datagram] of datagrams.entries()) {
    packet.destinationPort = wrappedPorts[likelyDissector(datagram)];
    packet.payload = payloadOf(datagram);
    packet.payloadLength = datagram.length;
    writer.frame(frame, 0, composeFrame(frame, 0, packet), index * 1000);
  }
  writer.finish();
  writeFileSync(path, Buffer.concat(pieces));
}
