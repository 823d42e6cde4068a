import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { type Delivery, noticeFailed } from '../../domain/notice.js';
import { someNotice } from '../../domain/notice-rehearsal.js';
import { emptyOutbox, maxAgeMs, maxAttempts, maxQueued, next, type Outbox, offer, settle } from './outbox.js';

const delivered: Delivery = { kind: 'delivered' };
const broken = noticeFailed('500', true);
const refused = noticeFailed('404', false);
/** The id of what it sends now; a wait in ms; null. */
const step = (box: Outbox, now: number): string | number | null => {
  const { step: what } = next(box, now);
  return what === null ? null : 'send' in what ? what.send.id : what.waitMs;
};
const [one, two, three] = [someNotice(1), someNotice(2), someNotice(3)];

test('notices go one at a time, in their order', () => {
  const box = emptyOutbox();
  offer(box, [one, two], 0);
  assert.equal(step(box, 0), one.id);
  assert.equal(step(box, 0), null);
  settle(box, one.id, delivered, 5, 0.5);
  assert.equal(step(box, 5), two.id);
  settle(box, two.id, delivered, 6, 0.5);
  assert.deepEqual([step(box, 6), box.delivered, box.queue.length], [null, 2, 0]);
});

test('a failure is tried again after 1, 2, 4 seconds, and the next waits behind it', () => {
  const box = emptyOutbox();
  offer(box, [one, two], 0);
  let now = 0;
  for (const pause of [1000, 2000, 4000]) {
    assert.equal(step(box, now), one.id);
    assert.equal(settle(box, one.id, broken, now, 0.5), null);
    assert.equal(step(box, now), pause);
    now += pause;
  }
  assert.equal(step(box, now), one.id);
  assert.equal(box.failed, 3);
});

test('a receiver that asks for more time gets it, up to a limit', () => {
  for (const [asked, waits] of [
    [30_000, 30_000],
    [10, 1000],
    [86_400_000, 300_000],
  ] as const) {
    const box = emptyOutbox();
    offer(box, [one], 0);
    step(box, 0);
    settle(box, one.id, noticeFailed('429', true, asked), 0, 0.5);
    assert.equal(step(box, 0), waits);
  }
});

test('what is refused for good is given up at once, and the next goes at once', () => {
  const box = emptyOutbox();
  offer(box, [one, two], 0);
  step(box, 0);
  assert.equal(settle(box, one.id, refused, 0, 0.5)?.id, one.id);
  assert.equal(step(box, 0), two.id);
  assert.equal(box.givenUp, 1);
});

test('attempts are limited, and so is age', () => {
  const box = emptyOutbox();
  offer(box, [one, two], 0);
  let now = 0;
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    assert.equal(step(box, now), one.id, `attempt ${attempt}`);
    const lost = settle(box, one.id, broken, now, 0.5);
    assert.equal(lost?.id ?? null, attempt === maxAttempts ? one.id : null);
    const wait = step(box, now);
    now += typeof wait === 'number' ? wait : 0;
  }
  assert.ok(now < maxAgeMs, `${now} ms for all attempts`);
  const { old } = next(box, maxAgeMs + 1);
  assert.deepEqual(
    old.map(({ id }) => id),
    [two.id],
  );
  assert.deepEqual([box.givenUp, box.queue.length], [2, 0]);
});

test('an event is taken once', () => {
  const box = emptyOutbox();
  offer(box, [one, one], 0);
  step(box, 0);
  settle(box, one.id, delivered, 0, 0.5);
  offer(box, [one], 1);
  assert.deepEqual([step(box, 1), box.repeated], [null, 2]);
});

test('a full queue drops the oldest, never the one on its way', () => {
  const box = emptyOutbox();
  const many = Array.from({ length: maxQueued + 3 }, (_, index) => someNotice(index));
  offer(box, many.slice(0, 1), 0);
  step(box, 0);
  const out = offer(box, many.slice(1), 0);
  assert.deepEqual(
    out.map(({ id }) => id),
    many.slice(1, 4).map(({ id }) => id),
  );
  assert.deepEqual([box.queue.length, box.dropped, box.queue[0]?.notice.id], [maxQueued, 3, many[0]?.id]);
});

test('word that is lost does not stop it', () => {
  const box = emptyOutbox();
  offer(box, [one], 0);
  assert.equal(step(box, 0), one.id);
  assert.equal(step(box, 59_000), null);
  assert.equal(step(box, 60_000), one.id);
  settle(box, three.id, delivered, 60_001, 0.5);
  assert.equal(box.delivered, 0);
});

test('nothing is told twice, and all is accounted for, whatever happens in whatever order', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), serial: fc.nat(40) }),
    fc.record({ kind: fc.constant('answer' as const), how: fc.constantFrom(delivered, broken, refused) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(400_000) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
      const box = emptyOutbox();
      const delivery = new Map<string, number>();
      let [now, taken] = [0, 0];
      let sending: string | null = null;
      for (const one of events) {
        if (one.kind === 'offer') {
          const before = box.repeated;
          offer(box, [someNotice(one.serial)], now);
          taken += 1 - (box.repeated - before);
        } else if (one.kind === 'pass') now += one.ms;
        else if (sending !== null) {
          if (one.how.kind === 'delivered') delivery.set(sending, (delivery.get(sending) ?? 0) + 1);
          settle(box, sending, one.how, now, 0.5);
          sending = null;
        }
        const what = step(box, now);
        if (typeof what === 'string') sending = what;
      }
      assert.equal(taken, box.delivered + box.givenUp + box.dropped + box.queue.length);
      assert.ok([...delivery.values()].every((count) => count === 1));
    }),
  );
});
