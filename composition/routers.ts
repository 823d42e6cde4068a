/**
 * A router and what speaks to it, as tests start them: bird in one network namespace, gobgpd or ExaBGP in another, a
 * BGP session between them over a veth pair. Needs root, iproute2 and bird 2. Nothing of it leaves the machine.
 *
 * gobgpd's API is a unix socket, which every namespace reaches; for programs that know TCP alone it is also at
 * 127.0.0.1:50051 inside its own. Such tests collide when two run at once with the same name.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stage, stageObstacle } from '../bench/namespace.js';
import { type Program, start, until } from '../bench/process.js';
import { type Gobgpd, type GobgpdBinary, gobgpd3, startGobgpd } from '../integrations/bgp/gobgpd-process.js';
import {
  type BirdChange,
  type BirdRoute,
  type BirdSession,
  readChanges,
  readRoutes,
  readSessions,
} from './bird.js';

export {
  obstacle as exabgpObstacle,
  type Rehearsal,
  rehearseExabgp,
} from '../integrations/bgp/exabgp-rehearsal.js';
export { type Gobgpd, gobgpd3, gobgpd4 } from '../integrations/bgp/gobgpd-process.js';
export type { BirdChange, BirdRoute, BirdSession } from './bird.js';

export const speakerAddress = '10.255.0.1';
export const routerAddress = '10.255.0.2';
export const speakerAs = 65001;
export const routerAs = 65000;
/** Next hops that the router discards, as `100::1` and `192.0.2.66` are on real ones (RFC 6666, RFC 5635). */
export const discardNextHops = { ipv4: '192.0.2.66', ipv6: '100::1' } as const;

type Argv = readonly [string, ...string[]];
export type Routing = {
  readonly name: string;
  readonly folder: string;
  readonly insideSpeaker: (argv: readonly string[]) => Argv;
  readonly insideRouter: (argv: readonly string[]) => Argv;
  /** Cuts the wire between the two, or joins it again. */
  readonly wire: (state: 'up' | 'down') => void;
  /** Kills what runs in the namespaces, and removes them. */
  readonly remove: () => void;
};

const command = (name: string, ...args: string[]): string =>
  execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Why no router can be had here, or null when one can. */
