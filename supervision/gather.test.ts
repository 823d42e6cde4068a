import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type Ask, askOne, gather } from './gather.js';

const at =
  (ms: number, value: string): Ask<string> =>
  (reply) => {
    setTimeout(() => reply(value), ms);
    return true;
  };
const refused: Ask<string> = () => false;
const silent: Ask<string> = () => true;

test('answers keep the order of the asks, whoever answers first', async () => {
  assert.deepEqual(await gather([at(20, 'slow'), at(0, 'quick')], 1000), ['slow', 'quick']);
});

test('a silent actor costs the deadline and nobody else their answer', async () => {
  assert.deepEqual(await gather([silent, at(0, 'here')], 50), [null, 'here']);
});

test('a refused ask is not waited for', async () => {
  const before = performance.now();
  assert.deepEqual(await gather([refused, refused], 5_000), [null, null]);
  assert.ok(performance.now() - before < 1_000);
});

test('only the first reply of an actor counts', async () => {
  const twice: Ask<string> = (reply) => {
    reply('first');
    reply('second');
    return true;
  };
  assert.deepEqual(await gather([twice, at(10, 'other')], 1000), ['first', 'other']);
});

test('nobody to ask is answered at once', async () => {
  assert.deepEqual(await gather([], 5_000), []);
  assert.equal(await askOne(refused, 5_000), null);
});
