/**
 * The limits of nact 7.6.2 with starts, ends and restarts, one by one: first what nact does, then what this room
 * makes of it.
 * A row whose first half fails has been mended in nact; what we built around it can then go.
 */
import * as nact from 'nact';
import { afterEach, expect, test } from 'vitest';
import type { Context } from './behaviour.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, pass, startOn, supervisor, tenancy } from './rehearsal.js';
import { startTree, type Tree } from './tree.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanUps.splice(0)) await clean();
});

const bareSystem = (): nact.ActorSystemRef => {
  const system = nact.start();
  cleanUps.push(() => nact.stop(system));
  return system;
};
const kept = (tree: Tree): Tree => {
  cleanUps.push(() => tree.stop());
  return tree;
};

test('nact leaves the children of a stopped actor running; ours are down before their parent', async () => {
  const handled: string[] = [];
  const parent = nact.spawn(bareSystem(), (state: null) => state);
  const child = nact.spawn(parent, (state: null, message: string) => {
    handled.push(message);
    return state;
  });
  for (const message of ['one', 'two', 'three']) nact.dispatch(child, message);
  nact.stop(parent);
  await idle(6);
  expect(handled).toEqual(['one', 'two', 'three']);

  const log: string[] = [];
  const childOf = (id: string) => ({
    name: id,
    init: () => null,
    receive: () => null,
    stop: () => {
      log.push(id);
    },
  });
  const tree = await startOn(
    manualTime(),
    supervisor('root', [
      actor('parent', () => ({
        ...childOf('parent'),
        init: (context: Context<null>) => {
          for (const id of ['x', 'y']) context.spawn(actor(id, () => childOf(id)));
          return null;
        },
      })),
    ]),
  );
  await idle();
  await tree.stop();
  expect(log).toEqual(['y', 'x', 'parent']);
});

test('nact runs afterStop while a handler is still at work; our stop waits for it, and runs once', async () => {
  const bare: string[] = [];
  const slow = nact.spawn(
    bareSystem(),
    async (state: null, _n: number) => {
      await idle(5);
      bare.push('handler');
      return state;
    },
    'slow',
    {
      afterStop: () => {
        bare.push('afterStop');
      },
    },
  );
  nact.dispatch(slow, 1);
  await idle(2);
  nact.stop(slow);
  await idle(10);
  expect(bare).toEqual(['afterStop', 'handler']);

  const ours: string[] = [];
  const place = createPlace<number>('slow');
  const tree = await startOn(
    manualTime(),
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'slow',
          init: () => null,
          receive: async () => {
            await idle(5);
            ours.push('handler');
            return null;
          },
          stop: () => {
            ours.push('stop');
          },
        })),
      ),
    ]),
  );
  place.ref.send(1);
  await idle(2);
  await Promise.all([tree.stop(), tree.stop()]);
  expect(ours).toEqual(['handler', 'stop']);
});

test('nact runs two handlers of an actor at once after resetAll; a group restart of ours never does', async () => {
  const most = { now: 0, most: 0 };
  const work = async (): Promise<null> => {
    most.now += 1;
    most.most = Math.max(most.most, most.now);
    await idle(6);
    most.now -= 1;
    return null;
  };
  const parent = nact.spawn(bareSystem(), (state: null) => state);
  const busy = nact.spawn(parent, (_state: null, _n: number) => work(), 'busy');
  const bad = nact.spawn(
    parent,
    (_state: null, _n: number): null => {
      throw new Error('bad');
    },
    'bad',
    { onCrash: (_message, _error, context) => context.resetAll },
  );
  nact.dispatch(busy, 1);
  nact.dispatch(busy, 2);
  nact.dispatch(bad, 1);
  await idle(20);
  expect(most.most).toBe(2);

  most.most = 0;
  const time = manualTime();
  const steady = createPlace<number>('busy');
  const faulty = createPlace<number>('bad');
  const tree = kept(
    await startOn(
      time,
      supervisor(
        'root',
        [
          steady.child(tenancy(() => ({ name: 'busy', init: () => null, receive: work }))),
          faulty.child(
            tenancy(() => ({
              name: 'bad',
              init: () => null,
              receive: (): null => {
                throw new Error('bad');
              },
            })),
          ),
        ],
        { strategy: 'one_for_all' },
      ),
    ),
  );
  steady.ref.send(1);
  steady.ref.send(2);
  faulty.ref.send(1);
  await idle(20);
  await pass(time, 10);
  await idle(20);
  expect(most.most).toBe(1);
  expect(tree.snapshot().children.map((node) => [node.generation, node.handled])).toEqual([
    [2, 2],
    [2, 1],
  ]);
});

