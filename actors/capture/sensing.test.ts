/** Interfaces and listeners as they run: on the real kernel, with a source and a time moved by hand. */
import { expect, test } from 'vitest';
import { type ExporterStats, unheardExporter } from '../../domain/flow.js';
import type { Ref } from '../../supervision/behaviour.js';
import { manualTime } from '../../supervision/manual-time.js';
import { createPlace } from '../../supervision/place.js';
import {
  idle,
  type LogLine,
  pass,
  rememberingLog,
  startOn,
  supervisor,
} from '../../supervision/rehearsal.js';
import type { HostgroupMessage } from '../hostgroup/messages.js';
import { interfaceActor } from './interface.js';
import { listenerActor } from './listener.js';
import type { ExporterReport, SourceMessage, SourceReport } from './messages.js';
import { aBatch, stage } from './rehearsal.js';
import { emptyStats, nothingCounted } from './tally.js';

const tickMs = 100;

async function sensing(kind: 'interface' | 'listener' = 'interface', maxExporters = 2) {
  const time = manualTime();
  const world = stage();
  const absorbed: HostgroupMessage[] = [];
  const group = { full: false };
  const global: Ref<HostgroupMessage> = {
    id: 'global',
    send: (message) => !group.full && absorbed.push(message) > 0,
  };
  const place = createPlace<SourceMessage>('eth0');
  const deps = { name: 'eth0', open: () => world.open(), tickMs, hostgroups: new Map([['global', global]]) };
  const lines: LogLine[] = [];
  const listening = {
    ...deps,
    id: 'eth0',
    family: 'netflow' as const,
    transport: 'udp' as const,
    address: '0.0.0.0:2055',
    maxExporters,
    refusesUnknown: false,
    keeping: null,
  };
  const start = async () => {
    const child =
      kind === 'interface' ? place.child(interfaceActor(deps)) : place.child(listenerActor(listening));
    const tree = await startOn(time, supervisor('root', [child]), { log: rememberingLog(lines) });
    await idle();
    return tree;
  };
  const report = async (): Promise<SourceReport> => {
    let got: SourceReport | null = null;
    place.ref.send({ kind: 'report', reply: (answer) => (got = answer) });
    await idle();
    if (got === null) throw new Error('no report');
    return got;
  };
  return { time, world, absorbed, group, place, lines, start, report };
}

test('each tick hands its batches to their hostgroups', async () => {
  const { time, world, absorbed, start } = await sensing();
  world.batches = [aBatch('global')];
  const tree = await start();
  await pass(time, 3 * tickMs);
  expect(absorbed.map(({ kind }) => kind)).toEqual(['absorb', 'absorb', 'absorb']);
  await tree.stop();
  expect(world.closed).toBe(1);
});

test('a tick without batches sends nothing', async () => {
  const { time, world, absorbed, start } = await sensing();
  const tree = await start();
  await pass(time, 5 * tickMs);
  expect(world.drains).toBe(5);
  expect(absorbed).toEqual([]);
  await tree.stop();
});

test('while a source is calm its ticks are seldom, and one comes at once when it says that it no longer is', async () => {
  const { time, world, start } = await sensing();
  const tree = await start();
  world.calm = true;
  await pass(time, tickMs); // by this one it is known
  world.drains = 0;
  await pass(time, 4 * tickMs);
  expect(world.drains).toBe(0);
  await pass(time, 6 * tickMs);
  expect(world.drains).toBe(2);
  world.calm = false;
  world.tellNear();
  await idle();
  expect(world.drains).toBe(3);
  await pass(time, 3 * tickMs);
  expect(world.drains).toBe(6);
  world.tellNear(); // what was said late makes no tick more
  await idle();
  expect(world.drains).toBe(6);
  await tree.stop();
});

test('a calm source that fails is asked for again at the pace of ticks, and every new life is told of who comes near', async () => {
  const { time, world, start, report } = await sensing();
  const tree = await start();
  world.calm = true;
  await pass(time, 1_000);
  world.fault = 'interface gone';
  await pass(time, 1_000);
  world.fault = null;
  await pass(time, 3_000);
  expect(await report()).toMatchObject({ state: 'up', opened: 2 });
  world.drains = 0;
  world.tellNear();
  await idle();
  expect(world.drains).toBe(1);
  await tree.stop();
});

test('a drain that is still under way is not doubled', async () => {
  const { time, world, absorbed, start } = await sensing();
  let finish: (batches: readonly ReturnType<typeof aBatch>[]) => void = () => {};
  world.batches = new Promise((resolve) => {
    finish = resolve;
  });
  const tree = await start();
  await pass(time, 4 * tickMs);
  expect(world.drains).toBe(1);
  finish([aBatch('global')]);
  world.batches = [];
  await pass(time, tickMs);
  expect(absorbed.length).toBe(1);
  expect(world.drains).toBeGreaterThan(1);
  await tree.stop();
});

test('an interface that is not there at start is asked for until it comes', async () => {
  const { time, world, start, report, lines } = await sensing();
  world.unavailable = 'eth0: no such interface';
  const tree = await start();
  await pass(time, 60_000);
  expect(await report()).toMatchObject({ state: 'down', fault: 'eth0: no such interface', opened: 0 });
  expect(lines.filter(({ phrase }) => phrase === 'source unavailable').length).toBeLessThanOrEqual(3);
  world.unavailable = null;
  await pass(time, 5_100);
  expect(await report()).toMatchObject({ state: 'up', fault: null, opened: 1 });
  expect(tree.snapshot().children[0]?.restarts).toBe(0);
  await tree.stop();
});

