import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Attack, type Subject, subjectText } from '../../domain/attack.js';
import type { Exceeded, Judgement, Standing } from '../../domain/ports.js';
import { unsampled } from '../../domain/rehearsal.js';
import { type Direction, directions, quietRates } from '../../domain/traffic.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { maxRemembered, recall, remember, returnsOf } from './returns.js';
import {
  type Effect,
  emptyRounds,
  ended,
  judged,
  maxAttacks,
  type Policy,
  type Rounds,
  reconfigured,
  restored,
  revised,
  tellEveryMicros,
  watchedBy,
} from './rounds.js';

const second = 1_000_000;
const host = (text: string): Subject => ({ kind: 'host', host: text as HostKey });
const a = host('192.0.2.1');
const six = host('2001:db8::1');
const net: Subject = { kind: 'prefix', prefix: '192.0.2.0/24' as PrefixKey };
const rates = { incoming: { ...quietRates, total: { pps: 30_000, bps: 2e8 } }, outgoing: quietRates };
const cause = { scope: 'host', metric: 'pps', rate: 30_000, threshold: 20_000, ...unsampled } as const;
const exceeded = (subject: Subject, direction: Direction = 'incoming'): Exceeded => ({
  subject,
  direction,
  cause,
  rates,
});
const standing = (subject: Subject, over: boolean, direction: Direction = 'incoming'): Standing => ({
  subject,
  direction,
  over,
  rates,
});
const at = (time: number, over: readonly Exceeded[], watched: readonly Standing[] = []): Judgement => ({
  at: time,
  exceeded: over,
  watched,
  deferred: 0,
});
let serials = 0;
const policy = (change: Partial<Policy> = {}): Policy => ({
  hostgroup: 'global',
  ban: { enabled: true, enabledIpv6: true, timeMs: 0, onlyIfFinished: true, calmMs: 2_000, probe: null },
  whitelisted: () => false,
  calmKnownFrom: 0,
  serial: () => serials++,
  ...change,
});
const off = { ...policy().ban, enabled: false };
const offIpv6 = { ...policy().ban, enabledIpv6: false };

const kinds = (effects: readonly Effect[]): readonly string[] => effects.map(({ kind }) => kind);
function attackOf(effects: readonly Effect[]): Attack {
  const decision = effects.find((effect) => effect.kind === 'mitigate');
  assert.ok(decision?.kind === 'mitigate');
  return decision.attack;
}
function attacked(subject = a): { readonly rounds: Rounds; readonly attack: Attack } {
  const rounds = emptyRounds();
  return { rounds, attack: attackOf(judged(rounds, at(second, [exceeded(subject)]), policy())) };
}

const beginnings: readonly {
  readonly claim: string;
  readonly over: readonly Exceeded[];
  readonly policy?: Partial<Policy>;
  readonly effects: readonly string[];
}[] = [
  { claim: 'nothing over is nothing to do', over: [], effects: [] },
  {
    claim: 'a host over is mitigated before it is watched and explained',
    over: [exceeded(a)],
    effects: ['mitigate', 'watch', 'start'],
  },
  {
    claim: 'all decisions of a judgement come before all explanations',
    over: [exceeded(a), exceeded(six)],
    effects: ['mitigate', 'mitigate', 'watch', 'start', 'watch', 'start'],
  },
  {
    claim: 'a host over in both directions is banned once',
    over: [exceeded(a), exceeded(a, 'outgoing')],
    effects: ['mitigate', 'watch', 'start', 'widened', 'watch'],
  },
  {
    claim: 'a host inside an attacked prefix is an attack of its own',
    over: [exceeded(net), exceeded(a)],
    effects: ['mitigate', 'mitigate', 'watch', 'start', 'watch', 'start'],
  },
  {
    claim: 'a whitelisted host is let be, and watched',
    over: [exceeded(a)],
    policy: { whitelisted: () => true },
    effects: ['suppressed', 'watch'],
  },
  {
    claim: 'without bans nobody is banned',
    over: [exceeded(a)],
    policy: { ban: off },
    effects: ['suppressed', 'watch'],
  },
  {
    claim: 'bans off for IPv4 leave IPv6 banned',
    over: [exceeded(six)],
    policy: { ban: off },
    effects: ['mitigate', 'watch', 'start'],
  },
  {
    claim: 'bans off for IPv6 let an IPv6 host be',
    over: [exceeded(six)],
    policy: { ban: offIpv6 },
    effects: ['suppressed', 'watch'],
  },
];
for (const row of beginnings) {
  test(row.claim, () => {
    expect(kinds(judged(emptyRounds(), at(second, row.over), policy(row.policy)))).toEqual(row.effects);
  });
}

test('the record holds when, what and how much', () => {
  const { attack } = attacked();
  expect(attack).toMatchObject({
    origin: 'detected',
    subject: a,
    direction: 'incoming',
    hostgroup: 'global',
    cause,
    startedAt: second,
    endedAt: null,
    peak: { pps: 30_000, bps: 2e8 },
  });
});

