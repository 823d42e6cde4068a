/** Giving way: to others who are at work, and not for ever. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { busyMs, mostLeft, openWay } from './way.js';

test('a round is left to others when they took long, and taken when only we did', () => {
  let now = 0;
  const isTheirs = openWay(() => now);
  assert.equal(isTheirs(0), false);
  now += 3;
  assert.equal(isTheirs(3), false); // all of it was ours
  now += 3 + busyMs;
  assert.equal(isTheirs(3), false);
  now += 3 + 2 * busyMs;
  assert.equal(isTheirs(3), true);
  now += busyMs / 2;
  assert.equal(isTheirs(0), false); // they are done
});

test('others who are always at work get so many rounds for each one that is taken', () => {
  let now = 0;
  const isTheirs = openWay(() => now);
  const rounds = Array.from({ length: 3 * (mostLeft + 1) }, () => {
    now += 5 * busyMs;
    return isTheirs(0);
  });
  assert.equal(rounds.filter((theirs) => !theirs).length, 3);
});
