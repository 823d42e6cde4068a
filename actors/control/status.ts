/**
 * The status page as data, from the reports that came in time.
 *
 * Pure. A room that did not answer is missing from its list, named as one that did not, and still stands in the tree; rates are
 * per second, bits where the name says so, sampling undone.
 */
import type { Diagnosis, DoctorReport } from '../../domain/diagnosis.js';
import type { TrafficTotals } from '../../domain/ports.js';
import { flowDirections } from '../../domain/traffic.js';
import { rfc3339, type UnixMicros } from '../../domain/units.js';
import type { TreeNode } from '../../supervision/spec.js';
import type { ExporterReport, SourceReport } from '../capture/messages.js';
import type { HostgroupReport } from '../hostgroup/messages.js';
import type { AnnouncerReport, LedgerReport } from '../mitigation/messages.js';
import type { NoticeReport } from '../notice/messages.js';
import type { ScriptReport } from '../script/messages.js';
import type { EvidenceStatus, ExporterStatus, Findings, ListenerStatus, Status } from './messages.js';

/** What the process says of itself. */
export type Vitals = {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: UnixMicros;
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number };
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number };
  readonly deadLetters: number;
  readonly tree: TreeNode;
};

export type Reports = {
  readonly sources: readonly SourceReport[];
  readonly exporters: readonly ExporterReport[];
  readonly doctor: DoctorReport;
  readonly hostgroups: readonly HostgroupReport[];
  /** null: the ledger did not answer in time. */
  readonly ledger: LedgerReport | null;
  readonly speakers: readonly AnnouncerReport[];
  readonly evidence: EvidenceStatus;
  readonly script: ScriptReport | null;
  readonly notices: readonly NoticeReport[];
  /** Ids of actors. */
  readonly unanswered: readonly string[];
};

export function statusOf(vitals: Vitals, reports: Reports, at: UnixMicros): Status {
  return {
    version: vitals.version,
    pid: vitals.pid,
    uptimeSeconds: Math.max(0, Math.round((at - vitals.startedAt) / 1e6)),
    startedAt: rfc3339(vitals.startedAt),
    memory: vitals.memory,
    eventLoop: vitals.eventLoop,
    capture: { interfaces: reports.sources.filter(({ kind }) => kind === 'interface').map(interfaceOf) },
    flow: {
      listeners: reports.sources.flatMap(listenerOf),
      exporters: exportersOf(reports),
      elsewhere: findingsOf(reports.doctor.elsewhere),
    },
    sources: reports.sources,
    hostgroups: reports.hostgroups,
    attacks: reports.ledger?.mitigations ?? reports.hostgroups.reduce((sum, { attacks }) => sum + attacks, 0),
    mitigation: reports.ledger,
    speakers: reports.speakers,
    evidence: reports.evidence,
    script: reports.script,
    notices: reports.notices,
    deadLetters: vitals.deadLetters,
    unanswered: reports.unanswered,
    tree: vitals.tree,
  };
}

function exportersOf({ exporters, doctor }: Reports): readonly ExporterStatus[] {
  const keyOf = (listener: string, address: string, { agent, domain, protocol }: Device): string =>
    [listener, address, agent, domain, protocol].join(' ');
  const verdicts = new Map(
    doctor.exporters.map((one) => [keyOf(one.listener, one.exporter, one), one.diagnoses]),
  );
  return exporters.map((one) => ({
    ...one,
    doctor: findingsOf(verdicts.get(keyOf(one.listener, one.address, one)) ?? []),
  }));
}
type Device = Pick<ExporterReport, 'agent' | 'domain' | 'protocol'>;

function findingsOf(diagnoses: readonly Diagnosis[]): Findings {
  const faults = diagnoses.filter(({ severity }) => severity === 'fault').length;
  return { faults, hints: diagnoses.length - faults };
}

function interfaceOf({
  name,
  state,
  fault,
  stats,
  rates,
}: SourceReport): Status['capture']['interfaces'][number] {
  const { packets, bytes, dropped, unparsed } = stats;
  return { name, state, fault, packets, bytes, dropped, unparsed, ...speedOf(rates) };
}

function listenerOf({ state, fault, stats, listener }: SourceReport): readonly ListenerStatus[] {
  if (listener === null) return [];
  return [{ ...listener, state, fault, errors: stats.errors }];
}

function speedOf(rates: TrafficTotals): { readonly pps: number; readonly bps: number } {
  let pps = 0;
  let bps = 0;
  for (const direction of flowDirections) {
    pps += rates[direction].packets;
    bps += rates[direction].bytes * 8;
  }
  return { pps, bps };
}
