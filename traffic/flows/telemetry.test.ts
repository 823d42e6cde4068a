/** Captures of flow telemetry, and how other readers understand them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hasNfcapd, nfcapdReads } from '../nfcapd.js';
import { type PreparedScenario, prepareScenario } from '../prepare.js';
import { readCapture, readPacket } from '../reading.js';
import { attackPart, backgroundPart } from '../scenario.js';
import { usualSflow } from '../sflow.js';
import { hasTshark, sharkFaults, sharkFields } from '../tshark.js';
import {
  type FlowExportProtocol,
  flowExportProtocols,
  usualFlowExporter,
  usualStatement,
} from './options.js';
import {
  type Telemetry,
  type TelemetryDevice,
  telemetryDevice,
  tellAll,
  usualPorts,
  writeTelemetryCapture,
} from './telemetry.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-telemetry-'));
afterAll(() => rmSync(folder, { recursive: true }));
const startMicros = 1_700_000_000_000_000;
const device1 = Uint8Array.of(192, 0, 2, 1);
const collector = Uint8Array.of(192, 0, 2, 9);

function ready(): PreparedScenario {
  const prepared = prepareScenario({
    name: 'telemetry',
    seed: 5,
    startMicros,
    networks: ['203.0.113.0/24', '2001:db8::/32'],
    parts: [
      backgroundPart({ name: 'use', pps: 1_000, durationMicros: 5e6 }),
      attackPart({ name: 'in', vector: 'syn', targets: ['203.0.113.9'], pps: 2_000, durationMicros: 2e6 }),
    ],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
}

const flow = (protocol: FlowExportProtocol, given: Partial<typeof usualFlowExporter> = {}): Telemetry => ({
  kind: 'flow',
  options: { ...usualFlowExporter, protocol, startMicros, activeMicros: 2e6, ...given },
});
const sflow: Telemetry = { kind: 'sflow', options: { ...usualSflow, agent: device1, samplingRate: 10 } };

function write(name: string, devices: readonly TelemetryDevice[]) {
  const path = join(folder, name);
  const outcomes = writeTelemetryCapture(path, ready(), devices, collector);
  if (!outcomes.ok) throw new Error(outcomes.error.detail);
  const [first] = outcomes.value;
  if (first === undefined) throw new Error('no device');
  return { path, outcomes: outcomes.value, first };
}

test('two devices tell of the same traffic, each from its address, in the order of time', () => {
  const second = telemetryDevice(flow('ipfix', { domain: 2 }), Uint8Array.of(192, 0, 2, 2));
  const { path, outcomes } = write('two.pcap', [telemetryDevice(flow('netflow9'), device1), second]);
  const { frames } = readCapture(readFileSync(path));
  const times = frames.map(({ seconds, fraction }) => seconds * 1e6 + fraction);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const from = (last: number): number =>
    frames.filter(({ bytes }) => readPacket(bytes).source[3] === last).length;
  expect([from(1), from(2)]).toEqual(outcomes.map(({ datagrams }) => datagrams));
  expect(outcomes[0]?.packets).toBe(outcomes[1]?.packets);
});

test('datagrams are lost at the rate asked for, and come from as many ports', () => {
  const lossy = telemetryDevice(flow('netflow5'), device1, { loseEvery: 4, sourcePorts: 3 });
  const { path, first } = write('lossy.pcap', [lossy]);
  const { frames } = readCapture(readFileSync(path));
  expect(first.lost).toBe(Math.floor(first.datagrams / 4));
  expect(frames.length).toBe(first.datagrams - first.lost);
  const ports = frames
    .map(({ bytes }) => readPacket(bytes).body)
    .map((udp) => (udp[0] ?? 0) * 256 + (udp[1] ?? 0));
  expect(new Set(ports).size).toBe(3);
});

test('a device may talk to the wrong port', () => {
  const { path } = write('wrong.pcap', [
    telemetryDevice(sflow, device1, { collectorPort: usualPorts.netflow9 }),
  ]);
  const [frame] = readCapture(readFileSync(path)).frames;
  const udp = frame === undefined ? null : readPacket(frame.bytes).body;
  expect((udp?.[2] ?? 0) * 256 + (udp?.[3] ?? 0)).toBe(2055);
});

const summed = (rows: readonly (readonly string[])[], column: number): number =>
  rows.flatMap((row) => row[column]?.split(',') ?? []).reduce((sum, text) => sum + Number(text), 0);

describe.skipIf(!hasTshark)('tshark (skipped where it is not installed)', () => {
  for (const protocol of flowExportProtocols) {
    test(`reads every datagram of ${protocol} and sums the same`, () => {
      const options = { samplingRate: 2, stated: usualStatement(protocol, 2) };
      const { path, first } = write(`${protocol}.pcap`, [telemetryDevice(flow(protocol, options), device1)]);
      const rows = sharkFields(path, 'cflow', ['cflow.version', 'cflow.packets', 'cflow.octets']);
      expect(rows.length).toBe(first.datagrams);
      const versions: { readonly [P in FlowExportProtocol]: string } = {
        netflow1: '1',
        netflow5: '5',
        netflow7: '7',
        netflow9: '9',
        ipfix: '10',
      };
      expect(new Set(rows.map(([version]) => version))).toEqual(new Set([versions[protocol]]));
      expect([summed(rows, 1), summed(rows, 2)]).toEqual([first.packets, first.bytes]);
      expect(sharkFaults(path)).toEqual([]);
    });
  }
});

describe.skipIf(!hasNfcapd)('nfcapd (skipped where nfdump is not installed)', () => {
  for (const protocol of flowExportProtocols) {
    test(`reads the same records out of ${protocol}`, async () => {
      const datagrams: Uint8Array[] = [];
      const [told] = tellAll(ready(), [telemetryDevice(flow(protocol), device1)], (_device, datagram) => {
        datagrams.push(datagram);
      });
      const read = await nfcapdReads('nfcapd', datagrams);
      expect(read).toEqual({ flows: told?.records, packets: told?.packets, bytes: told?.bytes });
    }, 30_000);
  }
});
