import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { Standing } from '../../domain/ports.js';
import { anAttack, aPacket, ratesOf, rehearsalStart } from '../../domain/rehearsal.js';
import { quietRates } from '../../domain/traffic.js';
import { fingerprint } from './fingerprint.js';
import {
  advance,
  banTimeMs,
  born,
  type Effect,
  endsAt,
  type Input,
  type Life,
  type LifePolicy,
} from './lifecycle.js';

const policy = (ban: Partial<LifePolicy['ban']> = {}): LifePolicy => ({
  ban: { timeMs: 10_000, onlyIfFinished: true, calmMs: 0, probe: null, ...ban },
  evidence: { packets: 3, timeLimitMs: 5000 },
  settleMs: 2000,
});
const seconds = (count: number): number => rehearsalStart + count * 1e6;
const standing = (over: boolean, pps = 50_000): Standing => ({
  subject: anAttack().subject,
  direction: 'incoming',
  over,
  rates: { incoming: ratesOf({ total: { pps, bps: pps * 1000 } }), outgoing: quietRates },
});
const stands = (at: number, over: boolean, pps?: number): Input => ({
  kind: 'standing',
  standing: standing(over, pps),
  at: seconds(at),
});
const clock = (at: number): Input => ({ kind: 'clock', at: seconds(at) });
const collected = (at: number, count: number): Input => ({
  kind: 'collected',
  packets: count,
  at: seconds(at),
});
const explained = (at: number): Input => ({ kind: 'explained', fingerprint: shown, at: seconds(at) });
const shown = fingerprint([aPacket()], 'incoming', rehearsalStart);

function live(
  inputs: readonly Input[],
  rules: LifePolicy,
  first = born(anAttack(), 'new', seconds(0), rules),
) {
  const effects: Effect[] = [];
  let life: Life = first;
  for (const input of inputs) {
    const step = advance(life, input, rules);
    life = step.life;
    effects.push(...step.effects);
  }
  return { life, effects, kinds: effects.map((effect) => effect.kind) };
}

test('enough packets complete the evidence at once, and only once', () => {
  const { life, kinds } = live([collected(0.1, 2), collected(0.2, 3), collected(0.3, 4)], policy());
  assert.deepEqual(kinds, ['explain']);
  assert.equal(life.attack.evidence, 'gathering');
});

for (const inputs of [
  [collected(0.1, 3), explained(0.2)],
  [collected(0.1, 3), { kind: 'release', at: seconds(0.15) } as const, explained(0.2)],
]) {
  test(`what the packets show is told when it is known, after ${inputs.at(-2)?.kind} too`, () => {
    const { life, effects } = live(inputs, policy());
    const last = effects.at(-1);
    assert.ok(last?.kind === 'revise');
    assert.deepEqual([last.attack.evidence, last.attack.fingerprint], ['complete', shown]);
    assert.deepEqual(life.attack, last.attack);
  });
}

test('without enough packets the time limit completes it with what there is', () => {
  const early = [collected(0.1, 1), clock(4.9)];
  assert.deepEqual(live(early, policy()).kinds, []);
  assert.deepEqual(live([...early, clock(5)], policy()).kinds, ['explain']);
});

const releases: readonly {
  claim: string;
  ban: Partial<LifePolicy['ban']>;
  inputs: readonly Input[];
  released: boolean;
}[] = [
  {
    claim: 'before its time a calm attack stays',
    ban: {},
    inputs: [stands(1, false), clock(9.9)],
    released: false,
  },
  {
    claim: 'its time over and calm: released',
    ban: {},
    inputs: [stands(1, false), clock(10)],
    released: true,
  },
  {
    claim: 'its time over and not calm: stays',
    ban: {},
    inputs: [stands(1, true), clock(60)],
    released: false,
  },
  {
    claim: 'its time over and not calm: released where the policy does not care',
    ban: { onlyIfFinished: false },
    inputs: [stands(1, true), clock(10)],
    released: true,
  },
  { claim: 'time 0 goes with the calm', ban: { timeMs: 0 }, inputs: [stands(1, false)], released: true },
  {
    claim: 'time 0 needs the calm even where the policy does not care',
    ban: { timeMs: 0, onlyIfFinished: false },
    inputs: [stands(1, true), clock(60)],
    released: false,
  },
  {
    claim: 'no time: never by itself',
    ban: { timeMs: null },
    inputs: [stands(1, false), clock(1e6)],
    released: false,
  },
  {
    claim: 'the calm must last',
    ban: { timeMs: 0, calmMs: 3000 },
    inputs: [stands(1, false), clock(3.9)],
    released: false,
  },
  {
    claim: 'a relapse begins the calm anew',
    ban: { timeMs: 0, calmMs: 3000 },
    inputs: [stands(1, false), stands(3, true), stands(3.5, false), clock(6)],
    released: false,
  },
  {
    claim: 'the calm has lasted',
    ban: { timeMs: 0, calmMs: 3000 },
    inputs: [stands(1, false), clock(4)],
    released: true,
  },
  {
    claim: 'an operator ends it at once',
    ban: { timeMs: null },
    inputs: [stands(1, true), { kind: 'release', at: seconds(1) }],
    released: true,
  },
];
for (const row of releases) {
  test(row.claim, () => {
    const { life, effects } = live([collected(0.1, 3), ...row.inputs], policy(row.ban));
    assert.equal(life.phase === 'released', row.released);
    const ends = effects.filter(({ kind }) => kind === 'release');
    assert.equal(ends.length, row.released ? 1 : 0);
    assert.equal(life.attack.endedAt === null, !row.released);
  });
}

