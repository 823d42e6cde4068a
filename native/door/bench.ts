/** What a tick of a benchmark keeps the main thread: the calls of a real meter, timed one by one. */
import { performance } from 'node:perf_hooks';
import { metrics } from '../../domain/traffic.js';
import type { RawBenchResult, RawBinding } from './binding.js';
import type { BenchPacketsOptions, BenchPacketsResult } from './contract.js';

const limits = () => Float64Array.from(metrics, (metric) => (metric === 'pps' ? 20_000 : Number.NaN));

/** Absorbs and judges all ticks; the longest single call in milliseconds. */
async function longestCall(binding: RawBinding, { engine, ticks, startedAt, tickMicros }: RawBenchResult) {
  const meter = binding.createMeter(engine, {
    hostgroup: 0,
    windowMicros: 1_000_000,
    thresholds: { incoming: limits(), outgoing: limits(), total: limits(), network: limits() },
    exactBytes: 2 ** 26,
    ipv6Hosts: 1024,
    confidence: null,
  });
  let longest = 0;
  const timed = async (call: () => unknown): Promise<void> => {
    const before = performance.now();
    const answer = call();
    longest = Math.max(longest, performance.now() - before);
    await answer;
  };
  let at = startedAt;
  for (const batches of ticks) {
    at += tickMicros;
    for (const batch of batches) await timed(() => binding.absorb(meter, batch));
    await timed(() => binding.judge(meter, at));
  }
  binding.closeMeter(meter);
  return longest;
}

export async function benchPackets(
  binding: RawBinding,
  options: BenchPacketsOptions,
): Promise<BenchPacketsResult> {
  const raw = await binding.benchPackets(options);
  const mainThreadMs = await longestCall(binding, raw);
  const { packets, seconds, mpps, nsPerPacket, drainMs, absorbMs, judgeMs } = raw;
  return { packets, seconds, mpps, nsPerPacket, drainMs, absorbMs, judgeMs, mainThreadMs };
}
