/**
 * Captures of flow telemetry that is well, and of each fault that shows in a capture: made by the exporters of traffic/,
 * deterministic. For tests of the doctor.
 */
import { readFileSync } from 'node:fs';
import type { DiagnosisCode } from '../domain/diagnosis.js';
import { plainMix } from '../traffic/background.js';
import { type FlowExportProtocol, usualFlowExporter, usualStatement } from '../traffic/flows/options.js';
import {
  type Telemetry,
  type TelemetryDevice,
  telemetryDevice,
  tellAll,
  writeTelemetryCapture,
} from '../traffic/flows/telemetry.js';
import { pcapWriter, writePieces } from '../traffic/pcap.js';
import { type PreparedScenario, prepareScenario } from '../traffic/prepare.js';
import { readCapture, readPacket } from '../traffic/reading.js';
import { attackPart, backgroundPart, type Part } from '../traffic/scenario.js';
import { type SflowOptions, usualSflow } from '../traffic/sflow.js';

const second = 1e6;
const startMicros = 1_700_000_000_000_000;
export const fixtureNetwork = '203.0.113.0/24';
const device = Uint8Array.of(192, 0, 2, 1);
const otherDevice = Uint8Array.of(192, 0, 2, 2);
const collector = Uint8Array.of(192, 0, 2, 9);

/** Every protocol that a device of ours can speak. */
export const fixtureProtocols = ['netflow1', 'netflow5', 'netflow7', 'netflow9', 'ipfix', 'sflow'] as const;
export type FixtureProtocol = (typeof fixtureProtocols)[number];

type FlowChange = Partial<typeof usualFlowExporter>;
const flow = (protocol: FlowExportProtocol, change: FlowChange = {}): Telemetry => ({
  kind: 'flow',
  options: { ...usualFlowExporter, protocol, startMicros, ...change },
});
const sflow = (change: Partial<SflowOptions> = {}): Telemetry => ({
  kind: 'sflow',
  options: { ...usualSflow, agent: device, samplingRate: 10, ...change },
});

/** IPv4 alone: not every protocol can express more. */
const use = (seconds: number, pps: number): Part =>
  backgroundPart({
    name: 'use',
    pps,
    durationMicros: seconds * second,
    mix: { ...plainMix, ipv6: 0, fragments: 0 },
  });
/** Flows that go on from the first second to the last. */
const transfers = (seconds: number): readonly Part[] =>
  Array.from({ length: 12 }, (_, index) =>
    attackPart({
      name: `transfer ${index}`,
      vector: 'transfer',
      seed: index,
      targets: [`203.0.113.${100 + index}`],
      pps: 3,
      durationMicros: seconds * second,
    }),
  );

export type Fixture = {
  readonly name: string;
  /** null: none. */
  readonly code: DiagnosisCode | null;
  readonly parts: readonly Part[];
  readonly devices: readonly TelemetryDevice[];
  /** The network that is ours, in place of `fixtureNetwork`. */
  readonly network?: string;
  /** The first device is switched off after so many seconds. */
  readonly endsAfterSeconds?: number;
};

const usualParts = [use(200, 150), ...transfers(200)];
const one = (telemetry: Telemetry, change: Partial<TelemetryDevice> = {}): readonly TelemetryDevice[] => [
  telemetryDevice(telemetry, device, change),
];

const sampled = (protocol: FlowExportProtocol, change: FlowChange = {}): Telemetry =>
  flow(protocol, { samplingRate: 10, stated: usualStatement(protocol, 10), ...change });

export const healthyFixtures: readonly Fixture[] = [
  ...fixtureProtocols.map(
    (protocol): Fixture => ({
      name: `healthy ${protocol}`,
      code: null,
      parts: usualParts,
      devices: one(protocol === 'sflow' ? sflow() : flow(protocol)),
    }),
  ),
  ...(['netflow5', 'netflow9', 'ipfix'] as const).map(
    (protocol): Fixture => ({
      name: `healthy sampled ${protocol}`,
      code: null,
      parts: usualParts,
      devices: one(sampled(protocol)),
    }),
  ),
  {
    name: 'healthy ipfix from changing ports',
    code: null,
    parts: usualParts,
    devices: one(flow('ipfix'), { sourcePorts: 5 }),
  },
];

const fault = (
  code: DiagnosisCode,
  name: string,
  change: Omit<Fixture, 'code' | 'name' | 'parts'> & Partial<Fixture>,
): Fixture => ({
  parts: usualParts,
  ...change,
  name: `${code}: ${name}`,
  code,
});

