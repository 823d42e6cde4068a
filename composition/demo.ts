/**
 * Composition of `tidegate demo`: the real daemon as a process of its own on loopback, real sFlow datagrams of normal
 * traffic and then of an attack, and what the daemon makes of it, told as it happens. No root, no servers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../console/api/client.js';
import { socketName } from '../console/api/lines.js';
import type { Attack } from '../domain/attack.js';
import { failure, type Result, success } from '../domain/result.js';
import { freePort, realTime } from '../traffic/loopback.js';
import { prepareScenario } from '../traffic/prepare.js';
import { attackPart, backgroundPart, type Scenario } from '../traffic/scenario.js';
import { usualSflow } from '../traffic/sflow.js';
import { sendSflow } from '../traffic/udp-sender.js';

export type DemoEvent =
  | { readonly kind: 'daemon_started'; readonly pid: number; readonly port: number; readonly config: string }
  | { readonly kind: 'traffic_started'; readonly pps: number; readonly sampling: number }
  | { readonly kind: 'attack_sent'; readonly host: string; readonly vector: string; readonly pps: number }
  | { readonly kind: 'detected'; readonly attack: Attack; readonly afterMs: number }
  | { readonly kind: 'script_called'; readonly args: readonly string[]; readonly afterMs: number }
  | { readonly kind: 'explained'; readonly attack: Attack }
  | { readonly kind: 'attack_stopped' }
  | { readonly kind: 'released'; readonly attack: Attack };

export type DemoSummary = {
  readonly directory: string;
  readonly config: string;
  readonly scriptLog: string;
  readonly log: string;
  readonly files: readonly string[];
  readonly seconds: number;
};

export type DemoRequest = {
  readonly directory: string;
  /** The command line that runs the daemon on a configuration file. */
  readonly daemon: (config: string) => readonly [string, ...string[]];
  readonly tell: (event: DemoEvent) => void;
};

const networks = ['203.0.113.0/24', '2001:db8::/32'];
const target = '203.0.113.66';
const vector = 'dns';
const sampling = 500;
const normalPps = 20_000;
const attackPps = 150_000;
const attackAtMicros = 3_000_000;
const attackMicros = 6_000_000;
const wholeMicros = 24_000_000;
const startLimitMs = 10_000;
const lookEveryMs = 50;

/** Sampled already: what a switch that samples 1 in `sampling` would see of the whole. */
const scenario = (startMicros: number): Scenario => ({
  name: 'demo',
  seed: 7,
  startMicros,
  networks,
  parts: [
    backgroundPart({ name: 'normal use', pps: normalPps / sampling, durationMicros: wholeMicros }),
    attackPart({
      name: 'dns amplification',
      vector,
      targets: [target],
      startMicros: attackAtMicros,
      durationMicros: attackMicros,
      pps: attackPps / sampling,
    }),
  ],
});

const configuration = (directory: string, port: number): string => `# written by \`tidegate demo\`
networks: [${networks.join(', ')}]
capture:
  sflow: [{ listen: "127.0.0.1:${port}" }]
thresholds:
  incoming: { pps: 20kpps, mbps: 1Gbit }
ban: { time: 6s, calm: 2s }
evidence: { directory: ${join(directory, 'attacks')} }
notify: { script: ${join(directory, 'notify.sh')} }
state: { dir: ${join(directory, 'state')} }
log: { file: ${join(directory, 'tidegate.log')} }
`;

const script = (directory: string): string => `#!/bin/sh
# called by Tidegate: address, direction, packets per second, action; the report on stdin for ban and attack_details
echo "$1 $2 $3 $4" >> '${join(directory, 'script.log')}'
[ "$4" = unban ] || cat >> '${join(directory, 'script-stdin.log')}'
`;

