/** What the process says of itself: memory, and how late its event loop runs. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Vitals } from '../actors/control/status.js';
import type { Milliseconds, UnixMicros } from '../domain/units.js';
import type { TreeNode } from '../supervision/spec.js';

/**
 * A probe of the loop this often. Each costs a wake-up of the process, 10 to 90 µs: fifty a second were more
 * than all else that an idle daemon does. Stalls are met at random, so the percentiles hold all the same.
 */
const probeEveryMs: Milliseconds = 200;
/** Percentiles are over the last whole period, or over this one once it has enough probes. */
const periodMs: Milliseconds = 60_000;
const enoughProbes = 100;

export type VitalSigns = { readonly read: () => Vitals; readonly close: () => void };

export type VitalDeps = {
  readonly version: string;
  readonly startedAt: UnixMicros;
  readonly tree: () => TreeNode;
  readonly deadLetters: () => number;
};

export function takeVitals(deps: VitalDeps): VitalSigns {
  const histogram = monitorEventLoopDelay({ resolution: probeEveryMs });
  // A probe records the whole time since the one before; what is beyond the period is the delay.
  const delayMs = (percentile: number): Milliseconds =>
    histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(percentile) / 1e6 - probeEveryMs);
  const measure = (): Vitals['eventLoop'] => ({ p50Ms: delayMs(50), p99Ms: delayMs(99) });
  let last: Vitals['eventLoop'] | null = null;
  histogram.enable();
  const roll = setInterval(() => {
    last = measure();
    histogram.reset();
  }, periodMs);
  roll.unref();
  return {
    read: () => {
      const { rss, heapUsed } = process.memoryUsage();
      return {
        version: deps.version,
        pid: process.pid,
        startedAt: deps.startedAt,
        memory: { rssBytes: rss, heapBytes: heapUsed },
        eventLoop: last === null || histogram.count >= enoughProbes ? measure() : last,
        deadLetters: deps.deadLetters(),
        tree: deps.tree(),
      };
    },
    close: () => {
      clearInterval(roll);
      histogram.disable();
    },
  };
}
