/** Routes to bytes and back: any announcement of ours survives, and nothing else passes for one. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { formatAddress } from '../../../domain/address.js';
import {
  type Announcement,
  announcementText,
  type Communities,
  noCommunities,
} from '../../../domain/announcement.js';
import {
  emptyRule,
  type FlowspecAction,
  type FlowspecRule,
  fragmentKinds,
  type NumberRange,
} from '../../../domain/flowspec.js';
import { hostPrefix, prefixOf } from '../../../domain/prefix.js';
import type { HostKey, PrefixKey } from '../../../domain/units.js';
import { bytesOfHex, hexOf } from './bytes.js';
import { isActionCommunity } from './flowspec-action.js';
import { decodeRoute, encodeKey, encodeRoute, type WireRoute } from './route.js';

// ------------------------------------------------------------------------------------------- what can be announced

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const hosts = (family: 4 | 6): fc.Arbitrary<HostKey> =>
  fc
    .array(uint(32), { minLength: family === 4 ? 1 : 4, maxLength: family === 4 ? 1 : 4 })
    .map((words) => formatAddress({ family, words }));
const prefixes = (family: 4 | 6): fc.Arbitrary<PrefixKey> =>
  fc
    .tuple(hosts(family), fc.integer({ min: 1, max: family === 4 ? 32 : 128 }))
    .map(([host, length]) => prefixOf(hostPrefix(host), length));
const nextHops = (family: 4 | 6): fc.Arbitrary<HostKey> =>
  fc
    .tuple(fc.integer({ min: 1, max: 126 }), uint(24))
    .map(([first, rest]) =>
      family === 4
        ? formatAddress({ family, words: [(first << 24) | rest] })
        : formatAddress({ family, words: [0x2001_0000 + first, rest, 0, rest] }),
    );

const setOf = <T>(one: fc.Arbitrary<T>, selector: (value: T) => unknown, maxLength = 5) =>
  fc.uniqueArray(one, { maxLength, selector });
const byNumbers = (a: readonly number[], b: readonly number[]): number =>
  a.map((part, at) => part - (b[at] ?? 0)).find((step) => step !== 0) ?? 0;
const communities: fc.Arbitrary<Communities> = fc.record({
  standard: setOf(fc.tuple(uint(16), uint(16)), String).map((list) => list.sort(byNumbers)),
  large: setOf(fc.tuple(uint(32), uint(32), uint(32)), String).map((list) => list.sort(byNumbers)),
  extended: setOf(fc.uint8Array({ minLength: 8, maxLength: 8 }).map(hexOf), (digits) => digits).map((list) =>
    list.filter((digits) => !isActionCommunity(digits)).sort(),
  ),
});

/** Sorted, apart from each other. */
const ranges = (bits: number): fc.Arbitrary<readonly NumberRange[]> =>
  setOf(uint(bits), (value) => value, 8).map((list) => {
    const rising = list.sort((a, b) => a - b);
    return rising.flatMap((low, at) => {
      const high = rising[at + 1];
      if (at % 2 === 1) return [];
      return [{ low, high: high === undefined || low % 3 === 0 ? low : high }];
    });
  });
const numbers = (bits: number): fc.Arbitrary<readonly number[]> =>
  setOf(uint(bits), (value) => value, 4).map((list) => list.sort((a, b) => a - b));

const rules = (family: 4 | 6): fc.Arbitrary<FlowspecRule> =>
  fc.record({
    family: fc.constant(family),
    destination: prefixes(family),
    source: fc.option(prefixes(family)),
    protocols: numbers(8),
    destinationPorts: ranges(16),
    sourcePorts: ranges(16),
    icmpTypes: numbers(8),
    tcpFlags: fc.option(
      fc
        .tuple(uint(12), uint(12))
        .filter(([set, rest]) => (set | rest) !== 0)
        .map(([set, rest]) => ({ set, mask: set | rest })),
    ),
    lengths: ranges(16),
    fragments: fc.subarray(fragmentKinds.filter((kind) => family === 4 || kind !== 'dont_fragment')),
  });

const actions: fc.Arbitrary<FlowspecAction> = fc.oneof(
  fc.constant({ kind: 'discard' } as const),
  fc.record({
    kind: fc.constant('rate_limit' as const),
    bytesPerSecond: fc.integer({ min: 1, max: 2 ** 40 }),
  }),
  fc.record({ kind: fc.constant('redirect' as const), asn: uint(16), value: uint(32) }),
  fc.record({
    kind: fc.constant('redirect' as const),
    asn: fc.integer({ min: 65_536, max: 2 ** 32 - 1 }),
    value: uint(16),
  }),
  fc.record({
    kind: fc.constant('redirect_ipv4' as const),
    address: uint(32).map((word) => formatAddress({ family: 4, words: [word] })),
    value: uint(16),
  }),
  fc.record({ kind: fc.constant('mark' as const), dscp: uint(6) }),
);

