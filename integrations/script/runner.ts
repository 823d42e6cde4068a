/**
 * Runs the notify script: one program, no shell, in a process group of its own, started by a thread of its own.
 *
 * Nothing is asked of the file system first. At the time limit or an abort the group gets SIGTERM and, a second later,
 * SIGKILL. What it prints is kept up to 64 KiB, the rest is read and thrown away so that it never blocks. A program
 * that does not read its stdin is no error. A child that it leaves behind keeps running: only the program itself is
 * waited for. Should the thread die, its runs fail and the next run starts another.
 *
 * Errors: SCRIPT_MISSING (absent, not executable), SCRIPT_TIMEOUT, SCRIPT_FAILED (not startable for another reason,
 * or aborted). An exit code other than 0 is an outcome; a death by signal n has exit code 128 + n.
 */
import { Worker } from 'node:worker_threads';
import type { ScriptOutcome, ScriptRun, ScriptRunner } from '../../domain/ports.js';
import { type FailureCode, failure, type Result, success } from '../../domain/result.js';

const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** It only passes on what it is given: what V8 would let young garbage grow to, 32 MB, is never needed. */
const youngGenerationMb = 4;

type Answer =
  | { readonly id: number; readonly started: true }
  | { readonly id: number; readonly outcome: ScriptOutcome }
  | { readonly id: number; readonly code: FailureCode; readonly detail: string };

type Pending = {
  readonly started: () => void;
  readonly settle: (result: Result<ScriptOutcome>) => void;
};

/** Starts the thread at once, so that the first script does not wait for it. It keeps no process alive. */
export function startScriptRunner(): ScriptRunner {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let thread: Worker | null = null;

  const fail = (reason: string): void => {
    thread = null;
    const lost = [...pending.values()];
    pending.clear();
    for (const { settle } of lost)
      settle(failure('SCRIPT_FAILED', `the thread that runs scripts ended: ${reason}`));
  };
  const hear = (answer: Answer): void => {
    const waiting = pending.get(answer.id);
    if (waiting === undefined) return;
    if ('started' in answer) {
      waiting.started();
      return;
    }
    pending.delete(answer.id);
    waiting.settle('outcome' in answer ? success(answer.outcome) : failure(answer.code, answer.detail));
  };
  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    worker.unref();
    worker.on('message', hear);
    worker.on('error', (error: unknown) => {
      if (thread === worker) fail(String(error));
    });
    worker.on('exit', (code) => {
      if (thread === worker) fail(`exit code ${code}`);
    });
    thread = worker;
    return worker;
  };
  start();

  return (run, signal, started = () => {}) =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve(failure('SCRIPT_FAILED', `${run.path}: not started, the daemon is stopping`));
        return;
      }
      const id = ++lastId;
      const worker = thread ?? start();
      const abort = (): void => worker.postMessage({ id, abort: true });
      signal.addEventListener('abort', abort, { once: true });
      const settle = (result: Result<ScriptOutcome>): void => {
        signal.removeEventListener('abort', abort);
        resolve(result);
      };
      pending.set(id, { started, settle });
      worker.postMessage(order(id, run));
    });
}

/** PATH, locale, time zone and home; nothing of the daemon's own environment that could be a secret. */
function order(id: number, run: ScriptRun): { readonly id: number; readonly [field: string]: unknown } {
  const env: { [name: string]: string } = { PATH: searchPath };
  for (const name of ['LANG', 'LC_ALL', 'TZ', 'HOME']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { id, path: run.path, args: [...run.args], stdin: run.stdin, timeoutMs: run.timeoutMs, env };
}
