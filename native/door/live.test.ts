/** Sources with threads, and meters whose work is done on other threads. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { Hostgroup } from '../../domain/hostgroup.js';
import type { DrainedBatch, Source } from '../../domain/ports.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { benchFlowProtocols, type FlowListenerOptions } from './contract.js';
import { openEngine } from './engine.js';
import { usualFlowReading } from './flow-options.js';
import { loadDoor } from './load.js';
import { pcapFile, sflowDatagram, udpFrame } from './test-frames.js';

const door = loadDoor();
const folder = mkdtempSync(join(tmpdir(), 'tidegate-live-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const victim = '127.77.0.7' as HostKey;
const group: Hostgroup = {
  name: 'global',
  networks: [],
  windowMs: 1000,
  thresholds: { incoming: { pps: 1000 }, outgoing: {}, total: {}, network: {} },
  confidence: null,
  action: 'blackhole',
  ban: { enabled: true, enabledIpv6: true, timeMs: 1000, onlyIfFinished: false, calmMs: 1000, probe: null },
};
const engine = openEngine(door, {
  networks: ['127.77.0.0/16', '10.0.0.0/8'] as PrefixKey[],
  hostgroups: [group],
  tickMs: 100,
  ipv6Hosts: 1024,
  countFlows: false,
  flowSlots: 1024,
  seed: 1n,
  sampleBytes: 128,
});

const threads = (prefix: string): string[] =>
  readdirSync('/proc/self/task')
    .map((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim())
    .filter((name) => name.startsWith(prefix));

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i++) await sleep(20);
  expect(what()).toBe(true);
}

async function send(port: number, payloads: readonly Uint8Array[], host = '127.0.0.1'): Promise<void> {
  const socket = createSocket('udp4');
  for (const payload of payloads) {
    await new Promise<void>((done, failed) => {
      socket.send(payload, port, host, (error) => (error === null ? done() : failed(error)));
    });
  }
  socket.close();
}

const listening = (address: string, change: Partial<FlowListenerOptions> = {}): FlowListenerOptions => ({
  ...usualFlowReading,
  address,
  port: 0,
  transport: 'udp',
  workers: 1,
  receiveBufferBytes: 2 ** 20,
  allow: [],
  refuseUnknown: false,
  ...change,
});

/** Absorbs and judges what the source has now; the hosts reported. */
async function judgeNow(source: Source, at: number) {
  // wide enough for what has come before this process was given the processor again
  const meter = engine.openMeter({ ...group, windowMs: 10_000 });
  for (const { batch } of await source.drain(at)) await meter.absorb(batch);
  const { exceeded } = await meter.judge(at);
  meter.close();
  return exceeded.map(({ subject, cause }) => ({ subject, metric: cause.metric }));
}

test('an sFlow datagram over loopback is counted with its sampling undone, judged, and booked to its exporter', async () => {
  const opened = engine.openFlows(listening('127.0.0.1'));
  if (!opened.ok) throw new Error(opened.error.detail);
  const source = opened.value;
  await until(() => threads('tg-flow:').includes(`tg-flow:${source.port}`.slice(0, 15)));
  const frame = udpFrame({
    source: [203, 0, 113, 9],
    destination: [127, 77, 0, 7],
    sourcePort: 53,
    destinationPort: 4444,
    payload: new Uint8Array(58),
  });
  const cut = sflowDatagram(frame, 4096, 4).subarray(0, 60);
  await send(source.port, [1, 2, 3].map((i) => sflowDatagram(frame, 4096, i)).concat(cut));
  await until(() => source.stats().packets >= 3 && source.stats().unparsed >= 1);
  const stats = source.stats();
  expect(stats.totals.incoming).toEqual({ packets: 3 * 4096, bytes: 3 * 4096 * 100 });
  expect(Object.keys(stats.errors)).toEqual(['sflow_bad_sample_length']);
  expect(await judgeNow(source, Date.now() * 1000)).toEqual([
    { subject: { kind: 'host', host: victim }, metric: 'pps' },
  ]);
  await until(() => (source.exporters()[0]?.records ?? 0) >= 3);
  expect(source.exporters()[0]).toMatchObject({
    agent: '192.0.2.1',
    domain: 7,
    address: '127.0.0.1',
    samplingRate: 4096,
    sequenceLost: 0,
  });
  const tap = engine.openTap({ kind: 'prefix', prefix: '127.77.0.0/16' as PrefixKey }, 10);
  const taken = tap.read(); // from before it was opened
  expect(taken.length).toBe(3);
  expect(taken[0]).toMatchObject({ sampling: 4096, destination: victim, wireLength: 100 });
  tap.close();
  source.close();
  await until(() => threads('tg-flow:').length === 0);
});

