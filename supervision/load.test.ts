/**
 * Cost and leaks. Costs are CPU time, which a busy machine does not stretch much, and their limits are far
 * above what an idle machine takes (figures in docs/decisions/0002-nact-as-scheduler.md): they catch a change
 * of order, not a bad day.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import type { Behaviour, Context } from './behaviour.js';
import { createPlace } from './place.js';
import { actor, idle, rememberingLog, supervisor, tenancy } from './rehearsal.js';
import type { SupervisorSpec } from './spec.js';
import { startTree, type Tree } from './tree.js';

vi.setConfig({ testTimeout: 120_000 }); // the machine may be busy
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const quietLog = { ...rememberingLog(), warn: () => {}, child: () => quietLog };
const startNow = (spec: SupervisorSpec): Promise<Tree> =>
  startTree(spec, {
    clock: { now: () => performance.now(), unixMicros: () => Date.now() * 1000 },
    log: quietLog,
    random: Math.random,
    dynamic: {
      budget: { intensity: 1_000_000, periodMs: 1 },
      backoff: { baseMs: 0, factor: 1, maxMs: 0, jitter: 0, resetMs: 1 },
    },
  });
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await idle(4);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await idle(1);
};

/** Wall and CPU time of `run`. */
async function measured(run: () => Promise<void>): Promise<{ ms: number; cpuMs: number }> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run();
  const used = process.cpuUsage(cpu);
  return { ms: performance.now() - began, cpuMs: (used.user + used.system) / 1000 };
}

const counting = (count: { n: number }): Behaviour<null, number> => ({
  name: 'counting',
  init: () => null,
  receive: (state) => {
    count.n += 1;
    return state;
  },
});

test('a message of a burst costs less than 2 µs of CPU', async () => {
  const count = { n: 0 };
  const place = createPlace<number>('a');
  const mailbox = { bound: 1_000_000, overflow: { kind: 'drop_new' } } as const;
  const tree = await startNow(supervisor('root', [place.child(tenancy(() => counting(count), { mailbox }))]));
  const { ms, cpuMs } = await measured(async () => {
    for (let n = 0; n < 500_000; n++) place.ref.send(n);
    await until(() => count.n === 500_000);
  });
  await tree.stop();
  const perSecond = (500_000 / ms) * 1000;
  console.log(
    `burst: ${Math.round(perSecond)} messages/s, ${((cpuMs / 500_000) * 1e6).toFixed(0)} ns CPU each`,
  );
  expect(cpuMs / 500_000).toBeLessThan(0.002);
});

test('one message a turn, the dearest way, costs less than 40 µs of CPU, our own loop included', async () => {
  const count = { n: 0 };
  const place = createPlace<number>('a');
  const tree = await startNow(supervisor('root', [place.child(tenancy(() => counting(count)))]));
  const { ms, cpuMs } = await measured(async () => {
    for (let n = 1; n <= 50_000; n++) {
      place.ref.send(n);
      await until(() => count.n === n);
    }
  });
  await tree.stop();
  console.log(
    `single: ${Math.round((50_000 / ms) * 1000)} messages/s, ${((cpuMs / 50_000) * 1000).toFixed(2)} µs CPU each`,
  );
  expect(cpuMs / 50_000).toBeLessThan(0.04);
});

test('a handler that returns a promise costs less than 30 µs of CPU', async () => {
  const count = { n: 0 };
  const place = createPlace<number>('a');
  const behaviour: Behaviour<null, number> = {
    name: 'a',
    init: () => null,
    receive: async () => {
      count.n += 1;
      return null;
    },
  };
  const mailbox = { bound: 1_000_000, overflow: { kind: 'drop_new' } } as const;
  const tree = await startNow(supervisor('root', [place.child(tenancy(() => behaviour, { mailbox }))]));
  const { ms, cpuMs } = await measured(async () => {
    for (let n = 0; n < 100_000; n++) place.ref.send(n);
    await until(() => count.n === 100_000);
  });
  await tree.stop();
  console.log(
    `async: ${Math.round((100_000 / ms) * 1000)} messages/s, ${((cpuMs / 100_000) * 1000).toFixed(2)} µs CPU each`,
  );
  expect(cpuMs / 100_000).toBeLessThan(0.03);
});

test('an actor under a flood lets the event loop go on every 2 ms', async () => {
  const place = createPlace<number>('busy');
  let handled = 0;
  const tree = await startNow(
    supervisor('root', [
      place.child(
        tenancy(
          () => ({
            name: 'busy',
            init: () => null,
            receive: (state: null) => {
              handled += 1;
              const until = performance.now() + 0.1;
              while (performance.now() < until);
              return state;
            },
          }),
          { mailbox: { bound: 10_000, overflow: { kind: 'drop_new' } } },
        ),
      ),
    ]),
  );
  for (let n = 0; n < 2000; n++) place.ref.send(n);
  let most = 0;
  while (handled < 2000) {
    const before = handled;
    await new Promise((next) => setImmediate(next));
    most = Math.max(most, handled - before);
  }
  // 0.1 ms each; a round of this loop may see two turns.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(42);
  await tree.stop();
});

