/**
 * gobgpd as tests start it: of both versions, on the loopback or inside a namespace, killed at the end.
 *
 * Version 3 is the distribution's. Version 4 has no package: where Go is there, it is built once into the user's cache.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type GobgpdBinary = { readonly version: '3' | '4'; readonly path: string };

const four = '4.0.0';
const buildLimitMs = 280_000;

const output = (command: string, args: readonly string[], env = process.env): string | null => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', env, timeout: buildLimitMs, stdio: 'pipe' });
  } catch {
    return null;
  }
};

/** The distribution's gobgpd when it is of version 3, or null. */
export function gobgpd3(): GobgpdBinary | null {
  const said = output('gobgpd', ['--version']);
  return said !== null && /\b3\.\d+/.test(said) ? { version: '3', path: 'gobgpd' } : null;
}

/** gobgpd 4 from the cache, built there at the first time; null without Go, or when it cannot be built. */
export function gobgpd4(): GobgpdBinary | null {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tidegate', `gobgp-${four}`);
  const path = join(folder, 'gobgpd');
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const source = `github.com/osrg/gobgp/v4/cmd/gobgpd@v${four}`;
    if (output('go', ['install', source], { ...process.env, GOBIN: folder }) === null) return null;
  }
  return output(path, ['--version']) === null ? null : { version: '4', path };
}

export type Gobgpd = {
  /** What our client is given: a socket in the file system, reachable from every namespace. */
  readonly address: string;
  readonly folder: string;
  readonly pid: () => number;
  /** Stops all its threads where they are (SIGSTOP), until `resume`. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  /** Ends it as the given signal does, and waits for that. */
  readonly kill: (name?: NodeJS.Signals) => Promise<void>;
  /** Starts it again after `kill`, at the same address; another binary is an upgrade. */
  readonly restart: (binary?: GobgpdBinary) => void;
  readonly log: () => string;
  /** Kills it and removes its folder. */
  readonly remove: () => Promise<void>;
};

export type GobgpdOptions = {
  /** TOML after `[global.config]` with AS and router id. */
  readonly global?: string;
  /** false: it gets no configuration, and runs without BGP. */
  readonly configured?: boolean;
  /** TOML of further sections. */
  readonly sections?: string;
  readonly arguments?: readonly string[];
  /** Default: a unix socket in its folder. */
  readonly address?: string;
  /** A second address of its API, inside its namespace. */
  readonly alsoAt?: string;
  /** Puts the command line into a namespace. */
  readonly inside?: (argv: readonly string[]) => readonly string[];
};

const defaultGlobal = 'as = 65001\nrouter-id = "192.0.2.1"\nport = -1';

/** Starts it without waiting: a client has to bear that it is not there yet. */
export function startGobgpd(binary: GobgpdBinary, options: GobgpdOptions = {}): Gobgpd {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-gobgpd-'));
  const config = join(folder, 'gobgpd.toml');
  const address = options.address ?? `unix://${join(folder, 'api.sock')}`;
  writeFileSync(config, `[global.config]\n${options.global ?? defaultGlobal}\n${options.sections ?? ''}\n`);
  let said = '';
  let child: ChildProcess;
  const begin = ({ path }: GobgpdBinary): void => {
    const socket = address.startsWith('unix://') ? address.slice('unix://'.length) : null;
    if (socket !== null) rmSync(socket, { force: true }); // a killed one leaves it behind
    const hosts = options.alsoAt === undefined ? address : `${address},${options.alsoAt}`;
    const argv = [
      ...[path, ...(options.configured === false ? [] : ['-f', config])],
      ...['-p', '--pprof-disable', '--api-hosts', hosts],
      ...(options.arguments ?? []),
    ];
    const [command = path, ...args] = options.inside?.(argv) ?? argv;
    child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-262_144);
      });
    }
  };
  begin(binary);
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  const kill = async (name: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (!alive()) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(name);
    await ended;
  };
  return {
    address,
    folder,
    pid: () => child.pid ?? 0,
    pause: async () => {
      child.kill('SIGSTOP');
      // it goes on answering until the last of them has stopped
      await eventually(() => threadStates(child.pid ?? 0).every((state) => state === 'T'));
    },
    resume: () => {
      child.kill('SIGCONT');
    },
    kill,
    restart: (next = binary) => begin(next),
    log: () => said,
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const threadStates = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).map((task) => {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  });

/** A TCP port of the loopback that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Asks until `seen` is true; false after `limitMs`. */
export async function eventually(seen: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await sleep(20)) {
    if (await seen()) return true;
  }
  return await seen();
}
