import { expect, test } from 'vitest';
import { manualTime } from './manual-time.js';
import { createPlace, type Place } from './place.js';
import { idle, pass, startOn, supervisor, tenancy } from './rehearsal.js';
import type { Restart, Strategy } from './spec.js';
import type { Tree } from './tree.js';

type Order = 'crash' | 'finish';

/** Three children a, b, c that write down how they start and stop. */
async function three(strategy: Strategy, restarts: readonly [Restart, Restart, Restart], intensity = 3) {
  const time = manualTime();
  const log: string[] = [];
  const places: readonly Place<Order>[] = ['a', 'b', 'c'].map((id) => createPlace<Order>(id));
  const children = places.map((place, at) =>
    place.child(
      tenancy(
        () => ({
          name: place.id,
          init: (context) => {
            log.push(`+${place.id}${context.generation}`);
            return null;
          },
          receive: (_: null, order: Order, context) => {
            if (order === 'crash') throw new Error('crash');
            context.finish();
            return null;
          },
          stop: (_, context) => {
            log.push(`-${place.id}${context.generation}`);
          },
        }),
        { restart: restarts[at] ?? 'permanent' },
      ),
    ),
  );
  const budget = { intensity, periodMs: 60_000 };
  const tree: Tree = await startOn(time, supervisor('root', children, { strategy, budget }));
  const tell = async (at: number, order: Order): Promise<void> => {
    places[at]?.ref.send(order);
    await idle();
  };
  return { time, log, tree, tell };
}

type Row = {
  readonly claim: string;
  readonly strategy: Strategy;
  readonly restarts?: readonly [Restart, Restart, Restart];
  readonly orders: readonly (readonly [child: number, order: Order])[];
  readonly log: string;
};
const rows: readonly Row[] = [
  { claim: 'one_for_one restarts the one', strategy: 'one_for_one', orders: [[1, 'crash']], log: '-b1 +b2' },
  {
    claim: 'rest_for_one takes down those after it in reverse, and starts them in order',
    strategy: 'rest_for_one',
    orders: [[1, 'crash']],
    log: '-b1 -c1 +b2 +c2',
  },
  {
    claim: 'one_for_all takes down all in reverse, and starts them in order',
    strategy: 'one_for_all',
    orders: [[1, 'crash']],
    log: '-b1 -c1 -a1 +a2 +b2 +c2',
  },
  {
    claim: 'rest_for_one leaves those before it alone',
    strategy: 'rest_for_one',
    orders: [[2, 'crash']],
    log: '-c1 +c2',
  },
  {
    claim: 'a permanent child that finishes is restarted',
    strategy: 'one_for_one',
    orders: [[0, 'finish']],
    log: '-a1 +a2',
  },
  {
    claim: 'a transient child that finishes stays away, and its group lives on',
    strategy: 'one_for_all',
    restarts: ['permanent', 'transient', 'permanent'],
    orders: [[1, 'finish']],
    log: '-b1',
  },
  {
    claim: 'a transient child that has finished is not revived by its group',
    strategy: 'one_for_all',
    restarts: ['permanent', 'transient', 'permanent'],
    orders: [
      [1, 'finish'],
      [0, 'crash'],
    ],
    log: '-b1 -a1 -c1 +a2 +c2',
  },
  {
    claim: 'a transient child that crashes is restarted',
    strategy: 'one_for_one',
    restarts: ['permanent', 'transient', 'permanent'],
    orders: [[1, 'crash']],
    log: '-b1 +b2',
  },
  {
    claim: 'a temporary child that crashes stays away and costs its group nothing',
    strategy: 'one_for_all',
    restarts: ['permanent', 'temporary', 'permanent'],
    orders: [[1, 'crash']],
    log: '-b1',
  },
  {
    claim: 'a temporary child goes down with its group for good',
    strategy: 'one_for_all',
    restarts: ['permanent', 'temporary', 'permanent'],
    orders: [[0, 'crash']],
    log: '-a1 -c1 -b1 +a2 +c2',
  },
];
for (const row of rows) {
  test(row.claim, async () => {
    const { time, log, tree, tell } = await three(
      row.strategy,
      row.restarts ?? ['permanent', 'permanent', 'permanent'],
    );
    expect(log.splice(0).join(' ')).toBe('+a1 +b1 +c1');
    for (const [child, order] of row.orders) await tell(child, order);
    await pass(time, 5000);
    expect(log.splice(0).join(' ')).toBe(row.log);
    await tree.stop();
  });
}

test('a stop goes in reverse', async () => {
  const { log, tree } = await three('one_for_one', ['permanent', 'permanent', 'permanent']);
  log.splice(0);
  await tree.stop();
  expect(log.join(' ')).toBe('-c1 -b1 -a1');
});

test('each restart of a row waits twice as long as the one before; a long life starts a new row', async () => {
  const { time, tree, tell } = await three('one_for_one', ['permanent', 'permanent', 'permanent'], 10);
  const state = (): unknown => tree.snapshot().children[0]?.state;
  for (const waited of [10, 20, 40]) {
    await tell(0, 'crash');
    await pass(time, waited - 1);
    expect(state()).toBe('backing_off');
    await pass(time, 1);
    expect(state()).toBe('running');
  }
  await pass(time, 30_000);
  await tell(0, 'crash');
  await pass(time, 10);
  expect(state()).toBe('running');
  await tree.stop();
});

test('one restart more than the budget and the root gives up, in reverse, leaving no timer', async () => {
  const { time, log, tree, tell } = await three('one_for_one', ['permanent', 'permanent', 'permanent'], 2);
  for (const child of [0, 1]) {
    await tell(child, 'crash');
    await pass(time, 1000);
  }
  log.splice(0);
  await tell(2, 'crash');
  expect(await tree.ended).toEqual({ id: 'root', reason: 'gave_up', error: 'c: Error: crash' });
  expect(log.join(' ')).toBe('-c1 -b2 -a2');
  expect(tree.snapshot().state).toBe('ended');
  expect(time.armed()).toBe(0);
});

test('restarts that have left the period are forgiven', async () => {
  const { time, tree, tell } = await three('one_for_one', ['permanent', 'permanent', 'permanent'], 2);
  for (let n = 0; n < 6; n++) {
    await tell(n % 3, 'crash');
    await pass(time, 30_001);
  }
  expect(tree.snapshot().children.map((node) => node.restarts)).toEqual([2, 2, 2]);
  await tree.stop();
});
