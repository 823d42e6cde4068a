/** Traffic by source, second by second, and what is said of the mitigation. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { ProofPolicy } from '../../domain/bgp.js';
import type { MitigationEffect } from '../../domain/mitigation.js';
import { anEffect } from '../../domain/rehearsal.js';
import { announced, newProof, observe } from './effect.js';

const policy: ProofPolicy = { settleMs: 10_000, effectiveBelow: 0.1, partialBelow: 0.5, escalate: 'none' };
const peak = { pps: 100_000, bps: 8e8 };
/** Packets per second by source, of 1,000 bytes each. */
type Traffic = { readonly [source: string]: number };

/** Announced after two seconds, unless told. `before`: rates just before it was watched. */
function said(
  seconds: readonly Traffic[],
  change: {
    before?: Traffic;
    effect?: MitigationEffect | null;
    announcedAfter?: number;
    against?: typeof peak | null;
  } = {},
) {
  const { before = {}, effect = null, announcedAfter = 2, against = peak } = change;
  const proof = newProof(against, effect, 0);
  const told: {
    readonly second: number;
    readonly state: string;
    readonly seen: readonly string[];
    readonly rest: number | null;
    readonly reason: string | null;
  }[] = [];
  const note = (second: number, now: MitigationEffect | null): void => {
    if (now === null) return;
    const { state, remaining, reason } = now;
    const rest = remaining === null ? null : Math.round(remaining * 100) / 100;
    told.push({ second, state, seen: now.seen.map(({ source }) => source), rest, reason });
  };
  const sums = new Map(Object.keys(before).map((source) => [source, 0]));
  seconds.forEach((traffic, second) => {
    if (second === announcedAfter) note(second, announced(proof, second * 1e6, effect !== null));
    for (const [source, pps] of Object.entries(traffic)) sums.set(source, (sums.get(source) ?? 0) + pps);
    const reading = [...sums].map(([source, packets]) => ({
      source,
      packets,
      bytes: packets * 1000,
      ppsBefore: before[source] ?? 0,
    }));
    note(second, observe(proof, reading, (second + 1) * 1e6, policy));
  });
  return told;
}

const times = (count: number, traffic: Traffic): readonly Traffic[] =>
  Array.from({ length: count }, () => traffic);
const both = { eth1: 60_000, eth2: 40_000 };
const verdicts = (told: ReturnType<typeof said>) => told.map(({ state }) => state);

const rows = [
  { claim: 'all gone is effective', after: { eth1: 0, eth2: 0 }, is: ['effective', []] },
  { claim: 'what is below the share is effective', after: { eth1: 5000, eth2: 4000 }, is: ['effective', []] },
  {
    claim: 'one source gone is partial, and names the other',
    after: { eth1: 0, eth2: 40_000 },
    is: ['partial', ['eth2']],
  },
  {
    claim: 'nothing gone is ineffective, and names both',
    after: both,
    is: ['ineffective', ['eth1', 'eth2']],
  },
  {
    claim: 'a little less everywhere, and gone nowhere, is ineffective',
    after: { eth1: 36_000, eth2: 24_000 },
    is: ['ineffective', ['eth1', 'eth2']],
  },
  {
    claim: 'half of it gone everywhere alike is partial',
    after: { eth1: 30_000, eth2: 20_000 },
    is: ['partial', ['eth1', 'eth2']],
  },
] as const;
for (const { claim, after, is } of rows) {
  test(claim, () => {
    const told = said([...times(3, both), ...times(12, after)]);
    assert.deepEqual(
      told.map(({ state, seen }) => [state, seen]),
      [['watching', []], is],
    );
    assert.equal(told[1]?.second, 11, 'as soon as the routers have had their time');
  });
}

test('what was free before the first reading is known by what was sampled before', () => {
  const told = said(times(15, { eth2: 40_000 }), { before: both });
  assert.deepEqual(told.at(-1), { second: 11, state: 'partial', seen: ['eth2'], rest: 0.4, reason: null });
});

