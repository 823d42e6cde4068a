/**
 * For tests: a real ExaBGP with its pipes, and a bird as its neighbour, in a network namespace of their own. Needs root and
 * iproute2; `obstacle` says what is missing. All ends with `close`, however the test ended.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export type Rehearsal = {
  readonly commandPipe: string;
  readonly answerPipe: string;
  readonly start: () => void;
  /** To the process group: ExaBGP and its helper. */
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly stop: () => Promise<void>;
  /** Adds a second neighbour and has ExaBGP read its file again. */
  readonly addNeighbor: () => void;
  /** What bird as the second neighbour has. */
  readonly toldToSecond: () => string;
  readonly log: () => string;
  /** `birdc show route …`. */
  readonly bird: (...words: readonly string[]) => string;
  readonly close: () => Promise<void>;
};

export type ExabgpVersion = 4 | 5;

function find(name: string, folders: readonly string[]): string | null {
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // not there
    }
  }
  return null;
}
const path = (process.env.PATH ?? '').split(delimiter);

/** 5 is not in Debian: `python3 -m venv ~/.cache/tidegate/exabgp5`, and in it `bin/pip install 'exabgp<6'`. */
const program = (version: ExabgpVersion): string | null =>
  version === 4
    ? find('exabgp', ['/usr/sbin', '/usr/bin'])
    : find('exabgp', [
        join(process.env.TIDEGATE_EXABGP5 ?? join(homedir(), '.cache/tidegate/exabgp5'), 'bin'),
      ]);

/** Why nothing can be rehearsed here; null: it can. */
export function obstacle(version: ExabgpVersion): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  if (program(version) === null) return `exabgp ${version} is not installed`;
  for (const name of ['ip', 'bird', 'birdc', 'mkfifo']) {
    if (find(name, [...path, '/usr/sbin', '/sbin']) === null) return `${name} is not installed`;
  }
  return null;
}

const neighbor = (address: string, local: string, asn: number, families: readonly string[]): string => `
neighbor ${address} {
  router-id 127.0.0.2;
  local-address ${local};
  local-as 65001;
  peer-as ${asn};
  family { ${families.map((family) => `${family};`).join(' ')} }
}
`;
const allFamilies = ['ipv4 unicast', 'ipv6 unicast', 'ipv4 flow', 'ipv6 flow'];

/** Two routers in one: what the second is told is in `second4`. */
const birdConfiguration = (folder: string): string => `
log "${folder}/bird.log" all;
router id 127.0.0.1;
ipv4 table master4; ipv4 table second4; ipv6 table master6;
flow4 table flowtab4; flow6 table flowtab6;
protocol device {}
protocol bgp exabgp {
  local 127.0.0.1 as 65002;
  neighbor 127.0.0.2 as 65001;
  multihop; passive;
  ipv4 { import all; export none; }; ipv6 { import all; export none; };
  flow4 { table flowtab4; import all; export none; }; flow6 { table flowtab6; import all; export none; };
}
protocol bgp second {
  local 127.0.0.3 as 65003;
  neighbor 127.0.0.4 as 65001;
  multihop; passive;
  ipv4 { table second4; import all; export none; };
}
`;

let serial = 0;

export function rehearseExabgp(version: ExabgpVersion): Rehearsal {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-exabgp-'));
  serial += 1;
  const name = `tgexa${process.pid}-${serial}`;
  const inside = (command: string, ...rest: readonly string[]): readonly [string, string[]] => [
    'ip',
    ['netns', 'exec', name, command, ...rest],
  ];
  const run = (command: string, ...rest: readonly string[]): string =>
    execFileSync(command, rest, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'pipe'] });
  const children = new Set<ChildProcess>();
  const launch = (command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess => {
    const [ip, words] = inside(command, ...args);
    const child = spawn(ip, words, {
      cwd: folder,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.on('exit', () => children.delete(child));
    child.stdout?.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-20_000);
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-20_000);
    });
    return child;
  };
  let said = '';
  const signal = (child: ChildProcess | null, what: NodeJS.Signals): void => {
    try {
      if (child?.pid !== undefined) process.kill(-child.pid, what);
    } catch {
      // gone already
    }
  };
  const ended = (child: ChildProcess): Promise<void> =>
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => child.once('exit', () => resolve()));

  const pipe = join(folder, 'run', name);
  run('mkdir', '-p', join(folder, 'run'), join(folder, 'etc/exabgp'), join(folder, 'bin'));
  run('mkfifo', '-m', '0600', `${pipe}.in`, `${pipe}.out`);
  writeFileSync(join(folder, 'exabgp.conf'), neighbor('127.0.0.1', '127.0.0.2', 65002, allFamilies));
  writeFileSync(join(folder, 'bird.conf'), birdConfiguration(folder));
  run('ip', 'netns', 'add', name);
  run(...flat(inside('ip', 'link', 'set', 'lo', 'up')));
  const bird = launch('bird', ['-f', '-c', join(folder, 'bird.conf'), '-s', join(folder, 'bird.ctl')], {});
  let exabgp: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    const child = exabgp;
    exabgp = null;
    if (child === null) return;
    signal(child, 'SIGCONT');
    signal(child, 'SIGKILL');
    await ended(child);
  };
  const birdc = (...words: readonly string[]): string => {
    const socket = join(folder, 'bird.ctl');
    return existsSync(socket) ? run('birdc', '-s', socket, ...words) : '';
  };
  return {
    commandPipe: `${pipe}.in`,
    answerPipe: `${pipe}.out`,
    start() {
      const binary = program(version) ?? 'exabgp';
      const configuration = join(folder, 'exabgp.conf');
      const args = version === 4 ? ['--root', folder, configuration] : ['server', configuration];
      exabgp = launch(binary, args, {
        EXABGP_ROOT: folder,
        'exabgp.api.pipename': name,
        'exabgp.daemon.user': 'root',
        'exabgp.api.ack': 'true',
        'exabgp.log.level': 'WARNING',
      });
    },
    kill: (what) => signal(exabgp, what),
    stop,
    addNeighbor() {
      writeFileSync(
        join(folder, 'exabgp.conf'),
        neighbor('127.0.0.1', '127.0.0.2', 65002, allFamilies) +
          neighbor('127.0.0.3', '127.0.0.4', 65003, ['ipv4 unicast']),
      );
      // SIGUSR1 is for the main process alone; `ip netns exec` has become it.
      if (exabgp?.pid !== undefined) process.kill(exabgp.pid, 'SIGUSR1');
    },
    toldToSecond: () => birdc('show', 'route', 'table', 'second4'),
    log: () => said,
    bird: birdc,
    async close() {
      await stop();
      signal(bird, 'SIGKILL');
      await ended(bird);
      run('ip', 'netns', 'del', name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const flat = ([command, words]: readonly [string, string[]]): [string, ...string[]] => [command, ...words];

/** A limit tells a wait that never ends from one that does, not a fast machine from a busy one. */
const patience = 3;

/** Waits until it holds; false: it did not within `patience` times `limitMs`, the limit of a machine with a core to spare. */
export async function until(claim: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<boolean> {
  for (const end = Date.now() + patience * limitMs; Date.now() < end; ) {
    if (await claim()) return true;
    await new Promise((next) => setTimeout(next, 50));
  }
  return claim();
}
