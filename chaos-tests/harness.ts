/**
 * The whole program as its operator has it: the built command line, a configuration file, a notify script that
 * writes down how it was called, a state directory of its own. What a scenario breaks, it breaks from outside.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttackList, ControlAnswer, ControlRequest, Status } from '../actors/control/messages.js';
import { cliPath } from '../bench/built.js';
import { recordingScript, type ScriptCalls } from '../bench/calls.js';
import { type Program, start, until } from '../bench/process.js';
import { ask } from '../console/api/client.js';

export type Home = {
  readonly directory: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly config: string;
  readonly script: ScriptCalls;
  readonly logFile: string;
  readonly log: () => string;
  /** Puts other settings into the configuration file; what `makeHome` adds stays. */
  readonly rewrite: (settings: string) => void;
  readonly remove: () => void;
};

/** `settings` is YAML; `notify.script`, `state.dir` and `log.file` are added to it where it does not set them. */
export function makeHome(settings: string, script?: string): Home {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-chaos-'));
  const stateDir = join(directory, 'state');
  const calls = recordingScript(directory, script);
  const logFile = join(directory, 'tidegate.log');
  const config = join(directory, 'tidegate.yaml');
  const own = [
    `state: { dir: ${stateDir} }`,
    `log: { file: ${logFile}, level: debug }`,
    `notify: { script: ${calls.path} }`,
  ];
  const rewrite = (text: string): void => {
    const wanted = own.filter((line) => !new RegExp(`^${line.slice(0, line.indexOf(':'))}:`, 'm').test(text));
    writeFileSync(config, `${text.trimEnd()}\n${wanted.join('\n')}\n`);
  };
  rewrite(settings);
  return {
    directory,
    stateDir,
    socket: join(stateDir, 'control.sock'),
    config,
    script: calls,
    logFile,
    rewrite,
    log: () => {
      try {
        return readFileSync(logFile, 'utf8');
      } catch {
        return ''; // nothing was logged yet
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export type Daemon = {
  readonly program: Program;
  readonly status: () => Promise<Status>;
  readonly attacks: () => Promise<AttackList>;
  readonly ask: (request: ControlRequest) => Promise<ControlAnswer>;
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

const commandLimitMs = 60_000;

/** The command line of this home, as a process, to its end; `code` is null when it was killed for taking too long. */
export function tidegate(home: Home, args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, TIDEGATE_STATE_DIR: home.stateDir };
  return new Promise((resolve) => {
    const argv = [cliPath, ...args];
    execFile(process.execPath, argv, { env, timeout: commandLimitMs }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, out, err });
    });
  });
}

/** These tell what hangs from what a busy machine is late with. */
const startLimitMs = 30_000;
const answerLimitMs = 20_000;
const stopLimitMs = 20_000;

/** Starts the daemon and waits until it answers. `inside` wraps the command line, for a namespace. */
export async function startDaemon(
  home: Home,
  inside: (argv: readonly string[]) => readonly [string, ...string[]] = ([first = '', ...rest]) => [
    first,
    ...rest,
  ],
): Promise<Daemon> {
  const program = start(inside([process.execPath, cliPath, 'run', '--config', home.config]));
  const question = async (request: ControlRequest): Promise<ControlAnswer> => {
    const answer = await ask(home.socket, request, answerLimitMs);
    if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.detail}`);
    return answer.value;
  };
  let ready = false;
  const end = performance.now() + startLimitMs;
  while (!ready && program.alive() && performance.now() < end) {
    ready = (await ask(home.socket, { kind: 'status' }, 500)).ok;
  }
  if (!ready) {
    await program.stop();
    throw new Error(`the daemon did not come up:\n${program.output()}\n${home.log()}`);
  }
  return {
    program,
    ask: question,
    status: async () => {
      const answer = await question({ kind: 'status' });
      if (answer.kind !== 'status') throw new Error(`answered ${answer.kind}`);
      return answer.status;
    },
    attacks: async () => {
      const answer = await question({ kind: 'attacks', history: 100 });
      if (answer.kind !== 'attacks') throw new Error(`answered ${answer.kind}`);
      return answer.list;
    },
    kill: async () => {
      process.kill(program.pid, 'SIGKILL');
      await until(() => !program.alive(), 5_000);
    },
    stop: () => program.stop(stopLimitMs),
  };
}
