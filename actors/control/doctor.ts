/**
 * Asks what the doctor needs to know: the listeners and their exporters, this machine, and for a while the wire.
 *
 * What cannot be had is said in a note, and the rest is judged without it.
 */
import type { DoctorReport } from '../../domain/diagnosis.js';
import type { MachineFacts, WireWitness, Witnessed } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';
import type { ExporterReport, SourceReport } from '../capture/messages.js';
import { diagnose } from './diagnosis/diagnose.js';
import type { ListenerSetting, WireFacts } from './diagnosis/facts.js';
import { factsSince, type History, type Sample, sampleOf } from './diagnosis/history.js';
import { wireFactsOf } from './diagnosis/wire-facts.js';

export type DoctorSettings = {
  readonly listeners: readonly ListenerSetting[];
  /** The shortest of all hostgroups. */
  readonly windowMs: Milliseconds;
};

export type DoctorDeps = {
  readonly settings: () => DoctorSettings;
  readonly machine: () => MachineFacts;
  readonly witness: WireWitness;
  readonly startedAt: () => UnixMicros;
  readonly wait: (ms: Milliseconds) => Promise<void>;
};

/** Exporters' counts are of the last second, and a listener's threads have their own pace. */
export const settleMs: Milliseconds = 1_500;
/** What one filter of the kernel can look for. */
const maxPorts = 128;

export type Asked = {
  readonly at: UnixMicros;
  readonly sources: readonly SourceReport[];
  readonly exporters: readonly ExporterReport[];
  /** Ids of sources' actors that did not answer in time. */
  readonly unanswered: readonly string[];
};

export const sampleFrom = ({ at, sources, exporters }: Asked): Sample =>
  sampleOf(
    at,
    exporters.map((stats) => ({ listener: stats.listener, stats })),
    sources.flatMap(({ name, listener }) => (listener === null ? [] : [[name, listener] as const])),
  );

/** What is wrong by the counts alone; for the status, which waits for nothing. */
export function glance(asked: Asked, history: History, deps: DoctorDeps): DoctorReport {
  return judged(asked, history, deps, deps.machine(), null, []);
}

/** `listenMs` 0: the wire is not listened to. `ask`: now. */
export async function examine(
  ask: () => Promise<Asked>,
  history: () => History,
  deps: DoctorDeps,
  listenMs: Milliseconds,
): Promise<DoctorReport> {
  const before = await ask();
  const { listeners } = deps.settings();
  const ports = [
    ...new Set(listeners.filter(({ transport }) => transport === 'udp').map(({ port }) => port)),
  ];
  if (ports.length === 0 || listenMs <= 0) {
    const note = listenMs <= 0 && ports.length > 0 ? ['the wire was not listened to'] : [];
    return judged(before, history(), deps, deps.machine(), null, note);
  }
  const notes =
    ports.length > maxPorts ? [`the wire was listened to for ${maxPorts} of ${ports.length} ports`] : [];
  const dropsBefore = deps.machine().rpFilterDrops ?? 0;
  const seen: Result<Witnessed> = await deps.witness(ports.slice(0, maxPorts), listenMs);
  if (!seen.ok) {
    const note = `the wire was not listened to, so what this machine keeps from its sockets is not known: ${seen.error.detail}`;
    return judged(await ask(), history(), deps, deps.machine(), null, [...notes, note]);
  }
  await deps.wait(settleMs);
  const after = await ask();
  const machine = deps.machine();
  const drops = Math.max(0, (machine.rpFilterDrops ?? 0) - dropsBefore);
  const wire = wireFactsOf(seen.value, sampleFrom(before), sampleFrom(after), drops);
  return judged(after, history(), deps, machine, wire, notes);
}

function judged(
  asked: Asked,
  history: History,
  deps: DoctorDeps,
  machine: MachineFacts,
  wire: WireFacts | null,
  notes: readonly string[],
): DoctorReport {
  const { listeners, windowMs } = deps.settings();
  const facts = factsSince(history, sampleFrom(asked), listeners, deps.startedAt());
  return diagnose({ ...facts, windowMs, machine, wire }, [...sourceNotes(asked, listeners), ...notes]);
}

/** Of each listener that there is nothing to judge of, why. */
function sourceNotes({ sources }: Asked, listeners: readonly ListenerSetting[]): readonly string[] {
  if (listeners.length === 0) return ['no listener of flow telemetry is configured'];
  return listeners.flatMap(({ name }) => {
    const source = sources.find((each) => each.name === name);
    if (source === undefined) return [`${name} did not answer in time`];
    return source.state === 'up' ? [] : [`${name} is not open: ${source.fault ?? 'it is about to be'}`];
  });
}
