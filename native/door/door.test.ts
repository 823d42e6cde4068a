/** The door whole: what crosses it is what domain/ says, and what is wrong is refused by name. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Hostgroup } from '../../domain/hostgroup.js';
import { counterClasses, metrics } from '../../domain/traffic.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import type { EngineOptions, MeterOptions, NativeThresholds } from './contract.js';
import { type EngineSettings, openEngine } from './engine.js';
import { binaryFor, loadDoor } from './load.js';
import { pcapFile, udpFrame } from './test-frames.js';

const door = loadDoor();
const folder = mkdtempSync(join(tmpdir(), 'tidegate-door-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ours = '198.51.100.0/24' as PrefixKey;
const victim = '198.51.100.7' as HostKey;
const group: Hostgroup = {
  name: 'global',
  networks: [],
  windowMs: 1000,
  thresholds: { incoming: { pps: 1000 }, outgoing: {}, total: {}, network: { udp_pps: 3000 } },
  confidence: null,
  action: 'blackhole',
  ban: { enabled: true, enabledIpv6: true, timeMs: 1000, onlyIfFinished: false, calmMs: 1000, probe: null },
};
const settings: EngineSettings = {
  networks: [ours],
  hostgroups: [group],
  tickMs: 100,
  ipv6Hosts: 1024,
  countFlows: true,
  flowSlots: 65_536,
  seed: 7n,
  sampleBytes: 64,
};
const engineOptions: EngineOptions = {
  networks: [ours],
  hostgroups: [{ name: 'global', networks: [] }],
  tickMicros: 100_000,
  ipv6Hosts: 1024,
  countFlows: false,
  flowSlots: 1024,
  seed: null,
  sampleBytes: 64,
};
const unjudged = () => new Float64Array(metrics.length).fill(Number.NaN);
const thresholds: NativeThresholds = {
  incoming: unjudged(),
  outgoing: unjudged(),
  total: unjudged(),
  network: unjudged(),
};
const meterOptions: MeterOptions = {
  hostgroup: 0,
  windowMicros: 1_000_000,
  thresholds,
  exactBytes: 2 ** 20,
  ipv6Hosts: 1024,
  confidence: null,
};

const start = 1_795_480_780_000_000;
/** `perSecond` packets to the victim for two seconds, each of 142 bytes, then one from it. */
function attackFile(perSecond: number): string {
  const frames = [];
  for (let i = 0; i < 2 * perSecond; i++) {
    const frame = udpFrame({
      source: [203, 0, 113, 1 + (i % 200)],
      destination: [198, 51, 100, 7],
      sourcePort: 53,
      destinationPort: 1024 + i,
      payload: new Uint8Array(100),
    });
    frames.push({ at: start + Math.floor((i * 1e6) / perSecond), frame });
  }
  const answer = udpFrame({
    source: [198, 51, 100, 7],
    destination: [203, 0, 113, 9],
    sourcePort: 9,
    destinationPort: 9,
    payload: new Uint8Array(0),
  });
  frames.push({ at: start + 2_050_000, frame: answer });
  const path = join(folder, `attack-${perSecond}.pcap`);
  writeFileSync(path, pcapFile(frames));
  return path;
}

test('the native lists are those of the domain, in their order', () => {
  const layout = door.layout();
  expect(layout.classes).toEqual([...counterClasses]);
  expect(layout.metrics).toEqual([...metrics]);
  expect(new Set(layout.errors).size).toBe(layout.errors.length);
  expect(layout.errors).toContain('ipv4_truncated');
  expect(door.version()).toMatch(/^\d+\.\d+\.\d+$/);
});