/** NetFlow version 9: a template of source, destination, bytes and packets, or one record by it. */
function netflow9(record: boolean): Uint8Array {
  const words = record
    ? [(300 << 16) | 20, 0xcb007101, 0x7f4d0007, 90_000, 60]
    : [24, (300 << 16) | 4, (8 << 16) | 4, (12 << 16) | 4, (1 << 16) | 4, (2 << 16) | 4];
  const all = [(9 << 16) | 1, 1000, Date.now() / 1000, 1, 3, ...words];
  const view = new DataView(new ArrayBuffer(all.length * 4));
  for (const [i, word] of all.entries()) view.setUint32(i * 4, word);
  return new Uint8Array(view.buffer);
}

test('templates are handed over once, and known again where they are given back', async () => {
  const opened = engine.openFlows(listening('127.0.0.1', { workers: 2 }));
  if (!opened.ok) throw new Error(opened.error.detail);
  const first = opened.value;
  await send(first.port, [netflow9(false)]);
  await until(() => (first.flow()?.templates ?? 0) === 1);
  const kept = first.takeTemplates();
  expect(kept).toMatchObject([
    { protocol: 'netflow9', address: '127.0.0.1', domain: 3, templateId: 300, options: false },
  ]);
  expect(kept[0]?.body.length).toBe(20);
  expect(first.takeTemplates()).toEqual([]);
  first.close();

  const again = engine.openFlows(listening('127.0.0.1', { samplingFallback: 50 }));
  if (!again.ok) throw new Error(again.error.detail);
  const second = again.value;
  expect(second.restoreTemplates(kept)).toBe(1);
  expect(() => second.restoreTemplates([{ ...kept[0], address: 'nowhere' }] as typeof kept)).toThrow(
    /address/,
  );
  await send(second.port, [netflow9(true)]);
  // counted and booked, each in its turn
  await until(() => second.stats().totals.incoming.packets > 0 && (second.exporters()[0]?.records ?? 0) > 0);
  expect(second.stats().totals.incoming).toEqual({ packets: 60 * 50, bytes: 90_000 * 50 });
  expect(second.exporters()[0]).toMatchObject({
    protocol: 'netflow9',
    domain: 3,
    records: 1,
    packets: 60,
    bytes: 90_000,
    samplingRate: 50,
    samplingOrigin: 'fallback',
    setsWithoutTemplate: 0,
    recordsOutside: 0,
  });
  second.close();
});

test('what a listener does not take, and who may not send, is told by name', async () => {
  const opened = engine.openFlows(
    listening('127.0.0.1', { accepts: ['sflow'], allow: ['192.0.2.0/24'], receiveBufferBytes: 2 ** 16 }),
  );
  if (!opened.ok) throw new Error(opened.error.detail);
  const source = opened.value;
  await send(source.port, [netflow9(false), new Uint8Array(40)]);
  await until(() => source.flow()?.strays.length === 2 && source.flow()?.refused === 2);
  expect(source.flow()).toMatchObject({
    datagrams: 0,
    strays: [
      { protocol: 'netflow9', datagrams: 1, lastFrom: '127.0.0.1' },
      { protocol: 'unknown', datagrams: 1, lastFrom: '127.0.0.1' },
    ],
    refused: 2,
    lastRefused: '127.0.0.1',
    receiveBufferAsked: 2 ** 16,
  });
  expect(source.exporters()).toEqual([]);
  source.close();
  expect(source.flow()).toBe(null);
});

test('a filter, a rate and a prefix that make no sense are refused by name', () => {
  const wrong: readonly (readonly [Partial<FlowListenerOptions>, RegExp])[] = [
    [{ allow: ['not a prefix'] }, /allow/],
    [{ samplingOverrides: [{ exporter: '10.0.0.300', interface: null, rate: 10 }] }, /exporter/],
    [{ samplingOverrides: [{ exporter: '10.0.0.3', interface: null, rate: 0 }] }, /rate/],
    [
      {
        filter: [
          {
            action: 'drop',
            conditions: [{ field: 'port', negated: false, ranges: [[-1, 5]], prefixes: [] }],
          },
        ],
      },
      /ranges/,
    ],
  ];
  for (const [change, message] of wrong) {
    expect(() => engine.openFlows(listening('127.0.0.1', change))).toThrow(message);
  }
});

