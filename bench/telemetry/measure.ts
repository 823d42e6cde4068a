/**
 * What a flow record costs a collector at a given pace, and how many a second it takes without losing any.
 *
 * Lost is what the kernel dropped at the collector's socket. A sender that cannot keep the pace ends the search:
 * the figure is then a lower bound, and says so.
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { nativePath } from '../built.js';
import type { Stage } from '../namespace.js';
import { until } from '../process.js';
import type { Collector } from './collectors.js';
import type { Load } from './loads.js';
import { listenerPort } from './sockets.js';

export type Burst = {
  readonly sent: number;
  readonly refused: number;
  readonly seconds: number;
  readonly late: number;
  readonly dropped: number;
  readonly cpuSeconds: number;
};

const run = promisify(execFile);
/** For what lies in buffers to be read. */
const drainMs = 1_000;

export async function burst(
  stage: Stage,
  collector: Collector,
  load: Load,
  perSecond: number,
  seconds: number,
  exporters: number,
): Promise<Burst> {
  const before = listenerPort(stage, collector.port);
  const cpu = collector.program.cpuSeconds();
  const argv = [load.path, '127.0.0.1', collector.port, perSecond, seconds, exporters].map(String);
  const [command, ...rest] = stage.inside(stage.listener, [nativePath('bench-telemetry'), ...argv]);
  const { stdout } = await run(command, rest);
  await sleep(drainMs);
  const { drops } = listenerPort(stage, collector.port);
  const said = JSON.parse(stdout) as Pick<Burst, 'sent' | 'refused' | 'seconds' | 'late'>;
  return { ...said, dropped: drops - before.drops, cpuSeconds: collector.program.cpuSeconds() - cpu };
}

/** Waits until the collector has its socket; throws with what it said when it never does. */
export async function listening(stage: Stage, collector: Collector): Promise<void> {
  if (await until(() => listenerPort(stage, collector.port).sockets > 0, 20_000)) return;
  throw new Error(
    `${collector.name} does not listen on port ${collector.port}: ${collector.program.output()}`,
  );
}

export type Ceiling = { readonly perSecond: number; readonly senderLimited: boolean };

const startPerSecond = 10_000;
const steps = 4;
const restMs = 500;
/** The sender is behind when it needs that much longer than it should. */
const lateShare = 0.03;

/** The most datagrams a second of which none was lost: doubled until some are, then halved in between. */
export async function ceilingOf(
  stage: Stage,
  collector: Collector,
  load: Load,
  seconds: number,
  exporters: number,
): Promise<Ceiling> {
  const attempt = async (perSecond: number): Promise<'kept' | 'lost' | 'late'> => {
    const { dropped, late } = await burst(stage, collector, load, perSecond, seconds, exporters);
    await sleep(restMs);
    if (dropped > 0) return 'lost';
    return late > seconds * lateShare ? 'late' : 'kept';
  };
  let low = 0;
  let high = startPerSecond;
  let senderLimited = false;
  for (let outcome = await attempt(high); outcome !== 'lost'; outcome = await attempt(high)) {
    if (outcome === 'late') {
      senderLimited = true;
      break;
    }
    low = high;
    high *= 2;
  }
  for (let step = 0; step < steps; step++) {
    const middle = (low + high) / 2;
    const outcome = await attempt(middle);
    if (outcome === 'kept') low = middle;
    else {
      high = middle;
      senderLimited = outcome === 'late';
    }
  }
  return { perSecond: low, senderLimited };
}
