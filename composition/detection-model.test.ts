/**
 * The detector against a slow and obvious model, in random worlds: the same hosts, networks and groups, in the same
 * direction, for the same cause, at the same tick; as near as `detection-wanted.ts` says.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type World, world } from './detection-arbitraries.js';
import { modelOf } from './detection-model.js';
import { captureFolder } from './detection-rehearsal.js';
import { type Compared, compare } from './detection-wanted.js';

const folder = captureFolder();
afterAll(folder.close);

const runs = { numRuns: 60, seed: 20_261_123 } as const;

test('the detector finds what the model finds, at the same tick and for the same cause', async () => {
  const seen: Compared = { exact: 0, banded: 0, quiet: 0 };
  await fc.assert(
    fc.asyncProperty(world, async ({ settings, packets }: World) => {
      const model = modelOf(settings, packets);
      const rehearsed = await folder.rehearse(settings, packets);
      expect(rehearsed.stats.totals).toEqual(model.byDirection);
      compare(rehearsed, model, seen);
    }),
    runs,
  );
  // Of what was found, most is held to the tick, some to the band, and some worlds are at peace.
  expect(seen.exact).toBeGreaterThan(100);
  expect(seen.banded).toBeGreaterThan(0);
  expect(seen.quiet).toBeGreaterThan(0);
}, 120_000);
