/** The turns of a crowd in one round of the event loop: few enough, short enough, all in the end, in order. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { createCrowd, crowdMs, turnsARound } from './crowd.js';

/** Rounds by hand: who is given a turn in one has it in the next. */
function scene(turnMs: number) {
  let now = 0;
  let due: (() => void)[] = [];
  const next = (run: () => void): void => void due.push(run);
  const crowd = createCrowd(() => now, next);
  const done: number[] = [];
  const members = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const member = crowd.join(
        () => next(() => member.turn()),
        () => {
          now += turnMs;
          done.push(index);
        },
      );
      return member;
    });
  const round = (): number => {
    const began = now;
    const some = due;
    due = [];
    for (const run of some) run();
    return now - began;
  };
  return { members, round, done, left: () => due.length };
}

test('thousands that ask at once are given their turns over many rounds, each once, in order', () => {
  const it = scene(0);
  const members = it.members(5_000);
  for (const member of members) member.ask();
  let rounds = 0;
  for (; it.left() > 0; rounds += 1) {
    const before = it.done.length;
    it.round();
    assert.ok(it.done.length - before <= 2 * turnsARound);
  }
  assert.ok(rounds >= 5_000 / turnsARound);
  assert.deepEqual(
    it.done,
    members.map((_, index) => index),
  );
});

test('once the time of a round is spent no turn begins in it, and none is lost', () => {
  const it = scene(crowdMs);
  for (const member of it.members(200)) member.ask();
  while (it.left() > 0) assert.ok(it.round() <= 2 * crowdMs);
  assert.deepEqual(
    [...it.done].sort((a, b) => a - b),
    [...Array(200).keys()],
  );
});

test('one that leaves is given nothing any more, and the others lose nothing by it', () => {
  const it = scene(0);
  const members = it.members(300);
  for (const member of members) member.ask();
  members[250]?.leave();
  while (it.left() > 0) it.round();
  assert.equal(it.done.length, 299);
  assert.ok(!it.done.includes(250));
});

test('who asks while nobody else does has its turn in the next round', () => {
  const it = scene(0);
  const [member] = it.members(1);
  for (let again = 1; again <= 5; again += 1) {
    member?.ask();
    it.round();
    assert.equal(it.done.length, again);
  }
});
