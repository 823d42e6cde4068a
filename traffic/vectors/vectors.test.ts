/** Every vector, in every family it has: what it sends is what it says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { blockContains, parseBlock } from '../addresses.js';
import { encapsulations } from '../frames/link.js';
import { writeCapture } from '../pcap.js';
import { type PreparedScenario, prepareScenario } from '../prepare.js';
import { datagramChecksumRight, type ReadPacket, readPacket } from '../reading.js';
import { type AttackPart, attackPart, type Part } from '../scenario.js';
import { reflectedServices } from '../services/table.js';
import { frames } from '../stream.js';
import { hasTshark, payloadsAsData, sharkFaults, sharkFields } from '../tshark.js';
import { vectors } from './table.js';
import type { Vector } from './vector.js';

const networks = ['203.0.113.0/24', '2001:db8::/32'];
const target = { 4: '203.0.113.7', 6: '2001:db8::7' } as const;
const folder = mkdtempSync(join(tmpdir(), 'tidegate-vectors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const prepared = (parts: readonly Part[]): PreparedScenario => {
  const ready = prepareScenario({ name: 'vectors', seed: 11, startMicros: 1.7e15, networks, parts });
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
};
const attackOf = (vector: Vector, family: 4 | 6, given: Partial<AttackPart> = {}): AttackPart =>
  attackPart({
    name: `${vector.name} IPv${family}`,
    vector: vector.name,
    targets: [target[family]],
    pps: 10_000,
    durationMicros: 20_000,
    ...given,
  });

const packetsOf = (parts: readonly Part[]): ReadPacket[] => {
  const packets: ReadPacket[] = [];
  for (const batch of frames(prepared(parts))) {
    for (let i = 0; i < batch.count; i++) {
      packets.push(readPacket(batch.bytes.slice(batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0)));
    }
  }
  return packets;
};

/** First and later fragments of one datagram put together. */
function datagrams(packets: readonly ReadPacket[]): { packet: ReadPacket; datagram: Uint8Array }[] {
  const whole: { packet: ReadPacket; datagram: Uint8Array }[] = [];
  let parts: ReadPacket[] = [];
  for (const packet of packets) {
    parts.push(packet);
    if (packet.fragment?.more) continue;
    const [first] = parts;
    const sameOne = parts.every((part) => part.identification === first?.identification);
    if (first !== undefined && sameOne) {
      const protocol = first.version === 6 && parts.length > 1 ? first.protocol : packet.protocol;
      whole.push({
        packet: { ...first, protocol },
        datagram: Uint8Array.from(parts.flatMap((part) => [...part.body])),
      });
    }
    parts = [];
  }
  return whole;
}

const ours = networks.flatMap((text) => {
  const block = parseBlock(text);
  return block.ok ? [block.value] : [];
});
const isOurs = (address: Uint8Array): boolean => ours.some((block) => blockContains(block, address));
const port = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);

for (const vector of vectors) {
  for (const family of vector.families) {
    test(`${vector.name} IPv${family}: whole, from outside, at the target, every checksum right`, () => {
      const packets = packetsOf([attackOf(vector, family)]);
      expect(packets).toHaveLength(200);
      const attacking = vector.shows === null ? packets.slice(0, 0) : packets;
      expect(attacking.filter((one) => isOurs(one.source) || !isOurs(one.destination))).toEqual([]);
      expect(packets.filter((one) => !one.headerChecksumRight)).toEqual([]);
      const wrong = datagrams(packets).filter(
        ({ packet, datagram }) => datagramChecksumRight(packet, datagram) === false,
      );
      expect(wrong).toEqual([]);
    });
  }
}

const tcpRows = [
  { vector: 'syn', flags: 0x02 },
  { vector: 'syn_ack', flags: 0x12 },
  { vector: 'tcp_reflection', flags: 0x12 },
  { vector: 'ack', flags: 0x10 },
  { vector: 'rst', flags: 0x04 },
  { vector: 'fin', flags: 0x01 },
  { vector: 'xmas', flags: 0x29 },
  { vector: 'null', flags: 0x00 },
] as const;
const named = (name: string): Vector => {
  const vector = vectors.find((one) => one.name === name);
  if (vector === undefined) throw new RangeError(name);
  return vector;
};
for (const row of tcpRows) {
  test(`${row.vector} sets just its flags`, () => {
    const flags = packetsOf([attackOf(named(row.vector), 4)]).map((packet) => packet.body[13]);
    expect(new Set(flags)).toEqual(new Set([row.flags]));
  });
}

for (const service of reflectedServices) {
  test(`${service.name} answers from port ${service.port}, from a bounded set of reflectors`, () => {
    const packets = packetsOf([attackOf(named(service.name), service.families[0] ?? 4, { sources: 10 })]);
    const heads = packets.filter((packet) => (packet.fragment?.offset ?? 0) === 0);
    expect(new Set(heads.map((packet) => port(packet.body, 0)))).toEqual(new Set([service.port]));
    expect(new Set(packets.map((packet) => packet.source.join('.'))).size).toBeLessThanOrEqual(10);
    expect(packets.some((packet) => packet.fragment !== null)).toBe(service.fragments);
  });
}

test('udp_plain keeps to one port, and to the one asked for', () => {
  const portsOf = (given: Partial<AttackPart>): Set<number> =>
    new Set(packetsOf([attackOf(named('udp_plain'), 4, given)]).map((packet) => port(packet.body, 2)));
  expect(portsOf({}).size).toBe(1);
  expect(portsOf({ port: 4242 })).toEqual(new Set([4242]));
});

