/**
 * The daemon of the storm bench: the whole composition with a real log, watched from inside. Started by attack-storm.ts within
 * the listener's namespace.
 *
 * A line on stdin is an order: `mark` begins a new period, `report` answers with one line of JSON, `stop` ends it in order.
 */
import { openSync, readSync } from 'node:fs';
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Log, ScriptRunner } from '../domain/ports.js';
import { openLog } from '../integrations/log/pino-log.js';
import { startScriptRunner } from '../integrations/script/runner.js';
import { startDaemon } from '../main.js';
import { readConfiguration } from './configure.js';
import { keepHeapSmall } from './heap.js';

/** Times are milliseconds since the Unix epoch, one for each attack, in the order in which they happened. */
export type StormReport = {
  readonly loop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  /** Processor time of the main thread between two looks a millisecond apart: what of the delay is its own, whoever else wants the CPUs. */
  readonly own: { readonly p99Ms: number; readonly maxMs: number };
  readonly cpuMs: number;
  readonly rssMb: number;
  /** At its highest since the start. */
  readonly mostRssMb: number;
  readonly found: readonly number[];
  readonly announced: readonly number[];
  readonly released: readonly number[];
  readonly withdrawn: readonly number[];
  /** By action: when the program had begun. */
  readonly scripts: { readonly [action: string]: readonly number[] };
  /** By phrase: complaints in the log. */
  readonly complaints: { readonly [phrase: string]: number };
};

const resolutionMs = 1;

const { values } = parseArgs({ options: { config: { type: 'string' }, log: { type: 'string' } } });
if (values.config === undefined || values.log === undefined) throw new Error('--config and --log are needed');

const times = {
  found: [] as number[],
  announced: [] as number[],
  released: [] as number[],
  withdrawn: [] as number[],
};
const scripts: { [action: string]: number[] } = {};
const complaints: { [phrase: string]: number } = {};

const stamp = (list: number[], count: number): void => {
  const at = Date.now();
  for (let each = 0; each < count; each += 1) list.push(at);
};

function watched(log: Log): Log {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (phrase: string, fields = {}): void => {
      if (phrase === 'attack found') stamp(times.found, 1);
      else if (phrase === 'mitigation released') stamp(times.released, 1);
      else if (phrase === 'announced' || phrase === 'withdrawn') {
        stamp(times[phrase], 'count' in fields ? Number(fields.count) : 0);
      } else if (level === 'warn' || level === 'error') complaints[phrase] = (complaints[phrase] ?? 0) + 1;
      log[level](phrase, fields);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => watched(log.child(fields)),
  };
}

keepHeapSmall();
const runner = startScriptRunner();
const runScript: ScriptRunner = (run, signal, started) =>
  runner(run, signal, () => {
    const action = run.args[3] ?? '';
    scripts[action] ??= [];
    stamp(scripts[action], 1);
    started?.();
  });

const loaded = readConfiguration(values.config, process.env);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
const { log } = openLog({ level: 'info', file: values.log, format: 'json' }, false);
const started = await startDaemon(loaded.settings, {
  log: watched(log),
  version: 'storm',
  load: () => loaded,
  applyLog: () => {},
  runScript,
});
if (!started.ok) throw new Error(JSON.stringify(started.error));
const daemon = started.value;

const delays = monitorEventLoopDelay({ resolution: resolutionMs });
let cpu = process.cpuUsage();
delays.enable();
/** proc(5): of one thread, nanoseconds on a CPU; up to date to a tick of the scheduler. */
const schedstat = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
const field = Buffer.alloc(64);
const ownNanoseconds = (): number =>
  Number(field.toString('latin1', 0, readSync(schedstat, field, 0, field.length, 0)).split(' ')[0]);
const own = createHistogram();
let lastOwn = ownNanoseconds();
const look = (): void => {
  const now = ownNanoseconds();
  own.record(Math.max(1, now - lastOwn));
  lastOwn = now;
};
const looking = setInterval(look, resolutionMs);

const late = (nanoseconds: number): number =>
  Math.round(Math.max(0, nanoseconds / 1e6 - resolutionMs) * 10) / 10;

function report(): StormReport {
  const { user, system } = process.cpuUsage(cpu);
  return {
    loop: {
      p50Ms: late(delays.percentile(50)),
      p99Ms: late(delays.percentile(99)),
      maxMs: late(delays.max),
    },
    own: {
      p99Ms: Math.round(own.percentile(99) / 1e5) / 10,
      maxMs: Math.round(own.max / 1e5) / 10,
    },
    cpuMs: Math.round((user + system) / 1000),
    rssMb: Math.round(process.memoryUsage().rss / 2 ** 20),
    mostRssMb: Math.round(process.resourceUsage().maxRSS / 2 ** 10),
    ...times,
    scripts,
    complaints,
  };
}

const orders = createInterface({ input: process.stdin });
orders.on('line', (order) => {
  if (order === 'mark') {
    delays.reset();
    own.reset();
    cpu = process.cpuUsage();
  } else if (order === 'report') {
    console.log(JSON.stringify(report()));
  } else if (order === 'stop') {
    orders.close();
    delays.disable();
    clearInterval(looking);
    void daemon.stop().then(() => process.exit(0));
  }
});
console.log('ready');
