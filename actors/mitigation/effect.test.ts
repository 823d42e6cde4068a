/** Traffic by source, second by second, and what is said of the mitigation. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { ProofPolicy } from '../../domain/bgp.js';
import type { MitigationEffect } from '../../domain/mitigation.js';
import { announced, newProof, observe } from './effect.js';

const policy: ProofPolicy = { settleMs: 10_000, effectiveBelow: 0.1, escalate: 'none' };
const peak = { pps: 100_000, bps: 8e8 };
/** Packets per second by source, of 1,000 bytes each. */
type Traffic = { readonly [source: string]: number };

/** Announced after two seconds, unless told. `before`: rates just before it was watched. */
function said(
  seconds: readonly Traffic[],
  change: { before?: Traffic; effect?: MitigationEffect | null; announcedAfter?: number } = {},
) {
  const { before = {}, effect = null, announcedAfter = 2 } = change;
  const proof = newProof(peak, effect, 0);
  const told: { readonly second: number; readonly state: string; readonly seen: readonly string[] }[] = [];
  const note = (second: number, now: MitigationEffect | null): void => {
    if (now !== null) told.push({ second, state: now.state, seen: now.seen.map(({ source }) => source) });
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
    claim: 'less everywhere, and gone nowhere, is ineffective',
    after: { eth1: 30_000, eth2: 20_000 },
    is: ['ineffective', ['eth1', 'eth2']],
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
  assert.deepEqual(told.at(-1), { second: 11, state: 'partial', seen: ['eth2'] });
});

test('a source that never saw the attack frees nothing', () => {
  const told = said(times(15, { eth1: 90_000 }), { before: { eth1: 100_000, eth3: 50 } });
  assert.deepEqual(told.at(-1), { second: 11, state: 'ineffective', seen: ['eth1'] });
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
  const effect: MitigationEffect = {
    state: 'partial',
    since: -60e6,
    seen: [{ source: 'eth2', pps: 40_000, bps: 3.2e8 }],
  };
  assert.deepEqual(said(times(15, { eth2: 40_000 }), { effect }), []);
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
    assert.equal(at(second, [listener, count(told, 200_000)]), null);
  assert.equal(at(21, []), null);
  for (let second = 22; second <= 24; second++) at(second, [count('eth1', 0), listener]);
  assert.equal(proof.effect?.state, 'effective');
});