export const faultFixtures: readonly Fixture[] = [
  ...(['netflow9', 'ipfix'] as const).map((protocol) =>
    fault('template_missing', protocol, {
      devices: one(flow(protocol, { templatesFromMicros: Number.POSITIVE_INFINITY })),
    }),
  ),
  fault('template_late', 'every 15 minutes', {
    parts: [use(930, 20)],
    devices: one(flow('netflow9', { templateMicros: 900 * second })),
  }),
  fault('template_late', 'later than records wait', {
    parts: [use(400, 100)],
    devices: one(flow('ipfix', { templatesFromMicros: 330 * second })),
  }),
  fault('sampling_absent', 'netflow9', {
    parts: [use(200, 800)],
    devices: one(flow('netflow9', { samplingRate: 100, stated: [] })),
  }),
  fault('sampling_contradictory', 'options against record', {
    devices: one(
      sampled('netflow9', {
        stated: [
          { by: 'exporter', rate: 1_000 },
          { by: 'record', rate: 10 },
        ],
      }),
    ),
  }),
  fault('sampling_zero', 'ipfix', {
    devices: one(flow('ipfix', { stated: [{ by: 'exporter', rate: 0 }] })),
  }),
  fault('active_timeout_longer_than_window', '5 minutes', {
    parts: [use(700, 20), ...transfers(700)],
    devices: one(flow('netflow9', { activeMicros: 300 * second })),
  }),
  fault('inactive_timeout_long', '2 minutes', {
    parts: [use(400, 100)],
    // A device cuts a flow by its active timeout first, where that is the shorter.
    devices: one(flow('ipfix', { inactiveMicros: 120 * second, activeMicros: 1_800 * second })),
  }),
  ...(['netflow5', 'netflow9', 'ipfix'] as const).map((protocol) =>
    fault('sequence_loss', protocol, { devices: one(flow(protocol), { loseEvery: 10 }) }),
  ),
  fault('sequence_loss', 'sflow', { devices: one(sflow(), { loseEvery: 10 }) }),
  fault('clock_skew', 'a minute ahead', {
    devices: one(flow('netflow9', { clockSkewMicros: 60 * second })),
  }),
  fault('duplicates', 'two devices on one path', {
    parts: [use(200, 800)],
    devices: [
      telemetryDevice(flow('netflow9'), device),
      telemetryDevice(flow('netflow9', { domain: 2 }), otherDevice),
    ],
  }),
  fault('outside_networks', 'a list that does not fit', {
    devices: one(sflow()),
    network: '198.18.0.0/24',
  }),
  fault('short_headers', '36 bytes', { devices: one(sflow({ headerBytes: 36 })) }),
  fault('short_headers', 'cut within the IP header', { devices: one(sflow({ headerBytes: 24 })) }),
  fault('silent', 'for five minutes', {
    parts: [use(420, 100)],
    devices: [
      telemetryDevice(flow('netflow9'), device),
      telemetryDevice(sflow({ agent: otherDevice, samplingRate: 100 }), otherDevice),
    ],
    endsAfterSeconds: 110,
  }),
];

function prepared({ name, parts }: Fixture): PreparedScenario {
  const ready = prepareScenario({ name, seed: 7, startMicros, networks: [fixtureNetwork], parts });
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
}

/** The datagrams themselves, in the order of their times. */
export function datagramsOf(fixture: Fixture): readonly Uint8Array[] {
  const all: Uint8Array[] = [];
  tellAll(prepared(fixture), fixture.devices, (_, datagram) => all.push(datagram.slice()));
  return all;
}

/** Throws when it cannot be written. */
export function writeFixture(fixture: Fixture, path: string): void {
  const written = writeTelemetryCapture(path, prepared(fixture), fixture.devices, collector);
  if (!written.ok) throw new Error(written.error.detail);
  if (fixture.endsAfterSeconds !== undefined) switchOff(path, fixture.endsAfterSeconds);
}

function switchOff(path: string, seconds: number): void {
  const { frames } = readCapture(readFileSync(path));
  const written = writePieces(path, (sink) => {
    const writer = pcapWriter(startMicros, 'micro', sink);
    for (const frame of frames) {
      const micros = frame.seconds * 1e6 + frame.fraction - startMicros;
      const isFirst = readPacket(frame.bytes).source[3] === device[3];
      if (!isFirst || micros <= seconds * second) writer.frame(frame.bytes, 0, frame.bytes.length, micros);
    }
    writer.finish();
  });
  if (!written.ok) throw new Error(written.error.detail);
}