export function routingObstacle(): string | null {
  const stage = stageObstacle();
  if (stage !== null) return stage;
  try {
    // bird tells its version on stderr, and ends well
    execFileSync('bird', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'bird 2 is not installed';
  }
}

/**
 * `name` keeps routings apart that exist at the same time; at most 8 letters. `home`: a namespace that is there, for the
 * speaker to live in; it is left as it is found, but for the wire.
 */
export function makeRouting(name: string, home: string | null = null): Routing {
  const [speaker, router] = [home ?? `${name}-s`, `${name}-r`];
  const made = home === null ? [speaker, router] : [router];
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-routing-'));
  const removeNamespaces = (): void => {
    for (const namespace of made) {
      try {
        for (const pid of command('ip', 'netns', 'pids', namespace).split('\n').filter(Boolean)) {
          process.kill(Number(pid), 'SIGKILL');
        }
        command('ip', 'netns', 'del', namespace);
      } catch {
        // never made, or what ran in it ended while we looked
      }
    }
  };
  removeNamespaces();
  const remove = (): void => {
    removeNamespaces();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const namespace of made) {
      command('ip', 'netns', 'add', namespace);
      command('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    }
    const [near, far] = [`${name}s0`, `${name}r0`];
    command(
      'ip',
      ...['link', 'add', near, 'netns', speaker, 'type', 'veth', 'peer', 'name', far, 'netns', router],
    );
    for (const [namespace, device, address] of [
      [speaker, near, speakerAddress],
      [router, far, routerAddress],
    ] as const) {
      command('ip', '-n', namespace, 'addr', 'add', `${address}/30`, 'dev', device);
      command('ip', '-n', namespace, 'link', 'set', device, 'up');
    }
    return {
      name,
      folder,
      insideSpeaker: (argv) => ['ip', 'netns', 'exec', speaker, ...argv],
      insideRouter: (argv) => ['ip', 'netns', 'exec', router, ...argv],
      wire: (state) => {
        command('ip', '-n', router, 'link', 'set', far, state);
      },
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A second wire from the router's namespace to the speaker's, for mirrored traffic: no address, no BGP on it. */
export function addSniffedWire(routing: Routing, name: string): Stage {
  const [sender, listener] = [`${routing.name}-r`, `${routing.name}-s`];
  const [sendInterface, listenInterface] = [`${name}0`, `${name}1`];
  command(
    'ip',
    ...['link', 'add', sendInterface, 'netns', sender],
    ...['type', 'veth', 'peer', 'name', listenInterface, 'netns', listener],
  );
  for (const [namespace, device] of [
    [sender, sendInterface],
    [listener, listenInterface],
  ] as const) {
    const quiet = `net.ipv6.conf.${device}.disable_ipv6=1`;
    command('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', quiet);
    command('ip', '-n', namespace, 'link', 'set', device, 'up');
  }
  return {
    sender,
    listener,
    sendInterface,
    listenInterface,
    inside: (namespace, argv) => ['ip', 'netns', 'exec', namespace, ...argv],
    remove: () => {}, // it goes with the routing
  };
}

export type Bird = {
  /** Its tables now, by the session alone. */
  readonly routes: () => readonly BirdRoute[];
  readonly route: (what: string) => BirdRoute | null;
  /** Every route that came, changed or went since its start. */
  readonly changes: () => readonly BirdChange[];
  readonly sessions: () => readonly BirdSession[];
  readonly established: (limitMs?: number) => Promise<boolean>;
  readonly program: Program;
  readonly stop: () => Promise<void>;
};

const session = 'speaker';

const birdConfig = (log: string): string => `
log "${log}" all;
router id ${routerAddress};
timeformat log iso long ms;
flow4 table flows4;
flow6 table flows6;
protocol device {}
protocol static { ipv4; route ${discardNextHops.ipv4}/32 blackhole; }
protocol static { ipv6; route ${discardNextHops.ipv6}/128 blackhole; }
protocol bgp ${session} {
  local ${routerAddress} as ${routerAs};
  neighbor ${speakerAddress} as ${speakerAs};
  multihop;
  hold time 9;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 1;
  debug { states, routes };
  ipv4 { import all; export none; gateway recursive; };
  ipv6 { import all; export none; gateway recursive; };
  flow4 { table flows4; import all; export none; };
  flow6 { table flows6; import all; export none; };
}
`;

/** Its session comes up when a speaker does; `established` waits for it. */
export async function startBird(routing: Routing): Promise<Bird> {
  const [config, log, control] = ['bird.conf', 'bird.log', 'bird.ctl'].map((one) =>
    join(routing.folder, one),
  ) as [string, string, string];
  writeFileSync(config, birdConfig(log));
  const program = start(routing.insideRouter(['bird', '-f', '-c', config, '-s', control]));
  const birdc = (...args: string[]): string => {
    try {
      return command('birdc', '-s', control, ...args);
    } catch {
      return ''; // not there yet, or no more
    }
  };
  if (!(await until(() => birdc('show', 'status').includes('Daemon is up'), 5_000))) {
    await program.stop();
    throw new Error(`bird did not come up: ${program.output()}`);
  }
  const logged = (): string => {
    try {
      return readFileSync(log, 'utf8');
    } catch {
      return '';
    }
  };
  const routes = (): readonly BirdRoute[] =>
    readRoutes(birdc('show', 'route', 'all', 'protocol', session, 'table', 'all'));
  return {
    routes,
    route: (what) => routes().find((route) => route.what === what) ?? null,
    changes: () => readChanges(logged(), session),
    sessions: () => readSessions(logged(), session),
    established: (limitMs = 15_000) =>
      until(() => /Established/.test(birdc('show', 'protocols', session)), limitMs),
    program,
    stop: () => program.stop(),
  };
}

const families = ['ipv4-unicast', 'ipv6-unicast', 'ipv4-flowspec', 'ipv6-flowspec'];

const gobgpdNeighbour = `
[[neighbors]]
[neighbors.config]
neighbor-address = "${routerAddress}"
peer-as = ${routerAs}
[neighbors.transport.config]
local-address = "${speakerAddress}"
passive-mode = true
[neighbors.timers.config]
hold-time = 9
keepalive-interval = 3
idle-hold-time-after-reset = 1
[neighbors.ebgp-multihop.config]
enabled = true
multihop-ttl = 3
${families.map((name) => `[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "${name}"`).join('\n')}
`;

/** gobgpd with its session to the router. */
export const startRoutedGobgpd = (routing: Routing, binary: GobgpdBinary): Gobgpd =>
  startGobgpd(binary, {
    global: `as = ${speakerAs}\nrouter-id = "${speakerAddress}"\nlocal-address-list = ["${speakerAddress}"]`,
    sections: gobgpdNeighbour,
    alsoAt: '127.0.0.1:50051',
    inside: routing.insideSpeaker,
  });

/** The neighbour section of an ExaBGP configuration, versions 4 and 5; `inner` goes into its braces. */
export const exabgpNeighbour = (inner: string): string => `
neighbor ${routerAddress} {
  router-id ${speakerAddress};
  local-address ${speakerAddress};
  local-as ${speakerAs};
  peer-as ${routerAs};
  hold-time 9;
  family { ipv4 unicast; ipv6 unicast; ipv4 flow; ipv6 flow; }
  ${inner}
}
`;

/** gobgpd and the router behind it, with their session up. */
export type RoutedGobgpd = {
  readonly routing: Routing;
  readonly gobgpd: Gobgpd;
  readonly bird: Bird;
  readonly remove: () => Promise<void>;
};

export const routedGobgpd = {
  obstacle: (binary = gobgpd3()): string | null =>
    routingObstacle() ?? (binary === null ? 'gobgpd is not installed' : null),
  /** `home` as in `makeRouting`. */
  start: async (name: string, home: string | null = null, binary = gobgpd3()): Promise<RoutedGobgpd> => {
    if (binary === null) throw new Error('gobgpd is not installed');
    const routing = makeRouting(name, home);
    const gobgpd = startRoutedGobgpd(routing, binary);
    const remove = async (): Promise<void> => {
      await gobgpd.remove();
      routing.remove();
    };
    try {
      const bird = await startBird(routing);
      if (!(await bird.established())) throw new Error(`no session: ${gobgpd.log()}`);
      return { routing, gobgpd, bird, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  },
};