test('an address that is not ours is a failure, not an exception', () => {
  const opened = engine.openFlows(listening('192.0.2.1'));
  expect(opened).toMatchObject({ ok: false, error: { code: 'SOURCE_UNAVAILABLE' } });
});

test('live packets on loopback are counted, and threads end soon after close', async (context) => {
  const opened = engine.openCapture({
    interface: 'lo',
    workers: 2,
    fanout: 'hash',
    promiscuous: false,
    snapLength: 128,
    ringBytes: 2 ** 20,
    blockTimeoutMs: 10,
    sampling: 10,
    lengthFromIp: false,
  });
  if (!opened.ok && opened.error.detail.startsWith('EPERM')) context.skip('needs CAP_NET_RAW');
  if (!opened.ok) throw new Error(opened.error.detail);
  const source = opened.value;
  await until(() => threads('tg-lo/').length === 2);
  await send(9, Array(200).fill(new Uint8Array(20)), victim);
  await until(() => source.stats().totals.incoming.packets + source.stats().totals.internal.packets >= 2000);
  expect(source.fault()).toBe(null);
  source.close();
  await until(() => threads('tg-lo/').length === 0);
  expect(threads('tg-lo/')).toEqual([]);
});

test('large batches are drained, absorbed and judged in order beside the main thread', async () => {
  const hosts = 40_000;
  const frames = Array.from({ length: hosts }, (_, i) =>
    udpFrame({
      source: [203, 0, 113, 1],
      destination: [10, 1, i >> 8, i & 255],
      sourcePort: 1,
      destinationPort: 2,
      payload: new Uint8Array(4),
    }),
  );
  const start = 1_795_480_780_000_000;
  const path = join(folder, 'many.pcap');
  const records = frames.map((frame, i) => ({ at: start + 2 * i, frame }));
  const second = frames.map((frame, i) => ({ at: start + 100_000 + 2 * i, frame }));
  writeFileSync(path, pcapFile([...records, ...second]));
  const opened = engine.openReplay({ path, lengthFromIp: false, sampling: 600, flow: null });
  if (!opened.ok) throw new Error(opened.error.detail);
  const source = opened.value;
  const meter = engine.openMeter(group);
  const drained: (readonly DrainedBatch[])[] = [];
  for (let tick = 0; tick < 2; tick++) {
    const { at } = source.step();
    const promised = source.drain(at);
    expect(promised).toBeInstanceOf(Promise);
    drained.push(await promised);
  }
  expect(drained.map((batches) => batches.map((one) => one.hosts))).toEqual([[hosts], [hosts]]);
  // All at once, none awaited: 600 packets a host are calm, 1200 are over, and only in order does each say so.
  const answers = [];
  for (const [tick, batches] of drained.entries()) {
    for (const { batch } of batches) answers.push(meter.absorb(batch));
    answers.push(meter.judge(start + (tick + 1) * 100_000));
  }
  const [, calm, , over] = await Promise.all(answers);
  expect(calm).toMatchObject({ exceeded: [], deferred: 0 });
  expect(over).toMatchObject({ deferred: hosts - 256 });
  expect(meter.stats()).toMatchObject({ hosts });
  meter.close();
  source.close();
});

test('the benches of flow telemetry count records of each protocol', async () => {
  for (const protocol of benchFlowProtocols) {
    const options = { hosts: 1024, flows: true, seconds: 0.05, seed: 1n, pcap: null, protocol };
    const result = await door.benchFlows(options);
    expect(result.records / result.datagrams).toBeGreaterThan(protocol === 'sflow' ? 7.9 : 20);
    expect(result.mrps).toBeGreaterThan(0);
    await expect(door.benchFlows({ ...options, pcap: join(folder, 'none') })).rejects.toMatchObject({
      code: 'CAPTURE_UNREADABLE',
    });
  }
});

test('the bench measures', async () => {
  const options = { hosts: 65_536, flows: false, seconds: 0.05, seed: 1n, pcap: null };
  const result = await door.benchPackets(options);
  expect(result.packets).toBeGreaterThan(0);
  expect(result.mpps).toBeGreaterThan(0);
  expect(result.absorbMs).toBeGreaterThan(0);
  expect(result.mainThreadMs).toBeGreaterThan(0);
  await expect(door.benchPackets({ ...options, pcap: join(folder, 'none') })).rejects.toMatchObject({
    code: 'CAPTURE_UNREADABLE',
  });
  await expect(door.benchPackets({ ...options, hosts: 1 })).rejects.toThrow(/hosts/);
});
