/** Rules against the packets they come from: by table for kinds of attacks, by property for any. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { SampledPacket, Subject } from '../../../domain/attack.js';
import {
  type FlowspecRule,
  flowspecRuleText,
  fragmentKinds,
  type NumberRange,
} from '../../../domain/flowspec.js';
import { aPacket } from '../../../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../../../domain/units.js';
import { type Compiled, compileRules, mostPackets } from './compile.js';
import { matches } from './matching.js';
import { bytes, type Draw, many, pick } from './packets-rehearsal.js';

const host: Subject = { kind: 'host', host: '192.0.2.7' as HostKey };
const policy = { coverage: 0.9, maxRules: 5, maxCollateral: 0.2 };
const dynamic = (draw: Draw): number => 49_152 + draw(16_384);

const syn = many(100, (draw) => ({
  protocol: 6,
  tcpFlags: 2,
  sourcePort: 1024 + draw(64_000),
  destinationPort: pick(draw, [80, 443]),
  ipLength: pick(draw, [40, 44, 52, 60]),
}));
const web = many(
  200,
  (draw) => ({
    protocol: 6,
    tcpFlags: pick(draw, [16, 16, 16, 24, 24, 17]),
    sourcePort: 1024 + draw(64_000),
    destinationPort: 443,
    ipLength: 40 + draw(1400),
  }),
  8,
);
const answers = many(50, (draw) => ({
  sourcePort: 53,
  destinationPort: dynamic(draw),
  ipLength: 1200 + draw(290),
}));
const laterFragments = many(50, (draw) => ({
  sourcePort: 0,
  destinationPort: 0,
  fragment: true,
  ipLength: 500 + draw(900),
}));
const quic = many(
  100,
  (draw) => ({ sourcePort: 443, destinationPort: dynamic(draw), ipLength: 60 + draw(1300) }),
  9,
);

const texts = ({ rules }: Compiled): string[] => rules.map(flowspecRuleText);
const to = 'destination 192.0.2.7/32';

describe('kinds of attacks', () => {
  const rows: readonly {
    claim: string;
    attack: readonly SampledPacket[];
    normal: readonly SampledPacket[];
    rules: readonly string[];
  }[] = [
    {
      claim: 'SYNs are told from established connections by flags, ports and length',
      attack: syn,
      normal: web,
      rules: [`${to} protocol 6 destination-port 80,443 tcp-flags 0x02/0x3f packet-length 40-60`],
    },
    {
      claim: 'answers in fragments are two rules where other UDP must live',
      attack: [...answers, ...laterFragments],
      normal: quic,
      rules: [
        `${to} protocol 17 destination-port 49152-65535 source-port 53 packet-length 1193-1483`,
        `${to} protocol 17 fragment is_fragment`,
      ],
    },
    {
      claim: 'one answer of one length and one port is just that',
      attack: many(100, (draw) => ({ sourcePort: 123, destinationPort: 4444, ipLength: 468 + 0 * draw(2) })),
      normal: [],
      rules: [`${to} protocol 17 destination-port 4444 source-port 123 packet-length 468`],
    },
    {
      claim: 'datagrams at random leave their protocol alone',
      attack: many(100, (draw) => ({
        sourcePort: draw(65_535) + 1,
        destinationPort: draw(65_535) + 1,
        ipLength: 40 + draw(1460),
      })),
      normal: web,
      rules: [`${to} protocol 17`],
    },
    {
      claim: 'ICMP is told by its type, which is read from the bytes',
      attack: many(100, (draw) => ({
        protocol: 1,
        sourcePort: 0,
        destinationPort: 0,
        ...echo(8, draw(250)),
      })),
      normal: many(40, (draw) => ({ protocol: 1, sourcePort: 0, destinationPort: 0, ...echo(3, draw(250)) })),
      rules: [`${to} protocol 1 icmp-type 8 packet-length 84`],
    },
    {
      claim: 'one source that sends most of it is named',
      attack: many(100, () => ({ source: '198.51.100.9', sourcePort: 40_000, ipLength: 1386 })),
      normal: many(100, () => ({ sourcePort: 40_000, ipLength: 1386 }), 10),
      rules: [
        `${to} source 198.51.100.9/32 protocol 17 destination-port 4444 source-port 40000 packet-length 1386`,
      ],
    },
  ];
  for (const { claim, attack, normal, rules } of rows) {
    test(claim, () => assert.deepEqual(texts(compileRules(attack, normal, host, policy)), rules));
  }
});

/** Ethernet, IPv4 from somewhere to 192.0.2.7, and the first byte of ICMP. */
function echo(type: number, from: number): Partial<SampledPacket> {
  const frame = new Uint8Array(42);
  frame.set([0x45, 0, 0, 84, 0, 0, 0x40, 0, 64, 1, 0, 0, from, 51, 100, 9, 192, 0, 2, 7, type], 14);
  return { source: `${from}.51.100.9`, bytes: frame, ipLength: 84 };
}