test('nact restarts a throwing initial state without end or pause; ours spends a budget, with backoff', async () => {
  let attempts = 0;
  nact.spawn(bareSystem(), (state: null) => state, 'spinning', {
    initialStateFunc: () => {
      attempts += 1;
      if (attempts < 10_000) throw new Error('not yet'); // without this it would not let go of the event loop
      return null;
    },
    onCrash: (_message, _error, context) => context.reset,
  });
  await idle(1);
  expect(attempts).toBe(10_000);

  attempts = 0;
  const time = manualTime();
  const tree = await startOn(
    time,
    supervisor('root', [
      actor('failing', () => ({
        name: 'failing',
        init: (): null => {
          attempts += 1;
          throw new Error('never');
        },
        receive: () => null,
      })),
    ]),
  );
  await idle();
  expect(attempts).toBe(1);
  await pass(time, 10 + 20 + 40);
  expect(attempts).toBe(4);
  expect(await tree.ended).toEqual({ id: 'root', reason: 'gave_up', error: 'failing: Error: never' });
});

test('nact has no death watch; a watch of ours tells the end of a place once, and no restart', async () => {
  expect(Object.keys(nact).filter((name) => /watch|monitor|link/i.test(name))).toEqual([]);

  const time = manualTime();
  const watched = createPlace<'crash' | 'finish'>('watched');
  const watcher = createPlace<string>('watcher');
  const told: string[] = [];
  kept(
    await startOn(
      time,
      supervisor('root', [
        watched.child(
          tenancy(
            () => ({
              name: 'watched',
              init: () => null,
              receive: (_: null, message: 'crash' | 'finish', context: Context<'crash' | 'finish'>) => {
                if (message === 'crash') throw new Error('crash');
                context.finish();
                return null;
              },
            }),
            { restart: 'transient' },
          ),
        ),
        watcher.child(
          tenancy(() => ({
            name: 'watcher',
            init: (context: Context<string>) => {
              context.watch(watched.ref, (exit) => `${exit.id} ${exit.reason}`);
              return null;
            },
            receive: (_: null, message: string) => {
              told.push(message);
              return null;
            },
          })),
        ),
      ]),
    ),
  );
  watched.ref.send('crash');
  await pass(time, 10);
  expect(told).toEqual([]);
  watched.ref.send('finish');
  await idle();
  expect(told).toEqual(['watched done']);
});

test('nact has no restart limit; a supervisor of ours gives up, and the root ends the tree', async () => {
  let crashes = 0;
  const ref = nact.spawn(
    bareSystem(),
    (_state: null, _n: number): null => {
      crashes += 1;
      throw new Error('again');
    },
    'failing',
    { onCrash: (_message, _error, context) => context.resume },
  );
  for (let n = 0; n < 200; n++) nact.dispatch(ref, n);
  await idle(450);
  expect(crashes).toBe(200);

  crashes = 0;
  const time = manualTime();
  const place = createPlace<number>('failing');
  const tree = await startOn(
    time,
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'failing',
          init: () => null,
          receive: (): null => {
            crashes += 1;
            throw new Error('again');
          },
        })),
      ),
    ]),
  );
  for (let n = 0; n < 200; n++) place.ref.send(n);
  await pass(time, 10_000);
  expect(crashes).toBe(4);
  expect((await tree.ended).reason).toBe('gave_up');
  expect(tree.deadLetters()).toBe(196);
});

test('a promise that never settles hangs a nact actor; ours is found by its probe', async () => {
  let bare = 0;
  const ref = nact.spawn(bareSystem(), (_state: null, _n: number) => {
    bare += 1;
    return new Promise<null>(() => {});
  });
  nact.dispatch(ref, 1);
  nact.dispatch(ref, 2);
  await idle(50);
  expect(bare).toBe(1);

  const place = createPlace<'hang' | 'work'>('a');
  const signals: AbortSignal[] = [];
  let worked = 0;
  kept(
    await startTree(
      supervisor('root', [
        place.child(
          tenancy(
            () => ({
              name: 'a',
              init: () => null,
              receive: (_: null, message: 'hang' | 'work', context: Context<'hang' | 'work'>) => {
                if (message === 'work') worked += 1;
                signals.push(context.signal);
                return message === 'hang' ? new Promise<null>(() => {}) : null;
              },
            }),
            { busyLimitMs: 20 },
          ),
        ),
      ]),
      {
        clock: { now: () => performance.now(), unixMicros: () => 0 },
        log: { debug() {}, info() {}, warn() {}, error() {}, child: () => ({}) as never },
        random: Math.random,
      },
    ),
  );
  place.ref.send('hang');
  place.ref.send('work');
  await expect.poll(() => worked, { timeout: 5000 }).toBe(1);
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
});
