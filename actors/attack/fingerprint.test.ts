import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { SampledPacket } from '../../domain/attack.js';
import { aPacket, rehearsalStart } from '../../domain/rehearsal.js';
import { fingerprint } from './fingerprint.js';
import { amplifyingServices, isVector } from './vectors.js';

const many = (count: number, make: (index: number) => Partial<SampledPacket>): SampledPacket[] =>
  Array.from({ length: count }, (_, index) => aPacket(make(index)));
const source = (index: number): string => `198.51.${index % 256}.${(index * 7) % 256}`;
/** Spread over 1024..65535 without touching the well-known low ports in a pattern. */
const scattered = (index: number): number => 1024 + ((index * 40_503) % 64_000);
const named = (packets: readonly SampledPacket[]): string =>
  fingerprint(packets, 'incoming', rehearsalStart).vector;

const tcp = (tcpFlags: number) => (index: number) => ({
  protocol: 6,
  tcpFlags,
  source: source(index),
  sourcePort: scattered(index),
  destinationPort: 80,
  wireLength: 60,
  ipLength: 44,
});
const udp = (sourcePort: number, ipLength: number) => (index: number) => ({
  source: source(index),
  sourcePort,
  ipLength,
  wireLength: ipLength + 14,
});
const protocol = (number: number) => (index: number) => ({
  protocol: number,
  source: source(index),
  sourcePort: 0,
});

const rows: readonly { claim: string; packets: readonly SampledPacket[]; vector: string }[] = [
  { claim: 'no packets show nothing', packets: [], vector: 'unknown' },
  { claim: 'SYN alone', packets: many(100, tcp(0x02)), vector: 'syn_flood' },
  { claim: 'SYN with ECN bits is still SYN', packets: many(100, tcp(0xc2)), vector: 'syn_flood' },
  { claim: 'SYN-ACK from scattered ports', packets: many(100, tcp(0x12)), vector: 'syn_ack_flood' },
  {
    claim: 'SYN-ACK from services is reflected',
    packets: many(100, (i) => ({ ...tcp(0x12)(i), sourcePort: [80, 443, 179, 8080][i % 4] ?? 80 })),
    vector: 'tcp_reflection',
  },
  { claim: 'ACK', packets: many(100, tcp(0x10)), vector: 'ack_flood' },
  { claim: 'PSH-ACK', packets: many(100, tcp(0x18)), vector: 'ack_flood' },
  { claim: 'RST', packets: many(100, tcp(0x04)), vector: 'rst_flood' },
  { claim: 'RST-ACK', packets: many(100, tcp(0x14)), vector: 'rst_flood' },
  { claim: 'FIN-ACK', packets: many(100, tcp(0x11)), vector: 'fin_flood' },
  { claim: 'FIN-PSH-URG', packets: many(100, tcp(0x29)), vector: 'xmas_flood' },
  { claim: 'no flag at all', packets: many(100, tcp(0)), vector: 'null_flood' },
  { claim: 'URG alone is plain TCP', packets: many(100, tcp(0x20)), vector: 'tcp_flood' },
  {
    claim: 'all flags mixed is a TCP flood',
    packets: many(100, (i) => tcp([0x02, 0x10, 0x04, 0x01, 0x29, 0, 0x12][i % 7] ?? 0)(i)),
    vector: 'tcp_flood',
  },
  {
    claim: 'UDP from scattered ports',
    packets: many(100, (i) => ({ ...udp(0, 500)(i), sourcePort: scattered(i) })),
    vector: 'udp_flood',
  },
  { claim: 'small packets that borrow port 53', packets: many(100, udp(53, 46)), vector: 'udp_flood' },
  {
    claim: 'ordinary NTP answers are no amplification',
    packets: many(100, udp(123, 76)),
    vector: 'udp_flood',
  },
  {
    claim: 'requests to a resolver',
    packets: many(100, (i) => ({ ...udp(0, 70)(i), sourcePort: scattered(i), destinationPort: 53 })),
    vector: 'udp_flood',
  },
  {
    claim: 'later fragments of DNS answers belong to them',
    packets: many(99, (i) =>
      i % 3 === 0
        ? { ...udp(53, 1500)(0), fragment: true, firstFragment: true }
        : { ...udp(0, 1500)(0), fragment: true, firstFragment: false },
    ),
    vector: 'dns_amplification',
  },
  {
    claim: 'fragments of scattered datagrams',
    packets: many(99, (i) => ({
      ...udp(0, 1500)(i),
      sourcePort: scattered(i),
      fragment: true,
      firstFragment: i % 3 === 0,
    })),
    vector: 'fragment_flood',
  },
  { claim: 'ICMP', packets: many(100, protocol(1)), vector: 'icmp_flood' },
  { claim: 'ICMPv6', packets: many(100, protocol(58)), vector: 'icmpv6_flood' },
  { claim: 'GRE', packets: many(100, protocol(47)), vector: 'gre_flood' },
  { claim: 'ESP', packets: many(100, protocol(50)), vector: 'esp_flood' },
  { claim: 'a protocol without a name', packets: many(100, protocol(253)), vector: 'ip_protocol_253' },
  {
    claim: 'protocols at random',
    packets: many(100, (i) => protocol(60 + (i % 40))(i)),
    vector: 'random_protocol_flood',
  },
  {
    claim: 'two vectors are both named, the greater first',
    packets: [...many(55, udp(53, 1400)), ...many(45, tcp(0x02))],
    vector: 'mixed:dns_amplification+syn_flood',
  },
  {
    claim: 'several amplifiers at once: the two greatest',
    packets: [...many(40, udp(123, 468)), ...many(35, udp(1900, 320)), ...many(25, udp(53, 1400))],
    vector: 'mixed:ntp_amplification+ssdp_amplification',
  },
  {
    claim: 'a background of ordinary traffic does not change the name',
    packets: [...many(70, tcp(0x02)), ...many(30, tcp(0x10))],
    vector: 'syn_flood',
  },
  {
    claim: 'what the host answers is not the attack',
    packets: [
      ...many(10, tcp(0x02)),
      ...many(90, (i) => ({ ...tcp(0x14)(i), direction: 'outgoing' as const })),
    ],
    vector: 'syn_flood',
  },
  {
    claim: 'a packet weighs what its sampling says',
    packets: [...many(80, tcp(0x02)), ...many(20, (i) => ({ ...udp(53, 1400)(i), sampling: 1000 }))],
    vector: 'dns_amplification',
  },
];
for (const row of rows)
  test(`${row.claim}: ${row.vector}`, () => assert.equal(named(row.packets), row.vector));

