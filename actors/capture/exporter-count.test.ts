import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type ExporterStats, exporterCounters, unheardExporter } from '../../domain/flow.js';
import { moved, observe, totalOf } from './exporter-count.js';
import { marked, ratesSince, spanMs } from './exporter-rates.js';

const after = (datagrams: number, more: Partial<ExporterStats> = {}): ExporterStats => ({
  ...unheardExporter,
  datagrams,
  records: datagrams * 7,
  ...more,
});

test('an exporter counts on when its listener was opened again', () => {
  const first = observe(observe(null, after(50)), after(80, { firstSeen: 5 }));
  const again = totalOf(observe(first, after(5, { firstSeen: 9 })));
  assert.equal(again.datagrams, 85);
  assert.equal(again.records, 85 * 7);
  assert.equal(again.firstSeen, 5);
});

test('every count goes on, every level is the last', () => {
  const full = Object.fromEntries(exporterCounters.map((counter) => [counter, 10]));
  const before = observe(null, { ...unheardExporter, ...full, templates: 8 });
  const total = totalOf(observe(before, { ...unheardExporter, ...full, datagrams: 1, templates: 3 }));
  for (const counter of exporterCounters)
    assert.equal(total[counter], counter === 'datagrams' ? 11 : 20, counter);
  assert.equal(total.templates, 3);
});

test('a number is a count, a level, or named in neither list', () => {
  const levels = ['domain', 'samplingRate', 'templates', 'templateIntervalSeconds', 'firstSeen', 'lastSeen'];
  const numbers = Object.entries(unheardExporter).flatMap(([key, value]) =>
    typeof value === 'number' ? [key] : [],
  );
  assert.deepEqual([...exporterCounters, ...levels].sort(), numbers.sort());
});

test('what expires without a datagram is heard of too', () => {
  assert.equal(moved(after(5), after(5)), false);
  assert.equal(moved(after(5), after(6)), true);
  assert.equal(moved(after(5), after(5, { setsExpired: 1 })), true);
});

test('a rate is over the last seconds, whenever it is asked for', () => {
  let marks = marked(null, after(0), 0);
  for (let second = 1; second <= 30; second += 1) marks = marked(marks, after(second * 10), second * 1_000);
  assert.deepEqual(ratesSince(marks, after(300), 30_000), { datagrams: 10, records: 70 });
});

test('a burst every minute is a rate of the seconds it came in, and nothing after', () => {
  let marks = marked(null, after(0), 0);
  marks = marked(marks, after(500), 60_000);
  assert.equal(ratesSince(marks, after(500), 60_000).datagrams, 500 / ((2 * spanMs) / 1_000));
  marks = marked(marks, after(500), 90_000);
  assert.equal(ratesSince(marks, after(500), 90_000).datagrams, 0);
});

test('no time passed is no rate', () => {
  assert.deepEqual(ratesSince(marked(null, after(9), 7), after(9), 7), { datagrams: 0, records: 0 });
});
