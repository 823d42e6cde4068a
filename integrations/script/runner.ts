/**
 * Runs the notify script: one program, no shell, in a process group of its own.
 *
 * The program is started before this function returns its promise; nothing is asked of the file system first.
 * At the time limit or an abort its group gets SIGTERM and, `killAfterMs` later, SIGKILL. What it prints is kept up
 * to `maxOutputBytes`, the rest is read and thrown away so that it never blocks. A program that does not read its
 * stdin is no error. A child that it leaves behind keeps running: only the program itself is waited for.
 *
 * Errors: SCRIPT_MISSING (absent, not executable), SCRIPT_TIMEOUT, SCRIPT_FAILED (not startable for another reason,
 * or aborted). An exit code other than 0 is an outcome; a death by signal n has exit code 128 + n.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { ScriptOutcome, ScriptRun, ScriptRunner } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';

const maxOutputBytes = 64 * 1024;
const killAfterMs = 1000;
/** After the exit: for what is still in the pipes, which a child left behind may hold open for ever. */
const drainMs = 100;
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const missingCodes = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/** PATH, locale, time zone and home; nothing of the daemon's own environment that could be a secret. */
function environment(): { [name: string]: string } {
  const kept: { [name: string]: string } = { PATH: searchPath };
  for (const name of ['LANG', 'LC_ALL', 'TZ', 'HOME']) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

export const scriptRunner: ScriptRunner = (run, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve(failure('SCRIPT_FAILED', `${run.path}: not started, the daemon is stopping`));
      return;
    }
    const startedAt = performance.now();
    let child: ChildProcess;
    try {
      child = spawn(run.path, [...run.args], {
        cwd: '/',
        detached: true,
        env: environment(),
        shell: false,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    } catch (error) {
      resolve(startFailure(run, error));
      return;
    }
    supervise(child, run, signal, startedAt, resolve);
  });

function supervise(
  child: ChildProcess,
  run: ScriptRun,
  signal: AbortSignal,
  startedAt: number,
  resolve: (result: Result<ScriptOutcome>) => void,
): void {
  const output = keepOutput(child);
  let ended: 'by_itself' | 'timeout' | 'aborted' = 'by_itself';
  let killTimer: NodeJS.Timeout | undefined;
  const kill = (reason: 'timeout' | 'aborted'): void => {
    if (ended !== 'by_itself') return;
    ended = reason;
    signalGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMs);
  };
  const timeLimit = setTimeout(() => kill('timeout'), run.timeoutMs);
  const onAbort = (): void => kill('aborted');
  signal.addEventListener('abort', onAbort, { once: true });
  const settle = (result: Result<ScriptOutcome>): void => {
    clearTimeout(timeLimit);
    signal.removeEventListener('abort', onAbort);
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
    resolve(result);
  };
  child.once('error', (error) => {
    if (child.pid !== undefined) return; // a signal that could not be sent; the exit follows
    settle(startFailure(run, error));
  });
  child.once('exit', (code, signalName) => {
    const finish = (): void => {
      const tookMs = performance.now() - startedAt;
      if (ended === 'timeout') {
        settle(failure('SCRIPT_TIMEOUT', `${run.path}: killed after ${run.timeoutMs} ms`));
      } else if (ended === 'aborted') {
        settle(failure('SCRIPT_FAILED', `${run.path}: killed, the daemon is stopping`));
      } else {
        const exitCode = code ?? 128 + (signalName === null ? 0 : constants.signals[signalName]);
        settle(success({ exitCode, output: output(), tookMs }));
      }
    };
    if (ended !== 'by_itself') {
      clearTimeout(killTimer);
      signalGroup(child, 'SIGKILL'); // what is left of its group
    }
    const drain = setTimeout(finish, drainMs);
    child.once('close', () => {
      clearTimeout(drain);
      finish();
    });
  });
  child.stdin?.on('error', () => {}); // EPIPE: it does not read, which it need not
  child.stdin?.end(run.stdin);
}

/** stdout and stderr as they come, up to the bound. */
function keepOutput(child: ChildProcess): () => string {
  const kept: Buffer[] = [];
  let bytes = 0;
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on('data', (chunk: Buffer) => {
      const room = maxOutputBytes - bytes;
      if (room <= 0) return;
      const part = chunk.subarray(0, room);
      kept.push(part);
      bytes += part.length;
    });
    pipe?.on('error', () => {}); // the pipe ends with the program; its exit tells what there is to tell
  }
  return () => Buffer.concat(kept).toString('utf8');
}

function startFailure<T>(run: ScriptRun, error: unknown): Result<T> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = `${run.path}: ${error instanceof Error ? error.message : String(error)}`;
  return failure(missingCodes.has(code) ? 'SCRIPT_MISSING' : 'SCRIPT_FAILED', detail);
}

/** A negative pid is the group [kill(2)]; it may be gone already. */
function signalGroup(child: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // ESRCH: nobody left to signal
  }
}
