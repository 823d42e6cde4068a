/** Flow templates in the journal: the latest of each, bounded and aged, and a journal of the release before. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import type { StoredTemplate } from '../../domain/flow.js';
import type { Journal, JournalEntry } from '../../domain/ports.js';
import { aMitigation } from '../../domain/rehearsal.js';
import type { Result } from '../../domain/result.js';
import { openJournal } from './journal.js';

const base = mkdtempSync(join(tmpdir(), 'tidegate-templates-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;
const freshDir = (): string => join(base, `state-${serial++}`);

function must<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.error.code}: ${result.error.detail}`);
  return result.value;
}
const open = async (dir: string, maxTemplates = 1_000): Promise<Journal> =>
  must(await openJournal({ dir, maxTemplates }));

const nowMicros = Date.now() * 1_000;
const template = (templateId: number, change: Partial<StoredTemplate> = {}): StoredTemplate => ({
  protocol: 'netflow9',
  address: '192.0.2.1',
  domain: 4_294_967_295,
  templateId,
  options: false,
  body: Uint8Array.of(1, 0, 0, 1, 0, 8, 0, 4),
  seenAt: nowMicros + templateId,
  ...change,
});
const entry = (templates: readonly StoredTemplate[], listener = 'netflow 0.0.0.0:2055'): JournalEntry => ({
  kind: 'templates',
  listener,
  templates,
});
const idsOf = async (journal: Journal, sentAfter = 0): Promise<readonly number[]> =>
  must(await journal.templates(sentAfter)).map(({ template: { templateId } }) => templateId);

test('templates are there after closing and opening again, whole and of their listener', async () => {
  const dir = freshDir();
  const first = await open(dir);
  const kept = [
    template(256),
    template(257, { protocol: 'ipfix', address: '2001:db8::1', options: true, body: Uint8Array.of(0) }),
  ];
  must(await first.append([entry(kept), entry([template(256)], 'netflow [::]:9995')]));
  await first.close();
  const second = await open(dir);
  const found = must(await second.templates(0)).map((one) => ({
    ...one,
    template: { ...one.template, body: Uint8Array.from(one.template.body) },
  }));
  assert.deepEqual(
    found.filter(({ listener }) => listener === 'netflow 0.0.0.0:2055'),
    [
      { listener: 'netflow 0.0.0.0:2055', template: kept[0] },
      { listener: 'netflow 0.0.0.0:2055', template: kept[1] },
    ],
  );
  assert.equal(found.length, 3);
  await second.close();
});

test('the latest of a template replaces it, even when the clock has gone back', async () => {
  const journal = await open(freshDir());
  must(await journal.append([entry([template(256)])]));
  must(await journal.append([entry([template(256, { body: Uint8Array.of(9), seenAt: nowMicros - 5e6 })])]));
  const [kept, ...more] = must(await journal.templates(0));
  assert.deepEqual([...(kept?.template.body ?? [])], [9]);
  assert.equal(more.length, 0);
  await journal.close();
});

test('a template that is withdrawn is there no more, and those of other listeners, ids and protocols are', async () => {
  const dir = freshDir();
  const journal = await open(dir);
  const withdrawn = template(256, { body: new Uint8Array(0) });
  const others = [template(257), template(256, { protocol: 'ipfix' }), template(256, { domain: 1 })];
  must(await journal.append([entry([template(256), ...others]), entry([template(256)], 'elsewhere')]));
  must(await journal.append([entry([withdrawn])]));
  assert.deepEqual([...(await idsOf(journal))].sort(), [256, 256, 256, 257]);
  must(await journal.append([entry([withdrawn, template(256)])]));
  assert.equal((await idsOf(journal)).length, 5);
  await journal.close();
});

test('only those sent after a time are read, the one sent longest ago first', async () => {
  const journal = await open(freshDir());
  must(await journal.append([entry([template(300), template(299), template(256)])]));
  assert.deepEqual(await idsOf(journal, nowMicros + 256), [299, 300]);
  await journal.close();
});

test('their number is bounded: those sent longest ago go', async () => {
  const journal = await open(freshDir(), 100);
  for (let round = 0; round < 3; round += 1) {
    const templates = Array.from({ length: 5_000 }, (_, i) => template(round * 5_000 + i));
    must(await journal.append([entry(templates)]));
  }
  const { default: Database } = await import('libsql');
  assert.deepEqual(
    await idsOf(journal),
    Array.from({ length: 100 }, (_, i) => 14_900 + i),
  );
  await journal.close();
  const db = new Database(join(base, `state-${serial - 1}`, 'journal.db'));
  assert.equal((db.prepare('SELECT count(*) AS rows FROM templates').get() as { rows: number }).rows, 100);
  db.close();
});

test('those of a week ago go', async () => {
  const journal = await open(freshDir());
  must(await journal.append([entry([template(256, { seenAt: nowMicros - 8 * 86_400e6 }), template(257)])]));
  assert.deepEqual(await idsOf(journal), [257]);
  await journal.close();
});

test('a journal of the release before is taken over with all that is in it', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const { default: Database } = await import('libsql');
  const db = new Database(join(dir, 'journal.db'));
  const mitigation = aMitigation({ comment: 'of before' });
  db.exec(`
    CREATE TABLE attacks (id TEXT PRIMARY KEY, subject TEXT NOT NULL, started_at INTEGER NOT NULL,
      ended_at INTEGER, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX attacks_by_end ON attacks (ended_at);
    CREATE INDEX attacks_by_subject ON attacks (subject, started_at);
    CREATE TABLE mitigations (id TEXT PRIMARY KEY, subject TEXT NOT NULL, since INTEGER NOT NULL,
      settled INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX mitigations_active ON mitigations (settled, since);
    PRAGMA user_version = 1;`);
  db.prepare('INSERT INTO mitigations VALUES (?, ?, ?, 0, ?)').run(
    String(mitigation.id),
    '192.0.2.7',
    mitigation.since,
    JSON.stringify(mitigation),
  );
  db.close();
  const journal = await open(dir);
  assert.deepEqual(must(await journal.active()), [mitigation]);
  must(await journal.append([entry([template(256)])]));
  assert.deepEqual(await idsOf(journal), [256]);
  await journal.close();
  const again = await open(dir);
  assert.deepEqual(await idsOf(again), [256]);
  assert.equal(must(await again.active()).length, 1);
  await again.close();
});
