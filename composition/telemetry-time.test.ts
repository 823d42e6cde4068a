/**
 * A steady transfer, told by one IPFIX record per active timeout, never passes 1.05 times its rate, and passes 0.95
 * times it when its first record comes, whatever the timeout; a flood told so is found at that tick.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { globalGroup } from '../domain/hostgroup.js';
import { composeFrame, maxFrameBytes } from '../traffic/frames/compose.js';
import { buildLink } from '../traffic/frames/link.js';
import { newPacket, protocols } from '../traffic/frames/packet.js';
import { payloadOf } from '../traffic/frames/payload.js';
import { pcapWriter } from '../traffic/pcap.js';
import { createRandom } from '../traffic/random.js';
import {
  captureFolder,
  groupOf,
  lastingBan,
  rehearsalEpoch,
  replayed,
  settingsOf,
} from './detection-rehearsal.js';

const folder = captureFolder();
afterAll(folder.close);

const target = '203.0.113.9';
const packetBytes = 1_250;
/** Number and bytes of the information elements of the one record. */
const elements = [
  [8, 4],
  [12, 4],
  [2, 8],
  [1, 8],
  [152, 8],
  [153, 8],
  [4, 1],
  [136, 1],
  [7, 2],
  [11, 2],
] as const;
const recordBytes = elements.reduce((sum, [, bytes]) => sum + bytes, 0);
const templateId = 256;

/** RFC 7011 sections 3.1 to 3.4: the template, and a record of the last `seconds` that ends now. */
function message(sequence: number, nowMicros: number, seconds: number, bitsPerSecond: number): Uint8Array {
  const templateBytes = 8 + 4 * elements.length;
  const bytes = new Uint8Array(16 + templateBytes + 4 + recordBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put16 = (value: number): void => {
    view.setUint16(at, value);
    at += 2;
  };
  const put64 = (value: number): void => {
    view.setBigUint64(at, BigInt(value));
    at += 8;
  };
  put16(10);
  put16(bytes.length);
  view.setUint32(4, Math.floor(nowMicros / 1e6));
  view.setUint32(8, sequence);
  at = 16;
  for (const value of [2, templateBytes, templateId, elements.length]) put16(value);
  for (const element of elements) for (const value of element) put16(value);
  put16(templateId);
  put16(4 + recordBytes);
  bytes.set([198, 51, 100, 7, 203, 0, 113, 9], at);
  at += 8;
  const octets = (bitsPerSecond / 8) * seconds;
  put64(octets / packetBytes);
  put64(octets);
  put64(Math.floor(nowMicros / 1e3) - seconds * 1e3);
  put64(Math.floor(nowMicros / 1e3));
  bytes.set([17, 2], at); // UDP; cut by the active timeout
  at += 2;
  put16(443);
  put16(50_000);
  return bytes;
}

/** A replay passes over longer silence: its clock must go on tick by tick. */
const heartbeatSeconds = 2;

/** RFC 7011 section 3.1: a header and no set. */
function emptyMessage(sequence: number, nowMicros: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, 10);
  view.setUint16(2, 16);
  view.setUint32(4, Math.floor(nowMicros / 1e6));
  view.setUint32(8, sequence);
  return new Uint8Array(view.buffer);
}

/** `lost`: numbers of records that never come, from 1 on. */
function capture(
  timeout: number,
  records: number,
  bitsPerSecond: number,
  lost: readonly number[] = [],
): string {
  const path = folder.path(`time-${timeout}-${bitsPerSecond}-${lost.join('-')}.pcap`);
  const packet = newPacket(buildLink('plain', createRandom(1)));
  packet.source = Uint8Array.of(192, 0, 2, 1);
  packet.destination = Uint8Array.of(192, 0, 2, 9);
  packet.protocol = protocols.udp;
  packet.sourcePort = 50_343;
  packet.destinationPort = 4739;
  const frame = new Uint8Array(maxFrameBytes);
  const pieces: Buffer[] = [];
  const writer = pcapWriter(rehearsalEpoch, 'micro', (piece) => pieces.push(Buffer.from(piece)));
  const write = (bytes: Uint8Array, micros: number): void => {
    packet.payload = payloadOf(bytes);
    packet.payloadLength = bytes.length;
    writer.frame(frame, 0, composeFrame(frame, 0, packet), micros);
  };
  for (let second = Math.min(timeout, heartbeatSeconds); second <= records * timeout; second++) {
    const micros = second * 1e6;
    const told = second / timeout;
    if (Number.isInteger(told) && !lost.includes(told)) {
      write(message(told - 1, rehearsalEpoch + micros, timeout, bitsPerSecond), micros);
    } else if (second % heartbeatSeconds === 0) {
      write(emptyMessage(Math.floor(told), rehearsalEpoch + micros), micros);
    }
  }
  writer.finish();
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

const settings = (mbps: number) =>
  settingsOf(['203.0.113.0/24'], [groupOf(globalGroup, [], { incoming: { mbps } })]);

for (const timeout of [5, 60, 300, 1_800]) {
  test(`100 Mbit/s with an active timeout of ${timeout} s`, async () => {
    const path = capture(timeout, 3, 100e6);
    expect((await replayed(settings(150), path, true)).started).toEqual([]);
    expect((await replayed(settings(105), path, true)).started).toEqual([]);
    const { started } = await replayed(settings(95), path, true);
    const firstRecord = rehearsalEpoch + timeout * 1e6;
    expect(started).toMatchObject([{ host: target, direction: 'incoming' }]);
    expect(Math.abs(Date.parse(started[0]?.at ?? '') * 1e3 - firstRecord)).toBeLessThanOrEqual(200_000);
  }, 60_000);
}

test('a flood under a timeout of a minute is found at the tick in which its first record comes', async () => {
  const { started } = await replayed(settings(150), capture(60, 3, 800e6), true);
  expect(started).toMatchObject([{ host: target, direction: 'incoming', vector: 'udp_flood' }]);
  expect(Math.abs(Date.parse(started[0]?.at ?? '') * 1e3 - rehearsalEpoch - 60e6)).toBeLessThanOrEqual(
    200_000,
  );
}, 60_000);

/** An attack ends with the first tick that is not above the threshold, so one that lasts was above it at every tick. */
const endsAtOnce = { ...lastingBan, timeMs: 0, onlyIfFinished: true, calmMs: 0 };
const below = (mbps: number) =>
  settingsOf(['203.0.113.0/24'], [groupOf(globalGroup, [], { incoming: { mbps } }, { ban: endsAtOnce })]);

for (const timeout of [5, 60, 300, 1_800]) {
  test(`100 Mbit/s with an active timeout of ${timeout} s is at least 95 at every tick from its first record on`, async () => {
    const { started, ended } = await replayed(below(95), capture(timeout, 4, 100e6), true);
    expect(started.length).toBe(1);
    const lastRecord = rehearsalEpoch + 4 * timeout * 1e6;
    for (const { at } of ended) expect(Date.parse(at) * 1e3).toBeGreaterThanOrEqual(lastRecord);
  }, 60_000);
}

test('a record that never comes shows as a dip, so such a dip would be seen', async () => {
  const { started, ended } = await replayed(below(95), capture(60, 4, 100e6, [3]), true);
  expect(started.length).toBe(2);
  expect(ended.length).toBeGreaterThanOrEqual(1);
}, 60_000);
