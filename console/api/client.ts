/**
 * Asks the running daemon one thing over its control socket.
 *
 * DAEMON_UNREACHABLE: nobody listens, and what to do about it. TIMEOUT: it listens and does not answer.
 */
import { connect } from 'node:net';
import type { ControlAnswer, ControlRequest } from '../../actors/control/messages.js';
import { failure, type Result } from '../../domain/result.js';
import type { Milliseconds } from '../../domain/units.js';
import { asLine, lineSplitter, maxAnswerBytes } from './lines.js';

export const defaultLimitMs: Milliseconds = 5_000;

/** `path`: of the socket, '<state.dir>/control.sock'. */
export function ask(
  path: string,
  request: ControlRequest,
  limitMs: Milliseconds = defaultLimitMs,
): Promise<Result<ControlAnswer>> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const lines = lineSplitter(maxAnswerBytes);
    const finish = (answer: Result<ControlAnswer>): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(
      () => finish(failure('TIMEOUT', `the daemon at ${path} did not answer within ${limitMs} ms`)),
      limitMs,
    );
    socket.on('connect', () => socket.write(asLine(request)));
    socket.on('data', (chunk) => {
      const finished = lines.push(chunk);
      if (finished === 'too long') {
        finish(failure('DAEMON_UNREACHABLE', `the answer of ${path} is longer than ${maxAnswerBytes} bytes`));
      } else if (finished[0] !== undefined) finish(readAnswer(finished[0], path));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(unreachable(path, error)));
    socket.on('close', () =>
      finish(failure('DAEMON_UNREACHABLE', `the daemon at ${path} hung up; is it stopping?`)),
    );
  });
}

/** The daemon is of our own version as a rule; what is not an answer is said to be none. */
function readAnswer(line: string, path: string): Result<ControlAnswer> {
  try {
    const answer: unknown = JSON.parse(line);
    if (
      typeof answer === 'object' &&
      answer !== null &&
      typeof (answer as { ok?: unknown }).ok === 'boolean'
    ) {
      return answer as Result<ControlAnswer>;
    }
  } catch {
    // said below
  }
  return failure('DAEMON_UNREACHABLE', `what listens at ${path} does not speak as tidegate does`);
}

function unreachable(path: string, error: NodeJS.ErrnoException): Result<never> {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return failure(
        'DAEMON_UNREACHABLE',
        `no daemon listens at ${path}; start one with 'tidegate run', or name its state directory with --state-dir or TIDEGATE_STATE_DIR`,
      );
    case 'EACCES':
    case 'EPERM':
      return failure(
        'DAEMON_UNREACHABLE',
        `${path} is not ours to open; ask as the daemon's user, or as root`,
      );
    default:
      return failure('DAEMON_UNREACHABLE', `${path}: ${error.message}`);
  }
}
