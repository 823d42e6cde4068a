/** How a command ends: 0 fine, 1 failed, 2 wrong usage or configuration. */

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
  ) {
    super(message);
  }
}