describe('wrong arguments throw and name the field', () => {
  const engine = door.createEngine(engineOptions);
  const wrongEngines: readonly [string, unknown, RegExp][] = [
    ['networks', ['300.1.1.0/24'], /networks.*300\.1\.1\.0/],
    ['networks', 'all', /networks.*array/],
    ['tickMicros', 0, /tickMicros/],
    ['tickMicros', '100', /tickMicros.*number/],
    ['ipv6Hosts', 1000, /ipv6Hosts.*power of two/],
    ['countFlows', 1, /countFlows/],
    ['seed', 7, /seed.*bigint/],
    ['sampleBytes', 1.5, /sampleBytes.*whole/],
    ['hostgroups', [{ name: 'a' }], /hostgroups\[0\]\.networks/],
  ];
  test.each(wrongEngines)('engine options: %s = %j', (field, value, message) => {
    const wrong = { ...engineOptions, [field]: value } as EngineOptions;
    expect(() => door.createEngine(wrong)).toThrow(message);
  });

  const wrongMeters: readonly [string, unknown, RegExp][] = [
    ['hostgroup', 1, /hostgroup/],
    ['windowMicros', 10, /windowMicros/],
    ['exactBytes', -1, /exactBytes/],
    ['thresholds', null, /thresholds/],
    ['thresholds', { ...thresholds, total: new Float64Array(3) }, /thresholds\.total/],
    ['thresholds', { ...thresholds, network: [1, 2] }, /thresholds\.network/],
  ];
  test.each(wrongMeters)('meter options: %s = %j', (field, value, message) => {
    const wrong = { ...meterOptions, [field]: value } as MeterOptions;
    expect(() => door.createMeter(engine, wrong)).toThrow(message);
  });

  test('a handle of another kind, or none, is refused', () => {
    const meter = door.createMeter(engine, meterOptions);
    expect(() => door.judge(engine as never, start)).toThrow(/meter/);
    expect(() => door.createMeter(meter as never, meterOptions)).toThrow(/engine/);
    expect(() => door.absorb(meter, {} as never)).toThrow(/batch/);
    expect(() => door.judge(meter, Number.NaN)).toThrow(/at/);
    expect(() => door.watch(meter, 'somewhere', 'incoming')).toThrow(/subject/);
    expect(() => door.watch(meter, victim, 'other' as never)).toThrow(/direction/);
    expect(() => door.openTap(engine, victim, 0)).toThrow(/count/);
    door.closeMeter(meter);
    expect(() => door.judge(meter, start)).toThrow(/closed/);
  });

  test('the ports check before C++ does', () => {
    expect(() => openEngine(door, { ...settings, tickMs: 0 })).toThrow(/tickMs/);
    expect(() => openEngine(door, { ...settings, flowSlots: 1000 })).toThrow(/flowSlots/);
    const ports = openEngine(door, settings);
    const wrong = { ...group, thresholds: { ...group.thresholds, incoming: { pps: -1 } } };
    expect(() => ports.openMeter(wrong)).toThrow(/thresholds\.incoming\.pps/);
    expect(() => ports.openMeter({ ...group, name: 'nobody' })).toThrow(/nobody/);
  });

  test('what the outside world refuses is a failure with a code', () => {
    const ports = openEngine(door, settings);
    const missing = ports.openReplay({
      path: join(folder, 'none.pcap'),
      lengthFromIp: false,
      sampling: 1,
      flow: null,
    });
    expect(missing).toMatchObject({ ok: false, error: { code: 'CAPTURE_UNREADABLE' } });
    const capture = ports.openCapture({
      interface: 'tg-none0',
      workers: 1,
      fanout: 'cpu',
      promiscuous: false,
      snapLength: 128,
      ringBytes: 2 ** 20,
      blockTimeoutMs: 10,
      sampling: 1,
      lengthFromIp: false,
    });
    expect(capture).toMatchObject({ ok: false, error: { code: 'SOURCE_UNAVAILABLE' } });
  });
});

