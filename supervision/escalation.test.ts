import { expect, test } from 'vitest';
import type { Context } from './behaviour.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, pass, rememberingLog, startOn, supervisor, tenancy } from './rehearsal.js';
import { startTree } from './tree.js';

const crashing = (name: string) => ({
  name,
  init: () => null,
  receive: (): null => {
    throw new Error('crash');
  },
});
const quiet = (name: string) => ({ name, init: () => null, receive: () => null });

test('a supervisor that gives up is restarted by its parent, with a fresh budget', async () => {
  const time = manualTime();
  const bad = createPlace<number>('bad');
  const tree = await startOn(
    time,
    supervisor('root', [
      supervisor(
        'mitigation',
        [actor('ledger', () => quiet('ledger')), bad.child(tenancy(() => crashing('bad')))],
        {
          strategy: 'rest_for_one',
          budget: { intensity: 1, periodMs: 60_000 },
        },
      ),
      actor('other', () => quiet('other')),
    ]),
  );
  const crash = async (): Promise<void> => {
    bad.ref.send(1);
    await pass(time, 1000);
  };
  await crash();
  await crash();
  const [mitigation, other] = tree.snapshot().children;
  expect(mitigation).toMatchObject({
    generation: 2,
    restarts: 1,
    state: 'running',
    lastCrash: 'bad: Error: crash',
  });
  expect(mitigation?.children.map((node) => [node.id, node.generation, node.state])).toEqual([
    ['ledger', 2, 'running'],
    ['bad', 3, 'running'],
  ]);
  expect(other).toMatchObject({ generation: 1 });
  await crash();
  expect(tree.snapshot().children[0]).toMatchObject({ generation: 2 });
  await tree.stop();
});

test('escalation ends the tree when every level has given up', async () => {
  const time = manualTime();
  const bad = createPlace<number>('bad');
  const budget = { intensity: 1, periodMs: 60_000 };
  const tree = await startOn(
    time,
    supervisor('root', [supervisor('inner', [bad.child(tenancy(() => crashing('bad')))], { budget })], {
      budget,
    }),
  );
  for (let n = 0; n < 4; n++) {
    bad.ref.send(n);
    await pass(time, 1000);
  }
  expect(await tree.ended).toEqual({ id: 'root', reason: 'gave_up', error: 'inner: bad: Error: crash' });
  expect(bad.ref.send(1)).toBe(false);
  await tree.stop();
});

test('under one_for_one a child that cannot start does not keep its siblings from starting', async () => {
  const time = manualTime();
  let dead = true;
  const tree = await startOn(
    time,
    supervisor('root', [
      actor('dead', () => ({
        ...quiet('dead'),
        init: (): null => {
          if (dead) throw new Error('unreachable');
          return null;
        },
      })),
      actor('live', () => quiet('live')),
    ]),
  );
  expect(tree.snapshot().children.map((node) => node.state)).toEqual(['backing_off', 'running']);
  dead = false;
  await pass(time, 10);
  expect(tree.snapshot().children.map((node) => node.state)).toEqual(['running', 'running']);
  await tree.stop();
});

test('under rest_for_one those after a child that cannot start wait for it', async () => {
  const time = manualTime();
  let attempts = 0;
  const started: string[] = [];
  const starting = startOn(
    time,
    supervisor(
      'root',
      [
        actor('first', () => ({
          ...quiet('first'),
          init: (): null => {
            attempts += 1;
            if (attempts < 3) throw new Error('not yet');
            return null;
          },
        })),
        actor('second', () => ({
          ...quiet('second'),
          init: () => {
            started.push(`second after ${attempts}`);
            return null;
          },
        })),
      ],
      { strategy: 'rest_for_one' },
    ),
  );
  await pass(time, 10 + 20);
  const tree = await starting;
  expect(started).toEqual(['second after 3']);
  await tree.stop();
});

