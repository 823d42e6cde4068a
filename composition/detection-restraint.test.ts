/**
 * Nothing below nine tenths of its thresholds is ever an attack, and nothing a tenth above them is missed: random
 * worlds with thresholds drawn from their own peaks, and the shapes of traffic that mislead a meter most.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Hostgroup, Thresholds } from '../domain/hostgroup.js';
import { type Limits, type Metric, metrics } from '../domain/traffic.js';
import { rfc3339 } from '../domain/units.js';
import { type World, world } from './detection-arbitraries.js';
import { amountAt, firstOver, type Model, modelOf, type Series } from './detection-model.js';
import {
  captureFolder,
  groupOf,
  leastBytes,
  type PlainPacket,
  rehearsalEpoch,
  settingsOf,
} from './detection-rehearsal.js';

const folder = captureFolder();
afterAll(folder.close);

const scopes = ['incoming', 'outgoing', 'network', 'total'] as const;
const scopeOf = ({ scope, direction }: Series): keyof Thresholds =>
  scope === 'host' ? direction : scope === 'network' ? 'network' : 'total';

/** The most of a metric that any window of any subject in the scope holds, per second and in the metric's unit. */
function peak(model: Model, group: Hostgroup, scope: keyof Thresholds, metric: Metric): number {
  const of = model.series.filter((one) => one.hostgroup.name === group.name && scopeOf(one) === scope);
  let most = 0;
  for (const series of of) {
    for (let tick = 0; tick < model.ticks; tick++)
      most = Math.max(most, amountAt(series, metric, tick, model));
  }
  const perSecond = (most * 1000) / group.windowMs;
  return metric.endsWith('mbps') ? (perSecond * 8) / 1e6 : perSecond;
}

/** The same world with every metric judged in every scope, at `share` of what it comes to at most. */
function judgedAt({ settings, packets }: World, share: number, only: readonly Metric[]): World {
  const model = modelOf(settings, packets);
  const hostgroups = settings.hostgroups.map((group) => {
    const limits = (scope: keyof Thresholds): Limits =>
      Object.fromEntries(
        only
          .map((metric) => [metric, peak(model, group, scope, metric) * share] as const)
          .filter(([, limit]) => limit > 0),
      );
    const [incoming, outgoing, network, total] = scopes.map(limits);
    return {
      ...group,
      thresholds: {
        incoming: incoming ?? {},
        outgoing: outgoing ?? {},
        network: network ?? {},
        total: total ?? {},
      },
    };
  });
  return { settings: { ...settings, hostgroups }, packets };
}

const runs = { numRuns: 25, seed: 20_261_123 } as const;
const judgedMetrics = fc.subarray([...metrics], { minLength: 3, maxLength: 6 });

test('what is at nine tenths of its thresholds at its highest starts nothing', async () => {
  await fc.assert(
    fc.asyncProperty(world, judgedMetrics, async (any, only) => {
      const { settings, packets } = judgedAt(any, 1 / 0.9, only);
      const { started } = await folder.rehearse(settings, packets);
      expect(started).toEqual([]);
    }),
    runs,
  );
}, 120_000);

test('each host that is a tenth above a threshold at its highest is found', async () => {
  let sought = 0;
  await fc.assert(
    fc.asyncProperty(world, fc.constantFrom(...metrics), async (any, metric) => {
      const { settings, packets } = judgedAt(any, 1 / 1.1, [metric]);
      const model = modelOf(settings, packets);
      const hosts = model.series.filter(({ scope }) => scope === 'host');
      const due = hosts.filter((one) => firstOver(one, model, 1.08) !== null).map(({ subject }) => subject);
      sought += due.length;
      const { started } = await folder.rehearse(settings, packets);
      expect(started.map(({ host }) => host)).toEqual(expect.arrayContaining(due));
    }),
    runs,
  );
  expect(sought).toBeGreaterThan(25);
}, 120_000);

describe('a host that had buckets, lost them, and comes back', () => {
  const limit = 1000;
  const host = '192.0.2.7';
  const settings = settingsOf(['192.0.2.0/24'], [groupOf('global', [], { incoming: { pps: limit } })]);
  /** `count` packets within the tick of 100 ms. */
  const inTick = (tick: number, count: number): readonly PlainPacket[] =>
    Array.from({ length: count }, (_, i) => ({
      at: tick * 100_000 + Math.floor((i * 100_000) / count),
      source: '198.51.100.1',
      destination: host,
      kind: 'udp',
      bytes: leastBytes,
      sourcePort: 1024,
    }));

  test('an old burst is not counted as if it were new', async () => {
    // Buckets at tick 0, weak from tick 10 on, given back at tick 20; what tick 10 held has left the window at tick 21.
    const packets = [...inTick(0, 300), ...inTick(10, 240), ...inTick(21, 890), ...inTick(30, 1)];
    const { started } = await folder.rehearse(settings, packets);
    expect(started).toEqual([]);
  });

  test('a late burst is not counted as if it were old', async () => {
    const packets = [...inTick(0, 300), ...inTick(19, 240), ...inTick(27, 860), ...inTick(40, 1)];
    const { started } = await folder.rehearse(settings, packets);
    expect(started).toMatchObject([{ at: rfc3339(rehearsalEpoch + 2_800_000), cause: { rate: 1100 } }]);
  });
});