for (const service of amplifyingServices) {
  test(`answers of ${service.name} are its amplification, small packets from its port are not`, () => {
    const port = service.ports[0] ?? 0;
    assert.equal(named(many(100, udp(port, service.minMeanIpBytes + 200))), `${service.name}_amplification`);
    assert.equal(named(many(100, udp(port, service.minMeanIpBytes - 1))), 'udp_flood');
  });
}

test('no port belongs to two services', () => {
  const ports = amplifyingServices.flatMap((service) => service.ports);
  assert.equal(new Set(ports).size, ports.length);
});

test('sources, ports and samples before the decision are counted', () => {
  const packets = many(10, (i) => ({
    source: i < 6 ? '198.51.100.1' : `198.51.100.${i}`,
    destinationPort: i < 9 ? 443 : 80,
    at: rehearsalStart + (i - 4) * 1000,
  }));
  const print = fingerprint(packets, 'incoming', rehearsalStart);
  assert.deepEqual(print.topSources[0], { host: '198.51.100.1', share: 0.6 });
  assert.deepEqual(print.topDestinationPorts, [
    { port: 443, share: 0.9 },
    { port: 80, share: 0.1 },
  ]);
  assert.deepEqual([print.sources, print.samples, print.samplesBefore], [5, 10, 4]);
});

const anyPacket = fc
  .record({
    protocol: fc.integer({ min: 0, max: 255 }),
    sourcePort: fc.integer({ min: 0, max: 65_535 }),
    tcpFlags: fc.integer({ min: 0, max: 511 }),
    ipLength: fc.integer({ min: 20, max: 65_535 }),
    fragment: fc.boolean(),
    firstFragment: fc.boolean(),
    sampling: fc.integer({ min: 0, max: 10_000 }),
    source: fc.constantFrom('198.51.100.1', '198.51.100.2', '2001:db8::1'),
    direction: fc.constantFrom('incoming' as const, 'outgoing' as const, 'internal' as const),
  })
  .map(aPacket);

test('whatever the packets, the name is of the closed list and shares are shares', () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 60 }), (packets) => {
      const print = fingerprint(packets, 'incoming', rehearsalStart);
      assert.ok(isVector(print.vector), print.vector);
      assert.ok(print.share >= 0 && print.share <= 1);
      const sum = print.topSources.reduce((total, one) => total + one.share, 0);
      assert.ok(sum <= 1.001);
    }),
  );
});

test('the name does not depend on the order of packets', () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 40 }), (packets) => {
      const share = (list: readonly SampledPacket[]) => fingerprint(list, 'incoming', rehearsalStart).share;
      assert.equal(share(packets), share([...packets].reverse()));
    }),
  );
});
