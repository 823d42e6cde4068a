/** Normal use raises nothing: per host and second it stays within `hostBound`. And it looks like use. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hostBound, maxSessions, sessionPps } from './background.js';
import { writeCapture } from './pcap.js';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { datagramChecksumRight, type ReadPacket, readPacket } from './reading.js';
import { type BackgroundPart, backgroundPart } from './scenario.js';
import { frames } from './stream.js';
import { hasTshark, payloadsAsData, sharkFaults, sharkFields } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-background-'));
afterAll(() => rmSync(folder, { recursive: true }));

const prepare = (given: Partial<BackgroundPart>, networks: readonly string[], seed = 5) =>
  prepareScenario({
    name: 'use',
    seed,
    startMicros: 1.7e15,
    networks,
    parts: [backgroundPart({ name: 'use', pps: 2_000, durationMicros: 5e6, ...given })],
  });
const ready = (
  given: Partial<BackgroundPart>,
  networks: readonly string[],
  seed?: number,
): PreparedScenario => {
  const prepared = prepare(given, networks, seed);
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
};
const each = (
  prepared: PreparedScenario,
  visit: (packet: ReadPacket, length: number, micros: number) => void,
): void => {
  for (const batch of frames(prepared)) {
    for (let i = 0; i < batch.count; i++) {
      const bytes = batch.bytes.slice(batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0);
      visit(readPacket(bytes), bytes.length, batch.micros[i] ?? 0);
    }
  }
};

const truth: Readonly<Record<string, number>> = { True: 1, False: 0 };
const small = ['203.0.113.0/24'];
const wide = ['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'];
const everything = { ipv6: 0.4, vlan: 0.2, mpls: 0.2, extensionHeaders: 0.5, fragments: 0.1 };

const crowded = [
  {
    claim: 'as fast as a /26 can carry it',
    given: { pps: 120_000, durationMicros: 1e6 },
    networks: ['203.0.113.0/25'],
  },
  {
    claim: 'with much fragmentation',
    given: { pps: 50_000, durationMicros: 1e6, mix: everything },
    networks: wide,
  },
  { claim: 'with few hosts', given: { pps: 14_000, durationMicros: 4e6 }, networks: ['203.0.113.64/28'] },
] as const;
for (const { claim, given, networks } of crowded) {
  test(`no host passes the bound in any second, ${claim}`, () => {
    const load = new Map<string, { packets: number; bytes: number }>();
    each(ready(given, networks), (packet, length, micros) => {
      const second = Math.floor(micros / 1e6);
      for (const [direction, address] of [
        ['out', packet.source],
        ['in', packet.destination],
      ] as const) {
        const key = `${direction} ${second} ${address.join('.')}`;
        const cell = load.get(key) ?? { packets: 0, bytes: 0 };
        load.set(key, { packets: cell.packets + 1, bytes: cell.bytes + length });
      }
    });
    const most = [...load.values()].reduce((a, b) => ({
      packets: Math.max(a.packets, b.packets),
      bytes: Math.max(a.bytes, b.bytes),
    }));
    expect(most.packets).toBeLessThan(hostBound.packetsPerSecond);
    expect(most.bytes * 8).toBeLessThan(hostBound.bitsPerSecond);
  });
}

test('more than the hosts can carry within the bound is refused', () => {
  expect(prepare({ pps: 300_000 }, small)).toMatchObject({ ok: false, error: { code: 'CONFIG_INVALID' } });
  expect(prepare({ pps: maxSessions * sessionPps * 1.01 }, ['8.0.0.0/8'])).toMatchObject({ ok: false });
});

test('the mix asked for is the mix sent, every checksum right', () => {
  const count = { all: 0, ipv6: 0, tagged: 0, labelled: 0, extended: 0, fragments: 0, wrong: 0 };
  const protocols = new Map<number, number>();
  each(ready({ pps: 10_000, durationMicros: 2e6, mix: everything }, wide), (packet) => {
    count.all++;
    if (packet.version === 6) count.ipv6++;
    if (packet.labels > 0) count.labelled++;
    else if (packet.tags.length > 0) count.tagged++;
    if (packet.extensionHeaders.some((header) => header !== 44)) count.extended++;
    if (packet.fragment !== null) count.fragments++;
    else if (datagramChecksumRight(packet, packet.body) === false) count.wrong++;
    if (!packet.headerChecksumRight) count.wrong++;
    protocols.set(packet.protocol, (protocols.get(packet.protocol) ?? 0) + 1);
  });
  expect(count.wrong).toBe(0);
  const share = (part: number): number => part / count.all;
  expect(share(count.ipv6)).toBeCloseTo(0.4, 1);
  expect(share(count.tagged)).toBeCloseTo(0.2, 1);
  expect(share(count.labelled)).toBeCloseTo(0.2, 1);
  expect(share(count.extended)).toBeCloseTo(0.2, 1);
  expect(share(count.fragments)).toBeGreaterThan(0.05);
  for (const protocol of [1, 6, 17, 58]) expect(protocols.get(protocol)).toBeGreaterThan(100);
});

test('a plain mix has no tags, labels or extension headers', () => {
  let odd = 0;
  const mix = { ipv6: 0.5, vlan: 0, mpls: 0, extensionHeaders: 0, fragments: 0 };
  each(ready({ mix }, wide), (packet) => {
    if (packet.tags.length + packet.labels + packet.extensionHeaders.length > 0) odd++;
  });
  expect(odd).toBe(0);
});

test('flow sizes are heavy-tailed: a tenth of the flows has more of the bytes than of an exponential law (a third)', () => {
  const flows = new Map<string, number>();
  each(ready({ pps: 5_000, durationMicros: 16e6 }, small), (packet, length) => {
    if (packet.protocol !== 6) return;
    const ends = [
      packet.source.join('.') + packet.body.slice(0, 2),
      packet.destination.join('.') + packet.body.slice(2, 4),
    ];
    const key = ends.sort().join(' ');
    flows.set(key, (flows.get(key) ?? 0) + length);
  });
  const sizes = [...flows.values()].sort((a, b) => b - a);
  const sum = (list: readonly number[]): number => list.reduce((total, size) => total + size, 0);
  expect(sizes.length).toBeGreaterThan(1_000);
  expect(sum(sizes.slice(0, sizes.length / 10)) / sum(sizes)).toBeGreaterThan(0.42);
});

describe.skipIf(!hasTshark)('tshark (skipped where it is not installed)', () => {
  const written = (name: string, prepared: PreparedScenario): string => {
    const path = join(folder, name);
    const result = writeCapture(path, prepared);
    if (!result.ok) throw new Error(result.error.detail);
    return path;
  };

  test('finds nothing malformed in any mix', () => {
    const path = written('mix.pcap', ready({ pps: 4_000, mix: everything }, wide));
    expect(sharkFaults(path, payloadsAsData)).toEqual([]);
  });

  test('follows the sessions: nothing lost, twice or out of order; DNS, NTP, ping, TLS and HTTP are what they are', () => {
    const path = written('sessions.pcap', ready({ pps: 2_000, durationMicros: 8e6 }, small));
    const fields = [
      'tcp.analysis.flags',
      'tcp.flags',
      'tls.record.content_type',
      'http.request.method',
      'dns.flags.response',
      'ntp.flags.mode',
      'icmp.type',
    ];
    const rows = sharkFields(path, '', ['frame.number', ...fields]);
    expect(rows.length).toBe(16_000);
    // Numbers come in decimal or hexadecimal, truth as a word or a digit, as tshark's version has it.
    const count = (column: number, value: number | string): number =>
      rows.filter((row) =>
        row[column + 1]
          ?.split(',')
          .some((text) => text === value || (text !== '' && Number(truth[text] ?? text) === value)),
      ).length;
    expect(rows.filter((row) => row[1] !== undefined && row[1] !== '')).toEqual([]);
    expect(count(1, 0x02)).toBeGreaterThan(200);
    expect(count(1, 0x11)).toBeGreaterThan(100);
    expect(count(2, 23)).toBeGreaterThan(1_000);
    expect(count(3, 'GET')).toBeGreaterThan(20);
    for (const value of [0, 1]) expect(count(4, value)).toBeGreaterThan(100);
    for (const value of [3, 4]) expect(count(5, value)).toBeGreaterThan(15);
    for (const value of [8, 0]) expect(count(6, value)).toBeGreaterThan(50);
  });
});
