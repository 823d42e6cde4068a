import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { anAttack } from '../../domain/rehearsal.js';
import { evidenceStore } from './store.js';

const base = mkdtempSync(join(tmpdir(), 'tidegate-evidence-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;
const freshDir = (): string => join(base, `attacks-${serial++}`);
const { id } = anAttack();
const file = (name: string, content: string | Uint8Array = 'x') => ({ name, content });

test('whole files of mode 0640 in a folder made for them; their paths come back', async () => {
  const directory = join(freshDir(), 'deep');
  const bytes = Uint8Array.from([1, 2, 3]);
  const files = [file('192.0.2.7_23_11_26_00:39:40.txt', 'report'), file('192.0.2.7.pcap', bytes)];
  const written = await evidenceStore({ directory }).write(id, files);
  assert.deepEqual(
    written.ok && written.value,
    files.map(({ name }) => join(directory, name)),
  );
  assert.equal(readFileSync(join(directory, files[0]?.name ?? ''), 'utf8'), 'report');
  assert.deepEqual([...readFileSync(join(directory, '192.0.2.7.pcap'))], [1, 2, 3]);
  assert.equal(statSync(join(directory, '192.0.2.7.pcap')).mode & 0o777, 0o640);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.includes('tmp')),
    [],
  );
});

test('an attack on the same host in the same second overwrites nothing', async () => {
  const directory = freshDir();
  const store = evidenceStore({ directory });
  await store.write(id, [file('a.txt', 'first')]);
  const second = anAttack({}, 2).id;
  const written = await store.write(second, [file('a.txt', 'second')]);
  assert.deepEqual(written.ok && written.value, [join(directory, `a_${second}.txt`)]);
  assert.equal(readFileSync(join(directory, 'a.txt'), 'utf8'), 'first');
  assert.equal(readFileSync(join(directory, `a_${second}.txt`), 'utf8'), 'second');
});

test('the newest files are kept, those of an earlier run included', async () => {
  const directory = freshDir();
  const first = evidenceStore({ directory, maxFiles: 3 });
  await first.write(id, [file('a.txt')]);
  utimesSync(join(directory, 'a.txt'), 1000, 1000);
  const store = evidenceStore({ directory, maxFiles: 3 });
  for (const name of ['b.txt', 'c.json', 'd.pcap']) await store.write(id, [file(name)]);
  assert.deepEqual(readdirSync(directory).sort(), ['b.txt', 'c.json', 'd.pcap']);
});

test('disk use is bounded, but what was just written stays', async () => {
  const directory = freshDir();
  const store = evidenceStore({ directory, maxBytes: 1000 });
  await store.write(id, [file('a.txt', 'x'.repeat(600))]);
  await store.write(id, [file('b.txt', 'x'.repeat(600))]);
  assert.deepEqual(readdirSync(directory), ['b.txt']);
  await store.write(id, [file('c.txt', 'x'.repeat(5000))]);
  assert.deepEqual(readdirSync(directory), ['c.txt']);
});

test("somebody else's files are neither counted nor deleted", async () => {
  const directory = freshDir();
  await evidenceStore({ directory }).write(id, [file('a.txt')]);
  writeFileSync(join(directory, 'README'), 'x'.repeat(5000));
  const store = evidenceStore({ directory, maxFiles: 1, maxBytes: 1000 });
  await store.write(id, [file('b.txt')]);
  assert.deepEqual(readdirSync(directory).sort(), ['README', 'b.txt']);
});

test('writes that come together are all there', async () => {
  const directory = freshDir();
  const store = evidenceStore({ directory });
  const names = Array.from({ length: 40 }, (_, index) => `${index}.txt`);
  const results = await Promise.all(names.map((name) => store.write(id, [file(name, name)])));
  assert.ok(results.every((result) => result.ok));
  for (const name of names) assert.equal(readFileSync(join(directory, name), 'utf8'), name);
});

test('attacks on one host in one second that come together overwrite nothing', async () => {
  const directory = freshDir();
  const store = evidenceStore({ directory });
  const attacks = Array.from({ length: 20 }, (_, serial) => anAttack({}, serial).id);
  const results = await Promise.all(attacks.map((attack) => store.write(attack, [file('a.txt', attack)])));
  const paths = results.flatMap((result) => (result.ok ? result.value : []));
  assert.equal(new Set(paths).size, 20);
  assert.deepEqual(
    paths.map((path) => readFileSync(path, 'utf8')),
    attacks,
  );
  assert.deepEqual(store.report(), { waiting: 0, written: 20, failed: 0 });
});

test('what waits is bounded in bytes, and what finds no room is counted', async () => {
  const store = evidenceStore({ directory: freshDir(), maxWaitingBytes: 1000 });
  const big = [file('a.txt', 'x'.repeat(2000))];
  const [first, second] = await Promise.all([store.write(id, big), store.write(id, [file('b.txt')])]);
  assert.ok(first.ok); // nothing waited before it
  assert.ok(!second.ok && /2000 bytes wait for the disk/.test(second.error.detail));
  assert.deepEqual(store.report(), { waiting: 0, written: 1, failed: 1 });
  const later = await Promise.all(
    ['b', 'c', 'd'].map((name) => store.write(id, [file(`${name}.txt`, 'x'.repeat(450))])),
  );
  assert.deepEqual(
    later.map(({ ok }) => ok),
    [true, true, false],
  );
});

test('a folder that cannot be written is named, and written once it can be', async () => {
  const directory = freshDir();
  writeFileSync(directory, 'in the way');
  const store = evidenceStore({ directory });
  const failed = await store.write(id, [file('a.txt')]);
  assert.ok(
    !failed.ok && failed.error.code === 'EVIDENCE_UNWRITABLE' && failed.error.detail.includes(directory),
  );
  rmSync(directory);
  assert.ok((await store.write(id, [file('a.txt')])).ok);
});

for (const name of ['../a.txt', '/etc/a.txt', '.a.txt', 'a.sh', 'a/b.txt']) {
  test(`'${name}' is no name for evidence`, async () => {
    const written = await evidenceStore({ directory: freshDir() }).write(id, [file(name)]);
    assert.equal(written.ok ? 'ok' : written.error.code, 'EVIDENCE_UNWRITABLE');
  });
}