describe('a replayed capture', () => {
  test('is counted, judged, watched and tapped on its own clock', async () => {
    const engine = openEngine(door, settings);
    const path = attackFile(2000);
    const opened = engine.openReplay({ path, lengthFromIp: false, sampling: 1, flow: null });
    if (!opened.ok) throw new Error(opened.error.detail);
    const source = opened.value;
    const meter = engine.openMeter(group);
    const decided: { at: number; text: string; scope: string }[] = [];
    let tap = null;
    let steps = 0;
    let last = 0;
    for (let done = false; !done; steps++) {
      const step = source.step();
      done = step.done;
      expect(step.at - start).toBe((steps + 1) * 100_000);
      for (const { hostgroup, batch, hosts } of await source.drain(step.at)) {
        expect(hostgroup).toBe('global');
        expect(hosts).toBe(1);
        await meter.absorb(batch);
        expect(() => meter.absorb(batch)).toThrow(/absorbed/);
      }
      const judgement = await meter.judge(step.at);
      last = judgement.at;
      for (const { subject, direction, cause, rates } of judgement.exceeded) {
        if (subject.kind !== 'host') continue;
        decided.push({ at: step.at, text: subject.host, scope: cause.scope });
        expect(direction).toBe('incoming');
        expect(cause).toMatchObject({ metric: 'pps', threshold: 1000 });
        expect(cause.rate).toBeGreaterThan(1000);
        expect(rates.incoming.udp.pps).toBe(rates.incoming.total.pps);
        meter.watch(subject, direction);
        tap = engine.openTap(subject, 100);
      }
    }
    // Half a second at twice the threshold, and at most two ticks.
    expect(decided).toEqual([{ at: start + 600_000, text: victim, scope: 'host' }]);
    const stats = source.stats();
    expect(stats).toMatchObject({ packets: 4001, unparsed: 0, hosts: 1, dropped: 0 });
    expect(stats.totals.incoming).toEqual({ packets: 4000, bytes: 4000 * 142 });
    expect(stats.totals.outgoing).toEqual({ packets: 1, bytes: 42 });

    const rates = meter.rates(victim, last);
    expect(rates?.incoming.total.pps).toBe(1800);
    expect(rates?.outgoing.total.pps).toBeCloseTo(1, 0);
    expect(meter.total(last).incoming.total).toEqual({ pps: 1800, bps: 1800 * 142 * 8 });
    expect(meter.networks(last)).toMatchObject([{ network: ours }]);
    expect(meter.top('packets', 'incoming', 5, last)[0]?.host).toBe(victim);
    expect(meter.stats()).toMatchObject({ hosts: 1, exact: 1, exactRefused: 0 });

    const standing = (await meter.judge(last)).watched;
    expect(standing).toMatchObject([{ subject: { kind: 'host', host: victim }, over: true }]);
    expect((await meter.judge(last + 2_000_000)).watched).toMatchObject([
      { over: false, rates: { incoming: { total: { pps: 0, bps: 0 } } } },
    ]);
    meter.unwatch({ kind: 'host', host: victim }, 'incoming');
    expect((await meter.judge(last + 2_100_000)).watched).toEqual([]);

    const packets = tap?.read() ?? [];
    expect(packets.length).toBe(100);
    expect(packets.filter(({ at }) => at < start + 600_000).length).toBe(50);
    expect(packets[0]).toMatchObject({
      direction: 'incoming',
      destination: victim,
      protocol: 17,
      sourcePort: 53,
      wireLength: 142,
      ipLength: 128,
      ttl: 64,
    });
    expect(packets[0]?.bytes?.length).toBe(64);
    tap?.close();
    meter.close();
    source.close();
    expect(source.fault()).toBe('closed');
    expect(source.stats().packets).toBe(4001);
  });

  test('empty ticks are steps up to two minutes; a longer gap is jumped', () => {
    const engine = openEngine(door, settings);
    const frame = udpFrame({
      source: [203, 0, 113, 1],
      destination: [198, 51, 100, 7],
      sourcePort: 1,
      destinationPort: 2,
      payload: new Uint8Array(10),
    });
    const times = [0, 1_050_000, 400_000, 3_600_000_000];
    const path = join(folder, 'gaps.pcap');
    writeFileSync(path, pcapFile(times.map((at) => ({ at: start + at, frame }))));
    const opened = engine.openReplay({ path, lengthFromIp: false, sampling: 1, flow: null });
    if (!opened.ok) throw new Error(opened.error.detail);
    const seen: { at: number; packets: number }[] = [];
    for (let done = false; !done; ) {
      const step = opened.value.step();
      done = step.done;
      seen.push({ at: step.at - start, packets: step.packets });
    }
    expect(seen.length).toBe(12);
    expect(seen[0]).toEqual({ at: 100_000, packets: 1 });
    expect(seen[9]).toEqual({ at: 1_000_000, packets: 0 });
    expect(seen[10]).toEqual({ at: 1_100_000, packets: 2 }); // one ran backwards
    expect(seen[11]).toEqual({ at: 3_600_100_000, packets: 1 });
    opened.value.close();
  });
});

test('a missing binary is told with what to run', () => {
  const nested = join(folder, 'dist', 'native', 'door');
  mkdirSync(nested, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  expect(() => binaryFor(nested)).toThrow(/node native\/door\/build\.mjs/);
  mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
  writeFileSync(join(folder, 'build', 'Release', 'tidegate.node'), '');
  expect(binaryFor(nested)).toBe(join(folder, 'build', 'Release', 'tidegate.node'));
});