type Breed = { readonly kind: 'breed'; readonly count: number } | { readonly kind: 'part' };

test('10,000 actors start and stop, again and again, and leave nothing behind', async () => {
  const live = { n: 0, most: 0 };
  const child = (): Behaviour<{ buffer: Uint8Array }, null> => ({
    name: 'child',
    init: (context) => {
      live.n += 1;
      live.most = Math.max(live.most, live.n);
      context.every(60_000, null);
      return { buffer: new Uint8Array(256) };
    },
    receive: (state) => state,
    stop: () => {
      live.n -= 1;
    },
  });
  const parent = createPlace<Breed>('parent');
  const tree = await startNow(
    supervisor('root', [
      parent.child(
        tenancy(() => ({
          name: 'parent',
          init: () => null,
          receive: (_: null, message: Breed, context: Context<Breed>) => {
            if (message.kind === 'breed')
              for (let n = 0; n < message.count; n++) context.spawn(actor(`c${n}`, child));
            else for (const id of context.children()) void context.stopChild(id);
            return null;
          },
        })),
      ),
    ]),
  );
  const cycle = async (): Promise<void> => {
    parent.ref.send({ kind: 'breed', count: 10_000 });
    await until(() => live.n === 10_000);
    parent.ref.send({ kind: 'part' });
    await until(() => live.n === 0);
    await idle(4);
  };
  await cycle();
  const before = await heapBytes();
  const { ms } = await measured(async () => {
    for (let n = 0; n < 2; n++) await cycle();
  });
  const grown = (await heapBytes()) - before;
  console.log(
    `10,000 actors: started and stopped in ${Math.round(ms / 2)} ms; heap after two more rounds ${Math.round(grown / 1024)} KiB`,
  );
  expect(live.most).toBe(10_000);
  expect(tree.snapshot().children[0]?.children).toEqual([]);
  expect(grown).toBeLessThan(2 * 1024 * 1024);
  await tree.stop();
});

test('an idle actor takes less than 12 KiB of heap', async () => {
  const place = createPlace<number>('parent');
  const before = await heapBytes();
  let born = 0;
  const child: Behaviour<null, null> = {
    name: 'child',
    init: () => {
      born += 1;
      return null;
    },
    receive: () => null,
  };
  const tree = await startNow(
    supervisor('root', [
      place.child(
        tenancy(() => ({
          name: 'parent',
          init: () => null,
          receive: (_: null, count: number, context: Context<number>) => {
            for (let n = 0; n < count; n++) context.spawn(actor(`c${n}`, () => child));
            return null;
          },
        })),
      ),
    ]),
  );
  place.ref.send(10_000);
  await until(() => born === 10_000);
  await idle(10);
  const each = ((await heapBytes()) - before) / 10_000;
  console.log(`an idle actor: ${Math.round(each)} bytes of heap`);
  expect(each).toBeLessThan(12 * 1024);
  await tree.stop();
});

test('a place weighs the same after 1,000 restarts', async () => {
  let crashes = 0;
  const place = createPlace<number>('crashing');
  const spec = supervisor(
    'root',
    [
      place.child(
        tenancy(() => ({
          name: 'crashing',
          init: (context: Context<number>) => {
            context.every(60_000, 1);
            context.after(60_000, 1);
            context.watch(place.ref, () => 1);
            context.signal.addEventListener('abort', () => {});
            return { buffer: new Array(1000).fill(crashes) };
          },
          receive: () => {
            crashes += 1;
            throw new Error(`crash ${crashes}`);
          },
        })),
      ),
    ],
    {
      budget: { intensity: 1_000_000, periodMs: 1 },
      backoff: { baseMs: 0, factor: 1, maxMs: 0, jitter: 0, resetMs: 1 },
    },
  );
  const tree = await startNow(spec);
  const crash = async (times: number): Promise<void> => {
    const goal = crashes + times;
    while (crashes < goal) {
      const generation = tree.snapshot().children[0]?.generation ?? 0;
      place.ref.send(1);
      await until(() => (tree.snapshot().children[0]?.generation ?? 0) > generation);
    }
  };
  await crash(100);
  const before = await heapBytes();
  await crash(1000);
  const grown = (await heapBytes()) - before;
  console.log(`1,000 restarts: ${Math.round(grown / 1024)} KiB`);
  expect(tree.snapshot().children[0]?.restarts).toBe(1100);
  expect(grown).toBeLessThan(512 * 1024);
  await tree.stop();
});