test('a source that never saw the attack frees nothing', () => {
  const told = said(times(15, { eth1: 90_000 }), { before: { eth1: 100_000, eth3: 50 } });
  assert.deepEqual(told.at(-1), {
    second: 11,
    state: 'ineffective',
    seen: ['eth1'],
    rest: 0.9,
    reason: null,
  });
});

test('a source with next to nothing is not named', () => {
  const told = said(times(15, { eth1: 90_000, eth3: 500 }));
  assert.deepEqual(told.at(-1)?.seen, ['eth1']);
});

test('traffic that swings about the bound does not swing the verdict', () => {
  const swings = Array.from({ length: 60 }, (_, second) => ({ eth1: second % 4 < 2 ? 14_000 : 7000 }));
  const told = said([...times(3, both), ...times(12, {}), ...swings]);
  assert.deepEqual(verdicts(told), ['watching', 'effective']);
});

test('an attack that comes back is told when it has been back for a while, and its end again', () => {
  const told = said([...times(3, both), ...times(12, {}), ...times(20, both), ...times(20, {})]);
  assert.deepEqual(verdicts(told), ['watching', 'effective', 'ineffective', 'effective']);
  const back = told[2]?.second ?? 0;
  assert.ok(back > 19 && back < 24, `${back}`);
});

test('while a verdict stands, who still sees it is told again when others do, else seldom', () => {
  const third = { eth2: 40_000, eth3: 40_000 };
  const told = said([
    ...times(3, both),
    ...times(12, { eth2: 40_000 }),
    ...times(10, third),
    ...times(70, third),
  ]);
  assert.deepEqual(
    told.slice(1, 3).map(({ seen }) => seen.toSorted()),
    [['eth2'], ['eth2', 'eth3']],
  );
  assert.equal(told.length, 5, 'and twice more in seventy seconds');
});

test('a source that is opened again counts from zero, and is no flood', () => {
  const proof = newProof(peak, null, 0);
  const at = (second: number, packets: number) =>
    observe(proof, [{ source: 'eth1', packets, bytes: packets * 1000, ppsBefore: 0 }], second * 1e6, policy);
  announced(proof, 0, false);
  for (let second = 1; second < 10; second++) assert.equal(at(second, 1e9 + second * 1000), null);
  assert.equal(at(10, 1000)?.state, 'effective');
});

test('what was known in an earlier life stands until it is judged again, and a source that was free stays so', () => {
  const seen = [{ source: 'eth2', pps: 60_000, bps: 4.8e8 }];
  const effect = anEffect({ state: 'partial', since: -60e6, seen, goneAt: ['eth1'] });
  assert.deepEqual(said(times(15, { eth2: 60_000 }), { effect }), []);
  const told = said(times(25, { eth2: 40_000, eth1: 60_000 }), { effect });
  assert.deepEqual(verdicts(told), ['ineffective']);
});

test('nothing is said before anything is announced', () => {
  assert.deepEqual(said(times(60, both), { announcedAfter: 99 }), []);
});

test('a source that was closed proves nothing; one that was opened again and sees nothing does', () => {
  const proof = newProof(peak, null, 0);
  const count = (source: string, packets: number) => ({
    source,
    packets,
    bytes: packets * 1000,
    ppsBefore: 0,
  });
  const at = (second: number, reading: readonly ReturnType<typeof count>[]) =>
    observe(proof, reading, second * 1e6, policy);
  const told = 'netflow 0.0.0.0:2055 198.51.100.1';
  const listener = count('netflow 0.0.0.0:2055', 0);
  announced(proof, 0, false);
  for (let second = 1; second <= 5; second++)
    at(second, [count('eth1', second * 60_000), listener, count(told, second * 40_000)]);
  for (let second = 6; second <= 20; second++)
    assert.equal(
      at(second, [listener, count(told, 200_000)])?.state ?? null,
      second === 10 ? 'unproven' : null,
    );
  assert.equal(proof.effect?.reason, 'eth1 saw it, and is not open');
  assert.equal(at(21, [])?.reason, 'no source is open that could see it');
  for (let second = 22; second <= 24; second++) at(second, [count('eth1', 0), listener]);
  assert.equal(proof.effect?.state, 'effective');
});