describe('what no rules can be made of', () => {
  const rows = [
    { claim: 'nothing', attack: [], normal: web, policy, reason: /no packets of the attack/ },
    {
      claim: 'an attack that looks like the normal packets',
      attack: web,
      normal: web,
      policy,
      reason: /would hit [\d.]+ % of the normal packets, 20 % are allowed/,
    },
    {
      claim: 'more kinds of packets than there are rules',
      attack: [...syn.slice(0, 50), ...answers],
      normal: [...web, ...quic],
      policy: { ...policy, maxRules: 1 },
      reason: /no 1 rules that cover 90 % .* 50 % at most|would hit/,
    },
  ];
  for (const row of rows) {
    test(row.claim, () => {
      const made = compileRules(row.attack, row.normal, host, row.policy);
      assert.deepEqual([made.rules, made.coverage], [[], 0]);
      assert.match(made.reason ?? '', row.reason);
    });
  }
});

test('of a flow record the length is a mean, and no rule rests on it', () => {
  const records = many(100, () => ({ bytes: null, ipLength: 468, sourcePort: 123 }));
  for (const { lengths } of compileRules(records, [], host, policy).rules) assert.deepEqual(lengths, []);
});

test('a packet weighs what it stands for', () => {
  const heavy = many(10, () => ({ sourcePort: 123, sampling: 1000 }));
  const light = many(90, () => ({ protocol: 47, sourcePort: 0, destinationPort: 0 }));
  const [rule, ...rest] = compileRules([...heavy, ...light], [], host, policy).rules;
  assert.deepEqual([rule?.protocols, rule?.sourcePorts, rest], [[17], [{ low: 123, high: 123 }], []]);
});

test(`more than ${mostPackets} packets cost no more than so many`, () => {
  const all = Array.from({ length: 30 }, () => [
    ...syn,
    ...answers,
    ...laterFragments,
    ...web,
    ...quic,
  ]).flat();
  const made = compileRules(all, all, host, { ...policy, maxCollateral: 1 });
  assert.deepEqual([made.attackPackets, made.normalPackets], [mostPackets, mostPackets]);
});

const port = fc.oneof(fc.constantFrom(53, 80, 123, 443), fc.integer({ min: 1, max: 65_535 }));
const sampled: fc.Arbitrary<SampledPacket> = fc
  .record({
    source: fc
      .tuple(fc.constantFrom(10, 11, 198), fc.nat(3), fc.nat(255), fc.nat(255))
      .map((parts) => parts.join('.')),
    destination: fc.constantFrom('192.0.2.7', '192.0.2.7', '192.0.2.7', '192.0.2.8'),
    protocol: fc.constantFrom(1, 6, 17, 47, 200),
    sourcePort: port,
    destinationPort: port,
    tcpFlags: fc.constantFrom(0, 2, 16, 18, 24, 0xc2),
    kind: fc.constantFrom('whole', 'whole', 'first', 'later'),
    ipLength: fc.oneof(fc.constantFrom(40, 60, 468), fc.integer({ min: 28, max: 1500 })),
    sampling: fc.constantFrom(1, 1, 1, 64),
    hasBytes: fc.boolean(),
  })
  .map(({ kind, hasBytes, ...facts }) =>
    aPacket({
      ...facts,
      fragment: kind !== 'whole',
      firstFragment: kind === 'first',
      bytes: hasBytes ? bytes : null,
    }),
  );
