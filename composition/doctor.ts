/**
 * Composition root of `tidegate doctor --replay`: what a capture of flow datagrams tells of the devices that sent them.
 *
 * The same engine and the same rules as the daemon's; all of the capture is one period. The same file gives the same
 * report. Errors: CAPTURE_UNREADABLE.
 */
import { diagnose } from '../actors/control/diagnosis/diagnose.js';
import type { ListenerSetting } from '../actors/control/diagnosis/facts.js';
import { emptyHistory, factsSince, sampleOf } from '../actors/control/diagnosis/history.js';
import type { DoctorReport } from '../domain/diagnosis.js';
import { flowFamilies } from '../domain/flow.js';
import { failure, type Result, success } from '../domain/result.js';
import { openEngine, type ReplaySource } from '../native/door/engine.js';
import { loadDoor } from '../native/door/load.js';
import { flowPolicy, flowReplaying } from './flow-listening.js';
import { type ReplaySettings, replaySeed } from './replay-source.js';

export type DoctorReplay = {
  readonly path: string;
  /** Bytes of the file read so far. */
  readonly progress: (done: number) => void;
};

const captureListener: ListenerSetting = {
  name: 'the capture',
  address: '0.0.0.0',
  port: 0,
  transport: 'udp',
  accepts: flowFamilies,
  spread: true,
};

const notes = [
  'a capture shows what devices have sent; drops, refusals and the wire of a machine are seen by its daemon alone',
];

export async function diagnoseCapture(
  settings: ReplaySettings,
  request: DoctorReplay,
): Promise<Result<DoctorReport>> {
  const engine = openEngine(loadDoor(), {
    networks: settings.networks,
    hostgroups: settings.hostgroups,
    tickMs: settings.capture.tickMs,
    ipv6Hosts: settings.capture.ipv6Hosts,
    countFlows: false,
    flowSlots: settings.capture.flowSlots,
    seed: replaySeed,
    sampleBytes: settings.evidence.sampleBytes,
  });
  const opened = engine.openReplay({
    path: request.path,
    lengthFromIp: false,
    sampling: 1,
    flow: flowReplaying(settings),
  });
  if (!opened.ok) return opened;
  const source = opened.value;
  try {
    const { startedAt, endedAt } = await readAll(source, request);
    const exporters = source.exporters().map((stats) => ({ listener: captureListener.name, stats }));
    if (exporters.length === 0) {
      return failure('CAPTURE_UNREADABLE', `${request.path} has no flow datagrams in it that can be read`);
    }
    const stats = source.flow();
    const listeners = stats === null ? [] : [[captureListener.name, stats] as const];
    const sample = sampleOf(endedAt, exporters, listeners);
    const facts = factsSince(emptyHistory, sample, [captureListener], startedAt);
    const { windowMs } = flowPolicy(settings);
    return success(diagnose({ ...facts, windowMs, machine: null, wire: null }, notes));
  } catch (error) {
    return failure('CAPTURE_UNREADABLE', error instanceof Error ? error.message : String(error));
  } finally {
    source.close();
  }
}

/** Nothing is judged, but what was counted has to be taken, or the tables stay full. */
async function readAll(source: ReplaySource, request: DoctorReplay) {
  let startedAt: number | null = null;
  for (;;) {
    const step = source.step();
    startedAt ??= step.at;
    await source.drain(step.at);
    request.progress(step.offset);
    if (step.done) return { startedAt, endedAt: step.at };
  }
}
