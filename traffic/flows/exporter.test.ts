/** Flow datagrams, read by tests' own reader of each protocol, against the traffic they tell of. */
import { expect, test } from 'vitest';
import { type PreparedScenario, prepareScenario } from '../prepare.js';
import { attackPart, backgroundPart, type Part, thinScenario } from '../scenario.js';
import { frames } from '../stream.js';
import { flowExporter } from './exporter.js';
import {
  type FlowExporterOptions,
  type FlowExportProtocol,
  flowExportProtocols,
  usualFlowExporter,
  usualStatement,
} from './options.js';
import { type ReadDatagram, type ReadRecord, readFlowDatagram } from './reading.js';

const startMicros = 1_700_000_000_000_000;
const scenarioOf = (parts: readonly Part[], networks = ['203.0.113.0/24', '2001:db8::/32']) => ({
  name: 'flows',
  seed: 3,
  startMicros,
  networks,
  parts,
});
const use = backgroundPart({ name: 'use', pps: 2_000, durationMicros: 6e6 });
const flood = attackPart({
  name: 'in',
  vector: 'udp',
  targets: ['203.0.113.9'],
  pps: 5_000,
  startMicros: 1e6,
  durationMicros: 2e6,
});
const steady = attackPart({
  name: 'steady',
  vector: 'transfer',
  direction: 'outgoing',
  targets: ['203.0.113.9'],
  pps: 100,
  durationMicros: 30e6,
});

function ready(parts: readonly Part[]): PreparedScenario {
  const prepared = prepareScenario(scenarioOf(parts));
  if (!prepared.ok) throw new Error(prepared.error.detail);
  return prepared.value;
}

function exported(
  prepared: PreparedScenario,
  protocol: FlowExportProtocol,
  given: Partial<FlowExporterOptions> = {},
) {
  const exporter = flowExporter({ ...usualFlowExporter, protocol, startMicros, ...given });
  const datagrams: (ReadDatagram & { micros: number; size: number; hex: string })[] = [];
  const templates = new Map();
  let last = 0;
  const keep = (bytes: Uint8Array, micros: number): void => {
    expect(micros).toBeGreaterThanOrEqual(last);
    last = micros;
    const hex = Buffer.from(bytes).toString('hex');
    datagrams.push({ ...readFlowDatagram(bytes, templates), micros, size: bytes.length, hex });
  };
  let end = 0;
  for (const batch of frames(prepared)) {
    exporter.add(batch, keep);
    end = batch.micros[batch.count - 1] ?? end;
  }
  exporter.flush(end, keep);
  const records = datagrams.flatMap((datagram) => datagram.records);
  return { datagrams, records, totals: exporter.totals() };
}

const sum = (records: readonly ReadRecord[], of: (record: ReadRecord) => number): number =>
  records.reduce((total, record) => total + of(record), 0);

for (const protocol of flowExportProtocols) {
  test(`${protocol}: the records hold every packet and byte that passed, and the totals say so`, () => {
    const { records, totals, datagrams } = exported(ready([use, flood]), protocol, { activeMicros: 2e6 });
    expect(records.length).toBe(totals.records);
    expect(datagrams.length).toBe(totals.datagrams);
    expect(sum(records, (record) => record.packets)).toBe(totals.packets);
    expect(sum(records, (record) => record.bytes)).toBe(totals.bytes);
    expect(totals.packets + totals.leftOutPackets).toBe(22_000);
    expect(totals.bytes + totals.leftOutBytes).toBe(totals.seenBytes);
    const isFixed = !['netflow9', 'ipfix'].includes(protocol);
    expect(totals.leftOutPackets > 0).toBe(isFixed);
    expect(records.some((record) => record.source.length === 16)).toBe(!isFixed);
    expect(Math.max(...datagrams.map(({ size }) => size))).toBeLessThanOrEqual(isFixed ? 1464 : 1400);
  });

  test(`${protocol}: the sequence has no gap, by the protocol's own count`, () => {
    const { datagrams } = exported(ready([use, flood]), protocol);
    let next = 0;
    for (const datagram of datagrams) {
      if (protocol === 'netflow1') expect(datagram.sequence).toBeNull();
      else expect(datagram.sequence).toBe(next);
      if (protocol === 'netflow9') next += 1;
      else next += datagram.records.length + (protocol === 'ipfix' ? datagram.options.length : 0);
    }
  });

  test(`${protocol}: a record's times are those of its packets, to the millisecond`, () => {
    const { records, datagrams } = exported(ready([steady]), protocol, { activeMicros: 5e6 });
    expect(records.length).toBeGreaterThanOrEqual(6);
    // v9 ties its uptime to whole seconds of wall time (RFC 3954 section 5.1): what it says is early by the rest.
    const slackMs = protocol === 'netflow9' ? 1_000 : 1;
    for (const [index, record] of records.entries()) {
      const first = record.firstMs - startMicros / 1000;
      const last = record.lastMs - startMicros / 1000;
      expect(first).toBeGreaterThanOrEqual(index * 5_000 - slackMs);
      expect(last - first).toBeLessThanOrEqual(5_000);
      // 100 packets a second, the first of them at the start of the span
      expect(Math.abs((last - first) / 10 + 1 - record.packets)).toBeLessThanOrEqual(1);
    }
    for (const { exportMs, micros } of datagrams) {
      // IPFIX and v9 give whole seconds
      expect(Math.abs(exportMs - (startMicros + micros) / 1000)).toBeLessThanOrEqual(1000);
    }
  });

  test(`${protocol}: the same seed gives the same datagrams, sampled as well`, () => {
    const hex = (seed: number): string =>
      exported(ready([use]), protocol, { seed, samplingRate: 10 })
        .datagrams.map((datagram) => datagram.hex)
        .join();
    expect(hex(1)).toBe(hex(1));
    expect(hex(2)).not.toBe(hex(1));
  });
}

