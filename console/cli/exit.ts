/** How a command ends: 0 fine, 1 failed, 2 wrong usage or configuration. */
import type { Failure } from '../../domain/result.js';

export const exitFine = 0;
export const exitFailed = 1;
export const exitUsage = 2;
export type ExitCode = 0 | 1 | 2;

/** Thrown by a command to end with a message and a code; `cli.ts` prints it. A bug is any other error. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  constructor(
    message: string,
    readonly exitCode: ExitCode = exitFailed,
    /** Printed on stdout too where the command was given --json. */
    readonly failure: Failure | null = null,
  ) {
    super(message);
  }
}

/** What the program said when it failed, with its code. */
export const failed = (failure: Failure, exitCode: ExitCode = exitFailed): CommandFailure =>
  new CommandFailure(`${failure.code}: ${failure.detail}`, exitCode, failure);
