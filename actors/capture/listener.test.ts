/** A flow listener as it runs: exporters of their own, templates kept, lines bounded. */
import { expect, test } from 'vitest';
import {
  type ExporterStats,
  type FlowListenerStats,
  type StoredTemplate,
  unheardExporter,
  unheardListener,
} from '../../domain/flow.js';
import { failure, type Result, success } from '../../domain/result.js';
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
import type { JournalMessage } from '../journal/messages.js';
import { listenerActor } from './listener.js';
import type { ExporterReport, SourceMessage, SourceReport } from './messages.js';
import { stage } from './rehearsal.js';
import { templateShelf } from './templates.js';

const tickMs = 100;
const lifetimeMicros = 3_600e6;

function listening(maxExporters = 1_024, refusesUnknown = false) {
  const time = manualTime();
  const world = stage();
  const lines: LogLine[] = [];
  const place = createPlace<SourceMessage>('netflow/0.0.0.0:2055');
  const written: StoredTemplate[] = [];
  const disk = { full: false };
  const journal: Ref<JournalMessage> = {
    id: 'journal',
    send: (message) => {
      if (message.kind !== 'write') return false;
      const result: Result<void> = disk.full
        ? failure('JOURNAL_UNWRITABLE', 'disk full')
        : success(undefined);
      for (const entry of message.entries) {
        if (entry.kind === 'templates' && result.ok) written.push(...entry.templates);
      }
      queueMicrotask(() => message.reply(result));
      return true;
    },
  };
  const shelf = templateShelf([], 1_000);
  const actor = () =>
    listenerActor({
      id: 'netflow/0.0.0.0:2055',
      name: 'netflow 0.0.0.0:2055',
      family: 'netflow',
      transport: 'udp',
      address: '0.0.0.0:2055',
      open: () => world.open(),
      tickMs,
      hostgroups: new Map(),
      maxExporters,
      refusesUnknown,
      keeping: { shelf, lifetimeMicros, journal },
    });
  const start = async () => {
    const root = supervisor('root', [place.child(actor())]);
    const tree = await startOn(time, root, { log: rememberingLog(lines) });
    await idle();
    return tree;
  };
  const exporters = async (): Promise<readonly ExporterReport[]> => {
    let got: readonly ExporterReport[] = [];
    place.ref.send({ kind: 'exporters', reply: (answer) => (got = answer) });
    await idle();
    return got;
  };
  const report = async (): Promise<SourceReport> => {
    let got: SourceReport | null = null;
    place.ref.send({ kind: 'report', reply: (answer) => (got = answer) });
    await idle();
    if (got === null) throw new Error('no report');
    return got;
  };
  const said = (phrase: string) => lines.filter((line) => line.phrase === phrase);
  return { time, world, lines, place, written, disk, shelf, start, exporters, report, said };
}

const at = 1_700_000_000_000_000;
const exporter = (index: number, change: Partial<ExporterStats> = {}): ExporterStats => ({
  ...unheardExporter,
  protocol: 'netflow9',
  agent: `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
  address: `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
  datagrams: 1,
  records: 20,
  samplingRate: 1_000,
  firstSeen: at,
  lastSeen: at,
  ...change,
});
const listener = (change: Partial<FlowListenerStats> = {}): FlowListenerStats => ({
  ...unheardListener,
  receiveBufferAsked: 8_388_608,
  receiveBuffer: 8_388_608,
  heldBound: 10,
  templatesBound: 10,
  ...change,
});
const template = (templateId: number, seenAt = at): StoredTemplate => ({
  protocol: 'netflow9',
  address: '192.0.2.1',
  domain: 0,
  templateId,
  options: false,
  body: Uint8Array.of(1),
  seenAt,
});

test('what it reports is over all its openings', async () => {
  const { time, world, start, report } = listening();
  world.flow = listener({ datagrams: 100, records: 2_000, dropped: 3 });
  const tree = await start();
  await pass(time, 1_000);
  world.fault = 'socket gone';
  await pass(time, 1_000);
  world.fault = null;
  world.flow = listener({ datagrams: 5, records: 50, dropped: 1 });
  await pass(time, 2_000);
  expect((await report()).listener).toMatchObject({
    address: '0.0.0.0:2055',
    family: 'netflow',
    transport: 'udp',
    datagrams: 105,
    records: 2_050,
    dropped: 4,
  });
  await tree.stop();
});

test('observation domains of one device are exporters of their own, and one device may speak two protocols', async () => {
  const { time, world, start, exporters } = listening();
  const tree = await start();
  world.exporters = [
    exporter(1, { domain: 1 }),
    exporter(1, { domain: 2 }),
    exporter(1, { protocol: 'ipfix', domain: 1 }),
  ];
  await pass(time, 1_000);
  expect((await exporters()).length).toBe(3);
  await tree.stop();
});

