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

const small = ['203.0.113.0/24'];
const wide = ['203.0.113.0/24', '198.51.100.0/24', '2001:db8::/32'];
const everything = { ipv6: 0.4, vlan: 0.2, mpls: 0.2, extensionHeaders: 0.5, fragments: 0.1 };

const crowded = [
  {
    claim: 'as fast as a /25 can carry it',
    given: { pps: 120_000, durationMicros: 1e6 },
    networks: ['203.0.113.0/25'],
  },
  {
    claim: 'with much fragmentation',
    given: { pps: 80_000, durationMicros: 1e6, mix: everything },
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
  each(ready({ pps: 20_000, durationMicros: 4e6, mix: everything }, wide), (packet) => {
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
  each(ready({ pps: 20_000, durationMicros: 20e6 }, small), (packet, length) => {
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
  expect(sizes.length).toBeGreaterThan(2_000);
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
    const path = written('mix.pcap', ready({ pps: 10_000, mix: everything }, wide));
    expect(sharkFaults(path, payloadsAsData)).toEqual([]);
  });

  test('follows the TCP sessions: nothing lost, nothing sent twice, nothing out of order', () => {
    const path = written('tcp.pcap', ready({ pps: 3_000, durationMicros: 20e6 }, small));
    const doubts =
      'tcp.analysis.lost_segment or tcp.analysis.retransmission or tcp.analysis.out_of_order or tcp.analysis.ack_lost_segment or tcp.analysis.duplicate_ack';
    expect(sharkFields(path, doubts, ['frame.number'])).toEqual([]);
    expect(sharkFields(path, 'tcp.flags.fin == 1', ['frame.number']).length).toBeGreaterThan(500);
    expect(sharkFields(path, 'tls.record.content_type == 23', ['frame.number']).length).toBeGreaterThan(
      1_000,
    );
    expect(sharkFields(path, 'http.request', ['frame.number']).length).toBeGreaterThan(100);
  });

  test('takes DNS, NTP and ping for what they are, questions and answers', () => {
    const path = written('small.pcap', ready({ pps: 3_000, durationMicros: 10e6 }, small));
    for (const filter of [
      'dns.flags.response == 0',
      'dns.flags.response == 1',
      'ntp.flags.mode == 3',
      'ntp.flags.mode == 4',
      'icmp.type == 8',
      'icmp.type == 0',
    ]) {
      expect(sharkFields(path, filter, ['frame.number']).length, filter).toBeGreaterThan(50);
    }
  });
});
