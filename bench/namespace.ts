/**
 * Two network namespaces joined by a veth pair: one sends, the other listens. Needs root and iproute2.
 *
 * Everything measured with it stays on this machine, inside namespaces it made and removes itself.
 */
import { execFileSync } from 'node:child_process';

export type Stage = {
  readonly sender: string;
  readonly listener: string;
  readonly sendInterface: string;
  readonly listenInterface: string;
  /** argv that runs a program inside a namespace. */
  readonly inside: (namespace: string, argv: readonly string[]) => readonly [string, ...string[]];
  readonly remove: () => void;
};

const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** `name` keeps stages apart that exist at the same time; at most 8 letters, as interface names hold 15. */
export function makeStage(name: string): Stage {
  const sender = `${name}-tx`;
  const listener = `${name}-rx`;
  const sendInterface = `${name}0`;
  const listenInterface = `${name}1`;
  const remove = (): void => {
    for (const namespace of [sender, listener]) {
      try {
        ip('netns', 'del', namespace);
      } catch {
        // it was never made, or is gone already: either way there is nothing left of it
      }
    }
  };
  remove();
  try {
    ip('netns', 'add', sender);
    ip('netns', 'add', listener);
    ip(
      'link',
      'add',
      sendInterface,
      'netns',
      sender,
      'type',
      'veth',
      'peer',
      'name',
      listenInterface,
      'netns',
      listener,
    );
    for (const [namespace, device] of [
      [sender, sendInterface],
      [listener, listenInterface],
    ] as const) {
      // no neighbour discovery of the machine's own among what is counted
      execFileSync('ip', [
        'netns',
        'exec',
        namespace,
        'sysctl',
        '-qw',
        'net.ipv6.conf.all.disable_ipv6=1',
        'net.ipv6.conf.default.disable_ipv6=1',
      ]);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'link', 'set', device, 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    sender,
    listener,
    sendInterface,
    listenInterface,
    inside: (namespace, argv) => ['ip', 'netns', 'exec', namespace, ...argv],
    remove,
  };
}

/** A way between a stage's listener and this process: addresses for benchmarks (RFC 2544), gone with the stage. */
export type Way = { readonly here: string; readonly there: string; readonly interfaceThere: string };

/** `octet` keeps ways apart that exist at the same time. */
export function wayHere(stage: Stage, name: string, octet: number): Way {
  const interfaceThere = `${name}t`;
  const way: Way = { here: `198.18.${octet}.1`, there: `198.18.${octet}.2`, interfaceThere };
  try {
    ip('link', 'del', `${name}h`);
  } catch {
    // as a rule there is none: only a run that was killed leaves one
  }
  ip('link', 'add', `${name}h`, 'type', 'veth', 'peer', 'name', interfaceThere, 'netns', stage.listener);
  ip('addr', 'add', `${way.here}/30`, 'dev', `${name}h`);
  ip('link', 'set', `${name}h`, 'up');
  ip('-n', stage.listener, 'addr', 'add', `${way.there}/30`, 'dev', interfaceThere);
  ip('-n', stage.listener, 'link', 'set', interfaceThere, 'up');
  return way;
}

/** Why a stage cannot be made here, or null when it can. */
export function stageObstacle(): string | null {
  if (process.getuid?.() !== 0) return 'not root: network namespaces cannot be made';
  try {
    ip('-V');
  } catch {
    return 'iproute2 is not installed';
  }
  return null;
}
