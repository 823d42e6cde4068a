/** Captures and their manifests, held against a second reading of the file. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hostOfBytes } from '../domain/address.js';
import { prefixSet } from '../domain/prefix-table.js';
import type { FlowDirection } from '../domain/traffic.js';
import type { PrefixKey } from '../domain/units.js';
import { encapsulations } from './frames/link.js';
import type { Manifest } from './manifest.js';
import { manifestPath, type Precision, writeCapture } from './pcap.js';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { readCapture, readPacket } from './reading.js';
import { attackPart, backgroundPart, type Scenario } from './scenario.js';
import { hasTshark, sharkFields } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-pcap-'));
afterAll(() => rmSync(folder, { recursive: true }));

const networks = ['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'];
const startMicros = 1_700_000_000_900_000;
const mix = { ipv6: 0.4, vlan: 0.2, mpls: 0.2, extensionHeaders: 0.3, fragments: 0.05 };

const scenario: Scenario = {
  name: 'mixed',
  seed: 42,
  startMicros,
  networks,
  parts: [
    backgroundPart({ name: 'use', pps: 4_000, durationMicros: 3e6, mix }),
    attackPart({
      name: 'in',
      vector: 'fragments',
      targets: ['2001:db8::77'],
      encapsulations,
      pps: 5_000,
      startMicros: 1e6,
      durationMicros: 1e6,
    }),
    attackPart({
      name: 'out',
      vector: 'syn',
      direction: 'outgoing',
      targets: ['203.0.113.9'],
      profile: { kind: 'pulse', onMicros: 2e5, offMicros: 3e5 },
      pps: 3_000,
      startMicros: 5e5,
      durationMicros: 2e6,
    }),
  ],
};

const ready = (given: Scenario): PreparedScenario => {
  const prepared = prepareScenario(given);
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
};
const written = (
  name: string,
  given: Scenario,
  precision: Precision = 'micro',
): { path: string; manifest: Manifest } => {
  const path = join(folder, name);
  const manifest = writeCapture(path, ready(given), precision);
  if (!manifest.ok) throw new Error(manifest.error.detail);
  return { path, manifest: manifest.value };
};
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

const ours = prefixSet(networks as unknown as PrefixKey[]);
function directionOf(frame: Uint8Array): FlowDirection {
  const packet = readPacket(frame);
  const from = hostOfBytes(packet.source);
  const to = hostOfBytes(packet.destination);
  if (!from.ok || !to.ok) throw new Error('no address');
  if (ours.covers(to.value)) return ours.covers(from.value) ? 'internal' : 'incoming';
  return ours.covers(from.value) ? 'outgoing' : 'other';
}

test('the same scenario gives the same bytes, another seed gives others', () => {
  const once = digest(written('once.pcap', scenario).path);
  expect(digest(written('again.pcap', scenario).path)).toBe(once);
  expect(digest(written('other.pcap', { ...scenario, seed: 43 }).path)).not.toBe(once);
});

test('a part does not change because another is added', () => {
  const [use, attack, out] = scenario.parts;
  if (use === undefined || attack === undefined || out === undefined) throw new Error('three parts');
  const alone = readCapture(readFileSync(written('alone.pcap', { ...scenario, parts: [use] }).path));
  const both = readCapture(readFileSync(written('both.pcap', { ...scenario, parts: [use, attack] }).path));
  const key = (frame: { bytes: Uint8Array }): string => Buffer.from(frame.bytes).toString('hex');
  const inBoth = new Set(both.frames.map(key));
  expect(alone.frames.filter((frame) => !inBoth.has(key(frame)))).toEqual([]);
});

test('the manifest is what a second reader counts', () => {
  const { path, manifest } = written('counted.pcap', scenario);
  const { frames } = readCapture(readFileSync(path));
  const counted: Record<FlowDirection, { packets: number; bytes: number }> = {
    incoming: { packets: 0, bytes: 0 },
    outgoing: { packets: 0, bytes: 0 },
    internal: { packets: 0, bytes: 0 },
    other: { packets: 0, bytes: 0 },
  };
  for (const frame of frames) {
    const cell = counted[directionOf(frame.bytes)];
    cell.packets++;
    cell.bytes += frame.bytes.length;
  }
  expect(manifest.byDirection).toEqual(counted);
  expect(manifest.byDirection.incoming.packets).toBeGreaterThan(5_000);
  expect(manifest.byDirection.internal.packets).toBeGreaterThan(0);
  expect(manifest.packets).toBe(frames.length);
  expect(manifest.parts.map((part) => part.packets)).toEqual([12_000, 5_000, 2_400]);
  expect(JSON.parse(readFileSync(manifestPath(path), 'utf8'))).toEqual(manifest);
});

test('first and last packet of a part are where the manifest says', () => {
  const { path, manifest } = written('times.pcap', scenario);
  const { frames } = readCapture(readFileSync(path));
  const micros = frames.map((frame) => frame.seconds * 1e6 + frame.fraction);
  expect(micros).toEqual([...micros].sort((a, b) => a - b));
  const targeted = frames.flatMap((frame, index) => {
    const packet = readPacket(frame.bytes);
    const host = hostOfBytes(packet.destination);
    return host.ok && host.value === '2001:db8::77' ? [micros[index] ?? 0] : [];
  });
  expect(manifest.parts[1]).toMatchObject({
    firstPacketAt: targeted[0],
    lastPacketAt: targeted.at(-1),
    pps: 5000,
  });
  expect(manifest.parts[1]?.firstPacketAt).toBe(startMicros + 1e6);
});

test('nanosecond captures hold the same frames at finer times', () => {
  const fine = readCapture(readFileSync(written('nano.pcap', scenario, 'nano').path));
  const coarse = readCapture(readFileSync(written('micro.pcap', scenario).path));
  expect(fine.nano).toBe(true);
  expect(coarse.nano).toBe(false);
  expect(fine.frames.map((frame) => Math.floor(frame.fraction / 1000))).toEqual(
    coarse.frames.map((frame) => frame.fraction),
  );
  expect(fine.frames.some((frame) => frame.fraction % 1000 !== 0)).toBe(true);
});

test('a capture larger than one piece is whole', () => {
  const { path, manifest } = written('large.pcap', {
    ...scenario,
    parts: [
      attackPart({
        name: 'in',
        vector: 'udp_plain',
        targets: ['203.0.113.9'],
        pps: 30_000,
        durationMicros: 1e6,
      }),
    ],
  });
  const { frames } = readCapture(readFileSync(path));
  expect(frames.length).toBe(30_000);
  expect(frames.reduce((sum, frame) => sum + frame.bytes.length, 0)).toBe(manifest.bytes);
  expect(manifest.bytes).toBeGreaterThan(3 * 4_194_304);
});

test('a path that cannot be written is said', () => {
  const result = writeCapture(join(folder, 'no', 'such', 'folder.pcap'), ready(scenario));
  expect(result).toMatchObject({ ok: false, error: { code: 'CAPTURE_UNWRITABLE' } });
});

describe.skipIf(!hasTshark)('tshark (skipped where it is not installed)', () => {
  test('counts the same packets, bytes, fragments, tags and labels', () => {
    const { path, manifest } = written('shark.pcap', scenario);
    const fields = ['frame.len', 'frame.protocols', 'ip.flags.mf', 'ip.frag_offset', 'ipv6.fraghdr.ident'];
    const rows = sharkFields(path, '', fields);
    expect(rows.length).toBe(manifest.packets);
    expect(rows.reduce((sum, [length]) => sum + Number(length), 0)).toBe(manifest.bytes);
    const mine = readCapture(readFileSync(path)).frames.map((frame) => readPacket(frame.bytes));
    const layered = (...wanted: readonly string[]): number =>
      rows.filter(([, layers]) => wanted.some((layer) => layers?.split(':').includes(layer))).length;
    expect(layered('mpls')).toBe(mine.filter((packet) => packet.labels > 0).length);
    expect(layered('ipv6')).toBe(mine.filter((packet) => packet.version === 6).length);
    expect(layered('vlan', 'ieee8021ad')).toBe(mine.filter((packet) => packet.tags.length > 0).length);
    const fragments = rows.filter(
      ([, , more, offset, ident]) => more === '1' || more === 'True' || Number(offset) > 0 || ident,
    );
    expect(fragments.length).toBe(mine.filter((packet) => packet.fragment !== null).length);
  });
});
