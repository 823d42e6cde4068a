/** The doctor judges the last minutes, whatever was before, and remembers who has gone. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { diagnosesOf } from '../../../domain/diagnosis.js';
import type { ExporterStats } from '../../../domain/flow.js';
import { diagnose } from './diagnose.js';
import {
  emptyHistory,
  factsSince,
  type History,
  maxGone,
  remember,
  sampleEveryMs,
  sampleOf,
} from './history.js';
import { healthyExporter, healthyListener, netflowSetting, nowMicros } from './rehearsal.js';

const listener = netflowSetting.name;
const at = (step: number): number => nowMicros + step * sampleEveryMs * 1000;
const sample = (step: number, exporters: readonly ExporterStats[], dropped = 0) =>
  sampleOf(
    at(step),
    exporters.map((stats) => ({ listener, stats })),
    [[listener, { ...healthyListener, datagrams: 600 * (step + 1), dropped }]],
  );
const exporter = (step: number, change: Partial<ExporterStats> = {}): ExporterStats => ({
  ...healthyExporter,
  datagrams: 600 * (step + 1),
  records: 2_000 * (step + 1),
  packets: 20_000 * (step + 1),
  lastSeen: at(step),
  ...change,
});
const codes = (history: History, now: ReturnType<typeof sample>): readonly string[] => {
  const facts = factsSince(history, now, [netflowSetting], nowMicros);
  const whole = { ...facts, windowMs: 1_000, machine: null, wire: null };
  return diagnosesOf(diagnose(whole, [])).map(({ code }) => code);
};

test('a loss is told while it is of the last two samples, and forgotten then', () => {
  const lost = { sequenceLost: 100 };
  let history = remember(emptyHistory, sample(0, [exporter(0)]));
  assert.deepEqual(codes(history, sample(1, [exporter(1, lost)])), ['sequence_loss']);
  history = remember(history, sample(1, [exporter(1, lost)]));
  assert.deepEqual(codes(history, sample(2, [exporter(2, lost)])), ['sequence_loss']);
  history = remember(history, sample(2, [exporter(2, lost)]));
  assert.deepEqual(codes(history, sample(3, [exporter(3, lost)])), []);
});

test('before the first sample, all there is counts', () => {
  assert.deepEqual(codes(emptyHistory, sample(0, [exporter(0, { sequenceLost: 100 })])), ['sequence_loss']);
  assert.equal(factsSince(emptyHistory, sample(1, []), [], at(0)).periodSeconds, sampleEveryMs / 1000);
});

test('a listener opened again counts from zero, so all of its counts are new', () => {
  const history = remember(emptyHistory, sample(5, [exporter(5, { sequenceLost: 5_000 })]));
  assert.deepEqual(codes(history, sample(0, [exporter(0, { sequenceLost: 100 })])), ['sequence_loss']);
});

test('an exporter that has gone is silent for a day, and then forgotten', () => {
  let history = remember(emptyHistory, sample(0, [exporter(0)]));
  history = remember(history, sample(1, []));
  assert.deepEqual(codes(history, sample(2, [])), ['silent']);
  history = remember(history, sample(200, []));
  assert.deepEqual(codes(history, sample(201, [])), ['silent']);
  assert.deepEqual(codes(history, sample(201, [exporter(201)])), []);
  assert.deepEqual(codes(remember(history, sample(300, [])), sample(300, [])), []);
});

test('an exporter is not gone when its listener is no more, or did not answer', () => {
  const history = remember(emptyHistory, sample(0, [exporter(0)]));
  assert.deepEqual(codes(history, sampleOf(at(2), [], [])), []);
});

test('of those that have gone the last are remembered', () => {
  const many = Array.from({ length: maxGone + 50 }, (_, domain) => exporter(0, { domain }));
  const history = remember(remember(emptyHistory, sample(0, many)), sample(1, []));
  assert.equal(history.gone.size, maxGone);
  assert.deepEqual([...history.gone.values()].at(-1)?.stats.domain, maxGone + 49);
});
