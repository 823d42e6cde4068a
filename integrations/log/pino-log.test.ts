import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLog } from './pino-log.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a line is JSON with the phrase, its fields and those of its child', () => {
  const file = join(folder, 'deep', 'tidegate.log');
  const { log, flush } = openLog({ level: 'info', file, format: 'auto' }, true);
  log.child({ room: 'attack' }).warn('attack found', { host: '192.0.2.7' });
  flush();
  expect(lines(file)).toMatchObject([{ msg: 'attack found', room: 'attack', host: '192.0.2.7', level: 40 }]);
});

test('what is below the level is left out, until the level is lowered', () => {
  const file = join(folder, 'tidegate.log');
  const { log, setLevel, flush } = openLog({ level: 'warn', file, format: 'json' }, false);
  log.info('unheard');
  setLevel('debug');
  log.debug('heard');
  flush();
  expect(lines(file).map((line) => line.msg)).toEqual(['heard']);
});

test('after a rotation and reopen, lines go to the new file', () => {
  const file = join(folder, 'tidegate.log');
  const { log, reopen, flush } = openLog({ level: 'info', file, format: 'json' }, false);
  log.info('before');
  flush();
  renameSync(file, `${file}.1`);
  reopen();
  log.info('after');
  flush();
  expect(lines(`${file}.1`).map((line) => line.msg)).toEqual(['before']);
  expect(lines(file).map((line) => line.msg)).toEqual(['after']);
});

test('a folder that cannot be made is said, not passed over', () => {
  expect(() =>
    openLog({ level: 'info', file: '/proc/nowhere/tidegate.log', format: 'json' }, false),
  ).toThrow();
});
