/**
 * The limits of nact 7.6.2 with messages and names, one by one: first what nact does, then what this room makes of it.
 * A row whose first half fails has been mended in nact; what we built around it can then go.
 */
import * as nact from 'nact';
import { afterEach, expect, test } from 'vitest';
import type { Context } from './behaviour.js';
import { manualTime } from './manual-time.js';
import { createPlace } from './place.js';
import { actor, idle, startOn, supervisor, tenancy } from './rehearsal.js';
import type { Tree } from './tree.js';

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

test('nact handles one message an actor an event-loop round; a turn of ours handles up to 256', async () => {
  let bare = 0;
  const ref = nact.spawn(bareSystem(), (state: null, _n: number) => {
    bare += 1;
    return state;
  });
  for (let n = 0; n < 100; n++) nact.dispatch(ref, n);
  await idle(2);
  expect(bare).toBeLessThanOrEqual(2);

  let ours = 0;
  const place = createPlace<number>('a');
  const count = {
    name: 'a',
    init: () => null,
    receive: () => {
      ours += 1;
      return null;
    },
  };
  kept(await startOn(manualTime(), supervisor('root', [place.child(tenancy(() => count))])));
  for (let n = 0; n < 100; n++) place.ref.send(n);
  await idle(2);
  expect(ours).toBe(100);
});

/** Entries copied out of maps into new maps while `run` runs: what nact does with an actor's children. */
async function entriesCopied(run: () => Promise<void>): Promise<number> {
  const plain = globalThis.Map;
  let copied = 0;
  globalThis.Map = class<K, V> extends plain<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      copied += this.size;
    }
  } as MapConstructor;
  try {
    await run();
  } finally {
    globalThis.Map = plain;
  }
  return copied;
}

test('nact copies the map of children at every message; ours has nothing to copy', async () => {
  const parent = nact.spawn(bareSystem(), (state: null, _n: number) => state);
  for (let n = 0; n < 500; n++) nact.spawn(parent, (state: null) => state, `child-${n}`);
  const bare = await entriesCopied(async () => {
    nact.dispatch(parent, 1);
    await idle(2);
  });
  expect(bare).toBeGreaterThanOrEqual(500);

  const place = createPlace<'breed' | 'work'>('parent');
  let worked = 0;
  const child = { name: 'child', init: () => null, receive: () => null };
  const parentOfMany = {
    name: 'parent',
    init: () => null,
    receive: (_: null, message: 'breed' | 'work', context: Context<'breed' | 'work'>) => {
      if (message === 'work') worked += 1;
      else for (let n = 0; n < 500; n++) context.spawn(actor(`child-${n}`, () => child));
      return null;
    },
  };
  const tree = kept(
    await startOn(manualTime(), supervisor('root', [place.child(tenancy(() => parentOfMany))])),
  );
  place.ref.send('breed');
  await idle();
  expect(tree.snapshot().children[0]?.children.filter((node) => node.state === 'running')).toHaveLength(500);
  const ours = await entriesCopied(async () => {
    place.ref.send('work');
    await idle(2);
  });
  expect([ours, worked]).toEqual([0, 1]);
});

test('nact bounds no mailbox and drops in silence; ours is bounded, and what it drops is counted', async () => {
  const system = bareSystem();
  let handled = 0;
  const ref = nact.spawn(system, (state: null, _n: number) => {
    handled += 1;
    return state;
  });
  for (let n = 0; n < 100_000; n++) expect(nact.dispatch(ref, n)).toBeUndefined();
  nact.stop(ref);
  expect(nact.dispatch(ref, 1)).toBeUndefined();
  await idle();
  expect(handled).toBe(0);

  const place = createPlace<number>('a');
  const sink = { name: 'a', init: () => null, receive: () => null };
  const tree = await startOn(manualTime(), supervisor('root', [place.child(tenancy(() => sink))]));
  const taken = Array.from({ length: 1500 }, (_, n) => place.ref.send(n)).filter(Boolean).length;
  expect([taken, tree.snapshot().children[0]?.dropped]).toEqual([1000, 500]);
  await tree.stop();
  expect([place.ref.send(1), tree.deadLetters()]).toEqual([false, 1]);
});

test("nact refuses '/' and ':' in names; ours are made safe, one to one", async () => {
  expect(() => nact.spawn(bareSystem(), (state: null) => state, 'udp:0.0.0.0/6343')).toThrow(
    /Invalid argument/,
  );

  const sink = { name: 'sink', init: () => null, receive: () => null };
  const ids = ['sflow:[::]/6343', 'sflow:[::]:6343', 'sflow/[::]/6343', 'a@b', 'a-1', 'a'];
  const tree = kept(
    await startOn(
      manualTime(),
      supervisor(
        'root',
        ids.map((id) => actor(id, () => sink)),
      ),
    ),
  );
  expect(tree.snapshot().children.map((node) => [node.id, node.state])).toEqual(
    ids.map((id) => [id, 'running']),
  );
});

test('a Ref of nact takes any message; ours does not compile', () => {
  const numbers = nact.spawn(bareSystem(), (state: null, _n: number) => state);
  nact.dispatch(numbers as nact.Ref<string>, 'compiles');

  const place = createPlace<number>('numbers');
  // @ts-expect-error a string is no number
  expect(place.ref.send('does not compile')).toBe(false);
  // @ts-expect-error nor does an address of strings pass for one of numbers
  const strings: { send: (message: string) => boolean } = place.ref;
  expect(strings.send('neither')).toBe(false);
});