test('udp goes to very many ports, random_protocol through many protocols', () => {
  const ports = packetsOf([attackOf(named('udp'), 4)]).map((packet) => port(packet.body, 2));
  expect(new Set(ports).size).toBeGreaterThan(190);
  const protocols = packetsOf([attackOf(named('random_protocol'), 4)]).map((packet) => packet.protocol);
  expect(new Set(protocols).size).toBeGreaterThan(50);
});

test('fragments has first and later fragments, and later ones outnumber', () => {
  const offsets = packetsOf([attackOf(named('fragments'), 4)]).map((packet) => packet.fragment?.offset ?? -1);
  expect(offsets).not.toContain(-1);
  expect(offsets.filter((offset) => offset > 0).length).toBeGreaterThan(
    offsets.filter((offset) => offset === 0).length,
  );
});

test('a spoofed flood has a fresh source each time', () => {
  const sources = packetsOf([attackOf(named('syn'), 6)]).map((packet) => packet.source.join('.'));
  expect(new Set(sources).size).toBe(200);
});

test('an outgoing attack comes from the host of ours', () => {
  const packets = packetsOf([attackOf(named('udp'), 4, { direction: 'outgoing', sources: 1 })]);
  expect(new Set(packets.map((packet) => packet.source.join('.')))).toEqual(new Set([target[4]]));
  expect(packets.some((packet) => isOurs(packet.destination))).toBe(false);
});

test('a carpet reaches all over the prefix', () => {
  const packets = packetsOf([attackOf(named('udp'), 4, { targets: ['203.0.113.0/24'], pps: 500_000 })]);
  expect(new Set(packets.map((packet) => packet.destination[3])).size).toBe(256);
});

test('every encapsulation asked for is used', () => {
  const packets = packetsOf([attackOf(named('syn'), 4, { encapsulations })]);
  const kinds = new Set(packets.map((packet) => `${packet.tags.join()}/${packet.labels > 0}`));
  expect(kinds.size).toBe(encapsulations.length);
});

describe.skipIf(!hasTshark)('tshark (skipped where it is not installed)', () => {
  const isRandom = (vector: Vector): boolean =>
    !reflectedServices.some((service) => service.name === vector.name);
  const capture = (name: string, list: readonly Vector[], given: Partial<AttackPart> = {}): string => {
    const parts = list.flatMap((vector) => vector.families.map((family) => attackOf(vector, family, given)));
    const path = join(folder, `${name}.pcap`);
    const written = writeCapture(
      path,
      prepared(parts.map((part, index) => ({ ...part, startMicros: index * 1e6 }))),
    );
    if (!written.ok) throw new Error(written.error.detail);
    return path;
  };

  test('finds nothing wrong with the answers of any service', () => {
    const path = capture(
      'services',
      vectors.filter((vector) => !isRandom(vector)),
    );
    expect(sharkFaults(path)).toEqual([]);
  });

  test('finds nothing wrong with any flood, in any encapsulation, with extension headers and options', () => {
    const floods = vectors.filter(isRandom);
    const path = capture('floods', floods, { encapsulations });
    expect(sharkFaults(path, payloadsAsData)).toEqual([]);
    const extended = floods
      .filter((vector) => vector.families.includes(6))
      .map((vector) => ({ ...vector, families: [6] as const }));
    const withHeaders = capture('extensions', extended, {
      extensions: ['hop_by_hop', 'destination', 'routing'],
    });
    expect(sharkFaults(withHeaders, payloadsAsData)).toEqual([]);
    const optioned = floods
      .filter((vector) => vector.families.includes(4))
      .map((vector) => ({ ...vector, families: [4] as const }));
    expect(sharkFaults(capture('options', optioned, { ipOptions: true }), payloadsAsData)).toEqual([]);
  });

  const dissectors: readonly (readonly [string, string])[] = [
    ['dns', 'dns'],
    ['ntp', 'ntp'],
    ['cldap', 'cldap'],
    ['ssdp', 'ssdp'],
    ['memcached', 'memcache'],
    ['chargen', 'chargen'],
    ['snmp', 'snmp'],
    ['rpcbind', 'rpc'],
    ['netbios', 'nbns'],
    ['mdns', 'mdns'],
    ['tftp', 'tftp'],
    ['rip', 'rip'],
    ['isakmp', 'isakmp'],
    ['openvpn', 'openvpn'],
    ['stun', 'stun'],
    ['sip', 'sip'],
    ['coap', 'coap'],
    ['xdmcp', 'xdmcp'],
    ['slp', 'srvloc'],
    ['quake3', 'quake3'],
    ['ipmi', 'rmcp'],
  ];
  test('takes the answers for the services they are of', () => {
    const path = capture(
      'dissected',
      dissectors.map(([name]) => ({ ...named(name), families: [4] })),
    );
    const layers = sharkFields(path, '', ['frame.protocols']).map(([list]) => list ?? '');
    // 200 frames of each, one service after the other.
    for (const [index, [name, protocol]] of dissectors.entries()) {
      const whole = layers
        .slice(index * 200, (index + 1) * 200)
        .filter((list) => list.includes(`:${protocol}`));
      // A datagram in fragments is recognised at its last one.
      expect(whole.length, name).toBeGreaterThan(named(name).fragments ? 60 : 199);
    }
  });
});