export async function runDemo({ directory, daemon, tell }: DemoRequest): Promise<Result<DemoSummary>> {
  const began = performance.now();
  const paths = {
    config: join(directory, 'tidegate.yaml'),
    scriptLog: join(directory, 'script.log'),
    log: join(directory, 'tidegate.log'),
    socket: join(directory, 'state', socketName),
  };
  const port = await freePort();
  writeFileSync(paths.config, configuration(directory, port));
  writeFileSync(join(directory, 'notify.sh'), script(directory));
  chmodSync(join(directory, 'notify.sh'), 0o755);
  const [command, ...args] = daemon(paths.config);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const abort = new AbortController();
  try {
    if (!(await answers(child, paths.socket)))
      return failure('DAEMON_UNREACHABLE', `the daemon did not start: ${said.trim()}`);
    tell({ kind: 'daemon_started', pid: child.pid ?? 0, port, config: paths.config });
    const startMicros = Date.now() * 1000;
    const prepared = prepareScenario(scenario(startMicros));
    if (!prepared.ok) return prepared;
    tell({ kind: 'traffic_started', pps: normalPps, sampling });
    const options = {
      ...usualSflow,
      agent: Uint8Array.of(127, 0, 0, 1),
      samplingRate: sampling,
      sampled: true,
    };
    const sending = sendSflow(
      prepared.value,
      options,
      { address: '127.0.0.1', port },
      realTime,
      abort.signal,
    );
    const attack = await watch(paths, (startMicros + attackAtMicros) / 1000, tell);
    abort.abort();
    const sent = await sending;
    if (!sent.ok) return sent;
    if (attack === null) return failure('TIMEOUT', `the attack was not seen through; ${paths.log} says more`);
    const { config, scriptLog, log } = paths;
    return success({
      directory,
      config,
      scriptLog,
      log,
      files: attack.files,
      seconds: (performance.now() - began) / 1000,
    });
  } finally {
    abort.abort();
    await ended(child);
  }
}

async function answers(child: ChildProcess, socket: string): Promise<boolean> {
  const end = performance.now() + startLimitMs;
  while (performance.now() < end && child.exitCode === null) {
    if (existsSync(socket) && (await ask(socket, { kind: 'attacks', history: 0 }, 1000)).ok) return true;
    await sleep(lookEveryMs);
  }
  return false;
}

/** Tells what happens as the daemon says it; the attack as it ended, or null when it did not within the demo's time. */
async function watch(
  paths: { readonly socket: string; readonly scriptLog: string },
  attackAtMs: number,
  tell: (event: DemoEvent) => void,
): Promise<Attack | null> {
  let sent = false;
  let stopped = false;
  let detected = false;
  let explained = false;
  let calls = 0;
  const end = Date.now() + wholeMicros / 1000;
  while (Date.now() < end) {
    const sinceMs = Date.now() - attackAtMs;
    if (!sent && sinceMs >= 0) {
      sent = true;
      tell({ kind: 'attack_sent', host: target, vector, pps: attackPps });
    }
    if (!stopped && sinceMs >= attackMicros / 1000) {
      stopped = true;
      tell({ kind: 'attack_stopped' });
    }
    const answer = await ask(paths.socket, { kind: 'attacks', history: 1 }, 1000);
    const list = answer.ok && answer.value.kind === 'attacks' ? answer.value.list : null;
    const active = list?.active[0]?.attack;
    if (active !== undefined && !detected) {
      detected = true;
      tell({ kind: 'detected', attack: active, afterMs: active.startedAt / 1000 - attackAtMs });
    }
    const lines = existsSync(paths.scriptLog) ? readFileSync(paths.scriptLog, 'utf8').trim().split('\n') : [];
    for (const line of lines.slice(calls))
      tell({ kind: 'script_called', args: line.split(' '), afterMs: Date.now() - attackAtMs });
    calls = lines.length;
    if (active?.files.length && !explained) {
      explained = true;
      tell({ kind: 'explained', attack: active });
    }
    const over = list?.ended[0];
    if (over !== undefined && calls >= 3) {
      tell({ kind: 'released', attack: over });
      return over;
    }
    await sleep(lookEveryMs);
  }
  return null;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await gone;
}
