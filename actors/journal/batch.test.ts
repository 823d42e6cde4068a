import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { aMitigation } from '../../domain/rehearsal.js';
import { failure, type Result, success } from '../../domain/result.js';
import {
  again,
  attempts,
  type Batches,
  type Effect,
  maxWaiting,
  noBatches,
  offer,
  settle,
  type Write,
} from './batch.js';

const entry = { kind: 'mitigation', mitigation: aMitigation() } as const;
const done = success<void>(undefined);
const full = failure<void>('JOURNAL_UNWRITABLE', 'disk full');
const aWrite = (count = 1, reply: Write['reply'] = () => {}): Write => ({
  entries: Array.from({ length: count }, () => entry),
  reply,
});
const words = (effects: readonly Effect[]): string[] =>
  effects.map((effect) => {
    if (effect.kind === 'append') return `append ${effect.entries.length}`;
    if (effect.kind === 'reply') return `reply ${effect.writes.length} ${effect.result.ok}`;
    return `pause ${effect.ms}`;
  });

test('what comes while a transaction is under way is the next one', () => {
  const batches = noBatches();
  assert.deepEqual(words(offer(batches, aWrite())), ['append 1']);
  for (let count = 0; count < 3; count++) assert.deepEqual(words(offer(batches, aWrite(2))), []);
  assert.deepEqual(words(settle(batches, done)), ['reply 1 true', 'append 6']);
  assert.deepEqual(words(settle(batches, done)), ['reply 3 true']);
});

test('a failed transaction is tried again, then its writers hear of it and the next begins', () => {
  const batches = noBatches();
  offer(batches, aWrite());
  offer(batches, aWrite(2));
  assert.deepEqual(words(settle(batches, full)), ['pause 20']);
  assert.deepEqual(words(again(batches)), ['append 1']);
  assert.deepEqual(words(settle(batches, full)), ['pause 200']);
  assert.deepEqual(words(again(batches)), ['append 1']);
  assert.deepEqual(words(settle(batches, full)), ['reply 1 false', 'append 2']);
  assert.equal(batches.failed, 1);
});

test('beyond the bound a write is answered at once', () => {
  const batches = noBatches();
  offer(batches, aWrite());
  offer(batches, aWrite(maxWaiting));
  assert.deepEqual(words(offer(batches, aWrite())), ['reply 1 false']);
  assert.equal(batches.refused, 1);
});

test('in any order of events every write is answered once, in its order', () => {
  const anyEvent = fc.constantFrom('offer' as const, 'works' as const, 'fails' as const);
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      const batches: Batches = noBatches();
      const answered: number[] = [];
      let offered = 0;
      let underWay = false;
      const perform = (effects: readonly Effect[]): void => {
        for (const effect of effects) {
          if (effect.kind === 'append') underWay = true;
          if (effect.kind === 'pause') perform(again(batches));
          if (effect.kind === 'reply') for (const write of effect.writes) write.reply(effect.result);
        }
      };
      const come = (result: Result<void>): void => {
        if (!underWay) return;
        underWay = false;
        perform(settle(batches, result));
      };
      for (const event of events) {
        if (event === 'offer') {
          const number = offered++;
          perform(
            offer(
              batches,
              aWrite(1, () => answered.push(number)),
            ),
          );
        } else come(event === 'works' ? done : full);
      }
      for (let round = 0; round < 2 * attempts && underWay; round++) come(done);
      assert.deepEqual(
        answered,
        Array.from({ length: offered }, (_, number) => number),
      );
      assert.equal(batches.answered, batches.offered);
    }),
  );
});
