/** One row a clause of RFC 8955 section 4.2.2: which packets a rule takes, and which not. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { SampledPacket } from '../../../domain/attack.js';
import { emptyRule, type FlowspecRule } from '../../../domain/flowspec.js';
import { aPacket } from '../../../domain/rehearsal.js';
import type { PrefixKey } from '../../../domain/units.js';
import { matches } from './matching.js';

const all = emptyRule(4);
const v4 = '192.0.2.0/24' as PrefixKey;
const v6 = '2001:db8::/32' as PrefixKey;
const one = (value: number) => [{ low: value, high: value }];
const whole = { bytes: new Uint8Array(0) };
const tcp = (tcpFlags: number): Partial<SampledPacket> => ({ protocol: 6, tcpFlags });
const first = { fragment: true, firstFragment: true };
const later = { fragment: true, firstFragment: false, sourcePort: 0, destinationPort: 0 };

/** Ethernet with a tag, IPv4 with the fragment field given, then a byte. */
function ipv4Frame(fragmentField: number, next: number): Uint8Array {
  const frame = new Uint8Array(46);
  frame.set([0x81, 0, 0, 5, 8, 0], 12);
  frame.set([0x45, 0, 0, 84, 0, 0, fragmentField >> 8, fragmentField & 255, 64, 1, 0, 0], 18);
  frame.set([198, 51, 100, 9, 192, 0, 2, 7, next], 30);
  return frame;
}
/** Ethernet, IPv6 with a destination options header, a fragment header with the placing given, then a byte. */
function ipv6Frame(placing: number, next: number): Uint8Array {
  const frame = new Uint8Array(80);
  frame.set([0x60, 0, 0, 0, 0, 24, 60, 64], 14);
  frame.set([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 22);
  frame.set([0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 38);
  frame.set([44, 0, 1, 4, 0, 0, 0, 0, 58, 0, placing >> 8, placing & 255, 0, 0, 0, 0, next], 54);
  return frame;
}
const icmp = (bytes: Uint8Array | null): Partial<SampledPacket> => ({
  protocol: 1,
  sourcePort: 0,
  destinationPort: 0,
  bytes,
});
const icmpv6 = (bytes: Uint8Array): Partial<SampledPacket> => ({
  ...icmp(bytes),
  protocol: 58,
  source: '2001:db8:1::1',
  destination: '2001:db8:2::2',
});

const rows: readonly {
  component: string;
  rule: Partial<FlowspecRule>;
  takes: readonly Partial<SampledPacket>[];
  leaves: readonly Partial<SampledPacket>[];
}[] = [
  {
    component: 'none',
    rule: {},
    takes: [{}, later],
    leaves: [{ source: '2001:db8::1', destination: '2001:db8::2' }],
  },
  {
    component: 'destination',
    rule: { destination: v4 },
    takes: [{}],
    leaves: [{ destination: '192.0.3.1' }],
  },
  {
    component: 'IPv6 prefixes',
    rule: { family: 6, destination: v6, source: v6 },
    takes: [icmpv6(ipv6Frame(0, 128))],
    leaves: [{}, { source: '2001:db9::1', destination: '2001:db8::2' }],
  },
  {
    component: 'source',
    rule: { source: '198.51.100.8/31' as PrefixKey },
    takes: [{}],
    leaves: [{ source: '198.51.100.7' }],
  },
  {
    component: 'protocol',
    rule: { protocols: [6, 17] },
    takes: [{}, tcp(2), later],
    leaves: [{ protocol: 47 }],
  },
  {
    component: 'ports, of TCP and UDP alone, and not of later fragments',
    rule: { sourcePorts: one(53) },
    takes: [{}, { ...tcp(2), sourcePort: 53 }, first],
    leaves: [{ sourcePort: 54 }, { protocol: 132 }, later, { ...later, sourcePort: 53 }],
  },
  {
    component: 'port ranges, both ends included',
    rule: {
      destinationPorts: [
        { low: 1, high: 9 },
        { low: 4000, high: 4444 },
      ],
    },
    takes: [{}, { destinationPort: 4000 }, { destinationPort: 1 }, { destinationPort: 9 }],
    leaves: [{ destinationPort: 10 }, { destinationPort: 4445 }],
  },
  {
    component: 'TCP flags: of those in the mask just these',
    rule: { tcpFlags: { set: 0x02, mask: 0x12 } },
    takes: [tcp(0x02), tcp(0xc2), { ...tcp(0x02), ...first }],
    leaves: [tcp(0x12), tcp(0x10), tcp(0), { tcpFlags: 2 }, { ...tcp(0x02), ...later }],
  },
  {
    component: 'length, where it is known',
    rule: { lengths: [{ low: 1386, high: 1400 }] },
    takes: [whole, { ...whole, ipLength: 1400 }],
    leaves: [{}, { ...whole, ipLength: 1385 }],
  },
  {
    component: 'ICMP type, from the bytes behind the tags',
    rule: { icmpTypes: [3, 8] },
    takes: [icmp(ipv4Frame(0, 8)), icmp(ipv4Frame(0x4000, 3))],
    leaves: [
      icmp(ipv4Frame(0, 0)),
      icmp(null),
      icmp(new Uint8Array(20)),
      { ...icmp(ipv4Frame(0x0005, 8)), ...later },
      {},
    ],
  },
  {
    component: 'ICMPv6 type, behind extension headers',
    rule: { family: 6, icmpTypes: [128] },
    takes: [icmpv6(ipv6Frame(0, 128)), { ...icmpv6(ipv6Frame(1, 128)), ...first }],
    leaves: [icmpv6(ipv6Frame(0, 129)), { ...icmpv6(ipv6Frame(0x0ff8, 128)), ...later }],
  },
  {
    component: 'is_fragment: any but the first',
    rule: { fragments: ['is_fragment'] },
    takes: [later],
    leaves: [{}, first],
  },
  {
    component: 'first_fragment',
    rule: { fragments: ['first_fragment'] },
    takes: [first],
    leaves: [{}, later],
  },
  {
    component: 'last_fragment: no more follow',
    rule: { fragments: ['last_fragment'] },
    takes: [{ ...icmp(ipv4Frame(0x00b9, 0)), ...later }],
    leaves: [{ ...icmp(ipv4Frame(0x20b9, 0)), ...later }, later, {}],
  },
  {
    component: 'last_fragment of IPv6',
    rule: { family: 6, fragments: ['last_fragment'] },
    takes: [{ ...icmpv6(ipv6Frame(0x05a8, 0)), ...later }],
    leaves: [
      { ...icmpv6(ipv6Frame(0x05a9, 0)), ...later },
      { ...icmpv6(ipv6Frame(1, 0)), ...first },
    ],
  },
  {
    component: 'dont_fragment',
    rule: { fragments: ['dont_fragment'] },
    takes: [icmp(ipv4Frame(0x4000, 8))],
    leaves: [icmp(ipv4Frame(0, 8)), {}],
  },
  {
    component: 'several: all must match, one value of each',
    rule: { protocols: [17], sourcePorts: one(53), fragments: ['is_fragment', 'first_fragment'] },
    takes: [first],
    leaves: [{}, later, { ...first, sourcePort: 54 }],
  },
];

for (const { component, rule, takes, leaves } of rows) {
  describe(component, () => {
    const family = rule.family ?? 4;
    const apply = (change: Partial<SampledPacket>): boolean =>
      matches({ ...all, family, ...rule }, aPacket(change));
    test('takes', () =>
      assert.deepEqual(
        takes.filter((change) => !apply({ ...v6Ends(family), ...change })),
        [],
      ));
    test('leaves', () =>
      assert.deepEqual(
        leaves.filter((change) => apply(change)),
        [],
      ));
  });
}

const v6Ends = (family: 4 | 6): Partial<SampledPacket> =>
  family === 4 ? {} : { source: '2001:db8:1::1', destination: '2001:db8:2::2' };
