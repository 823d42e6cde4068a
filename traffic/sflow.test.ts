/** sFlow datagrams, held against the specification field by field and against tshark. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { readCapture, readPacket } from './reading.js';
import { attackPart, backgroundPart, thinScenario } from './scenario.js';
import { type SflowOptions, sflowExporter, usualSflow } from './sflow.js';
import { sflowPort, writeSflowCapture } from './sflow-capture.js';
import { frames } from './stream.js';
import { hasTshark, sharkFaults, sharkFields } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-sflow-'));
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = {
  name: 'sflow',
  seed: 3,
  startMicros: 1.7e15,
  networks: ['203.0.113.0/24', '2001:db8::/32'],
  parts: [
    backgroundPart({ name: 'use', pps: 2_000, durationMicros: 4e6 }),
    attackPart({
      name: 'in',
      vector: 'syn',
      targets: ['203.0.113.9'],
      pps: 10_000,
      startMicros: 1e6,
      durationMicros: 2e6,
    }),
  ],
};
const ready = (given = scenario): PreparedScenario => {
  const prepared = prepareScenario(given);
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
};
const agent4 = Uint8Array.of(192, 0, 2, 1);
const agent6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

type Sample = {
  format: number;
  sequence: number;
  rate: number;
  pool: number;
  frameLength: number;
  stripped: number;
  header: Uint8Array;
};
type Datagram = { bytes: Uint8Array; micros: number; sequence: number; subAgent: number; samples: Sample[] };

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

function readDatagram(bytes: Uint8Array, micros: number): Datagram {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  must(view.getUint32(0) === 5, 'version 5');
  let at = 8 + (view.getUint32(4) === 1 ? 4 : 16);
  const [subAgent, sequence, , count] = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset));
  at += 16;
  const samples: Sample[] = [];
  for (let index = 0; index < (count ?? 0); index++) {
    const format = view.getUint32(at);
    const length = view.getUint32(at + 4);
    const body = at + 8;
    const isFlow = format === 1;
    const record = body + 32;
    if (isFlow) {
      must(view.getUint32(body + 28) === 1, 'one record');
      must(view.getUint32(record) === 1 && view.getUint32(record + 8) === 1, 'a raw header of Ethernet');
      must(view.getUint32(record + 4) + 8 + 32 === length, 'the record fills the sample');
    }
    const headerLength = isFlow ? view.getUint32(record + 20) : 0;
    samples.push({
      format,
      sequence: view.getUint32(body),
      rate: isFlow ? view.getUint32(body + 8) : 0,
      pool: isFlow ? view.getUint32(body + 12) : 0,
      frameLength: isFlow ? view.getUint32(record + 12) : 0,
      stripped: isFlow ? view.getUint32(record + 16) : 0,
      header: bytes.slice(record + 24, record + 24 + headerLength),
    });
    at = body + length;
  }
  must(at === bytes.length, 'the samples fill the datagram');
  return { bytes: bytes.slice(), micros, sequence: sequence ?? 0, subAgent: subAgent ?? 0, samples };
}

function exported(prepared: PreparedScenario, given: Partial<SflowOptions> = {}) {
  const exporter = sflowExporter({ ...usualSflow, agent: agent4, samplingRate: 100, ...given });
  const datagrams: Datagram[] = [];
  const keep = (bytes: Uint8Array, micros: number): number => datagrams.push(readDatagram(bytes, micros));
  for (const batch of frames(prepared)) exporter.add(batch, keep);
  exporter.flush(4e6, keep);
  const samples = datagrams.flatMap((datagram) => datagram.samples);
  return {
    datagrams,
    flows: samples.filter((sample) => sample.format === 1),
    samples,
    totals: exporter.totals(),
  };
}

test('one in N is sampled, within chance', () => {
  for (const samplingRate of [1, 10, 100, 1000]) {
    const { flows, totals } = exported(ready(), { samplingRate });
    expect(totals.flowSamples).toBe(flows.length);
    const expected = 28_000 / samplingRate;
    expect(Math.abs(flows.length - expected)).toBeLessThanOrEqual(
      4 * Math.sqrt(samplingRate === 1 ? 0 : expected),
    );
    expect(new Set(flows.map((sample) => sample.rate))).toEqual(new Set([samplingRate]));
  }
});

test('sequence numbers of datagrams and samples go up by one, the pool by what was seen', () => {
  const { datagrams, flows } = exported(ready());
  expect(datagrams.map((datagram) => datagram.sequence)).toEqual(datagrams.map((_, index) => index + 1));
  expect(flows.map((sample) => sample.sequence)).toEqual(flows.map((_, index) => index + 1));
  const pools = flows.map((sample) => sample.pool);
  expect(pools).toEqual([...pools].sort((a, b) => a - b));
  expect(pools.at(-1)).toBeGreaterThan(27_800);
  expect(pools.at(-1)).toBeLessThanOrEqual(28_000);
});

test('datagrams carry several samples, keep their size, and none waits long', () => {
  const { datagrams } = exported(ready(), { samplingRate: 20 });
  expect(Math.max(...datagrams.map((datagram) => datagram.bytes.length))).toBeLessThanOrEqual(1400);
  const mean = datagrams.reduce((sum, datagram) => sum + datagram.samples.length, 0) / datagrams.length;
  expect(mean).toBeGreaterThan(5);
  const gaps = datagrams.map((datagram, index) => datagram.micros - (datagrams[index - 1]?.micros ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(usualSflow.maxWaitMicros + 20_000);
});

test('a sample holds the front of a real frame and its length with the check sequence', () => {
  const prepared = ready();
  const lengths = new Set<string>();
  for (const batch of frames(prepared)) {
    for (let i = 0; i < batch.count; i++) {
      const [start, end] = [batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0];
      lengths.add(
        `${end - start} ${Buffer.from(batch.bytes.subarray(start, Math.min(end, start + 128))).toString('hex')}`,
      );
    }
  }
  const { flows, totals } = exported(prepared);
  const strange = flows.filter(
    (sample) => !lengths.has(`${sample.frameLength - 4} ${Buffer.from(sample.header).toString('hex')}`),
  );
  expect(strange).toEqual([]);
  expect(new Set(flows.map((sample) => sample.stripped))).toEqual(new Set([4]));
  expect(Math.max(...flows.map((sample) => sample.header.length))).toBe(128);
  expect(flows.reduce((sum, sample) => sum + sample.frameLength - 4, 0)).toBe(totals.frameBytes);
});

test('counters come once a second, or never', () => {
  expect(exported(ready()).totals.counterSamples).toBe(3);
  expect(exported(ready(), { counterMicros: 0 }).totals.counterSamples).toBe(0);
});

test('a thinned scenario, every frame exported, stands for the same rates', () => {
  const thin = ready(thinScenario(scenario, 100) as typeof scenario);
  expect(thin.packets).toBe(280);
  const { flows } = exported(thin, { sampled: true });
  expect(flows.length).toBe(280);
  expect(flows.at(-1)?.pool).toBe(28_000);
});

test('the same seed samples the same frames, another one others', () => {
  const bytes = (seed: number): string =>
    exported(ready(), { seed })
      .datagrams.map((datagram) => Buffer.from(datagram.bytes).toString('hex'))
      .join();
  expect(bytes(1)).toBe(bytes(1));
  expect(bytes(2)).not.toBe(bytes(1));
});

test('a capture of datagrams holds as many as were exported, to the port of sFlow', () => {
  const path = join(folder, 'agent6.pcap');
  const totals = writeSflowCapture(path, ready(), { ...usualSflow, agent: agent6, samplingRate: 50 }, agent6);
  if (!totals.ok) throw new Error(totals.error.detail);
  const packets = readCapture(readFileSync(path)).frames.map((frame) => readPacket(frame.bytes));
  expect(packets.length).toBe(totals.value.datagrams);
  expect(new Set(packets.map(({ body }) => (body[2] ?? 0) * 256 + (body[3] ?? 0)))).toEqual(
    new Set([sflowPort]),
  );
  const sampled = packets.reduce((sum, { body }) => sum + readDatagram(body.slice(8), 0).samples.length, 0);
  expect(sampled).toBe(totals.value.flowSamples + totals.value.counterSamples);
});

describe.skipIf(!hasTshark)('tshark (skipped where it is not installed)', () => {
  test('reads every datagram and counts the same samples', () => {
    const path = join(folder, 'shark.pcap');
    const totals = writeSflowCapture(
      path,
      ready(),
      { ...usualSflow, agent: agent4, samplingRate: 40 },
      Uint8Array.of(192, 0, 2, 2),
    );
    if (!totals.ok) throw new Error(totals.error.detail);
    const rows = sharkFields(path, 'sflow', [
      'sflow_245.numsamples',
      'sflow_245.sampletype',
      'sflow_245.header.frame_length',
    ]);
    expect(rows.length).toBe(totals.value.datagrams);
    const { flowSamples, counterSamples, frameBytes } = totals.value;
    expect(rows.reduce((sum, [count]) => sum + Number(count), 0)).toBe(flowSamples + counterSamples);
    const kinds = rows.flatMap(([, types]) => types?.split(',') ?? []);
    expect(kinds.filter((kind) => kind === '1').length).toBe(flowSamples);
    expect(kinds.filter((kind) => kind === '2').length).toBe(counterSamples);
    const lengths = rows.flatMap(([, , list]) => (list ? list.split(',') : []));
    expect(lengths.reduce((sum, length) => sum + Number(length) - 4, 0)).toBe(frameBytes);
    expect(sharkFaults(path, ['-o', 'sflow.enable_dissection:FALSE'])).toEqual([]);
  });
});
