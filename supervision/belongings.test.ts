import { expect, test, vi } from 'vitest';
import { ask } from './ask.js';
import type { Behaviour, Context } from './behaviour.js';
import { createBelongings, maxTimers } from './belongings.js';
import { createMailbox } from './mailbox.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { idle, pass, startOn, supervisor, tenancy } from './rehearsal.js';
import type { Runtime } from './runtime.js';
import { nodeTimers } from './timers.js';

type Message =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'crash' }
  | { readonly kind: 'hang' };

async function noting(
  init: (context: Context<Message>) => void,
  receive: (message: Message, context: Context<Message>) => unknown = () => null,
) {
  const time = manualTime();
  const notes: string[] = [];
  const place = createPlace<Message>('a');
  const behaviour = (): Behaviour<null, Message> => ({
    name: 'a',
    init: (context) => {
      init(context);
      return null;
    },
    receive: (_, message, context) => {
      if (message.kind === 'crash') throw new Error('crash');
      if (message.kind === 'note') notes.push(`${time.clock.now()} ${message.text}`);
      return receive(message, context) as null | Promise<null>;
    },
  });
  const tree = await startOn(
    time,
    supervisor('root', [place.child(tenancy(behaviour, { busyLimitMs: 60_000 }))]),
  );
  return { time, tree, notes, ref: place.ref };
}

test('after comes once, in time; every comes again and again', async () => {
  const { time, tree, notes } = await noting((context) => {
    context.after(30, { kind: 'note', text: 'once' });
    context.every(20, { kind: 'note', text: 'tick' });
  });
  await pass(time, 65);
  expect(notes).toEqual(['20 tick', '30 once', '40 tick', '60 tick']);
  await tree.stop();
  expect(time.armed()).toBe(0);
});

test('a cancelled timer stays silent', async () => {
  const { time, tree, notes } = await noting((context) => {
    context.after(10, { kind: 'note', text: 'once' })();
    context.every(10, { kind: 'note', text: 'tick' })();
  });
  await pass(time, 50);
  expect([notes, time.armed()]).toEqual([[], 0]);
  await tree.stop();
});

test('timers die with their incarnation, the ticks already in the mailbox too', async () => {
  const { time, tree, notes, ref } = await noting((context) => {
    context.after(5, { kind: 'note', text: `first tick of ${context.generation}` });
    context.every(100, { kind: 'note', text: `tick of ${context.generation}` });
  });
  ref.send({ kind: 'crash' });
  time.advance(5); // the tick falls due behind the crash, before the crash has been handled
  await pass(time, 120);
  expect(notes).toEqual(['20 first tick of 2', '115 tick of 2']);
  await tree.stop();
});

test('a tick that finds the last one unhandled is skipped and counted', async () => {
  let release: () => void = () => {};
  const { time, tree, notes } = await noting(
    (context) => {
      context.every(10, { kind: 'note', text: 'tick' });
    },
    () =>
      new Promise<null>((resolve) => {
        release = () => resolve(null);
      }),
  );
  await pass(time, 55);
  expect([notes, tree.counters().skippedTicks]).toEqual([['10 tick'], 4]);
  release();
  await pass(time, 5);
  expect(notes).toEqual(['10 tick', '60 tick']);
  release();
  await tree.stop();
});

test('a late tick does not shift the beat, and missed ticks are not made up for', () => {
  let now = 0;
  const armed: { at: number; run: () => void }[] = [];
  const timers = {
    start: (ms: number, run: () => void) => {
      armed.push({ at: now + ms, run });
      return () => {};
    },
  };
  const box = createMailbox<string>({ bound: 9, overflow: { kind: 'drop_new' } });
  const runtime = { clock: { now: () => now, unixMicros: () => 0 }, timers, counters: { skippedTicks: 0 } };
  const belongings = createBelongings(
    runtime as unknown as Runtime,
    box,
    () => {},
    () => {},
  );
  belongings.every(10, 'tick');
  const dues: number[] = [];
  for (const late of [0, 3, 14, 0, 0]) {
    const timer = armed.shift();
    dues.push(timer?.at ?? -1);
    now = (timer?.at ?? 0) + late;
    timer?.run();
    expect(box.take()).toBe('tick');
    const origin = box.origin();
    if (origin !== null) origin.pending = false;
  }
  expect(dues).toEqual([10, 20, 30, 50, 60]);
});

test('a timer of no sense, or one too many, is a crash of the handler that asked', async () => {
  const asked = [Number.NaN, -1, Number.POSITIVE_INFINITY];
  const { time, tree } = await noting((context) => {
    const ms = asked[context.generation - 1];
    if (ms !== undefined) context.after(ms, { kind: 'crash' });
    else for (let n = 0; n <= maxTimers; n++) context.after(1000, { kind: 'crash' });
  });
  const crashes: unknown[] = [];
  for (let n = 0; n < 4; n++) {
    await idle();
    crashes.push(tree.snapshot().children[0]?.lastCrash);
    await pass(time, 10 * 2 ** n);
  }
  expect(crashes).toEqual([
    'RangeError: a timer of NaN ms',
    'RangeError: a timer of -1 ms',
    'RangeError: a timer of Infinity ms',
    `RangeError: more than ${maxTimers} timers`,
  ]);
  expect((await tree.ended).reason).toBe('gave_up');
  expect(time.armed()).toBe(0);
});

test('a delay longer than Node can wait is waited in stages', () => {
  vi.useFakeTimers();
  try {
    const days = 24 * 3600 * 1000;
    let fired = 0;
    nodeTimers.start(60 * days, () => {
      fired += 1;
    });
    const cancel = nodeTimers.start(60 * days, () => {
      fired += 100;
    });
    vi.advanceTimersByTime(50 * days);
    cancel();
    expect(fired).toBe(0);
    vi.advanceTimersByTime(10 * days);
    expect(fired).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test('ask gives the first reply, TIMEOUT for none, and TIMEOUT at once for a dropped question', async () => {
  const time = manualTime();
  type Question = { readonly reply: (answer: number) => void; readonly times: number };
  const place = createPlace<Question>('a');
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'a',
          init: () => null,
          receive: (_: null, question: Question) => {
            for (let n = 1; n <= question.times; n++) question.reply(n);
            return null;
          },
        })),
      ),
    ]),
  );
  const question = (times: number) =>
    ask<Question, number>(place.ref, (reply) => ({ reply, times }), 100, time.timers);
  expect(await question(2)).toEqual({ ok: true, value: 1 });
  expect(time.armed()).toBe(0);
  const unanswered = question(0);
  await pass(time, 100);
  expect(await unanswered).toEqual({
    ok: false,
    error: { code: 'TIMEOUT', detail: "'a' gave no answer within 100 ms" },
  });
  await tree.stop();
  expect(await question(1)).toEqual({
    ok: false,
    error: { code: 'TIMEOUT', detail: "'a' did not take the question" },
  });
  expect(time.armed()).toBe(0);
});
