/** Reading from the disk: what is there, what is not, and what must not hold us. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { diskFiles, maxFileBytes } from './disk.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-disk-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('a file is read whole', () => {
  assert.deepEqual(diskFiles.read(at('list', '192.0.2.0/24\n')), { ok: true, text: '192.0.2.0/24\n' });
});

test('what is not there is missing, and what is no file is not', () => {
  assert.deepEqual(diskFiles.read(join(folder, 'gone')), { ok: false, missing: true, why: 'no such file' });
  assert.deepEqual(diskFiles.read(join(at('file', ''), 'below')), {
    ok: false,
    missing: true,
    why: 'no such file',
  });
  assert.deepEqual(diskFiles.read(folder), { ok: false, missing: false, why: 'it is a directory' });
});

test('a pipe that nobody writes to does not hold us', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.deepEqual(diskFiles.read(pipe), { ok: false, missing: false, why: 'it is not a regular file' });
  assert.equal(diskFiles.stat(pipe)?.kind, 'other');
});

test('a file beyond the bound is not read', () => {
  const path = at('huge', '');
  truncateSync(path, maxFileBytes + 1);
  const read = diskFiles.read(path);
  assert(!read.ok && /larger than/.test(read.why));
});

test('a program is told from a file', () => {
  const path = at('script.sh', '#!/bin/sh\n');
  assert.deepEqual(diskFiles.stat(path), { kind: 'file', executable: false });
  chmodSync(path, 0o755);
  assert.deepEqual(diskFiles.stat(path), { kind: 'file', executable: true });
  assert.equal(diskFiles.stat(folder)?.kind, 'directory');
  assert.equal(diskFiles.stat(join(folder, 'gone')), null);
});
