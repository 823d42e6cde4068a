import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { SourceStats, TrafficTotals } from '../../domain/ports.js';
import { addStats, emptyStats, nothingCounted, ratesBetween } from './tally.js';

const totals = (packets: number, bytes: number): TrafficTotals => ({
  ...nothingCounted,
  incoming: { packets, bytes },
});
const stats = (packets: number, errors: SourceStats['errors']): SourceStats => ({
  ...emptyStats,
  packets,
  hosts: packets,
  errors,
  totals: totals(packets, packets * 64),
});

test('two lives of a source are one count, error names of both kept', () => {
  const sum = addStats(stats(3, { truncated: 1, bad_version: 2 }), stats(4, { truncated: 5, loop: 1 }));
  assert.equal(sum.packets, 7);
  assert.deepEqual(sum.errors, { truncated: 6, bad_version: 2, loop: 1 });
  assert.deepEqual(sum.totals.incoming, { packets: 7, bytes: 448 });
});

test('hosts are a level: only the life that is on counts', () => {
  assert.equal(addStats(stats(9, {}), stats(2, {})).hosts, 2);
});

test('rates are per second of the time that passed', () => {
  const rates = ratesBetween(totals(100, 6_400), totals(300, 19_200), 0.5);
  assert.deepEqual(rates.incoming, { packets: 400, bytes: 25_600 });
});

test('no time passed is no rate, not infinity', () => {
  assert.deepEqual(ratesBetween(totals(0, 0), totals(9, 9), 0), nothingCounted);
});

test('counts do not depend on where one life ended', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000)), fc.nat(20), (packets, cut) => {
      const all = packets.map((count) => stats(count, { loop: count }));
      const sum = (list: readonly SourceStats[]): SourceStats => list.reduce(addStats, emptyStats);
      const whole = sum(all);
      const split = addStats(sum(all.slice(0, cut)), sum(all.slice(cut)));
      assert.deepEqual({ ...split, hosts: 0 }, { ...whole, hosts: 0 });
    }),
  );
});