const scene = fc.record({
  attack: fc.array(sampled, { maxLength: 60 }),
  normal: fc.array(sampled, { maxLength: 40 }),
  coverage: fc.double({ min: 0.5, max: 1, noNaN: true }),
  maxCollateral: fc.double({ min: 0, max: 1, noNaN: true }),
  subject: fc.constantFrom<Subject>(host, { kind: 'prefix', prefix: '192.0.2.0/24' as PrefixKey }),
});

const isTo = (subject: Subject, packet: SampledPacket): boolean =>
  subject.kind === 'prefix' || packet.destination === subject.host;
const shareOf = (packets: readonly SampledPacket[], rules: readonly FlowspecRule[]): number => {
  const weigh = (some: readonly SampledPacket[]): number =>
    some.reduce((sum, { sampling }) => sum + sampling, 0);
  return weigh(packets.filter((packet) => rules.some((rule) => matches(rule, packet)))) / weigh(packets);
};
const isInOrder = (ranges: readonly NumberRange[]): boolean =>
  ranges.every(({ low, high }, index) => low <= high && low > (ranges[index - 1]?.high ?? -2) + 1);
const isSorted = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0));

describe('of any packets', () => {
  test('coverage and collateral are what counting with the rules gives, and within the policy', () => {
    fc.assert(
      fc.property(
        scene,
        fc.integer({ min: 1, max: 6 }),
        ({ attack, normal, subject, ...limits }, maxRules) => {
          const made = compileRules(attack, normal, subject, { ...limits, maxRules });
          const [own, others] = [attack, normal].map((some) =>
            some.filter((packet) => isTo(subject, packet)),
          );
          if (made.rules.length === 0) return assert.ok(made.reason !== null && made.coverage === 0);
          assert.ok(made.rules.length <= maxRules && made.reason === null);
          assert.ok(Math.abs(made.coverage - shareOf(own ?? [], made.rules)) < 1e-9);
          assert.ok(made.coverage >= limits.coverage - 1e-6);
          if (others?.length === 0) return assert.equal(made.collateral, null);
          assert.ok(Math.abs((made.collateral ?? -1) - shareOf(others ?? [], made.rules)) < 1e-9);
          assert.ok((made.collateral ?? 2) <= limits.maxCollateral + 1e-6);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('rules match nothing outside the destination, and are canonical', () => {
    fc.assert(
      fc.property(scene, ({ attack, normal, subject, ...limits }) => {
        const { rules } = compileRules(attack, normal, subject, { ...limits, maxRules: 5 });
        const prefix = subject.kind === 'prefix' ? subject.prefix : `${subject.host}/32`;
        for (const rule of rules) {
          assert.equal(rule.destination, prefix);
          assert.ok(
            [...attack, ...normal].every((packet) => isTo(subject, packet) || !matches(rule, packet)),
          );
          assert.ok([rule.destinationPorts, rule.sourcePorts, rule.lengths].every(isInOrder));
          assert.ok([rule.protocols, rule.icmpTypes].every(isSorted));
          assert.ok(isSorted(rule.fragments.map((kind) => fragmentKinds.indexOf(kind))));
          if (rule.tcpFlags !== null) assert.equal(rule.tcpFlags.set & ~rule.tcpFlags.mask, 0);
        }
        assert.equal(new Set(rules.map(flowspecRuleText)).size, rules.length);
      }),
      { numRuns: 150 },
    );
  });

  test('a smaller budget never covers more', () => {
    fc.assert(
      fc.property(scene, ({ attack, normal, subject, ...limits }) => {
        const covered = [1, 2, 3, 5, 8].map(
          (maxRules) => compileRules(attack, normal, subject, { ...limits, maxRules }).coverage,
        );
        assert.deepEqual(
          covered,
          [...covered].sort((a, b) => a - b),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('their order makes no difference', () => {
    const shuffled = scene.chain((one) =>
      fc.record({
        one: fc.constant(one),
        attack: fc.shuffledSubarray(one.attack, { minLength: one.attack.length }),
        normal: fc.shuffledSubarray(one.normal, { minLength: one.normal.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ one: { attack, normal, subject, ...limits }, ...other }) => {
        const first = compileRules(attack, normal, subject, { ...limits, maxRules: 4 });
        const second = compileRules(other.attack, other.normal, subject, { ...limits, maxRules: 4 });
        assert.deepEqual(texts(second), texts(first));
      }),
      { numRuns: 100 },
    );
  });
});
