/** The command line without a process: what a user types, and what comes back on both streams. For tests. */
import { runCli } from './cli.js';
import type { ExitCode } from './exit.js';
import { terminal } from './terminal.js';

export type Said = { readonly code: ExitCode; readonly out: string; readonly err: string };

/** `env` replaces the environment whole, so that nothing of this machine's gets in. Both streams are pipes. */
export async function type(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Said> {
  let out = '';
  let err = '';
  const view = terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) }, env);
  const code = await runCli(args, { view, env, version: '1.2.3', nowMicros: () => 1_700_000_000_000_000 });
  return { code, out, err };
}
