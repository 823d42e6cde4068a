/**
 * One attack, told by packets and by flow telemetry of every kind, sampled and not: it is found at the same host, in
 * the same direction, named by the same vector, and its rate is the same within what sampling leaves open.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { globalGroup, type Hostgroup } from '../domain/hostgroup.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { openEngine } from '../native/door/engine.js';
import { usualFlowReading } from '../native/door/flow-options.js';
import { loadDoor } from '../native/door/load.js';
import {
  type FlowExporterOptions,
  type FlowExportProtocol,
  usualFlowExporter,
  usualStatement,
} from '../traffic/flows/options.js';
import { type Telemetry, telemetryDevice, writeTelemetryCapture } from '../traffic/flows/telemetry.js';
import { writeCapture } from '../traffic/pcap.js';
import { type PreparedScenario, prepareScenario } from '../traffic/prepare.js';
import { attackPart, backgroundPart } from '../traffic/scenario.js';
import { usualSflow } from '../traffic/sflow.js';
import { captureFolder, groupOf, rehearsalEpoch, replayed, settingsOf } from './detection-rehearsal.js';

const folder = captureFolder();
afterAll(folder.close);

const target = '203.0.113.9';
const networks = ['203.0.113.0/24'];
const attackPps = 10_000;
const collector = Uint8Array.of(192, 0, 2, 9);
const router = Uint8Array.of(192, 0, 2, 1);

function scenario(vector: string): PreparedScenario {
  const prepared = prepareScenario({
    name: vector,
    seed: 7,
    startMicros: rehearsalEpoch,
    networks,
    parts: [
      backgroundPart({ name: 'use', pps: 500, durationMicros: 16e6 }),
      attackPart({
        name: vector,
        vector,
        targets: [target],
        pps: attackPps,
        startMicros: 3e6,
        durationMicros: 10e6,
      }),
    ],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
}

const routerOptions = (protocol: FlowExportProtocol, rate: number): FlowExporterOptions => ({
  ...usualFlowExporter,
  protocol,
  startMicros: rehearsalEpoch,
  activeMicros: 2e6,
  inactiveMicros: 1e6,
  samplingRate: rate,
  stated: rate === 1 ? [] : usualStatement(protocol, rate),
});
const telemetryOf = (kind: FlowExportProtocol | 'sflow', rate: number): Telemetry =>
  kind === 'sflow'
    ? { kind: 'sflow', options: { ...usualSflow, agent: router, samplingRate: rate } }
    : { kind: 'flow', options: routerOptions(kind, rate) };

type Seen = { readonly kind: FlowExportProtocol | 'sflow' | 'packets'; readonly rate: number };
const ways: readonly Seen[] = [
  { kind: 'packets', rate: 1 },
  ...(['netflow5', 'netflow9', 'ipfix', 'sflow'] as const).flatMap((kind) => [
    { kind, rate: 1 },
    { kind, rate: 50 },
  ]),
];

function capture(vector: string, { kind, rate }: Seen): string {
  const path = folder.path(`${vector}-${kind}-${rate}.pcap`);
  const prepared = scenario(vector);
  const written =
    kind === 'packets'
      ? writeCapture(path, prepared)
      : writeTelemetryCapture(path, prepared, [telemetryDevice(telemetryOf(kind, rate), router)], collector);
  if (!written.ok) throw new Error(written.error.detail);
  return path;
}

const settings = settingsOf(networks, [groupOf(globalGroup, [], { incoming: { pps: 2_000 } })]);

const windowMs = 5_000;
const watched: Hostgroup = groupOf(globalGroup, [], { incoming: { pps: 1 } }, { windowMs });

/** The highest rates of the target over five seconds, on any tick. */
async function highestRates(path: string, flows: boolean): Promise<{ pps: number; bps: number }> {
  const engine = openEngine(loadDoor(), {
    networks: networks as PrefixKey[],
    hostgroups: [watched],
    tickMs: 100,
    ipv6Hosts: 1024,
    countFlows: false,
    flowSlots: 1024,
    seed: 1n,
    sampleBytes: 0,
  });
  const reading = flows ? { ...usualFlowReading, lengthFromIp: true, windowMicros: windowMs * 1000 } : null;
  const opened = engine.openReplay({ path, lengthFromIp: true, sampling: 1, flow: reading });
  if (!opened.ok) throw new Error(opened.error.detail);
  const meter = engine.openMeter(watched);
  const most = { pps: 0, bps: 0 };
  for (let done = false; !done; ) {
    const step = opened.value.step();
    done = step.done;
    for (const { batch } of await opened.value.drain(step.at)) await meter.absorb(batch);
    await meter.judge(step.at);
    const rates = meter.rates(target as HostKey, step.at)?.incoming.total;
    most.pps = Math.max(most.pps, rates?.pps ?? 0);
    most.bps = Math.max(most.bps, rates?.bps ?? 0);
  }
  meter.close();
  opened.value.close();
  return most;
}