test('an exporter says how much it sends in a second', async () => {
  const { time, world, start, exporters } = listening();
  const tree = await start();
  for (let second = 1; second <= 20; second += 1) {
    world.exporters = [exporter(1, { datagrams: second * 10, records: second * 200 })];
    await pass(time, 1_000);
  }
  const [first] = await exporters();
  expect(first?.perSecond.datagrams).toBeCloseTo(10, 0);
  expect(first?.perSecond.records).toBeCloseTo(200, -1);
  await tree.stop();
});

test('the list of exporters is whole while the actor of one crashes at every count', async () => {
  const { time, world, start, exporters } = listening();
  const tree = await start();
  world.exporters = [exporter(1), exporter(2)];
  await pass(time, 1_000);
  for (let datagrams = 2; datagrams < 12; datagrams += 1) {
    const broken = exporter(2, { datagrams });
    Object.defineProperty(broken, 'sequenceLost', {
      enumerable: false,
      get: () => {
        throw new Error('broken');
      },
    });
    world.exporters = [exporter(1, { datagrams: datagrams * 2 }), broken];
    await pass(time, 1_000);
  }
  expect((await exporters()).map(({ datagrams }) => datagrams)).toEqual([22, 11]);
  await tree.stop();
});

test('what an exporter has sent is over all openings of its listener, and a look at it waits for nobody', async () => {
  const { time, world, start, place } = listening();
  const tree = await start();
  world.exporters = [exporter(1, { datagrams: 100, records: 900 })];
  await pass(time, 1_000);
  world.fault = 'socket gone';
  await pass(time, 1_000);
  world.fault = null;
  world.exporters = [];
  await pass(time, 2_000);
  world.exporters = [exporter(1, { datagrams: 5, records: 50 })];
  let got: readonly ExporterReport[] = [];
  place.ref.send({ kind: 'exporters', reply: (answer) => (got = answer) });
  await idle();
  expect(got).toMatchObject([{ datagrams: 105, records: 950 }]);
  await tree.stop();
});

test('the crash of one exporter leaves the others as they are, and its listener too', async () => {
  const { time, world, start, exporters, report } = listening();
  const tree = await start();
  world.exporters = [exporter(1), exporter(2), exporter(3)];
  await pass(time, 1_000);
  // What no data plane hands over: its actor throws at it.
  const broken = { ...exporter(2, { datagrams: 2 }), samplingOrigin: 'x' } as unknown as ExporterStats;
  Object.defineProperty(broken, 'sequenceLost', {
    get: () => {
      throw new Error('broken');
    },
  });
  world.exporters = [exporter(1, { datagrams: 5 }), broken, exporter(3, { datagrams: 7 })];
  await pass(time, 1_000);
  await pass(time, 800);
  const [actor] = tree.snapshot().children;
  const restarts = actor?.children.map(({ id, restarts: count }) => [id, count]);
  expect(restarts).toEqual([
    ['netflow9/198.18.0.1/198.18.0.1/0', 0],
    ['netflow9/198.18.0.2/198.18.0.2/0', 1],
    ['netflow9/198.18.0.3/198.18.0.3/0', 0],
  ]);
  expect(actor?.restarts).toBe(0);
  world.exporters = [
    exporter(1, { datagrams: 6 }),
    exporter(2, { datagrams: 9 }),
    exporter(3, { datagrams: 8 }),
  ];
  await pass(time, 1_000);
  expect((await exporters()).map(({ datagrams }) => datagrams).sort()).toEqual([6, 8, 9]);
  expect((await report()).opened).toBe(1);
  await tree.stop();
});

test('templates are written as they come, given back at every opening, and the last before it closes', async () => {
  const { time, world, written, start, said } = listening();
  const tree = await start();
  expect(world.restored).toEqual([]);
  const now = time.clock.unixMicros();
  world.templates = [template(256, now), template(257, now)];
  await pass(time, 1_000);
  expect(written.map(({ templateId }) => templateId)).toEqual([256, 257]);
  world.fault = 'socket gone';
  await pass(time, 1_000);
  world.fault = null;
  await pass(time, 1_000);
  expect(world.opened).toBe(2);
  expect(world.restored.map(({ templateId }) => templateId)).toEqual([256, 257]);
  expect(said('templates given back').length).toBe(1);
  world.templates = [template(258, now)];
  await tree.stop();
  expect(written.map(({ templateId }) => templateId)).toEqual([256, 257, 258]);
});

