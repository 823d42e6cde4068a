/**
 * An attack on many hosts at once, through the whole program: real packets on a veth pair → hostgroup → ledger → journal →
 * announcer → a real gobgpd, script, and evidence of each attack. What it costs the event loop, and what comes when.
 *
 * `npm run bench:storm [-- --hosts 300,1000,5000 --seconds 8 --flowspec --release --vectors syn,udp --profile DIR --json FILE]`.
 * `--flowspec`: rules are announced in place of host routes, so each waits for its evidence. `--release`: all attacks end a minute and
 * a half after they were found, within the second in which they were; withdrawals and `unban` are measured on their own. Needs root, iproute2 and gobgpd 3. Ends with code 1 when an attacked host was not banned, announced or explained once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { sendPath } from '../bench/built.js';
import { recordingScript } from '../bench/calls.js';
import { makeStage, type Stage, stageObstacle } from '../bench/namespace.js';
import { capture, send } from '../bench/sending.js';
import { gobgpd3, startGobgpd } from '../integrations/bgp/gobgpd-process.js';
import { attackPart } from '../traffic/scenario.js';
import type { StormReport } from './storm-daemon.js';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '300,1000,5000' },
    seconds: { type: 'string', default: '8' },
    /** Packets a second to each host; the threshold is a third of it. */
    pps: { type: 'string', default: '45' },
    vectors: { type: 'string', default: 'syn,ack,udp_plain,icmp,dns' },
    flowspec: { type: 'boolean', default: false },
    release: { type: 'boolean', default: false },
    /** From the decision to the release, in seconds. */
    ban: { type: 'string', default: '90' },
    limit: { type: 'string', default: '100' },
    profile: { type: 'string' },
    json: { type: 'string' },
  },
});

const action = values.flowspec ? 'flowspec' : 'blackhole';
const network = '10.20.0.0/16';
const settleMs = 2_000;
const pollMs = 500;
/** Of the capture, which is sent again and again. */
const captureMicros = 2_000_000;

const obstacle = stageObstacle() ?? (gobgpd3() === null ? 'gobgpd 3 is not installed' : null);
if (obstacle !== null) {
  console.error(`cannot measure: ${obstacle}`);
  process.exit(1);
}

const hostOf = (index: number): string => `10.20.${index >> 8}.${index & 255}`;

type Watched = {
  readonly order: (text: 'mark' | 'stop') => void;
  readonly report: () => Promise<StormReport>;
  readonly ended: Promise<unknown>;
  readonly process: ChildProcess;
};

async function startWatched(stage: Stage, directory: string, config: string): Promise<Watched> {
  const program = join(dirname(sendPath), '..', 'composition', 'storm-daemon.js');
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const [command, ...args] = stage.inside(stage.listener, [
    process.execPath,
    ...profile,
    program,
    ...['--config', config, '--log', join(directory, 'daemon.log')],
  ]);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('the daemon ended');
    return line.value;
  };
  if ((await next()) !== 'ready') throw new Error('the daemon did not start');
  return {
    order: (text) => void child.stdin.write(`${text}\n`),
    report: async () => {
      child.stdin.write('report\n');
      return JSON.parse(await next()) as StormReport;
    },
    ended,
    process: child,
  };
}

