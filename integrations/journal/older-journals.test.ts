/** What a journal of an earlier release gives: every field that this one knows, and what is to be announced left open. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import type { Journal } from '../../domain/ports.js';
import { aMitigation, anAttack, rehearsalStart } from '../../domain/rehearsal.js';
import type { Result } from '../../domain/result.js';
import { openJournal } from './journal.js';
import { type OlderSchema, writeOlderJournal } from './older-journals.js';

const base = mkdtempSync(join(tmpdir(), 'tidegate-older-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

function must<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.error.code}: ${result.error.detail}`);
  return result.value;
}
const sampled = { samples: 412, interval: { low: 38_000, high: 44_000 } };
const fired = { scope: 'host', metric: 'pps', rate: 41_250, threshold: 20_000 } as const;

for (const schema of [1, 2] as const satisfies readonly OlderSchema[]) {
  test(`schema ${schema}: what is on is read whole, says nothing of its action, and can be written again`, async () => {
    const dir = join(base, String(schema));
    const attack = anAttack({ cause: { ...fired, ...sampled } }, 1);
    const mitigation = aMitigation({
      attack,
      notified: 'ban',
      until: rehearsalStart + 9,
      comment: 'ünïcode',
    });
    const over = anAttack({ endedAt: rehearsalStart + 5 }, 2);
    writeOlderJournal(dir, schema, [mitigation], [over]);

    const journal: Journal = must(await openJournal({ dir }));
    const cause = { ...fired, ...(schema === 1 ? { samples: null, interval: null } : sampled) };
    const known = { ...mitigation, attack: { ...attack, cause } };
    assert.deepEqual(must(await journal.active()), [{ ...known, action: null }]);
    assert.deepEqual(must(await journal.history(10)), [over]);

    const decided = { ...known, action: 'blackhole' as const };
    must(await journal.append([{ kind: 'mitigation', mitigation: decided }]));
    await journal.close();
    const again = must(await openJournal({ dir }));
    assert.deepEqual(must(await again.active()), [decided]);
    await again.close();
  });
}
