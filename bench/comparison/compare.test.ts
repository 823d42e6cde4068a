/** The comparison itself, over the captures of others. Skipped, by name, where they or tshark are not there. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { hasTshark } from '../../traffic/tshark.js';
import { compareSet } from './compare.js';
import { captureSets } from './sets.js';

const root = fileURLToPath(new URL('../../../shared/captures', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tidegate-comparison-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!existsSync(root) || !hasTshark)(
  'captures of others (skipped without them or tshark)',
  () => {
    const sets = existsSync(root) ? captureSets(root).filter(({ expected }) => expected !== null) : [];

    test('there are more than 40 of flow telemetry', () => {
      expect(sets.length).toBeGreaterThan(40);
    });
    for (const set of sets) {
      test(`${set.name}: what is known and what tshark says`, async () => {
        const row = await compareSet(set, folder, false);
        expect(row?.verdict.kind, JSON.stringify(row)).not.toBe('differs');
      }, 30_000);
    }
  },
);