test('a whitelisted host is said once, though it is over at every judgement', () => {
  const rounds = emptyRounds();
  const listed = policy({ whitelisted: () => true });
  judged(rounds, at(1, [exceeded(a)]), listed);
  expect(kinds(judged(rounds, at(2, [], [standing(a, true)]), listed))).toEqual([]);
  expect(kinds(judged(rounds, at(3, [exceeded(a)]), listed))).toEqual(['watch']);
});

test('a whitelisted host is watched no longer once it was calm for long enough', () => {
  const rounds = emptyRounds();
  const listed = policy({ whitelisted: () => true });
  judged(rounds, at(0, [exceeded(a)]), listed);
  const steps = [standing(a, false), standing(a, true), standing(a, false), standing(a, false)];
  const times = [0, 1, 1.5, 3.5].map((seconds) => seconds * second);
  const effects = steps.map((each, index) =>
    kinds(judged(rounds, at(times[index] ?? 0, [], [each]), listed)),
  );
  expect(effects).toEqual([[], [], [], ['unwatch']]);
});

const tellings = [
  { claim: 'the first standing is told at once', times: [0], over: [true], told: 1 },
  {
    claim: 'the same standing is told once a second',
    times: [0, 0.1, 0.9, 1.0],
    over: [true, true, true, true],
    told: 2,
  },
  { claim: 'a flip is told at once', times: [0, 0.1, 0.2], over: [true, false, true], told: 3 },
] as const;
for (const row of tellings) {
  test(row.claim, () => {
    const { rounds } = attacked();
    let told = 0;
    row.times.forEach((time, index) => {
      const judgement = at(second + time * tellEveryMicros, [], [standing(a, row.over[index] ?? true)]);
      told += judged(rounds, judgement, policy()).filter(({ kind }) => kind === 'tell').length;
    });
    expect(told).toBe(row.told);
  });
}

test('calm in one direction while the other is over is not calm', () => {
  const rounds = emptyRounds();
  judged(rounds, at(second, [exceeded(a), exceeded(a, 'outgoing')]), policy());
  const [half] = judged(
    rounds,
    at(2 * second, [], [standing(a, false), standing(a, true, 'outgoing')]),
    policy(),
  );
  expect(half).toMatchObject({ kind: 'tell', standing: { over: true } });
  judged(rounds, at(2.5 * second, [], [standing(a, false, 'outgoing')]), policy());
  const [whole] = judged(rounds, at(3 * second, [], [standing(a, false)]), policy());
  expect(whole).toMatchObject({ kind: 'tell', standing: { over: false } });
});

test('a meter younger than its window cannot tell calm, but it can tell over', () => {
  const { rounds } = attacked();
  const young = policy({ calmKnownFrom: 5 * second });
  expect(kinds(judged(rounds, at(4 * second, [], [standing(a, false)]), young))).toEqual([]);
  expect(kinds(judged(rounds, at(4 * second, [], [standing(a, true)]), young))).toEqual(['tell']);
  expect(kinds(judged(rounds, at(5 * second, [], [standing(a, false)]), young))).toEqual(['tell']);
});

test('an attack that has ended may be found again, under a new id', () => {
  const { rounds, attack } = attacked();
  expect(kinds(ended(rounds, attack.id, 2 * second))).toEqual(['unwatch', 'end']);
  expect(ended(rounds, attack.id, 2 * second)).toEqual([]);
  expect(attackOf(judged(rounds, at(second, [exceeded(a)]), policy())).id).not.toBe(attack.id);
});

test('a restored attack goes on without a second ban, however often it is restored', () => {
  const { attack } = attacked();
  const rounds = emptyRounds();
  expect(kinds(restored(rounds, [attack], policy()))).toEqual(['watch', 'start']);
  expect(restored(rounds, [attack], policy())).toEqual([]);
  expect(kinds(judged(rounds, at(9 * second, [exceeded(a)]), policy()))).toEqual(['watch']);
});

test('a restored attack on a host that is whitelisted now is released', () => {
  const effects = restored(emptyRounds(), [attacked().attack], policy({ whitelisted: () => true }));
  expect(kinds(effects)).toEqual(['watch', 'start', 'release']);
});

test('a new whitelist releases who is on it and judges anew who is off it', () => {
  const { rounds } = attacked();
  judged(rounds, at(2 * second, [exceeded(six)]), policy({ whitelisted: () => true }));
  const onlyA = policy({ whitelisted: (subject) => subjectText(subject) === subjectText(a) });
  expect(kinds(reconfigured(rounds, onlyA))).toEqual(['unwatch', 'release']);
});

test('a revision of the record is kept, and told to nobody', () => {
  const { rounds, attack } = attacked();
  revised(rounds, { ...attack, peak: { pps: 99, bps: 99 } });
  expect([...rounds.held.values()].map((held) => held.attack.peak.pps)).toEqual([99]);
});

test('beyond the bound attacks are refused and counted', () => {
  const rounds = emptyRounds();
  const many = Array.from({ length: maxAttacks + 3 }, (_, n) =>
    exceeded(host(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)),
  );
  const effects = judged(rounds, at(second, many), policy());
  expect(rounds.held.size).toBe(maxAttacks);
  expect(rounds.refused).toBe(3);
  expect(effects.at(-1)).toEqual({ kind: 'refused', count: 3 });
});

