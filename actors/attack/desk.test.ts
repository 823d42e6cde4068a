/** The desk: who sits, what is done in one round, and in which order. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Outcome, Work } from '../../domain/work.js';
import { type Desk, mostQueued, openDesk, seats, sliceMs } from './desk.js';

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
  assert.deepEqual(it.desk.report(), { seated: 0, waiting: 0, queued: 0, explained: 3, refused: 0 });
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
  const asked = Array.from({ length: seats + 4 }, (_, index) => desk.seat(() => void called.push(index)));
  assert.equal(asked.filter((one) => one.taken()).length, seats);
  asked[seats + 1]?.leave();
  for (const index of [0, 0, 7]) asked[index]?.leave();
  assert.deepEqual(called, [seats, seats + 2]);
  assert.deepEqual([desk.report().seated, desk.report().waiting], [seats, 1]);
});
