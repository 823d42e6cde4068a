import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Ref } from './behaviour.js';
import { gather } from './gather.js';

type Question = { readonly reply: (answer: string) => void };
const after = (ms: number, answer: string): Ref<Question> => ({
  id: answer,
  send: ({ reply }) => {
    setTimeout(() => reply(answer), ms);
    return true;
  },
});
const silent: Ref<Question> = { id: 'silent', send: () => true };
const full: Ref<Question> = { id: 'full', send: () => false };
const all = (refs: readonly Ref<Question>[], ms: number) =>
  gather<Question, string>(refs, (reply) => ({ reply }), ms);

test('answers keep the order of the asked, whoever answers first', async () => {
  assert.deepEqual(await all([after(20, 'slow'), after(0, 'quick')], 1_000), ['slow', 'quick']);
});

test('a silent actor costs the deadline and nobody else their answer', async () => {
  assert.deepEqual(await all([silent, after(0, 'here')], 50), [null, 'here']);
});

test('an actor without room is not waited for', async () => {
  const aTurnLater = new Promise((resolve) => setTimeout(resolve, 0, 'late'));
  assert.deepEqual(await Promise.race([all([full, full], 5_000), aTurnLater]), [null, null]);
});

test('nobody to ask is answered at once', async () => {
  assert.deepEqual(await all([], 5_000), []);
});
