/** The log file that nobody waits for: order, rotation, the end, and what does not fit. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, test } from 'vitest';
import { openLogFile } from './log-file.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-logfile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const saysDropped = (lines: number): string => `dropped ${lines}\n`;
const until = async (claim: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 2000 && !claim(); tries += 1) await sleep(5);
  assert.ok(claim());
};

test('lines come in order, whatever of them is flushed, written, or under way', async () => {
  const path = join(folder, 'log');
  const file = openLogFile(path, saysDropped);
  const expected: string[] = [];
  for (let round = 0; round < 200; round += 1) {
    for (let line = 0; line < 5; line += 1) {
      file.write(`${round} ${line}\n`);
      expected.push(`${round} ${line}`);
    }
    if (round % 7 === 0) file.flush();
    if (round % 3 === 0) await new Promise((next) => setImmediate(next));
  }
  await until(() => read(path).length === expected.length);
  assert.deepEqual(read(path), expected);
});

test('after a rotation the lines before it are in the old file, and those after it in the new one', async () => {
  const path = join(folder, 'log');
  const file = openLogFile(path, saysDropped);
  for (let line = 0; line < 100; line += 1) file.write(`old ${line}\n`);
  await new Promise((next) => setImmediate(next)); // on its way
  file.write('old too\n');
  renameSync(path, `${path}.1`);
  file.reopen();
  file.write('new\n');
  file.flush();
  await until(() => read(`${path}.1`).length === 101);
  assert.equal(read(`${path}.1`).at(-1), 'old too');
  assert.deepEqual(read(path), ['new']);
});

test('more than may wait is dropped, and a line says how many', () => {
  const path = join(folder, 'log');
  const file = openLogFile(path, saysDropped);
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 5000; count += 1) file.write(line);
  file.flush();
  const lines = read(path);
  assert.equal(lines.length - 1, 4096);
  assert.equal(lines.at(-1), 'dropped 904');
});

test('a file that cannot be opened is said', () => {
  assert.throws(() => openLogFile(join(folder, 'nowhere', 'log'), saysDropped), /ENOENT/);
});