test('a source with a fault is closed and opened again, and counts on', async () => {
  const { time, world, start, report } = await sensing();
  const tree = await start();
  world.stats = { ...emptyStats, packets: 100, dropped: 5 };
  await pass(time, 1_000);
  world.fault = 'interface gone';
  world.unavailable = 'eth0: no such interface';
  await pass(time, 1_000);
  expect(await report()).toMatchObject({ state: 'down', fault: 'interface gone' });
  world.unavailable = null;
  world.fault = null;
  world.stats = { ...emptyStats, packets: 7 };
  await pass(time, 1_000);
  const after = await report();
  expect(after).toMatchObject({ state: 'up', opened: 2 });
  expect(after.stats).toMatchObject({ packets: 107, dropped: 5 });
  await tree.stop();
  expect(world.closed).toBe(world.opened);
});

test('an interface that is down is waited for with its socket open, however long that takes', async () => {
  const { time, world, start, report } = await sensing();
  world.fault = 'interface down';
  const tree = await start();
  await pass(time, 600_000);
  expect(await report()).toMatchObject({ state: 'down', fault: 'interface down', opened: 1 });
  world.fault = null;
  await pass(time, 1_000);
  expect(await report()).toMatchObject({ state: 'up', fault: null, opened: 1 });
  expect(world.closed).toBe(0);
  await tree.stop();
});

test('rates are those of the last second', async () => {
  const { time, world, start, report } = await sensing();
  const tree = await start();
  world.stats = { ...emptyStats, totals: { ...nothingCounted, incoming: { packets: 500, bytes: 5_000 } } };
  await pass(time, 1_000);
  expect((await report()).rates.incoming).toEqual({ packets: 500, bytes: 5_000 });
  await pass(time, 1_000);
  expect((await report()).rates.incoming).toEqual({ packets: 0, bytes: 0 });
  await tree.stop();
});

test('packets lost in the kernel are said, but not every second', async () => {
  const { time, world, start, lines } = await sensing();
  const tree = await start();
  for (let second = 1; second <= 20; second += 1) {
    world.stats = { ...emptyStats, dropped: second * 10 };
    await pass(time, 1_000);
  }
  expect(lines.filter(({ phrase }) => phrase === 'packets lost in the kernel').length).toBe(1);
  await tree.stop();
});

test('a batch that no hostgroup takes is counted', async () => {
  const { time, world, group, start, report } = await sensing();
  world.batches = [aBatch('global'), aBatch('unknown')];
  group.full = true;
  const tree = await start();
  await pass(time, tickMs);
  expect((await report()).undelivered).toBe(2);
  await tree.stop();
});

test('a bug in the source is a crash: closed, and opened by the next incarnation', async () => {
  const { time, world, start, report } = await sensing();
  const tree = await start();
  world.throws = 'broken';
  await pass(time, tickMs);
  world.throws = null;
  await pass(time, 1_000);
  expect(world.closed).toBe(1);
  expect((await report()).state).toBe('up');
  expect(tree.snapshot().children[0]?.restarts).toBe(1);
  await tree.stop();
});

const exporter = (agent: string, datagrams: number): ExporterStats => ({
  ...unheardExporter,
  agent,
  address: agent,
  datagrams,
  records: datagrams * 10,
  samplingRate: 1_000,
  lastSeen: 1_700_000_000_000_000,
});

test('a listener has an actor for each exporter, up to its bound, and reports them', async () => {
  const { time, world, place, start, lines } = await sensing('listener');
  const tree = await start();
  world.exporters = [exporter('192.0.2.1', 3), exporter('192.0.2.2', 4), exporter('192.0.2.3', 5)];
  await pass(time, 1_000);
  let reports: readonly ExporterReport[] = [];
  place.ref.send({ kind: 'exporters', reply: (answer) => (reports = answer) });
  await idle();
  expect(reports.map(({ agent, datagrams }) => [agent, datagrams])).toEqual([
    ['192.0.2.1', 3],
    ['192.0.2.2', 4],
  ]);
  expect(lines.some(({ phrase }) => phrase === 'more exporters than can be followed')).toBe(true);
  expect(tree.snapshot().children[0]?.children.length).toBe(2);
  await tree.stop();
});

test('a thousand invented exporters make twenty lines and a count, whatever they say of themselves', async () => {
  const { time, world, start, lines } = await sensing('listener', 1_024);
  const tree = await start();
  const all = Array.from({ length: 1_000 }, (_, i) => exporter(`198.18.${i >> 8}.${i & 255}`, 1));
  world.exporters = all.slice(0, 600);
  await pass(time, 1_000);
  world.exporters = all;
  await pass(time, 40_000);
  const said = (phrase: string) => lines.filter((line) => line.phrase === phrase);
  expect(said('exporter found').length).toBe(20);
  const counted = said('more exporters found').map(({ fields }) => Number(fields?.count));
  expect(counted).toEqual([580, 400]);

  for (let second = 0; second < 3; second += 1) {
    world.exporters = world.exporters.map((one) => ({
      ...one,
      datagrams: one.datagrams + 1,
      samplingRate: one.samplingRate + 1,
      sequenceLost: one.sequenceLost + 5,
    }));
    await pass(time, 1_000);
  }
  const complaints =
    said('exporter changed its sampling').length + said('flow datagrams lost on the way').length;
  expect(complaints).toBe(20);
  await tree.stop();
});
