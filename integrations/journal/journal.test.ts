import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, test } from 'vitest';
import { noCommunities } from '../../domain/announcement.js';
import type { Journal, JournalEntry } from '../../domain/ports.js';
import { aMitigation, anAttack, rehearsalStart } from '../../domain/rehearsal.js';
import type { Result } from '../../domain/result.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { openJournal } from './journal.js';

const base = mkdtempSync(join(tmpdir(), 'tidegate-journal-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;
const freshDir = (): string => join(base, `state-${serial++}`);

function must<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.error.code}: ${result.error.detail}`);
  return result.value;
}
const open = async (dir: string, maxAttacks?: number): Promise<Journal> =>
  must(await openJournal(maxAttacks === undefined ? { dir } : { dir, maxAttacks }));
const refusal = async (dir: string): Promise<string> => {
  const opened = await openJournal({ dir });
  if (opened.ok) await opened.value.close();
  return opened.ok ? 'opened' : `${opened.error.code} ${opened.error.detail}`;
};

const ended = (index: number): JournalEntry => ({
  kind: 'attack',
  attack: anAttack({ endedAt: rehearsalStart + index }, index),
});

test('what was appended is there after closing and opening again', async () => {
  const dir = freshDir();
  const first = await open(dir);
  const mitigation = aMitigation({ comment: 'ünïcode', until: rehearsalStart + 5 });
  must(
    await first.append([
      { kind: 'attack', attack: mitigation.attack },
      { kind: 'mitigation', mitigation },
    ]),
  );
  await first.close();
  const second = await open(dir);
  assert.deepEqual(must(await second.active()), [mitigation]);
  assert.deepEqual(must(await second.history(10)), []); // not over yet
  await second.close();
});

test('active: wanted, and released but not told; not what is settled', async () => {
  const journal = await open(freshDir());
  const states = [
    ['wanted', 'nothing'],
    ['wanted', 'ban'],
    ['released', 'ban'],
    ['released', 'unban'],
  ] as const;
  const entries = states.map(([state, notified], index): JournalEntry => {
    const attack = anAttack({}, index);
    return { kind: 'mitigation', mitigation: aMitigation({ attack, state, notified }) };
  });
  must(await journal.append(entries));
  const active = must(await journal.active()).map(({ state, notified }) => [state, notified]);
  assert.deepEqual(active, states.slice(0, 3));
  await journal.close();
});

test('a later record of the same id replaces the earlier one', async () => {
  const journal = await open(freshDir());
  must(await journal.append([{ kind: 'mitigation', mitigation: aMitigation() }]));
  must(await journal.append([{ kind: 'mitigation', mitigation: aMitigation({ notified: 'ban' }) }]));
  assert.deepEqual(
    must(await journal.active()).map(({ notified }) => notified),
    ['ban'],
  );
  await journal.close();
});

test('history: what ended last comes first, as many as asked for', async () => {
  const journal = await open(freshDir());
  must(await journal.append([3, 1, 2].map(ended)));
  const ends = must(await journal.history(2)).map(({ endedAt }) => (endedAt ?? 0) - rehearsalStart);
  assert.deepEqual(ends, [3, 2]);
  await journal.close();
});

test('history is bounded: the oldest go', async () => {
  const journal = await open(freshDir(), 100);
  for (let batch = 0; batch < 3; batch++) {
    must(await journal.append(Array.from({ length: 600 }, (_, index) => ended(batch * 600 + index))));
  }
  const kept = must(await journal.history(10_000));
  assert.equal(kept.length, 100);
  assert.equal(kept[0]?.endedAt, rehearsalStart + 1799);
  await journal.close();
});

test('a transaction is whole or not at all', async () => {
  const journal = await open(freshDir());
  const broken = {
    kind: 'mitigation',
    mitigation: { ...aMitigation(), since: null },
  } as unknown as JournalEntry;
  const result = await journal.append([{ kind: 'mitigation', mitigation: aMitigation({}) }, broken]);
  assert.ok(!result.ok && result.error.code === 'JOURNAL_UNWRITABLE');
  assert.deepEqual(must(await journal.active()), []);
  must(await journal.append([{ kind: 'mitigation', mitigation: aMitigation() }]));
  assert.equal(must(await journal.active()).length, 1);
  await journal.close();
});

test('after close every question is answered with a failure', async () => {
  const journal = await open(freshDir());
  await journal.close();
  const result = await journal.append([ended(1)]);
  assert.ok(!result.ok && result.error.code === 'JOURNAL_UNWRITABLE');
});

test('a folder that cannot be made is named', async () => {
  const file = freshDir();
  writeFileSync(file, '');
  assert.match(await refusal(join(file, 'state')), /^JOURNAL_UNWRITABLE .*state-\d+\/state\/journal\.db: /);
});

test('a file that is no database is named and left as it is', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  const garbage = 'not a database, but somebody wanted it '.repeat(300);
  writeFileSync(join(dir, 'journal.db'), garbage);
  assert.match(await refusal(dir), /^JOURNAL_UNWRITABLE .*journal\.db: .*not a database/);
  assert.equal(readFileSync(join(dir, 'journal.db'), 'utf8'), garbage);
});

test('a damaged journal is refused, never begun anew', async () => {
  const dir = freshDir();
  const journal = await open(dir);
  const entries = Array.from({ length: 500 }, (_, index): JournalEntry => {
    const attack = anAttack({}, index);
    return { kind: 'mitigation', mitigation: aMitigation({ attack, comment: 'x'.repeat(500) }) };
  });
  must(await journal.append(entries));
  await journal.close();
  const path = join(dir, 'journal.db');
  rmSync(`${path}-wal`, { force: true });
  truncateSync(path, 16_384);
  assert.match(await refusal(dir), /^JOURNAL_UNWRITABLE .*journal\.db: .*malformed/);
});

test("another program's database and a newer schema are refused", async () => {
  const { default: Database } = await import('libsql');
  for (const [sql, reason] of [
    ['CREATE TABLE songs (title TEXT)', /something else/],
    ['PRAGMA user_version = 99', /version 99/],
  ] as const) {
    const dir = freshDir();
    mkdirSync(dir);
    const db = new Database(join(dir, 'journal.db'));
    db.exec(sql);
    db.close();
    assert.match(await refusal(dir), reason);
  }
});

test('a locked database fails the write after a while, and the main thread goes on meanwhile', async () => {
  const dir = freshDir();
  const journal = await open(dir);
  const { default: Database } = await import('libsql');
  const db = new Database(join(dir, 'journal.db'));
  db.exec('BEGIN IMMEDIATE'); // somebody holds the lock for longer than the journal waits
  const result = await journal.append([ended(1)]);
  assert.ok(
    !result.ok && result.error.code === 'JOURNAL_UNWRITABLE' && /locked|busy/i.test(result.error.detail),
  );
  db.exec('ROLLBACK');
  db.close();
  must(await journal.append([ended(1)]));
  await journal.close();
});

test('kill -9 amid writing: everything that was acknowledged is there', async () => {
  const dir = freshDir();
  mkdirSync(dir);
  chmodSync(dir, 0o755);
  // The worker itself, driven from a plain process: what it acknowledges is printed.
  const program = `
    import { Worker } from 'node:worker_threads';
    import { writeSync } from 'node:fs';
    const [path, worker, record] = JSON.parse(process.argv[1]);
    const thread = new Worker(new URL(worker), { workerData: { path, maxAttacks: 1e5, maxTemplates: 1e5 }, execArgv: [] });
    let next = 1;
    thread.on('message', ({ id, ok }) => {
      if (!ok) process.exit(9);
      if (id > 0) writeSync(1, id + '\\n');
      const mitigation = { ...record, id: 'A' + next };
      thread.postMessage({ id: next++, op: 'append', entries: [{ kind: 'mitigation', mitigation }] });
    });`;
  for (let round = 0; round < 3; round++) {
    const argument = JSON.stringify([
      join(dir, 'journal.db'),
      new URL('./worker.mjs', import.meta.url).href,
      { ...aMitigation(), comment: `round ${round}` },
    ]);
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: process.cwd(),
    });
    let acknowledged = 0;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      acknowledged = Number(line);
      if (acknowledged === 40 + round * 25) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    assert.ok(acknowledged >= 40, `${acknowledged} acknowledged`);
    const journal = await open(dir);
    const here = new Set(
      must(await journal.active())
        .filter(({ comment }) => comment === `round ${round}`)
        .map(({ id }) => String(id)),
    );
    for (let id = 1; id <= acknowledged; id++) assert.ok(here.has(`A${id}`), `A${id} of ${acknowledged}`);
    await journal.close();
  }
});

test('a note takes the place of the one before, null forgets it, and others stay', async () => {
  const dir = freshDir();
  const first = await open(dir);
  const note = (key: string, value: string | null): JournalEntry => ({ kind: 'note', key, value });
  must(await first.append([note('stop', 'a'), note('changes', '1:2'), note('gone', 'x')]));
  must(await first.append([note('stop', 'b'), note('gone', null)]));
  await first.close();
  const second = await open(dir);
  assert.deepEqual([...must(await second.notes())].sort(), [
    ['changes', '1:2'],
    ['stop', 'b'],
  ]);
  await second.close();
});

test('what is released and told is active as long as a speaker may hold something of it', async () => {
  const journal = await open(freshDir());
  const over = aMitigation({ state: 'released', notified: 'unban' });
  const announcement = {
    kind: 'unicast',
    prefix: '192.0.2.7/32' as PrefixKey,
    nextHop: '192.0.2.1' as HostKey,
    communities: noCommunities,
  } as const;
  const leaving = { ...over, holdings: [{ speaker: 'edge-1', announcement, state: 'leaving' as const }] };
  must(await journal.append([{ kind: 'mitigation', mitigation: leaving }]));
  assert.deepEqual(must(await journal.active()), [leaving]);
  must(await journal.append([{ kind: 'mitigation', mitigation: over }]));
  assert.deepEqual(must(await journal.active()), []);
  await journal.close();
});
