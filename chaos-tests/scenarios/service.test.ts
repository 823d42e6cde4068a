/** The daemon as an init script has it: started, refused, ended, started again after the worst. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { cliPath } from '../../bench/built.js';
import { until } from '../../bench/process.js';
import { freePort } from '../../traffic/loopback.js';
import { flowSettings } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon, tidegate } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
const detached = new Set<number>();
afterEach(async () => {
  for (const pid of detached) if (lives(pid)) process.kill(pid, 'SIGKILL');
  detached.clear();
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // a child of nobody's that has ended is a zombie until init sees to it
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function newHome(more = ''): Promise<Home> {
  home = makeHome(flowSettings(await freePort(), more));
  return home;
}

/** The pid in the file; the process is ended after the test. */
function pidIn(path: string): number {
  const pid = Number(readFileSync(path, 'utf8'));
  detached.add(pid);
  return pid;
}

describe('--daemonize', () => {
  test('returns when the daemon answers; the pid file holds its pid; SIGTERM takes file and socket away', async () => {
    const one = await newHome();
    const pidFile = join(one.directory, 'tidegate.pid');
    const run = ['run', '--config', one.config, '--daemonize', '--pid-file', pidFile];
    const started = await tidegate(one, run);
    expect(started).toMatchObject({ code: 0, err: '' });
    const pid = pidIn(pidFile);
    expect(started.out).toBe(`tidegate runs as process ${pid} and logs to ${one.logFile}\n`);
    const status = await tidegate(one, ['status', '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ pid });

    const again = await tidegate(one, run);
    expect(again.code).toBe(1);
    expect(again.err).toContain(`DAEMON_RUNNING: ${pidFile} is held by process ${pid}`);
    const otherFile = await tidegate(one, [...run.slice(0, -1), `${pidFile}2`]);
    expect(otherFile.code).toBe(1);
    expect(otherFile.err).toContain(`DAEMON_RUNNING: another daemon listens at ${one.socket}`);
    expect(existsSync(`${pidFile}2`)).toBe(false);
    const foreground = await tidegate(one, ['run', '--config', one.config]);
    expect(foreground.code).toBe(1);
    expect(foreground.err).toContain('DAEMON_RUNNING');
    expect(lives(pid)).toBe(true);
    expect((await tidegate(one, ['status'])).code).toBe(0);

    process.kill(pid, 'SIGTERM');
    expect(await until(() => !lives(pid), 5_000)).toBe(true);
    expect([existsSync(pidFile), existsSync(one.socket)]).toEqual([false, false]);
    expect(one.log()).toContain('"msg":"stopped"');
  });

  test('the pid file of the configuration is written when daemonized, and left alone in the foreground', async () => {
    const one = await newHome();
    const pidFile = join(one.directory, 'of-fastnetmon.pid');
    writeFileSync(one.config, `${readFileSync(one.config, 'utf8')}pid_file: ${pidFile}\n`);
    writeFileSync(pidFile, `${process.pid}\n`); // somebody who lives
    daemon = await startDaemon(one);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${process.pid}\n`);
    await daemon.stop();
    expect(readFileSync(pidFile, 'utf8')).toBe(`${process.pid}\n`);
    const refused = await tidegate(one, ['run', '--config', one.config, '--daemonize']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`held by process ${process.pid}`);
    writeFileSync(pidFile, '999999999\n'); // beyond any pid
    expect((await tidegate(one, ['run', '--config', one.config, '--daemonize'])).code).toBe(0);
    expect(lives(pidIn(pidFile))).toBe(true);
  });

  test('a daemon without a log file logs into its state directory, and reopens that at SIGHUP', async () => {
    const one = await newHome('log: { level: debug }');
    const pidFile = join(one.directory, 'pid');
    const run = ['run', '--config', one.config, '--daemonize', '--pid-file', pidFile];
    const started = await tidegate(one, run);
    const log = join(one.stateDir, 'tidegate.log');
    const pid = pidIn(pidFile);
    expect(started).toEqual({
      code: 0,
      out: `tidegate runs as process ${pid} and logs to ${log}\n`,
      err: '',
    });
    expect(statSync(one.stateDir).mode & 0o007).toBe(0);
    expect(readFileSync(log, 'utf8')).toContain('"msg":"started"');
    renameSync(log, `${log}.1`);
    process.kill(pid, 'SIGHUP');
    const reopened = (): boolean => existsSync(log) && readFileSync(log, 'utf8').includes('"changes":[]');
    expect(await until(reopened, 5_000)).toBe(true);
  });
});

test('after kill -9 a stale socket and a stale pid file do not hinder the next start', async () => {
  const one = await newHome();
  const pidFile = join(one.directory, 'tidegate.pid');
  const run = ['run', '--config', one.config, '--daemonize', '--pid-file', pidFile];
  expect((await tidegate(one, run)).code).toBe(0);
  const first = pidIn(pidFile);
  process.kill(first, 'SIGKILL');
  expect(await until(() => !lives(first), 5_000)).toBe(true);
  expect([existsSync(pidFile), existsSync(one.socket)]).toEqual([true, true]);
  const unreachable = await tidegate(one, ['status']);
  expect(unreachable.code).toBe(1);
  expect(unreachable.err).toContain('DAEMON_UNREACHABLE');
  expect((await tidegate(one, run)).code).toBe(0);
  const second = pidIn(pidFile);
  expect(second).not.toBe(first);
  expect((await tidegate(one, ['status'])).code).toBe(0);
});

describe('a start that fails says why and leaves nothing behind', () => {
  type Case = {
    readonly name: string;
    readonly spoil: (one: Home) => void;
    readonly code: number;
    readonly says: (one: Home) => string;
  };
  const journal = (one: Home): string => join(one.stateDir, 'journal.db');
  const garbage = 'this is not a database, and it is long enough to have a header of one, or two. '.repeat(
    20,
  );
  const cases: readonly Case[] = [
    {
      name: 'a configuration with faults',
      spoil: (one) => one.rewrite('networks: [nowhere]\ncapture: {sflow: ["127.0.0.1:6343"]}\n'),
      code: 2,
      says: (one) => `${one.config}:1: error: networks[0]`,
    },
    {
      name: 'a journal that is garbage',
      spoil: (one) => {
        mkdirSync(one.stateDir);
        writeFileSync(journal(one), garbage);
      },
      code: 1,
      says: (one) => `JOURNAL_UNWRITABLE: ${journal(one)}`,
    },
    {
      name: 'a journal that is a directory',
      spoil: (one) => mkdirSync(journal(one), { recursive: true }),
      code: 1,
      says: (one) => `JOURNAL_UNWRITABLE: ${journal(one)}`,
    },
    {
      name: 'a state directory that is a file',
      spoil: (one) => writeFileSync(one.stateDir, 'in the way'),
      code: 2,
      says: (one) => `${one.config}:3: error: state.dir: '${one.stateDir}' is not a directory`,
    },
    {
      name: 'a log file that cannot be opened',
      spoil: (one) => mkdirSync(one.logFile),
      code: 2,
      says: (one) => `${one.config}:4: error: log.file: '${one.logFile}' is a directory`,
    },
  ];
  for (const { name, spoil, code, says } of cases) {
    for (const how of [[], ['--daemonize']]) {
      test(`${name} ${how.join()}`, async () => {
        const one = await newHome();
        spoil(one);
        const pidFile = join(one.directory, 'pid');
        const ended = await tidegate(one, ['run', '--config', one.config, '--pid-file', pidFile, ...how]);
        expect(ended.code).toBe(code);
        expect(ended.err).toContain(says(one));
        expect(ended.err).not.toContain('    at ');
        expect([existsSync(pidFile), existsSync(one.socket)]).toEqual([false, false]);
        if (name.includes('garbage')) expect(readFileSync(journal(one), 'utf8')).toBe(garbage);
      });
    }
  }

  test.skipIf(process.getuid?.() !== 0)('a state directory on a disk that is read-only', async () => {
    const one = await newHome();
    mkdirSync(one.stateDir);
    const child = spawn(
      'unshare',
      [
        ...['--mount', 'sh', '-c', 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"', one.stateDir],
        ...[process.execPath, cliPath, 'run', '--config', one.config],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const code = await new Promise((done) => child.once('close', done));
    expect(code).toBe(1);
    expect(err).toMatch(/^error: (JOURNAL_UNWRITABLE|CONTROL_UNAVAILABLE): /);
    expect(err).toContain(one.stateDir);
    expect(err).toMatch(/EROFS|read-only/i);
  });
});

test('a log that is renamed goes on in a new file after SIGHUP, and no line is lost', async () => {
  const one = await newHome();
  daemon = await startDaemon(one);
  const before = one.log();
  expect(before).toContain('"msg":"started"');
  renameSync(one.logFile, `${one.logFile}.1`);
  process.kill(daemon.program.pid, 'SIGHUP');
  expect(await until(() => one.log().includes('configuration applied'), 5_000)).toBe(true);
  expect(readFileSync(`${one.logFile}.1`, 'utf8')).toContain(before);
  await daemon.stop();
  expect(one.log()).toContain('"msg":"stopped"');
  const all = (readFileSync(`${one.logFile}.1`, 'utf8') + one.log()).trimEnd().split('\n');
  for (const line of all) expect(() => JSON.parse(line)).not.toThrow();
});

test('SIGTERM at any moment after the log is open ends the daemon in order', async () => {
  for (const afterMs of [0, 20, 60, 150, 400]) {
    const one = await newHome();
    const child = spawn(process.execPath, [cliPath, 'run', '--config', one.config], { stdio: 'ignore' });
    const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
    expect(await until(() => existsSync(one.logFile), 10_000)).toBe(true);
    await sleep(afterMs);
    child.kill('SIGTERM');
    expect(await ended, `${afterMs} ms`).toBe(0);
    expect(one.log()).toContain('"msg":"stopped"');
    expect(existsSync(one.socket)).toBe(false);
    one.remove();
  }
});

test('SIGHUP at any moment of the start does not end the daemon', async () => {
  const one = await newHome();
  const child = spawn(process.execPath, [cliPath, 'run', '--config', one.config], { stdio: 'ignore' });
  // as soon as it has a log it has a handler too
  expect(await until(() => existsSync(one.logFile), 10_000)).toBe(true);
  const signals = setInterval(() => child.kill('SIGHUP'), 5);
  const up = await until(() => one.log().includes('"msg":"started"'), 10_000);
  clearInterval(signals);
  expect([up, child.exitCode, child.signalCode]).toEqual([true, null, null]);
  const ended = new Promise((done) => child.once('exit', (code) => done(code)));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