function configuration(directory: string, stage: Stage, gobgp: string, script: string): string {
  const path = join(directory, 'tidegate.yaml');
  const config = {
    networks: [network],
    thresholds: { incoming: { pps: Math.round(Number(values.pps) / 3), mbps: 'off' } },
    ban: { time: values.release ? `${values.ban}s` : '1h', calm: '2s', action },
    capture: { interfaces: [stage.listenInterface] },
    notify: { script, queue: 20_000 },
    bgp: {
      gobgp: [{ address: gobgp, flowspec: { announce: values.flowspec, max_rules: 100_000 } }],
      guard: { max_announcements: 50_000, max_changes_per_minute: 100_000 },
    },
    state: { dir: join(directory, 'state') },
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** From the first packet, milliseconds: the first, the middle and the last of so many. */
const span = (times: readonly number[], from: number): string => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (index: number): string => `${Math.round((sorted[index] ?? Number.NaN) - from)}`;
  return sorted.length === 0 ? 'none' : `${at(0)} / ${at(sorted.length >> 1)} / ${at(sorted.length - 1)} ms`;
};

const noRules = (complaints: StormReport['complaints']): number => complaints['no flowspec rules'] ?? 0;

/** Rules, of which an attack may have several, come with its explanation, and before its script. */
const isAllAnnounced = ({ announced, complaints }: StormReport, hosts: number): boolean =>
  announced.length + noRules(complaints) >= hosts;

/** How many of the scripts had begun when fewer announcements than that were out. */
function scriptsAhead(announced: readonly number[], scripts: readonly number[]): number {
  const [routes, calls] = [announced, scripts].map((times) => [...times].sort((a, b) => a - b));
  return (calls ?? []).filter((at, index) => at < (routes?.[index] ?? Number.POSITIVE_INFINITY)).length;
}

async function storm(hosts: number): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-storm-'));
  const stage = makeStage('tgst');
  const binary = gobgpd3();
  if (binary === null) return false;
  const gobgpd = startGobgpd(binary);
  const script = recordingScript(directory);
  if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
  try {
    const targets = Array.from({ length: hosts }, (_, index) => hostOf(index + 1));
    const vectors = values.vectors.split(',');
    const pps = Number(values.pps) * hosts;
    const pcap = join(directory, 'storm.pcap');
    capture(
      pcap,
      [network],
      vectors.map((vector) =>
        attackPart({
          name: vector,
          vector,
          targets,
          pps: pps / vectors.length,
          durationMicros: captureMicros,
        }),
      ),
    );
    const config = configuration(directory, stage, gobgpd.address, script.path);
    const daemon = await startWatched(stage, directory, config);
    await sleep(settleMs);
    daemon.order('mark');
    const loops = Math.ceil((Number(values.seconds) * 1e6) / captureMicros);
    const sending = send(stage, pcap, null, loops);
    const isDone = (report: StormReport): boolean =>
      isAllAnnounced(report, hosts) && (report.scripts.attack_details?.length ?? 0) >= hosts;
    const end = performance.now() + Number(values.limit) * 1000;
    let seen = await daemon.report();
    while (!isDone(seen) && performance.now() < end) {
      await sleep(pollMs);
      seen = await daemon.report();
    }
    const { firstAt, sent } = await sending;
    const from = firstAt / 1000;
    const { loop, own, cpuMs, rssMb, mostRssMb, found, announced, scripts, complaints } = seen;
    const bans = scripts.ban ?? [];
    const details = scripts.attack_details ?? [];
    const files = readdirSync(join(directory, 'state', 'attacks')).length;
    console.log(
      [
        `${hosts} hosts, ${sent} packets in ${values.seconds} s of ${values.vectors}, ${action}`,
        `  event loop late: p50 ${loop.p50Ms} ms, p99 ${loop.p99Ms} ms, at most ${loop.maxMs} ms; held by the program itself: p99 ${own.p99Ms} ms, at most ${own.maxMs} ms; CPU ${cpuMs} ms, ${rssMb} MB, at most ${mostRssMb}`,
        `  found      ${found.length}: ${span(found, from)} after the first packet`,
        `  announced  ${announced.length}: ${span(announced, from)}`,
        `  ban        ${bans.length}: ${span(bans, from)}, ${scriptsAhead(announced, bans)} before as many announcements`,
        `  details    ${details.length}: ${span(details, from)}; ${files} files of evidence`,
        `  complaints ${JSON.stringify(complaints)}`,
      ].join('\n'),
    );
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ hosts, ...seen })}\n`, { flag: 'a' });
    const isEnded = !values.release || (await ending(daemon, hosts));
    daemon.order('stop');
    await Promise.race([daemon.ended, sleep(20_000)]);
    daemon.process.kill('SIGKILL');
    const banned = new Set(script.of('ban').map(({ args }) => args[0]));
    return (
      found.length === hosts &&
      isAllAnnounced(seen, hosts) &&
      banned.size === hosts &&
      details.length >= hosts &&
      isEnded
    );
  } finally {
    await gobgpd.remove();
    stage.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All of them released, as their ban times come to an end. Whether all that was announced is withdrawn, and told to the script. */
async function ending(daemon: Watched, hosts: number): Promise<boolean> {
  const before = await daemon.report();
  if (before.released.length > 0)
    console.log(`  ending: ${before.released.length} ended before all were explained: --ban must be longer`);
  daemon.order('mark');
  const end = performance.now() + (Number(values.ban) + Number(values.limit)) * 1000;
  const isDone = ({ announced, withdrawn, scripts }: StormReport): boolean =>
    withdrawn.length >= announced.length && (scripts.unban?.length ?? 0) >= hosts;
  let seen = await daemon.report();
  while (!isDone(seen) && performance.now() < end) {
    await sleep(pollMs);
    seen = await daemon.report();
  }
  const { loop, own, released, withdrawn, scripts, mostRssMb } = seen;
  const unbans = scripts.unban ?? [];
  const from = released[0] ?? Number.NaN;
  console.log(
    [
      `  ending: event loop late: p99 ${loop.p99Ms} ms, at most ${loop.maxMs} ms; held by the program itself: p99 ${own.p99Ms} ms, at most ${own.maxMs} ms; at most ${mostRssMb} MB`,
      `  released   ${released.length}: ${span(released, from)} after the first release`,
      `  withdrawn  ${withdrawn.length}: ${span(withdrawn, from)}`,
      `  unban      ${unbans.length}: ${span(unbans, from)}`,
    ].join('\n'),
  );
  return isDone(seen) && released.length >= hosts;
}

for (const hosts of values.hosts.split(',').map(Number)) {
  if (!(await storm(hosts))) {
    console.error(`${hosts} hosts: not each of them was found, banned, announced and explained`);
    process.exitCode = 1;
  }
}
