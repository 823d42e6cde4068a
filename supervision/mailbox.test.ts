import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMailbox, type Mailbox } from './mailbox.js';
import type { MailboxSpec } from './spec.js';

const drained = (box: Mailbox<string>): readonly string[] => {
  const all: string[] = [];
  while (box.size() > 0) all.push(box.take());
  return all;
};
const keyOf = (message: string): string | null =>
  message.includes('=') ? (message.split('=')[0] ?? null) : null;

type Row = {
  readonly claim: string;
  readonly overflow: MailboxSpec<string>['overflow'];
  readonly offered: readonly string[];
  readonly outcomes: readonly string[];
  readonly left: readonly string[];
  readonly dropped: number;
};
const rows: readonly Row[] = [
  {
    claim: 'drop_new refuses what comes to a full mailbox',
    overflow: { kind: 'drop_new' },
    offered: ['a', 'b', 'c', 'd'],
    outcomes: ['queued', 'queued', 'queued', 'dropped_new'],
    left: ['a', 'b', 'c'],
    dropped: 1,
  },
  {
    claim: 'drop_old lets go of the oldest',
    overflow: { kind: 'drop_old' },
    offered: ['a', 'b', 'c', 'd', 'e'],
    outcomes: ['queued', 'queued', 'queued', 'dropped_old', 'dropped_old'],
    left: ['c', 'd', 'e'],
    dropped: 2,
  },
  {
    claim: 'conflate replaces in place what waits under the same key',
    overflow: { kind: 'conflate', key: keyOf },
    offered: ['x=1', 'y=1', 'x=2', 'y=2', 'x=3'],
    outcomes: ['queued', 'queued', 'replaced', 'replaced', 'replaced'],
    left: ['x=3', 'y=2'],
    dropped: 0,
  },
  {
    claim: 'conflate never replaces what has no key, and drops new ones when full',
    overflow: { kind: 'conflate', key: keyOf },
    offered: ['a', 'a', 'x=1', 'a', 'x=2'],
    outcomes: ['queued', 'queued', 'queued', 'dropped_new', 'replaced'],
    left: ['a', 'a', 'x=2'],
    dropped: 1,
  },
  {
    claim: 'fail reports the overflow',
    overflow: { kind: 'fail' },
    offered: ['a', 'b', 'c', 'd'],
    outcomes: ['queued', 'queued', 'queued', 'overflow'],
    left: ['a', 'b', 'c'],
    dropped: 1,
  },
];
for (const row of rows) {
  test(row.claim, () => {
    const box = createMailbox<string>({ bound: 3, overflow: row.overflow });
    expect(row.offered.map((message) => box.offer(message))).toEqual(row.outcomes);
    expect(box.dropped()).toBe(row.dropped);
    expect(drained(box)).toEqual(row.left);
  });
}

test("the actor's own messages find room in a full mailbox, in their turn, and are not evicted", () => {
  const box = createMailbox<string>({ bound: 2, overflow: { kind: 'drop_old' } });
  box.offer('a');
  box.offerOwn('timer', { pending: false });
  for (const message of ['b', 'c', 'd']) box.offer(message);
  expect(drained(box)).toEqual(['timer', 'c', 'd']);
});

test('a message under a key that has been taken is not replaced any more', () => {
  const box = createMailbox<string>({ bound: 2, overflow: { kind: 'conflate', key: keyOf } });
  box.offer('x=1');
  expect(box.take()).toBe('x=1');
  expect(box.offer('x=2')).toBe('queued');
});

test('disown forgets own messages alone and settles their origins', () => {
  const box = createMailbox<string>({ bound: 9, overflow: { kind: 'drop_new' } });
  const origin = { pending: false };
  box.offer('a');
  box.offerOwn('tick', origin);
  expect(origin.pending).toBe(true);
  box.disown();
  expect([origin.pending, drained(box)]).toEqual([false, ['a']]);
});

/** The same mailbox, slow and obvious: one list. */
function slowModel(spec: MailboxSpec<string>) {
  let list: { message: string; own: boolean }[] = [];
  let dropped = 0;
  return {
    offer: (message: string): void => {
      const key = spec.overflow.kind === 'conflate' ? spec.overflow.key(message) : null;
      const same = list.findIndex((one) => key !== null && !one.own && keyOf(one.message) === key);
      if (same >= 0) {
        list[same] = { message, own: false };
        return;
      }
      if (list.filter((one) => !one.own).length < spec.bound) {
        list.push({ message, own: false });
        return;
      }
      dropped += 1;
      if (spec.overflow.kind !== 'drop_old') return;
      list.splice(
        list.findIndex((one) => !one.own),
        1,
      );
      list.push({ message, own: false });
    },
    own: (message: string): void => {
      list.push({ message, own: true });
    },
    disown: (): void => {
      list = list.filter((one) => !one.own);
    },
    take: (): string | undefined => list.shift()?.message,
    size: (): number => list.length,
    dropped: (): number => dropped,
  };
}

const overflows = fc.constantFrom<MailboxSpec<string>['overflow']>(
  { kind: 'drop_new' },
  { kind: 'drop_old' },
  { kind: 'conflate', key: keyOf },
  { kind: 'fail' },
);
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('offer'),
        text: fc.constantFrom('a', 'b', 'x=1', 'x=2', 'y=1'),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('take'), text: fc.constant('') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('own'), text: fc.constantFrom('t1', 't2') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('disown'), text: fc.constant('') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('burst'), text: fc.constant('') }) },
  ),
  { maxLength: 200 },
);

test('it does what the slow model does, whatever the order of events', () => {
  fc.assert(
    fc.property(overflows, fc.integer({ min: 1, max: 60 }), steps, (overflow, bound, events) => {
      const box = createMailbox<string>({ bound, overflow });
      const model = slowModel({ bound, overflow });
      events.forEach(({ kind, text }, at) => {
        // Each message its own, so that a mix-up shows; conflated ones by their key.
        const message = `${text}#${at}`;
        if (kind === 'offer') {
          box.offer(message);
          model.offer(message);
        } else if (kind === 'burst') {
          for (let n = 0; n < 40; n++) {
            box.offer(`b${at}.${n}`);
            model.offer(`b${at}.${n}`);
          }
        } else if (kind === 'own') {
          box.offerOwn(message, { pending: false });
          model.own(message);
        } else if (kind === 'disown') {
          box.disown();
          model.disown();
        } else if (model.size() > 0) {
          expect(box.take()).toBe(model.take());
        }
        expect([box.size(), box.dropped()]).toEqual([model.size(), model.dropped()]);
      });
      while (model.size() > 0) expect(box.take()).toBe(model.take());
      expect(box.size()).toBe(0);
    }),
    { numRuns: 500 },
  );
});