test('an init is awaited before the next child starts', async () => {
  const log: string[] = [];
  const slow = (id: string, rounds: number) =>
    actor(id, () => ({
      ...quiet(id),
      init: async () => {
        log.push(`${id} in`);
        await idle(rounds);
        log.push(`${id} out`);
        return null;
      },
    }));
  const tree = await startOn(
    manualTime(),
    supervisor('root', [slow('a', 5), supervisor('s', [slow('b', 3)]), slow('c', 1)]),
  );
  expect(log).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  await tree.stop();
});

test('a tree whose root gives up while starting resolves, and tells by ended', async () => {
  const time = manualTime();
  const starting = startOn(
    time,
    supervisor('root', [
      actor('hangs', () => ({ ...quiet('hangs'), init: () => new Promise<null>(() => {}) }), {
        busyLimitMs: 100,
      }),
    ]),
  );
  await pass(time, 4 * 100 + 70);
  const tree = await starting;
  expect((await tree.ended).error).toBe('hangs: busy for more than 100 ms');
  expect(time.armed()).toBe(0);
});

test('a signal stops a tree that is still starting', async () => {
  const time = manualTime();
  const controller = new AbortController();
  const log: string[] = [];
  const starting = startOn(
    time,
    supervisor('root', [
      actor('hangs', () => ({
        ...quiet('hangs'),
        init: (context: Context<null>) =>
          new Promise<null>((_, reject) => {
            context.signal.addEventListener('abort', () => reject(new Error('told to stop')));
          }),
      })),
      actor('never', () => ({
        ...quiet('never'),
        init: () => {
          log.push('started');
          return null;
        },
      })),
    ]),
    { signal: controller.signal },
  );
  await idle();
  controller.abort();
  const tree = await starting;
  expect(await tree.ended).toMatchObject({ reason: 'stopped' });
  expect(log).toEqual([]);
});

test('a wrong spec throws before anything starts', async () => {
  let started = 0;
  const child = actor('a', () => ({
    ...quiet('a'),
    init: () => {
      started += 1;
      return null;
    },
  }));
  const deps = { clock: manualTime().clock, log: rememberingLog(), random: () => 0 };
  const place = createPlace<null>('p');
  const placed = place.child(tenancy(() => quiet('p')));
  const wrong = [
    supervisor('root', [child, child]),
    supervisor('root', [child, actor('b c', () => quiet('b'))]),
    supervisor('root', [child, actor('', () => quiet('b'))]),
    supervisor('root', [
      child,
      actor('b', () => quiet('b'), { mailbox: { bound: 0, overflow: { kind: 'fail' } } }),
    ]),
    supervisor('root', [child, actor('b', () => quiet('b'), { busyLimitMs: 0 })]),
    supervisor('root', [child, supervisor('s', [placed]), supervisor('t', [placed])]),
    supervisor('root', [child, { ...placed, id: 'q' }]),
    supervisor('root', [child], { budget: { intensity: -1, periodMs: 1 } }),
    supervisor('root', [child], { backoff: { baseMs: 1, factor: 0.5, maxMs: 1, jitter: 0, resetMs: 1 } }),
  ];
  for (const spec of wrong) await expect(startTree(spec, deps)).rejects.toThrow(/spec of/);
  expect(started).toBe(0);
});

test('refs are found by path or by an id only one place has', async () => {
  const tree = await startOn(
    manualTime(),
    supervisor('root', [
      supervisor('x', [actor('same', () => quiet('same')), actor('only', () => quiet('only'))]),
      supervisor('y', [actor('same', () => quiet('same'))]),
    ]),
  );
  expect(tree.ref('root/x/same')).toBe(tree.ref('x/same'));
  expect(tree.ref('only').id).toBe('only');
  expect(() => tree.ref('same')).toThrow('2 places');
  expect(() => tree.ref('nobody')).toThrow('no place');
  await tree.stop();
});
