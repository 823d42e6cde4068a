/** A notify script that writes down when it started and with what, and the reading of what it wrote. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Call = { readonly atMicros: number; readonly args: readonly string[] };
export type ScriptCalls = {
  readonly path: string;
  readonly calls: () => readonly Call[];
  /** Calls whose action (the fourth argument) is `action`. */
  readonly of: (action: string) => readonly Call[];
};

/** Reads its stdin to the end where there is one, as a real script would. */
const polite = '[ "$4" = unban ] || cat > /dev/null';

/** `then` replaces what the script does after it has written its line; bash. */
export function recordingScript(directory: string, then: string = polite): ScriptCalls {
  const path = join(directory, 'notify.sh');
  const log = join(directory, 'calls.log');
  writeFileSync(path, `#!/bin/bash\necho "$EPOCHREALTIME $*" >> '${log}'\n${then}\n`);
  chmodSync(path, 0o755);
  const calls = (): readonly Call[] =>
    (existsSync(log) ? readFileSync(log, 'utf8') : '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [at = '0', ...args] = line.split(' ');
        // EPOCHREALTIME has the locale's decimal sign
        return { atMicros: Math.round(Number(at.replace(',', '.')) * 1e6), args };
      });
  return { path, calls, of: (action) => calls().filter((call) => call.args[3] === action) };
}