test('a crash of the listener gives the templates back to its next life', async () => {
  const { time, world, start } = listening();
  const tree = await start();
  world.templates = [template(256, time.clock.unixMicros())];
  await pass(time, 1_000);
  world.throws = 'broken';
  await pass(time, tickMs);
  world.throws = null;
  await pass(time, 1_000);
  expect(tree.snapshot().children[0]?.restarts).toBe(1);
  expect(world.restored.map(({ templateId }) => templateId)).toEqual([256]);
  await tree.stop();
});

test('templates that the journal did not take are written when it takes some again', async () => {
  const { time, world, written, disk, start, said } = listening();
  const tree = await start();
  disk.full = true;
  world.templates = [template(256)];
  await pass(time, 10_000);
  expect(written).toEqual([]);
  expect(said('templates not written').length).toBe(1);
  disk.full = false;
  await pass(time, 2_000);
  expect(written.map(({ templateId }) => templateId)).toEqual([256]);
  await tree.stop();
});

test('a buffer that the system cut is told once, with what to set', async () => {
  const { time, world, start, said } = listening();
  world.flow = listener({ receiveBuffer: 212_992 });
  const tree = await start();
  await pass(time, 120_000);
  const told = said('receive buffer is smaller than configured, the system caps it');
  expect(told.length).toBe(1);
  expect(String(told[0]?.fields?.remedy)).toContain('net.core.rmem_max');
  await tree.stop();
});

test('strays, strangers and losses are told by name, but not every second', async () => {
  const { time, world, start, said } = listening(1_024, true);
  const tree = await start();
  for (let second = 1; second <= 25; second += 1) {
    world.flow = listener({
      strays: [{ protocol: 'sflow5', datagrams: second, lastFrom: '192.0.2.9' }],
      refused: second,
      lastRefused: '192.0.2.8',
    });
    world.stats = { ...world.stats, dropped: second };
    await pass(time, 1_000);
  }
  const stray = said('sFlow v5 datagrams on the NetFlow port');
  expect(stray.map(({ fields }) => fields?.from)).toEqual(['192.0.2.9']);
  expect(said('datagrams of exporters that are not allowed, refused').length).toBe(1);
  expect(said('flow datagrams lost on this machine').length).toBe(1);
  await tree.stop();
});

test('records that expire are told even when their exporter has fallen silent', async () => {
  const { time, world, start, said } = listening();
  const tree = await start();
  world.exporters = [exporter(1, { setsWithoutTemplate: 4 })];
  await pass(time, 2_000);
  world.exporters = [exporter(1, { setsWithoutTemplate: 4, setsExpired: 4 })];
  await pass(time, 1_000);
  expect(said('flow records wait for their template').length).toBe(1);
  const expired = said('flow records given up, their template did not come');
  expect(expired.map(({ level, fields }) => [level, fields?.sets])).toEqual([['warn', 4]]);
  await tree.stop();
});

test('what was kept back is told with the next line of its kind', async () => {
  const { time, world, start, said } = listening();
  const tree = await start();
  for (let second = 1; second <= 90; second += 1) {
    world.exporters = [exporter(1, { datagrams: second, sequenceLost: second })];
    await pass(time, 1_000);
  }
  const lost = said('flow datagrams lost on the way').map(({ fields }) => Number(fields?.lost));
  expect(lost.length).toBe(2);
  expect(lost[0]).toBe(1);
  expect(lost[1]).toBeGreaterThan(50);
  await tree.stop();
});

test('two hundred thousand spoofed sources make neither actors nor lines without bound', async () => {
  const bound = 256;
  const { time, world, start, lines, exporters } = listening(bound);
  const tree = await start();
  const perSecond = 20_000;
  const sources = 200_000;
  for (let from = 0; from < sources; from += perSecond) {
    // A data plane that would bound nothing, with everybody complaining about everything.
    world.exporters = Array.from({ length: perSecond }, (_, i) =>
      exporter(from + i, { sequenceLost: 5, setsExpired: 3, samplingZero: 1, clockSkewMicros: 9e9 }),
    );
    world.flow = listener({ datagrams: from, exportersRefused: from, refused: from });
    await pass(time, 1_000);
  }
  expect(tree.snapshot().children[0]?.children.length).toBe(bound);
  expect((await exporters()).length).toBeLessThanOrEqual(bound);
  expect(lines.length).toBeLessThan(60);
  await tree.stop();
}, 30_000);

test('while no host of a listener is near a threshold its ticks are seldom, and one comes at once when one is', async () => {
  const { time, world, start } = listening();
  const tree = await start();
  world.calm = true;
  await pass(time, tickMs);
  world.drains = 0;
  await pass(time, 5 * tickMs);
  expect(world.drains).toBe(1);
  world.calm = false;
  world.tellNear();
  await idle();
  expect(world.drains).toBe(2);
  await pass(time, 3 * tickMs);
  expect(world.drains).toBe(5);
  await tree.stop();
});
