/** What an operator asks of a daemon: one that is not there, and one that answers what the test says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ControlAnswer } from '../../actors/control/messages.js';
import { failure, type Result, success } from '../../domain/result.js';
import { type } from './rehearsal.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-operate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let server: Server | null = null;
afterEach(async () => {
  const closing = server;
  server = null;
  if (closing !== null) await new Promise((done) => closing.close(done));
});

/** Says `answer` to whatever it is asked; what it was asked. */
async function daemon(answer: Result<ControlAnswer> | string): Promise<readonly unknown[]> {
  const asked: unknown[] = [];
  const made = createServer((socket) => {
    socket.on('data', (line) => {
      asked.push(JSON.parse(line.toString()));
      socket.end(typeof answer === 'string' ? answer : `${JSON.stringify(answer)}\n`);
    });
  });
  server = made;
  await new Promise<void>((listening) => made.listen(join(folder, 'control.sock'), listening));
  return asked;
}

const lines = ['status', 'attacks', 'ban 192.0.2.7', 'unban 192.0.2.7', 'top', 'reload'];

describe('without a daemon', () => {
  for (const line of lines) {
    test(`${line}: exit code 1, the socket and what to do`, async () => {
      const { code, out, err } = await type(line.split(' '), { TIDEGATE_STATE_DIR: folder });
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^error: DAEMON_UNREACHABLE: no daemon listens at /);
      expect(err).toContain(join(folder, 'control.sock'));
      expect(err).toContain("start one with 'tidegate run'");
      expect(err).toContain('--state-dir');
    });
    test(`${line} --json: the code is on stdout`, async () => {
      const { code, out } = await type([...line.split(' '), '--json', '--state-dir', folder]);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'DAEMON_UNREACHABLE' } });
    });
  }

  test('--state-dir is before TIDEGATE_STATE_DIR, an empty one is as unset', async () => {
    const given = await type(['status', '--state-dir', folder], { TIDEGATE_STATE_DIR: '/elsewhere' });
    expect(given.err).toContain(folder);
    const empty = await type(['status'], { TIDEGATE_STATE_DIR: '' });
    expect(empty.err).toContain(' /var/lib/tidegate/control.sock');
  });

  test('a file that is no socket is not taken for a daemon', async () => {
    const other = mkdtempSync(join(folder, 'file-'));
    writeFileSync(join(other, 'control.sock'), '');
    const { code, err } = await type(['status', '--state-dir', other]);
    expect(code).toBe(1);
    expect(err).toContain('DAEMON_UNREACHABLE: ');
  });
});

describe('with a daemon', () => {
  const state = ['--state-dir', ''];
  beforeAll(() => {
    state[1] = folder;
  });

  test('what the daemon refuses is said with its code; exit code 1', async () => {
    await daemon(failure('PREFIX_NOT_OURS', '192.0.2.7 is in none of our networks'));
    const { code, out, err } = await type(['ban', '192.0.2.7', ...state]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe('error: PREFIX_NOT_OURS: 192.0.2.7 is in none of our networks\n');
  });

  test('a ban says the address in its own spelling, how long and why', async () => {
    const asked = await daemon(failure('WHITELISTED', '2001:db8::7 is whitelisted'));
    await type(['ban', '2001:DB8:0:0::7', '--for', '1.5h', '--comment', 'ticket 7', ...state]);
    expect(asked).toEqual([{ kind: 'ban', host: '2001:db8::7', forMs: 5_400_000, comment: 'ticket 7' }]);
  });

  test('a prefix can be released', async () => {
    const asked = await daemon(failure('NOT_MITIGATED', 'nothing'));
    await type(['unban', '192.0.2.0/24', ...state]);
    expect(asked).toEqual([{ kind: 'unban', host: '192.0.2.0/24' }]);
  });

  test('reload prints a line a change, or that there is none', async () => {
    await daemon(success({ kind: 'reloaded', report: { changes: ['window: 1s → 5s', 'log.level: debug'] } }));
    expect((await type(['reload', ...state])).out).toBe('window: 1s → 5s\nlog.level: debug\n');
    server?.close();
    await daemon(success({ kind: 'reloaded', report: { changes: [] } }));
    expect((await type(['reload', ...state])).out).toBe('nothing changed\n');
  });

  test('top asks for what was chosen and lines its figures up', async () => {
    const asked = await daemon(success({ kind: 'top', talkers: [] }));
    const { code, out } = await type([
      'top',
      '--by',
      'bytes',
      '--direction',
      'outgoing',
      '--count',
      '3',
      ...state,
    ]);
    expect(asked).toEqual([{ kind: 'top', by: 'bytes', direction: 'outgoing', count: 3 }]);
    expect([code, out]).toEqual([0, 'host  pps  /s  flows/s\n']);
  });

  test('what is no answer of ours is said so', async () => {
    await daemon('HTTP/1.1 400 Bad Request\n');
    const { code, err } = await type(['status', ...state]);
    expect(code).toBe(1);
    expect(err).toMatch(/DAEMON_UNREACHABLE: .* does not speak as tidegate does/);
  });
});