test('an attack that ends while packets are gathered is explained first', () => {
  const { kinds } = live([collected(0.1, 1), stands(1, false)], policy({ timeMs: 0 }));
  assert.deepEqual(kinds, ['explain', 'revise', 'release']);
});

test('a restored attack with its evidence complete gathers nothing', () => {
  const attack = anAttack({ evidence: 'complete' });
  const rules = policy();
  const { kinds } = live([collected(1, 5), clock(8)], rules, born(attack, 'restored', seconds(1), rules));
  assert.deepEqual(kinds, []);
});

test('after a restart an empty meter is not taken for calm', () => {
  const rules = policy({ timeMs: 0 });
  const first = born(anAttack({ evidence: 'complete' }), 'restored', seconds(100), rules);
  assert.equal(live([stands(101, false)], rules, first).life.phase, 'explained');
  assert.equal(live([stands(101, false), stands(102, false)], rules, first).life.phase, 'released');
});

test('the peak is the highest rate seen, and a higher one is told at most every five seconds', () => {
  const inputs = [
    stands(1, true, 60_000),
    stands(6, true, 90_000),
    stands(7, true, 200_000),
    stands(8, true, 100),
  ];
  const { life, kinds } = live([collected(0, 3), ...inputs], policy({ timeMs: null }));
  assert.equal(life.attack.peak.pps, 200_000);
  assert.deepEqual(kinds, ['explain', 'revise']);
});

const anyInput = fc.oneof(
  fc.boolean().map((over) => ({ kind: 'standing' as const, standing: standing(over) })),
  fc.nat(4).map((packets) => ({ kind: 'collected' as const, packets })),
  fc.constant({ kind: 'explained' as const, fingerprint: shown }),
  fc.constant({ kind: 'clock' as const }),
  fc.constant({ kind: 'release' as const }),
  fc.constant({ kind: 'stored' as const, files: ['a.txt'] }),
);
test('in any order of events: one explanation at most, one release at most, nothing but files after it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyInput, fc.nat(4000)), { maxLength: 40 }), (events) => {
      let at = seconds(0);
      const inputs = events.map(([input, ms]): Input => {
        at += ms * 1000;
        return { ...input, at };
      });
      const { kinds } = live(inputs, policy({ timeMs: 0, calmMs: 1000 }));
      assert.ok(kinds.filter((kind) => kind === 'explain').length <= 1);
      const released = kinds.indexOf('release');
      if (released >= 0) {
        assert.ok(kinds.includes('explain'));
        assert.ok(kinds.slice(released + 1).every((kind) => kind === 'revise'));
      }
    }),
  );
});

test('the clock ends a life exactly when endsAt says that it will', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.nat(3000)), { maxLength: 12 }),
      fc.constantFrom(null, 0, 5000, 20_000),
      fc.boolean(),
      fc.nat(4000),
      (standings, timeMs, onlyIfFinished, calmMs) => {
        const rules = policy({ timeMs, onlyIfFinished, calmMs });
        let at = seconds(0);
        const inputs = standings.map(([over, ms]): Input => {
          at += ms * 1000;
          return { kind: 'standing', standing: standing(over), at };
        });
        const { life } = live([collected(0, 3), ...inputs], rules);
        if (life.phase === 'released') return;
        const due = endsAt(life, rules.ban);
        const phaseAt = (time: number) => advance(life, { kind: 'clock', at: time }, rules).life.phase;
        if (due === null) assert.notEqual(phaseAt(at + 1e12), 'released');
        else {
          assert.notEqual(phaseAt(due - 1), 'released');
          assert.equal(phaseAt(due), 'released');
        }
      },
    ),
  );
});

const probe = { watchMs: 60_000, growth: 3, maxTimeMs: 60_000 };
const banTimes = [
  { claim: 'a new attack: the ban time', returns: 0, by: probe, ms: 10_000 },
  { claim: 'the first return: grown once', returns: 1, by: probe, ms: 30_000 },
  { claim: 'the second: bounded', returns: 2, by: probe, ms: 60_000 },
  { claim: 'the thousandth: bounded', returns: 1000, by: probe, ms: 60_000 },
  {
    claim: 'a bound below the ban time does not shorten it',
    returns: 1,
    by: { ...probe, maxTimeMs: 5 },
    ms: 10_000,
  },
  { claim: 'without probes: the ban time', returns: 5, by: null, ms: 10_000 },
];
for (const { claim, returns, by, ms } of banTimes) {
  test(`how long it is mitigated, ${claim}`, () => assert.equal(banTimeMs(10_000, returns, by), ms));
}

test('an attack that came back is released after its grown ban time', () => {
  const life = born(anAttack({ returns: 1, evidence: 'complete' }), 'new', seconds(0), policy());
  const calm = advance(life, stands(1, false), policy({ probe })).life;
  assert.equal(endsAt(calm, policy({ probe }).ban), seconds(30));
  assert.equal(endsAt(calm, policy().ban), seconds(10));
});
