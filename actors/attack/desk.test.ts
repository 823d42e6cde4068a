/** The desk: who sits, what is done in one round, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Outcome, Work } from '../../domain/work.js';
import { type Desk, mostBytes, mostQueued, mostSeats, openDesk, sliceMs } from './desk.js';

/** Each step takes as long as it says. */
function scene(): {
  readonly desk: Desk;
  readonly round: () => boolean;
  readonly work: (name: string, stepsMs: readonly number[]) => Work<string>;
  readonly heard: string[];
  readonly hear: (outcome: Outcome<string>) => void;
  readonly rounds: number[];
} {
  let now = 0;
  const due: (() => void)[] = [];
  const heard: string[] = [];
  const rounds: number[] = [];
  return {
    desk: openDesk({ now: () => now, nextRound: (run) => void due.push(run) }),
    round: () => {
      const began = now;
      const some = due.splice(0);
      for (const run of some) run();
      if (some.length > 0) rounds.push(now - began);
      return some.length > 0;
    },
    *work(name, stepsMs) {
      for (const ms of stepsMs) {
        now += ms;
        yield;
      }
      return name;
    },
    heard,
    hear: (outcome) =>
      void heard.push('value' in outcome ? outcome.value : `thrown ${String(outcome.thrown)}`),
    rounds,
  };
}

test('a round takes no longer than a slice and one step, and the order is that of arrival', () => {
  const it = scene();
  for (const name of ['a', 'b', 'c']) it.desk.explain(it.work(name, [2, 2, 2, 2]), it.hear);
  assert.deepEqual(it.heard, []); // nothing is done in the turn of the one who asks
  while (it.round());
  assert.deepEqual(it.heard, ['a', 'b', 'c']);
  assert.ok(
    it.rounds.every((ms) => ms < sliceMs + 2),
    it.rounds.join(),
  );
  assert.ok(it.rounds.length >= 6);
});

test('what is hurried goes before the rest, what is cancelled is not heard of', () => {
  const it = scene();
  const jobs = ['a', 'b', 'c', 'd'].map((name) => it.desk.explain(it.work(name, [5]), it.hear));
  jobs[1]?.cancel();
  jobs[3]?.hurry();
  while (it.round());
  assert.deepEqual(it.heard, ['d', 'a', 'c']);
  assert.deepEqual(it.desk.report(), {
    seated: 0,
    waiting: 0,
    unseated: 0,
    queued: 0,
    explained: 3,
    refused: 0,
  });
});

test('work that throws is heard of, and the next one is done', () => {
  const it = scene();
  // biome-ignore lint/correctness/useYield: it throws before
  function* broken(): Work<string> {
    throw new Error('broken');
  }
  it.desk.explain(broken(), it.hear);
  it.desk.explain(it.work('next', [1]), it.hear);
  while (it.round());
  assert.deepEqual(it.heard, ['thrown Error: broken', 'next']);
});

test('more works than may wait are refused and counted', () => {
  const it = scene();
  for (let index = 0; index < mostQueued; index += 1)
    assert.notEqual(it.desk.explain(it.work('x', []), it.hear), null);
  assert.equal(it.desk.explain(it.work('y', []), it.hear), null);
  assert.equal(it.desk.report().refused, 1);
});

test('seats are given in the order of asking, each once, and one that waits can leave', () => {
  const { desk } = scene();
  const called: number[] = [];
  const wants = { packets: 1, sampleBytes: 64 };
  const asked = Array.from({ length: mostSeats + 4 }, (_, index) =>
    desk.seat(wants, () => void called.push(index)),
  );
  assert.equal(asked.filter((one) => one.taken()).length, mostSeats);
  asked[mostSeats + 1]?.leave();
  for (const index of [0, 0, 7]) asked[index]?.leave();
  assert.deepEqual(called, [mostSeats, mostSeats + 2]);
  const { seated, waiting, unseated } = desk.report();
  assert.deepEqual([seated, waiting, unseated], [mostSeats, 1, 1]);
});

test('no more is gathered than the bound in bytes, but one attack may gather whatever it is', () => {
  const { desk } = scene();
  const half = { packets: 1000, sampleBytes: mostBytes / 2000 };
  const asked = Array.from({ length: 4 }, () => desk.seat(half, () => {}));
  assert.deepEqual(
    asked.map((one) => one.taken()),
    [true, false, false, false],
  );
  asked[0]?.leave();
  assert.equal(desk.report().seated, 1);
  const small = { packets: 1, sampleBytes: 64 };
  const late = desk.seat(small, () => {});
  assert.equal(late.taken(), false); // who asked before it is before it
  for (const one of asked) one.leave();
  assert.equal(late.taken(), true);
  assert.deepEqual([desk.seat(half, () => {}).taken(), desk.seat(half, () => {}).taken()], [true, false]);
  const empty = scene().desk;
  assert.equal(empty.seat({ packets: 65_536, sampleBytes: 65_535 }, () => {}).taken(), true);
  assert.equal(empty.seat(small, () => {}).taken(), false);
});
