import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import type { ScriptRun } from '../../domain/ports.js';
import { packText } from './pack-text.js';
import { startScriptRunner } from './runner.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-script-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runScript = startScriptRunner();
let serial = 0;
function script(body: string, mode = 0o755): string {
  const path = join(folder, `notify-${serial++}`);
  writeFileSync(path, body);
  chmodSync(path, mode);
  return path;
}
const run = (path: string, change: Partial<ScriptRun> = {}, signal = new AbortController().signal) =>
  runScript(
    { path, args: ['192.0.2.7', 'incoming', '41250', 'ban'], stdin: '', timeoutMs: 30_000, ...change },
    signal,
  );
const codeOf = (result: Awaited<ReturnType<typeof run>>): string => (result.ok ? 'ok' : result.error.code);
const isAlive = (pid: number): boolean => {
  try {
    // A zombie still has a pid; its state says that it is none to worry about.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
};
async function until(claim: () => boolean, limitMs = 10_000): Promise<boolean> {
  for (
    const end = Date.now() + limitMs;
    Date.now() < end;
    await new Promise((next) => setTimeout(next, 10))
  ) {
    if (claim()) return true;
  }
  return claim();
}

test('the script gets its four arguments and its stdin to the end', async () => {
  const path = script('#!/bin/sh\necho "$# $1 $2 $3 $4"; wc -c\n');
  const result = await run(path, { stdin: 'x'.repeat(300_000) });
  assert.ok(result.ok);
  assert.deepEqual(
    result.value.output
      .trim()
      .split(/\n/)
      .map((line) => line.trim()),
    ['4 192.0.2.7 incoming 41250 ban', '300000'],
  );
  assert.equal(result.value.exitCode, 0);
});

test('a text that was packed comes whole', async () => {
  const text = 'häuser '.repeat(50_000);
  const packed = packText(text);
  assert.ok(packed.deflated.length < text.length / 50);
  const path = script('#!/bin/sh\nmd5sum\n');
  const [plain, whole] = await Promise.all([run(path, { stdin: text }), run(path, { stdin: packed })]);
  assert.ok(plain.ok && whole.ok);
  assert.match(plain.value.output, /^[0-9a-f]{32}/);
  assert.equal(whole.value.output, plain.value.output);
});

test('arguments never meet a shell', async () => {
  const path = script('#!/bin/sh\necho "$1"\n');
  const result = await run(path, { args: ['$(touch /tmp/x); `id` "', 'incoming', '0', 'ban'] });
  assert.equal(result.ok && result.value.output, '$(touch /tmp/x); `id` "\n');
});

test('a script without a first line is run by sh, as it always was', async () => {
  const result = await run(script('echo "$4"\n'));
  assert.equal(result.ok && result.value.output, 'ban\n');
});

test('an exit code is an outcome; a death by signal is 128 and its number', async () => {
  const failed = await run(script('#!/bin/sh\necho no >&2; exit 3\n'));
  assert.deepEqual(failed.ok && [failed.value.exitCode, failed.value.output], [3, 'no\n']);
  const killed = await run(script('#!/bin/sh\nkill -9 $$\n'));
  assert.equal(killed.ok && killed.value.exitCode, 137);
});

test('a script that does not read its stdin is no failure', async () => {
  const result = await run(script('#!/bin/sh\nexec 0<&-\nexit 0\n'), { stdin: 'x'.repeat(2_000_000) });
  assert.equal(result.ok && result.value.exitCode, 0);
});

test('huge output neither blocks the script nor fills memory', async () => {
  const result = await run(script('#!/bin/sh\nhead -c 5000000 /dev/zero | tr "\\0" x\n'));
  assert.equal(result.ok && result.value.exitCode, 0);
  assert.equal(result.ok && result.value.output.length, 64 * 1024);
});

test('at the time limit the whole group is killed, also what ignores SIGTERM', async () => {
  let group: readonly number[] = [];
  // on a busy machine the two are not even begun at the first limit
  for (let timeoutMs = 300; group.length < 2 && timeoutMs < 30_000; timeoutMs *= 4) {
    const pids = join(folder, `pids-${timeoutMs}`);
    writeFileSync(pids, '');
    const path = script(
      `#!/bin/sh\ntrap '' TERM\nsh -c 'trap "" TERM; echo $$ >> ${pids}; sleep 600; sleep 600' &\necho $$ >> ${pids}\nwait\nsleep 600\n`,
    );
    const startedAt = performance.now();
    const result = await run(path, { timeoutMs });
    assert.equal(codeOf(result), 'SCRIPT_TIMEOUT');
    assert.ok(performance.now() - startedAt >= timeoutMs);
    group = readFileSync(pids, 'utf8').split('\n').filter(Boolean).map(Number);
  }
  assert.equal(group.length, 2);
  assert.ok(await until(() => !group.some(isAlive)), 'nobody of the group lives');
});

test('a child left behind with open pipes does not hold up the outcome', async () => {
  const result = await run(script('#!/bin/sh\nsleep 600 &\necho $!\n'));
  assert.ok(result.ok);
  const child = Number(result.value.output);
  assert.ok(isAlive(child), 'it still has the pipes');
  process.kill(child);
});

test('an abort kills it', async () => {
  const stop = new AbortController();
  const running = run(script('#!/bin/sh\nsleep 60\n'), {}, stop.signal);
  setTimeout(() => stop.abort(), 100);
  assert.equal(codeOf(await running), 'SCRIPT_FAILED');
});

test('a missing script, a folder and a file that may not be executed are SCRIPT_MISSING', async () => {
  assert.equal(codeOf(await run(join(folder, 'absent'))), 'SCRIPT_MISSING');
  assert.equal(codeOf(await run(folder)), 'SCRIPT_MISSING');
  assert.equal(codeOf(await run(script('#!/bin/sh\n', 0o644))), 'SCRIPT_MISSING');
  assert.equal(codeOf(await run(script('#!/no/such/interpreter\n'))), 'SCRIPT_MISSING');
});

test('nothing of the environment but path, locale, zone and home', async () => {
  process.env.TIDEGATE_TEST_SECRET = 'secret';
  const result = await run(script('#!/bin/sh\nenv | cut -d= -f1\n'));
  delete process.env.TIDEGATE_TEST_SECRET;
  assert.ok(result.ok);
  const shellsOwn = ['PWD', 'SHLVL', '_', 'OLDPWD'];
  const allowed = new Set(['PATH', 'LANG', 'LC_ALL', 'TZ', 'HOME', ...shellsOwn]);
  for (const name of result.value.output.trim().split('\n')) assert.ok(allowed.has(name), name);
});

test('the program starts without a turn of the main thread, and says so before it ends', async () => {
  const mark = join(folder, 'mark');
  const path = script(`#!/bin/sh\n: > ${mark}\nsleep 0.2\n`);
  const heard: string[] = [];
  const args = ['192.0.2.7', 'incoming', '0', 'ban'] as const;
  const { signal } = new AbortController();
  const running = runScript({ path, args, stdin: '', timeoutMs: 30_000 }, signal, () =>
    heard.push('started'),
  );
  const end = Date.now() + 20_000;
  while (!existsSync(mark) && Date.now() < end); // the event loop stands still
  assert.ok(existsSync(mark));
  heard.push(codeOf(await running));
  assert.deepEqual(heard, ['started', 'ok']);
});

test('what is missing never says that it has started', async () => {
  let started = 0;
  const missing = {
    path: join(folder, 'absent'),
    args: ['a', 'b', 'c', 'ban'],
    stdin: '',
    timeoutMs: 5000,
  } as const;
  assert.equal(
    codeOf(await runScript(missing, new AbortController().signal, () => started++)),
    'SCRIPT_MISSING',
  );
  assert.equal(started, 0);
});