const families = fc.constantFrom(4 as const, 6 as const);
const announcements: fc.Arbitrary<Announcement> = fc.oneof(
  families.chain((family) =>
    fc.record({
      kind: fc.constant('unicast' as const),
      prefix: prefixes(family),
      nextHop: nextHops(family),
      communities,
    }),
  ),
  families.chain((family) =>
    fc.record({ kind: fc.constant('flowspec' as const), rule: rules(family), action: actions, communities }),
  ),
);

// -------------------------------------------------------------------------------------------------- the round trip

const encoded = (announcement: Announcement): WireRoute => {
  const route = encodeRoute(announcement);
  assert.ok(route.ok, route.ok ? '' : `${announcementText(announcement)}: ${route.error.detail}`);
  return route.value;
};

describe('any announcement', () => {
  test('reads back as it was, whatever the speaker adds or how it orders attributes', () => {
    fc.assert(
      fc.property(announcements, uint(32), (announcement, preference) => {
        const route = encodeRoute(announcement, preference);
        assert.ok(route.ok);
        const attributes = [Uint8Array.from([0x80, 4, 4, 0, 0, 0, 9]), ...route.value.attributes].reverse();
        const again = decodeRoute({ ...route.value, attributes });
        assert.ok(again !== null);
        assert.equal(announcementText(again), announcementText(announcement));
      }),
      { numRuns: 500 },
    );
  });

  test('cut short or lengthened anywhere it is damaged, or another one, but never an exception', () => {
    fc.assert(
      fc.property(announcements, fc.nat(), uint(8), (announcement, at, byte) => {
        const route = encoded(announcement);
        const text = announcementText(announcement);
        for (const nlri of [
          route.nlri.subarray(0, at % route.nlri.length),
          Uint8Array.from([...route.nlri, byte]),
        ]) {
          const other = decodeRoute({ ...route, nlri });
          assert.ok(other === null || announcementText(other) !== text);
        }
        const damaged = Uint8Array.from(route.nlri);
        damaged[at % damaged.length] = byte;
        const other = decodeRoute({ ...route, nlri: damaged });
        // what decodes is something that could have been announced
        if (other !== null) assert.ok(encodeKey(other).ok, announcementText(other));
      }),
      { numRuns: 500 },
    );
  });

  test('its withdrawal has the bytes of its NLRI', () => {
    fc.assert(
      fc.property(announcements, (announcement) => {
        const key = encodeKey(announcement);
        assert.ok(key.ok);
        assert.deepEqual(key.value.nlri, encoded(announcement).nlri);
      }),
    );
  });
});

test('bytes of chance are seldom a route and never an exception', () => {
  const family = fc.constantFrom(
    ...([1, 2] as const).flatMap((afi) => ([1, 133] as const).map((safi) => ({ afi, safi }))),
  );
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(
    fc.property(family, bytes, fc.array(bytes, { maxLength: 4 }), (of, nlri, attributes) => {
      const route = decodeRoute({ family: of, nlri, attributes });
      assert.equal(route, null); // without a next hop or an action nothing is a route
    }),
    { numRuns: 2_000 },
  );
});

// ---------------------------------------------------------------------------------------------- bytes of the RFCs

const rule = (change: Partial<FlowspecRule>): FlowspecRule => ({ ...emptyRule(4), ...change });
const prefix = (text: string): PrefixKey => text as PrefixKey;
const nlriOf = (announcement: FlowspecRule): string => {
  const key = encodeKey({
    kind: 'flowspec',
    rule: announcement,
    action: { kind: 'discard' },
    communities: noCommunities,
  });
  assert.ok(key.ok, key.ok ? '' : key.error.detail);
  return hexOf(key.value.nlri);
};

