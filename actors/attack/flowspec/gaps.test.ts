/** Floods of acknowledgements on a host that serves: what they are told from its clients by, and when they are not. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { SampledPacket, Subject } from '../../../domain/attack.js';
import { flowspecRuleText } from '../../../domain/flowspec.js';
import type { HostKey } from '../../../domain/units.js';
import { type Compiled, compileRules } from './compile.js';
import { matches } from './matching.js';
import { many, pick } from './packets-rehearsal.js';

const host: Subject = { kind: 'host', host: '192.0.2.7' as HostKey };
const policy = { coverage: 0.9, maxRules: 5, maxCollateral: 0.2 };
const texts = ({ rules }: Compiled): string[] => rules.map(flowspecRuleText);

describe('a flood of acknowledgements on a host that serves', () => {
  const acks = many(400, (draw) => ({
    protocol: 6,
    tcpFlags: 16,
    sourcePort: 1024 + draw(64_000),
    destinationPort: pick(draw, [80, 443]),
    ipLength: 40 + draw(129),
  }));
  /** Of a server that sends much: most of what comes to it are acknowledgements without data. */
  const clients = (bare: readonly [number, ...number[]], seed: number): SampledPacket[] =>
    many(
      300,
      (draw) => {
        const kind = draw(10);
        const [tcpFlags, ipLength] =
          kind < 7 ? [16, pick(draw, bare)] : kind < 9 ? [24, 90 + draw(900)] : [2, 60];
        return { protocol: 6, tcpFlags, ipLength, sourcePort: 32_768 + draw(28_232), destinationPort: 443 };
      },
      seed,
    );
  const hit = (compiled: Compiled, packets: readonly SampledPacket[]): number =>
    packets.filter((packet) => compiled.rules.some((rule) => matches(rule, packet))).length / packets.length;

  for (const bare of [[52], [40, 52]] as const) {
    test(`random lengths are told from bare ones of ${bare.join(' and ')} bytes by leaving these out`, () => {
      const known = clients(bare, 11).slice(0, 32);
      const compiled = compileRules(acks, known, host, policy);
      assert.equal(compiled.reason, null);
      assert.ok(compiled.coverage >= 0.9, String(compiled.coverage));
      // counted over packets that it has never seen, of either kind
      assert.ok(hit(compiled, clients(bare, 12)) < 0.1, texts(compiled).join('; '));
      const more = many(
        400,
        (draw) => ({
          protocol: 6,
          tcpFlags: 16,
          sourcePort: 1024 + draw(64_000),
          destinationPort: pick(draw, [80, 443]),
          ipLength: 40 + draw(129),
        }),
        13,
      );
      assert.ok(hit(compiled, more) >= 0.88, texts(compiled).join('; '));
    });
  }

  test('bare ones look like bare ones: no rule is made, and the reason says what it would hit', () => {
    const alike = many(
      400,
      (draw) => ({
        protocol: 6,
        tcpFlags: 16,
        sourcePort: 1024 + draw(64_000),
        destinationPort: 443,
        ipLength: 40,
      }),
      14,
    );
    const { rules, reason } = compileRules(alike, clients([40], 11), host, policy);
    assert.deepEqual(rules, []);
    assert.match(
      reason ?? '',
      /^rules that cover (9\d|100).* of the attack would hit [3-9]\d.* of the normal packets, 20 % are allowed$/,
    );
  });

  test('what one source alone does is no place to leave out', () => {
    const one = many(
      20,
      () => ({
        protocol: 6,
        tcpFlags: 16,
        source: '203.0.113.9',
        sourcePort: 50_000,
        destinationPort: 443,
        ipLength: 52,
      }),
      15,
    );
    const { reason } = compileRules(acks, one, host, policy);
    assert.match(reason ?? '', /would hit/);
  });
});
