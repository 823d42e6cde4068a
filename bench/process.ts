/** A program under measurement: started, watched through /proc, stopped. Linux only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const clockTicksPerSecond = 100; // USER_HZ, the same on every Linux port that Node runs on

export type Program = {
  readonly pid: number;
  /** CPU seconds of all its threads so far, user and system. */
  readonly cpuSeconds: () => number;
  readonly rssBytes: () => number;
  readonly output: () => string;
  readonly alive: () => boolean;
  readonly stop: (deadlineMs?: number) => Promise<void>;
};

function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the command's name stands in parentheses and may hold blanks
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** The child that `ip netns exec` became, or the process itself: `ip` replaces itself, so the pid stays. */
function watch(child: ChildProcess, pid: number): Program {
  let said = '';
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-262_144);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const alive = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    cpuSeconds: () => {
      const stat = statOf(pid);
      return (Number(stat[11]) + Number(stat[12])) / clockTicksPerSecond;
    },
    rssBytes: () => {
      const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return Number(line?.[1] ?? 0) * 1024;
    },
    output: () => said,
    alive,
    stop: async (deadlineMs = 5000) => {
      if (!alive()) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const late = Symbol('late');
      if ((await Promise.race([ended, sleep(deadlineMs, late)])) === late) {
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

export function start(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv = process.env): Program {
  const [command, ...args] = argv;
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  return watch(child, child.pid);
}

/** A limit tells a wait that never ends from one that does, not a fast machine from a busy one. */
const patience = 3;

/** Waits until `seen` is true, looking every 20 ms; false when `patience` times `limitMs`, the limit of a machine with a core to spare, has passed. */
export async function until(seen: () => boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + patience * limitMs;
  while (performance.now() < end) {
    if (seen()) return true;
    await sleep(20);
  }
  return seen();
}

/** Finds the processes whose command line holds `text`. */
export function pidsOf(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
      } catch {
        return false; // it ended while we looked
      }
    })
    .map(Number);
}