describe('bytes as the RFCs have them', () => {
  test('RFC 8955 section 4.3.1: packets for 192.0.2.0/24 and TCP port 25', () => {
    const smtp = rule({
      destination: prefix('192.0.2.0/24'),
      protocols: [6],
      destinationPorts: [{ low: 25, high: 25 }],
    });
    assert.equal(nlriOf(smtp), '0b0118c00002038106058119');
  });

  test('RFC 8955 section 4.3.2: from 203.0.113.0/24, port 137-139 or 8080, here as a destination port', () => {
    const ports = rule({
      destination: prefix('192.0.2.0/24'),
      source: prefix('203.0.113.0/24'),
      destinationPorts: [
        { low: 137, high: 139 },
        { low: 8080, high: 8080 },
      ],
    });
    assert.equal(nlriOf(ports), '120118c000020218cb007105038945' + '8b911f90');
  });

  test('RFC 8956 section 3.1: a prefix of IPv6 has its offset between length and bytes', () => {
    const six = { ...emptyRule(6), destination: prefix('2001:db8::/32'), protocols: [58] };
    assert.equal(nlriOf(six), '0a01200020010db803813a');
  });

  test('RFC 8955 section 4.1: from 240 bytes on the length has two', () => {
    const lengths = (count: number) =>
      rule({
        destination: prefix('192.0.2.0/24'),
        lengths: Array.from({ length: count }, (_, index) => ({
          low: 300 + index * 2,
          high: 300 + index * 2,
        })),
      });
    assert.equal(nlriOf(lengths(77)).slice(0, 4), 'ed01'); // 5 + 1 + 77 * 3
    assert.equal(nlriOf(lengths(78)).slice(0, 6), 'f0f001');
  });

  const actionBytes: readonly (readonly [string, FlowspecAction, string])[] = [
    ['7.1 traffic-rate-bytes 0', { kind: 'discard' }, '8006000000000000'],
    ['7.1 traffic-rate-bytes 1 Mbit/s', { kind: 'rate_limit', bytesPerSecond: 125_000 }, '8006000047f42400'],
    ['7.4 rt-redirect', { kind: 'redirect', asn: 65001, value: 100 }, '8008fde900000064'],
    ['7.4 rt-redirect of a four-octet AS', { kind: 'redirect', asn: 65536, value: 100 }, '8208000100000064'],
    [
      '7.4 rt-redirect of an IPv4 address',
      { kind: 'redirect_ipv4', address: '192.0.2.1' as HostKey, value: 100 },
      '8108c00002010064',
    ],
    ['7.5 traffic-marking', { kind: 'mark', dscp: 46 }, '800900000000002e'],
  ];
  for (const [claim, action, bytes] of actionBytes) {
    test(`RFC 8955 section ${claim}`, () => {
      const route = encoded({
        kind: 'flowspec',
        rule: rule({ destination: prefix('192.0.2.0/24') }),
        action,
        communities: noCommunities,
      });
      assert.equal(hexOf(route.attributes.at(-1) ?? []), `c01008${bytes}`);
    });
  }

  test('RFC 4271, 4760, 1997, 8092, 4360: the attributes of an IPv6 host', () => {
    const route = encoded({
      kind: 'unicast',
      prefix: prefix('2001:db8::7/128'),
      nextHop: '100::1' as HostKey,
      communities: { standard: [[65535, 666]], large: [[65536, 1, 2]], extended: ['0002fde900000064'] },
    });
    assert.deepEqual(route.attributes.map(hexOf), [
      '40010102',
      '800e2600020110010000000000000000000000000000010080' + '20010db8000000000000000000000007',
      'c00804ffff029a',
      'c010080002fde900000064',
      'c0200c000100000000000100000002',
    ]);
    assert.equal(hexOf(route.nlri), '8020010db8000000000000000000000007');
  });

  test('a prefix has no more bytes than its length needs, and none beyond it', () => {
    const nlri = (text: string): string => {
      const key = encodeKey({
        kind: 'unicast',
        prefix: prefix(text),
        nextHop: '192.0.2.1' as HostKey,
        communities: noCommunities,
      });
      return key.ok ? hexOf(key.value.nlri) : key.error.detail;
    };
    assert.equal(nlri('203.0.113.0/24'), '18cb0071');
    assert.equal(nlri('203.0.112.0/20'), '14cb0070');
    assert.match(nlri('203.0.113.0/20'), /write 203\.0\.112\.0\/20/);
  });
});

describe('what others announce is not taken for ours', () => {
  const base = encoded({
    kind: 'flowspec',
    rule: rule({ destination: prefix('192.0.2.0/24') }),
    action: { kind: 'discard' },
    communities: noCommunities,
  });
  const rows: readonly (readonly [string, Partial<WireRoute>])[] = [
    ['a component we do not write (port)', { nlri: Uint8Array.from(bytesOfHex('080118c00002048119') ?? []) }],
    ['components out of order', { nlri: Uint8Array.from(bytesOfHex('080381060118c00002') ?? []) }],
    [
      'an operator that we do not write (less than)',
      { nlri: Uint8Array.from(bytesOfHex('080118c00002058419') ?? []) },
    ],
    ['a list that begins with and', { nlri: Uint8Array.from(bytesOfHex('080118c0000205c119') ?? []) }],
    ['a reserved bit', { nlri: Uint8Array.from(bytesOfHex('080118c00002058919') ?? []) }],
    ['no action', { attributes: base.attributes.slice(0, -1) }],
    [
      'two actions',
      {
        attributes: [
          ...base.attributes.slice(0, -1),
          Uint8Array.from(bytesOfHex('c0101080060000000000008009000000000008') ?? []),
        ],
      },
    ],
    ['a damaged attribute', { attributes: [...base.attributes, Uint8Array.from([0xc0, 8, 4, 1])] }],
    ['half a community', { attributes: [...base.attributes, Uint8Array.from([0xc0, 8, 2, 1, 2])] }],
  ];
  for (const [claim, change] of rows) {
    test(claim, () => assert.equal(decodeRoute({ ...base, ...change }), null));
  }
  test('the same without a change is ours', () => assert.notEqual(decodeRoute(base), null));
});
