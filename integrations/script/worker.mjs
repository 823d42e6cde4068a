/**
 * The thread that starts the notify script and watches it. Starting a program blocks its thread for milliseconds, more
 * on a busy machine; here it blocks nobody else.
 *
 * Plain JavaScript, since a worker's entry must load as it lies, from the sources and from the build alike; the build
 * copies it. In: `{id, path, args, stdin, timeoutMs, env}` (pack-text.ts packs a long stdin) and `{id, abort: true}`. Out: `{id, started: true}` as soon
 * as the program runs, then one `{id, outcome}` or `{id, code, detail}`.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { inflateRawSync } from 'node:zlib';

const maxOutputBytes = 64 * 1024;
const killAfterMs = 1000;
/** After the exit: for what is still in the pipes, which a child left behind may hold open for ever. */
const drainMs = 100;
const missingCodes = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/**
 * @typedef {{id: number, path: string, args: string[], stdin: string | {deflated: Uint8Array}, timeoutMs: number, env: Record<string, string>}} Run
 * @typedef {import('node:child_process').ChildProcess} Child
 */

/** @type {Map<number, () => void>} how to abort each running one */
const running = new Map();

/** @param {Record<string, unknown>} message */
const post = (message) => parentPort?.postMessage(message);

/** @param {Run} run @param {unknown} error */
function startFailed(run, error) {
  running.delete(run.id);
  const text = error instanceof Error ? error.message : String(error);
  const missing = missingCodes.has(/** @type {{code?: string}} */ (error).code ?? '');
  post({ id: run.id, code: missing ? 'SCRIPT_MISSING' : 'SCRIPT_FAILED', detail: `${run.path}: ${text}` });
}

/** @param {Run} run */
function start(run) {
  const startedAt = performance.now();
  let child;
  try {
    child = spawn(run.path, run.args, {
      cwd: '/',
      detached: true,
      env: run.env,
      shell: false,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    startFailed(run, error);
    return;
  }
  child.once('error', (error) => {
    if (child.pid === undefined) startFailed(run, error); // else a signal that could not be sent; the exit follows
  });
  if (child.pid === undefined) return;
  post({ id: run.id, started: true });
  watch(child, run, startedAt);
}

/** @param {Child} child @param {Run} run @param {number} startedAt */
function watch(child, run, startedAt) {
  const output = keepOutput(child);
  /** @type {'timeout' | 'aborted' | null} */
  let killed = null;
  /** @type {NodeJS.Timeout | undefined} */
  let killTimer;
  /** @param {'timeout' | 'aborted'} reason */
  const kill = (reason) => {
    if (killed !== null) return;
    killed = reason;
    signalGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMs);
  };
  const timeLimit = setTimeout(() => kill('timeout'), run.timeoutMs);
  running.set(run.id, () => kill('aborted'));

  let settled = false;
  const settle = (/** @type {number | null} */ code, /** @type {NodeJS.Signals | null} */ signalName) => {
    if (settled) return;
    settled = true;
    running.delete(run.id);
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
    const { id, path } = run;
    if (killed === 'timeout') {
      post({ id, code: 'SCRIPT_TIMEOUT', detail: `${path}: killed after ${run.timeoutMs} ms` });
    } else if (killed === 'aborted') {
      post({ id, code: 'SCRIPT_FAILED', detail: `${path}: killed, the daemon is stopping` });
    } else {
      const exitCode = code ?? 128 + (signalName === null ? 0 : constants.signals[signalName]);
      post({ id, outcome: { exitCode, output: output(), tookMs: performance.now() - startedAt } });
    }
  };
  child.once('exit', (code, signalName) => {
    clearTimeout(timeLimit);
    clearTimeout(killTimer);
    if (killed !== null) signalGroup(child, 'SIGKILL'); // what is left of its group
    const drain = setTimeout(() => settle(code, signalName), drainMs);
    child.once('close', () => {
      clearTimeout(drain);
      settle(code, signalName);
    });
  });
  child.stdin?.on('error', () => {}); // EPIPE: it does not read, which it need not
  child.stdin?.end(typeof run.stdin === 'string' ? run.stdin : inflateRawSync(run.stdin.deflated));
}

/**
 * stdout and stderr as they come, up to the bound; the rest is read and thrown away.
 * @param {Child} child
 */
function keepOutput(child) {
  /** @type {Buffer[]} */
  const kept = [];
  let bytes = 0;
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on('data', (/** @type {Buffer} */ chunk) => {
      const part = chunk.subarray(0, Math.max(0, maxOutputBytes - bytes));
      if (part.length === 0) return;
      kept.push(part);
      bytes += part.length;
    });
    pipe?.on('error', () => {}); // the pipe ends with the program; its exit tells what there is to tell
  }
  return () => Buffer.concat(kept).toString('utf8');
}

/**
 * A negative pid is the group [kill(2)]; it may be gone already.
 * @param {Child} child @param {'SIGTERM' | 'SIGKILL'} name
 */
function signalGroup(child, name) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // ESRCH: nobody left to signal
  }
}

parentPort?.on('message', (message) => {
  if (message.abort) running.get(message.id)?.();
  else start(message);
});
