/**
 * `--daemonize` for old init scripts: the same command again in a session of its own, without a terminal. The parent
 * ends when the child says that it stands, or with the child's own complaint.
 */
import { spawn } from 'node:child_process';
import { CommandFailure, type ExitCode, exitFailed } from './exit.js';

const startLimitMs = 30_000;

/** Tells the waiting parent, where there is one, that the daemon stands. */
export function tellParent(): void {
  if (process.send === undefined) return;
  process.send('started', () => process.disconnect?.());
}

/** Resolves with the child's pid when it has started. Throws CommandFailure with what it said when it has not. */
export function startDetached(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [, script = ''] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    detached: true,
    cwd: '/',
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-8192);
    });
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new CommandFailure(`the daemon did not start within ${startLimitMs / 1000} s`));
    }, startLimitMs);
    child.on('message', () => {
      clearTimeout(timer);
      child.stderr?.destroy();
      child.unref();
      resolve(child.pid ?? 0);
    });
    child.on('error', (error) => reject(new CommandFailure(`cannot start: ${error.message}`)));
    child.on('exit', (code) => {
      clearTimeout(timer);
      const exitCode: ExitCode = code === 2 ? 2 : exitFailed;
      reject(
        new CommandFailure(
          said.trim().replace(/^error: /, '') || `the daemon ended with code ${code}`,
          exitCode,
        ),
      );
    });
  });
}