test('whatever comes, no subject is banned twice at once, and all that is held is watched', () => {
  const subject = fc.constantFrom(a, six, net, host('192.0.2.9'));
  const step = fc.oneof(
    fc.record({ kind: fc.constant('over' as const), subject, direction: fc.constantFrom(...directions) }),
    fc.record({
      kind: fc.constant('stand' as const),
      subject,
      direction: fc.constantFrom(...directions),
      over: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('end' as const), subject }),
    fc.record({ kind: fc.constant('list' as const), subject }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rounds = emptyRounds();
      const on = new Map<string, Attack>();
      const watched = new Set<string>();
      let listed = '';
      const now = policy({ whitelisted: (one) => subjectText(one) === listed });
      const take = (effects: readonly Effect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'mitigate') {
            assert.ok(!on.has(subjectText(effect.attack.subject)), 'banned twice');
            on.set(subjectText(effect.attack.subject), effect.attack);
          }
          if (effect.kind === 'watch') watched.add(`${subjectText(effect.subject)} ${effect.direction}`);
          if (effect.kind === 'unwatch') watched.delete(`${subjectText(effect.subject)} ${effect.direction}`);
        }
      };
      steps.forEach((one, index) => {
        const time = (index + 1) * 300_000;
        if (one.kind === 'over') take(judged(rounds, at(time, [exceeded(one.subject, one.direction)]), now));
        else if (one.kind === 'stand')
          take(judged(rounds, at(time, [], [standing(one.subject, one.over, one.direction)]), now));
        else if (one.kind === 'list') {
          listed = subjectText(one.subject);
          take(reconfigured(rounds, now));
        } else {
          const attack = on.get(subjectText(one.subject));
          if (attack === undefined) return;
          take(ended(rounds, attack.id, 2 * second));
          on.delete(subjectText(one.subject));
        }
        const expected = [...watchedBy(rounds)].map(
          (each) => `${subjectText(each.subject)} ${each.direction}`,
        );
        assert.deepEqual([...watched].sort(), expected.sort());
      });
    }),
  );
});

const probe = { watchMs: 60_000, growth: 2, maxTimeMs: 3_600_000 };
const probing = policy({ ban: { ...policy().ban, probe } });

const comebacks = [
  { claim: 'within the watch it is a return', afterMs: 60_000, by: probing, returns: 1 },
  { claim: 'after the watch it is new', afterMs: 60_001, by: probing, returns: 0 },
  { claim: 'without a probe policy it is new', afterMs: 10, by: policy(), returns: 0 },
];
for (const { claim, afterMs, by, returns } of comebacks) {
  test(`an attack on a released subject: ${claim}`, () => {
    const { rounds, attack } = attacked();
    ended(rounds, attack.id, 2 * second);
    const again = attackOf(judged(rounds, at(2 * second + afterMs * 1000, [exceeded(a)]), by));
    expect(again.returns).toBe(returns);
  });
}

test('returns are counted on, per subject, from when the record says that it ended', () => {
  const { rounds, attack } = attacked();
  revised(rounds, { ...attack, endedAt: 5 * second });
  ended(rounds, attack.id, 9 * second);
  const first = attackOf(judged(rounds, at(65 * second, [exceeded(a)]), probing));
  ended(rounds, first.id, 66 * second);
  const second_ = attackOf(judged(rounds, at(67 * second, [exceeded(a)]), probing));
  expect([first.returns, second_.returns]).toEqual([1, 2]);
  expect(attackOf(judged(rounds, at(68 * second, [exceeded(six)]), probing)).returns).toBe(0);
});

test('what the journal knows of released attacks is remembered, the last release of each', () => {
  const { attack } = attacked();
  const rounds = emptyRounds();
  const ends = (endedAt: number, returns: number): Attack => ({ ...attack, endedAt, returns });
  const byHand: Attack = { ...attack, subject: six, origin: 'manual', endedAt: 99 * second };
  recall(rounds.releases, [ends(90 * second, 3), ends(20 * second, 2), byHand], 100 * second, probe);
  expect(attackOf(judged(rounds, at(101 * second, [exceeded(a)]), probing)).returns).toBe(4);
  expect(attackOf(judged(rounds, at(101 * second, [exceeded(six)]), probing)).returns).toBe(0);
});

test('the memory of releases is bounded: the one released longest ago goes', () => {
  const { attack } = attacked();
  const releases = emptyRounds().releases;
  for (let serial = 0; serial <= maxRemembered; serial += 1) {
    remember(releases, { ...attack, subject: host(`10.0.${serial >> 8}.${serial & 255}`) }, serial);
  }
  expect(releases.size).toBe(maxRemembered);
  expect(returnsOf(releases, host('10.0.0.0'), maxRemembered, probe)).toBe(0);
  expect(returnsOf(releases, host('10.0.0.1'), maxRemembered, probe)).toBe(1);
});
