import { expect, test } from 'vitest';
import { ask } from './ask.js';
import type { Behaviour, Context } from './behaviour.js';
import { turnMessages } from './incarnation.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, pass, startOn, supervisor, tenancy } from './rehearsal.js';

type Count =
  | { readonly kind: 'add'; readonly n: number }
  | { readonly kind: 'throw' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'later'; readonly sum: Promise<number> }
  | { readonly kind: 'tell'; readonly reply: (sum: number) => void };

const counter = (): Behaviour<number, Count> => ({
  name: 'counter',
  init: () => 0,
  receive: (sum, message) => {
    switch (message.kind) {
      case 'add':
        return sum + message.n;
      case 'throw':
        throw new Error('told to');
      case 'hang':
        return new Promise<number>(() => {});
      case 'later':
        return message.sum;
      case 'tell':
        message.reply(sum);
        return sum;
    }
  },
});

const sumOf = (ref: { send: (m: Count) => boolean; id: string }): Promise<unknown> =>
  ask<Count, number>(ref, (reply) => ({ kind: 'tell', reply }), 1000);

test('messages are handled in the order of arrival, one at a time', async () => {
  const time = manualTime();
  const seen: string[] = [];
  const place = createPlace<number>('a');
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => null,
          receive: async (state: null, n: number) => {
            seen.push(`in ${n}`);
            await idle(n % 3);
            seen.push(`out ${n}`);
            return state;
          },
        })),
      ),
    ]),
  );
  for (let n = 0; n < 10; n++) place.ref.send(n);
  await idle(100);
  expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => [`in ${n}`, `out ${n}`]).flat());
  await tree.stop();
});

test('a crash loses the state and the message at fault, and keeps what was waiting', async () => {
  const time = manualTime();
  const place = createPlace<Count>('counter');
  const tree = await startOn(time, supervisor('root', [place.child(tenancy(counter))]));
  place.ref.send({ kind: 'add', n: 1 });
  place.ref.send({ kind: 'throw' });
  place.ref.send({ kind: 'add', n: 10 });
  await pass(time, 10);
  expect(await sumOf(place.ref)).toEqual({ ok: true, value: 10 });
  const [node] = tree.snapshot().children;
  expect(node).toMatchObject({ generation: 2, restarts: 1, lastCrash: 'Error: told to', dropped: 0 });
  await tree.stop();
});

test('the late result of a handler that was given up changes nothing', async () => {
  const time = manualTime();
  const place = createPlace<Count>('counter');
  const tree = await startOn(time, supervisor('root', [place.child(tenancy(counter, { busyLimitMs: 100 }))]));
  let settle: (n: number) => void = () => {};
  place.ref.send({
    kind: 'later',
    sum: new Promise((resolve) => {
      settle = resolve;
    }),
  });
  await idle();
  await pass(time, 110);
  place.ref.send({ kind: 'add', n: 2 });
  await idle();
  settle(1_000_000);
  await idle();
  expect(await sumOf(place.ref)).toEqual({ ok: true, value: 2 });
  expect(tree.snapshot().children[0]).toMatchObject({
    generation: 2,
    lastCrash: 'busy for more than 100 ms',
  });
  await tree.stop();
});

test('a turn ends after its share of messages, so the event loop goes on', async () => {
  const time = manualTime();
  const place = createPlace<number>('a');
  let handled = 0;
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => null,
          receive: (state: null) => {
            handled += 1;
            return state;
          },
        })),
      ),
    ]),
  );
  for (let n = 0; n < turnMessages + 44; n++) place.ref.send(n);
  await idle(1);
  expect(handled).toBe(turnMessages);
  await idle(2);
  expect(handled).toBe(turnMessages + 44);
  await tree.stop();
});

test('a turn ends after 2 ms of slow handlers', async () => {
  const time = manualTime();
  const place = createPlace<number>('a');
  let handled = 0;
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => null,
          receive: (state: null) => {
            handled += 1;
            time.advance(1);
            return state;
          },
        })),
      ),
    ]),
  );
  for (let n = 0; n < 10; n++) place.ref.send(n);
  await idle(1);
  expect(handled).toBe(2);
  await tree.stop();
});

test('a handler that blocks past its limit is a crash when it returns', async () => {
  const time = manualTime();
  const place = createPlace<number>('a');
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => null,
          receive: (state: null) => {
            time.advance(5001);
            return state;
          },
        })),
      ),
    ]),
  );
  place.ref.send(1);
  await idle();
  expect(tree.snapshot().children[0]).toMatchObject({ lastCrash: 'busy for more than 5000 ms' });
  await tree.stop();
});

test('an orderly stop handles what was waiting, then runs stop with the last state', async () => {
  const time = manualTime();
  const place = createPlace<number>('a');
  let left: number | null = null;
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => 0,
          receive: (sum: number, n: number) => sum + n,
          stop: (sum: number) => {
            left = sum;
          },
        })),
      ),
    ]),
  );
  for (let n = 1; n <= 700; n++) place.ref.send(n);
  await tree.stop();
  expect(left).toBe((700 * 701) / 2);
  expect(place.ref.send(1)).toBe(false);
  expect(tree.deadLetters()).toBe(1);
  expect(await tree.ended).toEqual({ id: 'root', reason: 'stopped', error: null });
});

test('a stop that hangs is over at its deadline', async () => {
  const time = manualTime();
  const tree = await startOn(
    time,
    supervisor('root', [
      actor('a', () => ({
        name: 'a',
        init: () => null,
        receive: () => null,
        stop: () => new Promise<void>(() => {}),
      })),
    ]),
  );
  let ended = false;
  const stopped = tree.stop().then(() => {
    ended = true;
  });
  await pass(time, 999);
  expect(ended).toBe(false);
  await pass(time, 1);
  await stopped;
  expect(time.armed()).toBe(0);
});

test('finish ends a transient actor as done, and its place refuses messages', async () => {
  const time = manualTime();
  const place = createPlace<string>('a');
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(
          () => ({
            name: 'a',
            init: () => null,
            receive: (state: null, _message: string, context: Context<string>) => {
              context.finish();
              return state;
            },
          }),
          { restart: 'transient' },
        ),
      ),
    ]),
  );
  place.ref.send('go');
  place.ref.send('too late');
  await idle();
  expect(tree.snapshot().children[0]).toMatchObject({ state: 'ended', handled: 1, restarts: 0 });
  expect(place.ref.send('gone')).toBe(false);
  expect(tree.deadLetters()).toBe(2);
  await tree.stop();
});

test('the signal of an incarnation is aborted by its crash', async () => {
  const time = manualTime();
  const place = createPlace<string>('a');
  const signals: AbortSignal[] = [];
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: (context: Context<string>) => {
            signals.push(context.signal);
            return null;
          },
          receive: () => {
            throw new Error('no');
          },
        })),
      ),
    ]),
  );
  place.ref.send('go');
  await pass(time, 10);
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  await tree.stop();
  expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
});
