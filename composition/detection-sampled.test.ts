/**
 * Sampled traffic against the slow model. Under 1-in-w sampling a number of samples is over a limit from a certain number
 * on, which the sampled world and a world of unsampled packets with limits raised to it have in common: what the
 * model finds there, the detector has to find here.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Hostgroup, Thresholds } from '../domain/hostgroup.js';
import { type Limits, type Metric, metrics } from '../domain/traffic.js';
import { world } from './detection-arbitraries.js';
import { modelOf } from './detection-model.js';
import { captureFolder } from './detection-rehearsal.js';
import { type Compared, compare } from './detection-wanted.js';
import type { StartedEvent } from './replay-cases.js';

const folder = captureFolder();
afterAll(folder.close);

const zOf = { 0.95: 1.644_854, 0.99: 2.326_348, 0.999: 3.090_232 } as const;
type Level = keyof typeof zOf;

/** The lower bound of what `samples` estimate, in samples: docs/decisions/0006. */
function lowerBound(samples: number, sampling: number, z: number): number {
  const m = (samples * sampling) / (sampling - 1);
  return Math.max(0, 1 - 1 / (9 * m) - z / (3 * Math.sqrt(m))) ** 3 * samples;
}

/** Of an allowance in packets over the window, all seen: the most that is not over when they are samples. */
function raised(allowed: number, sampling: number, z: number): number {
  let samples = Math.floor(allowed);
  while (lowerBound(samples + 1, sampling, z) <= allowed) samples += 1;
  return samples;
}

const inPackets = (metric: Metric): boolean => metric.endsWith('pps');
/** Bytes have a variance of their own, which the meter knows only over two windows. */
const withoutBytes = (limits: Limits): Limits =>
  Object.fromEntries(
    metrics
      .filter((metric) => !metric.endsWith('mbps') && limits[metric] !== undefined)
      .map((metric) => [metric, limits[metric]]),
  );
const mapLimits = (thresholds: Thresholds, of: (limits: Limits) => Limits): Thresholds => ({
  incoming: of(thresholds.incoming),
  outgoing: of(thresholds.outgoing),
  total: of(thresholds.total),
  network: of(thresholds.network),
});
const changed = (limits: Limits, change: (limit: number) => number): Limits =>
  Object.fromEntries(
    Object.entries(withoutBytes(limits)).map(([metric, limit]) => [
      metric,
      inPackets(metric as Metric) ? change(limit) : limit,
    ]),
  );

/** The samples are those of the window, and the interval is around the rate; of flows there is none. */
function told({ cause, ...event }: StartedEvent, sampling: number, seconds: number): void {
  const { metric, rate, samples = 0, interval } = cause;
  expect(samples, JSON.stringify(event)).toBeGreaterThan(0);
  if (metric === 'flows') {
    expect(interval).toBeUndefined();
    return;
  }
  expect(Math.abs((rate * seconds) / sampling - samples)).toBeLessThan(0.51);
  expect(interval?.low).toBeLessThan(rate);
  expect(interval?.high).toBeGreaterThan(rate);
}

test('the detector finds in sampled traffic what the model finds with limits raised by the confidence', async () => {
  const seen: Compared = { exact: 0, banded: 0, quiet: 0 };
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.integer({ min: 2, max: 5000 }),
      fc.constantFrom<Level>(0.95, 0.99, 0.999),
      async ({ settings, packets }, sampling, level) => {
        const z = zOf[level];
        const sampled = (group: Hostgroup): Hostgroup => ({
          ...group,
          confidence: level,
          thresholds: mapLimits(group.thresholds, (limits) => changed(limits, (pps) => pps * sampling)),
        });
        const plain = (group: Hostgroup): Hostgroup => {
          const seconds = group.windowMs / 1000;
          return {
            ...group,
            thresholds: mapLimits(group.thresholds, (limits) =>
              changed(limits, (pps) => raised(pps * seconds, sampling, z) / seconds),
            ),
          };
        };
        const model = modelOf({ ...settings, hostgroups: settings.hostgroups.map(plain) }, packets);
        const rehearsed = await folder.rehearse(
          { ...settings, hostgroups: settings.hostgroups.map(sampled) },
          packets,
          sampling,
        );
        compare(rehearsed, model, seen, sampling);
        for (const event of rehearsed.started) {
          const group = settings.hostgroups.find(({ name }) => name === event.hostgroup);
          told(event, sampling, (group?.windowMs ?? 0) / 1000);
        }
      },
    ),
    { numRuns: 40, seed: 20_261_123 },
  );
  expect(seen.exact).toBeGreaterThan(20);
  expect(seen.quiet).toBeGreaterThan(0);
}, 120_000);

test('what is not sampled is judged and told as before, whatever the confidence', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ settings, packets }) => {
      const sure = settings.hostgroups.map((group): Hostgroup => ({ ...group, confidence: 0.9999 }));
      const [before, after] = [
        await folder.rehearse(settings, packets),
        await folder.rehearse({ ...settings, hostgroups: sure }, packets),
      ];
      expect(after.events).toEqual(before.events);
      for (const { cause } of after.started)
        expect(Object.keys(cause)).toEqual(['metric', 'rate', 'threshold']);
    }),
    { numRuns: 15, seed: 20_261_123 },
  );
}, 120_000);