test('a rule that cuts three fifths at the only source is partial, and says what still comes', () => {
  const told = said([...times(3, { eth1: 100_000 }), ...times(12, { eth1: 40_000 })]);
  assert.deepEqual(told.at(-1), { second: 11, state: 'partial', seen: ['eth1'], rest: 0.4, reason: null });
});

test('partial by rate ends when the rule cuts no more, and not for a little above its bound', () => {
  const cut = [...times(3, { eth1: 100_000 }), ...times(12, { eth1: 40_000 })];
  assert.deepEqual(verdicts(said([...cut, ...times(25, { eth1: 58_000 })])), ['watching', 'partial']);
  assert.deepEqual(verdicts(said([...cut, ...times(25, { eth1: 90_000 })])), [
    'watching',
    'partial',
    'ineffective',
  ]);
});

test('what remains is the larger share, of packets or of bits', () => {
  const proof = newProof({ pps: 100_000, bps: 8e7 }, null, 0);
  announced(proof, 0, false);
  for (let second = 1; second <= 10; second++) {
    // a thousand packets a second of 4,000 bytes: a hundredth of the packets, four tenths of the bits
    observe(
      proof,
      [{ source: 'eth1', packets: second * 1000, bytes: second * 4e6, ppsBefore: 1e5 }],
      second * 1e6,
      policy,
    );
  }
  assert.deepEqual([proof.effect?.state, proof.effect?.remaining], ['partial', 0.4]);
});

const byHand = { against: null, announcedAfter: 0 } as const;
const handRows = [
  { claim: 'all gone', before: { eth1: 3000 }, after: {}, is: ['effective', 0, null] },
  { claim: 'a third left', before: { eth1: 3000 }, after: { eth1: 1000 }, is: ['partial', 0.33, null] },
  { claim: 'nothing gone', before: { eth1: 3000 }, after: { eth1: 3000 }, is: ['ineffective', 1, null] },
  {
    claim: 'next to nothing before',
    before: { eth1: 50 },
    after: {},
    is: ['unproven', null, 'less than 100 packets/s came before it was announced'],
  },
  {
    claim: 'nothing before, and a flood since',
    before: {},
    after: { eth1: 9000 },
    is: ['ineffective', null, null],
  },
] as const;
for (const { claim, before, after, is } of handRows) {
  test(`a ban by hand is judged by what came just before it: ${claim}`, () => {
    const [first, ...rest] = said([{}, ...times(14, after)], { ...byHand, before });
    assert.equal(first?.state, 'watching');
    assert.deepEqual(
      rest.map(({ state, rest, reason }) => [state, rest, reason]),
      [is],
    );
  });
}

test('what came before a ban by hand is known after a restart, by what was written down', () => {
  const effect = anEffect({ state: 'effective', comparedWith: { pps: 3000, bps: null } });
  assert.deepEqual(said(times(20, {}), { ...byHand, effect }), []);
  assert.deepEqual(verdicts(said(times(20, { eth1: 3000 }), { ...byHand, effect })), ['ineffective']);
});

test('unproven is not told again every second, and gives way as soon as somebody sees', () => {
  const proof = newProof(peak, null, 0);
  announced(proof, 0, false);
  const states: string[] = [];
  for (let second = 1; second <= 40; second++) {
    const open = second < 5 || second > 20;
    const packets = second < 5 ? second * 100_000 : 400_000;
    const reading = open ? [{ source: 'eth1', packets, bytes: packets, ppsBefore: 0 }] : [];
    const now = observe(proof, reading, second * 1e6, policy);
    if (now !== null) states.push(`${second} ${now.state}`);
  }
  assert.deepEqual(states, ['10 unproven', '21 effective']);
});