describe('an attack of spoofed SYNs', () => {
  for (const way of ways) {
    const name =
      way.kind === 'packets' ? 'packets' : `${way.kind}, ${way.rate === 1 ? 'unsampled' : `1:${way.rate}`}`;
    test(`seen by ${name}`, async () => {
      const path = capture('syn', way);
      const { started } = await replayed(settings, path, way.kind !== 'packets');
      expect(started).toMatchObject([
        {
          host: target,
          direction: 'incoming',
          vector: 'syn_flood',
          cause: { metric: 'pps', threshold: 2_000 },
        },
      ]);
      const { pps, bps } = await highestRates(path, way.kind !== 'packets');
      const truth = await highestRates(capture('syn', { kind: 'packets', rate: 1 }), false);
      // Four standard deviations of what five seconds of samples can be off by; of records without sampling, their
      // edges: what a device tells in bursts falls on one side or the other of a window's end.
      const samples = (truth.pps * windowMs) / 1000 / way.rate;
      const off = way.kind === 'packets' ? 0 : way.rate === 1 ? 0.05 : 4 / Math.sqrt(samples);
      expect(Math.abs(pps / truth.pps - 1), `${pps} of ${truth.pps} pps`).toBeLessThanOrEqual(off);
      expect(Math.abs(bps / truth.bps - 1), `${bps} of ${truth.bps} bit/s`).toBeLessThanOrEqual(off + 0.02);
    }, 60_000);
  }
});

/** Vectors that live on what a record can say; one exporter of each kind. */
const named = [
  { vector: 'udp', shows: 'udp_flood' },
  { vector: 'dns', shows: 'dns_amplification' },
  { vector: 'ntp', shows: 'ntp_amplification' },
  { vector: 'icmp', shows: 'icmp_flood' },
  { vector: 'ack', shows: 'ack_flood' },
  { vector: 'gre', shows: 'gre_flood' },
] as const;

const tellings = named.flatMap(({ vector, shows }) => {
  const plain = shows.endsWith('_amplification')
    ? (['netflow5', 'netflow9', 'ipfix', 'sflow'] as const)
    : (['netflow5', 'ipfix'] as const);
  return [
    ...plain.map((kind) => ({ vector, shows, kind, rate: 1 })),
    ...(['netflow5', 'netflow9', 'ipfix', 'sflow'] as const).map((kind) => ({
      vector,
      shows,
      kind,
      rate: 50,
    })),
  ];
});

describe('the vector is named from flow records, which hold no packets, and from samples', () => {
  for (const { vector, shows, kind, rate } of tellings) {
    test(`${shows} by ${kind}, ${rate === 1 ? 'unsampled' : `1:${rate}`}`, async () => {
      const { started } = await replayed(settings, capture(vector, { kind, rate }), true);
      expect(started).toMatchObject([{ host: target, direction: 'incoming', vector: shows }]);
    }, 60_000);
  }
});

test('a record weighs as many packets as it tells of: one heavy flow among many light ones names the attack', async () => {
  const prepared = prepareScenario({
    name: 'heavy',
    seed: 11,
    startMicros: rehearsalEpoch,
    networks,
    parts: [
      attackPart({ name: 'light', vector: 'udp', targets: [target], pps: 300, durationMicros: 12e6 }),
      attackPart({
        name: 'heavy',
        vector: 'icmp',
        targets: [target],
        sources: 1,
        pps: attackPps,
        startMicros: 2e6,
        durationMicros: 10e6,
      }),
    ],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const path = folder.path('heavy.pcap');
  const device = telemetryDevice(telemetryOf('ipfix', 1), router);
  const written = writeTelemetryCapture(path, prepared.value, [device], collector);
  if (!written.ok) throw new Error(written.error.detail);
  const { started } = await replayed(settings, path, true);
  expect(started).toMatchObject([{ host: target, direction: 'incoming', vector: 'icmp_flood' }]);
}, 60_000);

test('normal use alone raises nothing, however it is told', async () => {
  const prepared = prepareScenario({
    name: 'use',
    seed: 9,
    startMicros: rehearsalEpoch,
    networks,
    parts: [backgroundPart({ name: 'use', pps: 2_000, durationMicros: 10e6 })],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  for (const { kind, rate } of ways) {
    if (kind === 'packets') continue;
    const path = folder.path('use.pcap');
    const device = telemetryDevice(telemetryOf(kind, rate), router);
    const written = writeTelemetryCapture(path, prepared.value, [device], collector);
    if (!written.ok) throw new Error(written.error.detail);
    const { started } = await replayed(settings, path, true);
    expect(started, `${kind} 1:${rate}`).toEqual([]);
  }
}, 60_000);
