/** The datagrams that collectors are measured with: one capture for each protocol, made by traffic/, sent again and again. */
import { join } from 'node:path';
import { addressBytes } from '../../domain/address.js';
import type { HostKey } from '../../domain/units.js';
import { type FlowExportProtocol, usualFlowExporter } from '../../traffic/flows/options.js';
import { type Telemetry, telemetryDevice, writeTelemetryCapture } from '../../traffic/flows/telemetry.js';
import { prepareScenario } from '../../traffic/prepare.js';
import { attackPart, backgroundPart, type Part } from '../../traffic/scenario.js';
import { usualSflow } from '../../traffic/sflow.js';

export const loadNames = ['netflow5', 'netflow9', 'ipfix', 'sflow'] as const;
export type LoadName = (typeof loadNames)[number];

export type Load = {
  readonly name: LoadName;
  readonly path: string;
  readonly datagrams: number;
  /** Flow records, or flow samples. */
  readonly recordsPerDatagram: number;
};

export const networks: readonly string[] = ['10.10.0.0/16'];
const exporterAddress = addressBytes('192.0.2.1' as HostKey);
const collectorAddress = addressBytes('192.0.2.2' as HostKey);

const samplesPerDatagram = 8;
const headerBytes = 128;
const datagramHeaderBytes = 28;
const sampleBytes = 40 + 24;

/** Use of whole sessions, and much that is spread thin over the network: no host comes near a threshold. */
const use: readonly Part[] = [
  backgroundPart({ name: 'use', pps: 20_000, durationMicros: 2e6 }),
  attackPart({ name: 'thin', vector: 'udp_plain', targets: [...networks], pps: 40_000, durationMicros: 2e6 }),
];
/** Frames longer than the header that is sampled, so that each datagram holds as many samples. */
const longFrames: readonly Part[] = [
  attackPart({ name: 'thin', vector: 'udp_plain', targets: [...networks], pps: 20_000, durationMicros: 2e6 }),
];

const flow = (protocol: FlowExportProtocol, startMicros: number): Telemetry => ({
  kind: 'flow',
  options: { ...usualFlowExporter, protocol, startMicros, inactiveMicros: 500_000 },
});
const sflow: Telemetry = {
  kind: 'sflow',
  options: {
    ...usualSflow,
    agent: exporterAddress,
    samplingRate: 1,
    sampled: true,
    headerBytes,
    counterMicros: 0,
    datagramBytes: datagramHeaderBytes + samplesPerDatagram * (sampleBytes + headerBytes),
  },
};

/** Writes the capture; its times are about now, as those of a live exporter are. Throws when it cannot be written. */
export function writeLoad(name: LoadName, folder: string): Load {
  const startMicros = (Date.now() - 5_000) * 1000;
  const parts = name === 'sflow' ? longFrames : use;
  const prepared = prepareScenario({ name, seed: 1, startMicros, networks, parts });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const path = join(folder, `${name}.pcap`);
  const telemetry = name === 'sflow' ? sflow : flow(name, startMicros);
  const device = telemetryDevice(telemetry, exporterAddress);
  const written = writeTelemetryCapture(path, prepared.value, [device], collectorAddress);
  if (!written.ok) throw new Error(written.error.detail);
  const { datagrams = 0, records = 0 } = written.value[0] ?? {};
  return { name, path, datagrams, recordsPerDatagram: records / datagrams };
}