test('a flow ends after its active timeout, its inactive one, by FIN or RST, or for want of room', () => {
  const ends = (
    parts: readonly Part[],
    given: Partial<FlowExporterOptions>,
  ): Map<number | undefined, number> => {
    const found = new Map<number | undefined, number>();
    for (const { end } of exported(ready(parts), 'ipfix', given).records)
      found.set(end, (found.get(end) ?? 0) + 1);
    return found;
  };
  expect(ends([steady], { activeMicros: 10e6 }).get(2)).toBe(2);
  const pulses = attackPart({ ...steady, profile: { kind: 'pulse', onMicros: 1e6, offMicros: 9e6 } });
  expect(ends([pulses], { inactiveMicros: 5e6 }).get(1)).toBe(2);
  expect(ends([pulses], { inactiveMicros: 15e6 }).get(1)).toBeUndefined();
  expect(ends([use], {}).get(3)).toBeGreaterThan(5);
  expect(ends([flood], { maxFlows: 100 }).get(5)).toBeGreaterThan(9_000);
});

test('an idle flow is exported an inactive timeout after its last packet, in a silence too', () => {
  const burst = attackPart({ ...steady, name: 'burst', durationMicros: 1e6 });
  const later = attackPart({
    ...steady,
    name: 'later',
    targets: ['203.0.113.10'],
    startMicros: 60e6,
    durationMicros: 1e6,
  });
  const { datagrams } = exported(ready([burst, later]), 'netflow5', { inactiveMicros: 15e6 });
  const [first] = datagrams;
  expect(first?.micros).toBeGreaterThanOrEqual(16e6);
  expect(first?.micros).toBeLessThanOrEqual(16.8e6);
});

test('one in N packets is looked at, within chance', () => {
  for (const samplingRate of [10, 100]) {
    const { totals } = exported(ready([use, flood]), 'ipfix', { samplingRate });
    const expected = 22_000 / samplingRate;
    expect(Math.abs(totals.packets - expected)).toBeLessThanOrEqual(4 * Math.sqrt(expected));
  }
  const thinned = prepareScenario(thinScenario(scenarioOf([use, flood]), 10));
  if (!thinned.ok) throw new Error(thinned.error.detail);
  expect(exported(thinned.value, 'ipfix', { samplingRate: 10, sampled: true }).totals.packets).toBe(2_200);
});

test('sampling is stated where it is said to be', () => {
  const v5 = exported(ready([use]), 'netflow5', {
    samplingRate: 100,
    stated: usualStatement('netflow5', 100),
  });
  expect(new Set(v5.datagrams.map(({ sampling }) => sampling))).toEqual(new Set([(2 << 14) | 100]));
  for (const protocol of ['netflow9', 'ipfix'] as const) {
    const by = (where: 'exporter' | 'interface' | 'sampler' | 'record', rate: number) =>
      exported(ready([use]), protocol, { samplingRate: 100, stated: [{ by: where, rate }] });
    const first = (run: ReturnType<typeof by>) => run.datagrams[0]?.options[0];
    expect(first(by('exporter', 100))?.get(34)).toBe(100);
    expect(first(by('interface', 100))?.get(34)).toBe(100);
    const sampler = by('sampler', 100);
    if (protocol === 'netflow9') expect(first(sampler)?.get(50)).toBe(100);
    else expect([first(sampler)?.get(305), first(sampler)?.get(306)]).toEqual([1, 99]);
    expect(sampler.records.every((record) => record.sampler === 1)).toBe(true);
    const record = by('record', 100);
    expect(record.datagrams[0]?.options).toEqual([]);
    expect(record.records.every(({ sampling }) => sampling === 100)).toBe(true);
  }
  expect(() => exported(ready([use]), 'netflow9', { stated: [{ by: 'header', rate: 1 }] })).toThrow(
    RangeError,
  );
  expect(() => exported(ready([use]), 'netflow1', { stated: [{ by: 'header', rate: 1 }] })).toThrow(
    RangeError,
  );
});

test('templates come first and again, late, or never', () => {
  const times = (given: Partial<FlowExporterOptions>): number[] =>
    exported(ready([steady]), 'netflow9', { activeMicros: 1e6, ...given })
      .datagrams.filter(({ templates }) => templates > 0)
      .map(({ micros }) => Math.round(micros / 1e6));
  expect(times({ templateMicros: 10e6 })).toEqual([1, 11, 21]);
  expect(times({ templatesFromMicros: 12e6, templateMicros: Number.POSITIVE_INFINITY })).toHaveLength(1);
  expect(times({ templatesFromMicros: Number.POSITIVE_INFINITY })).toEqual([]);
});

test('a clock that is wrong is wrong by just that, and the uptime goes on', () => {
  const right = exported(ready([steady]), 'netflow9');
  const wrong = exported(ready([steady]), 'netflow9', { clockSkewMicros: 90e6 });
  expect((wrong.datagrams[0]?.exportMs ?? 0) - (right.datagrams[0]?.exportMs ?? 0)).toBe(90_000);
  expect((wrong.records[0]?.firstMs ?? 0) - (right.records[0]?.firstMs ?? 0)).toBe(90_000);
});
