import { expect, test } from 'vitest';
import { flowExportProtocols, usualFlowExporter } from '../../traffic/flows/options.js';
import { type Telemetry, telemetryDevice, tellAll } from '../../traffic/flows/telemetry.js';
import { prepareScenario } from '../../traffic/prepare.js';
import { backgroundPart } from '../../traffic/scenario.js';
import { usualSflow } from '../../traffic/sflow.js';
import { dissectorOf, messagesOf } from './datagrams.js';

const agent = Uint8Array.of(192, 0, 2, 1);

function datagramsOf(telemetry: Telemetry): Uint8Array[] {
  const prepared = prepareScenario({
    name: 'datagrams',
    seed: 1,
    startMicros: 1.7e15,
    networks: ['203.0.113.0/24'],
    parts: [backgroundPart({ name: 'use', pps: 1_000, durationMicros: 1e6 })],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const datagrams: Uint8Array[] = [];
  tellAll(prepared.value, [telemetryDevice(telemetry, agent)], (_device, bytes) => datagrams.push(bytes));
  return datagrams;
}

test('telemetry is told by its first bytes', () => {
  for (const protocol of flowExportProtocols) {
    const options = { ...usualFlowExporter, protocol, startMicros: 1.7e15 };
    const kinds = datagramsOf({ kind: 'flow', options }).map(dissectorOf);
    expect(new Set(kinds), protocol).toEqual(new Set(['cflow']));
  }
  const sflow = datagramsOf({ kind: 'sflow', options: { ...usualSflow, agent, samplingRate: 10 } });
  expect(new Set(sflow.map(dissectorOf))).toEqual(new Set(['sflow']));
});

test('other datagrams are not', () => {
  const texts = [
    'GET / HTTP/1.1\r\nHost: x\r\n',
    '\0\x05 no flow record at all, is this',
    '\0\x09\0\x01',
    '',
  ];
  for (const text of texts) expect(dissectorOf(Buffer.from(text, 'latin1')), text).toBeNull();
  const dns = Buffer.from('000181800001000100000000', 'hex');
  expect(dissectorOf(Buffer.concat([dns, Buffer.alloc(30)]))).toBeNull();
});

test('messages back to back are cut at their lengths, and what is damaged is one piece', () => {
  const ipfix = datagramsOf({
    kind: 'flow',
    options: { ...usualFlowExporter, protocol: 'ipfix', startMicros: 1.7e15 },
  });
  expect(messagesOf(Buffer.concat(ipfix)).map((one) => one.length)).toEqual(ipfix.map((one) => one.length));
  expect(messagesOf(Uint8Array.of(0, 10, 0, 3, 1, 2, 3)).map((one) => one.length)).toEqual([7]);
});
