/**
 * The words of the doctor: what can be wrong with flow telemetry, and what it says of one exporter.
 *
 * Plain data: it goes through mailboxes and out to consoles as it is. Which facts make a diagnosis is in
 * actors/control/diagnosis; what each means for an operator is in docs/operations/doctor.md.
 */
import type { FlowProtocol } from './flow.js';
import type { UnixMicros } from './units.js';

export const diagnosisCodes = [
  'template_missing',
  'template_late',
  'sampling_absent',
  'sampling_contradictory',
  'sampling_zero',
  'active_timeout_longer_than_window',
  'inactive_timeout_long',
  'sequence_loss',
  'socket_drops',
  'clock_skew',
  'duplicates',
  'outside_networks',
  'short_headers',
  'wrong_protocol',
  'not_received',
  'refused',
  'silent',
] as const;
export type DiagnosisCode = (typeof diagnosisCodes)[number];

/** fault: what is counted is wrong or missing. hint: it is right, and could be better. */
export type Severity = 'fault' | 'hint';

/** How it is done on one kind of system; a line a step. */
export type VendorCommand = { readonly system: string; readonly lines: readonly string[] };

export type Diagnosis = {
  readonly code: DiagnosisCode;
  readonly severity: Severity;
  readonly listener: string;
  /** Address of the device; null: it concerns the listener, whoever sends. */
  readonly exporter: string | null;
  /** Cause and consequence, one sentence. */
  readonly sentence: string;
  /** What to change, one sentence, and how where that is standard. */
  readonly remedy: string;
  readonly commands: readonly VendorCommand[];
  /** The figures it rests on; their unit is in their name. */
  readonly evidence: { readonly [figure: string]: number };
};

/** One exporter as one listener sees it. No diagnoses: it is healthy. */
export type ExporterVerdict = {
  readonly exporter: string;
  readonly agent: string;
  readonly domain: number;
  readonly protocol: FlowProtocol;
  readonly listener: string;
  readonly datagrams: number;
  readonly records: number;
  readonly diagnoses: readonly Diagnosis[];
};

export type DoctorReport = {
  readonly at: UnixMicros;
  /** Counts are of this time before `at`. */
  readonly periodSeconds: number;
  readonly exporters: readonly ExporterVerdict[];
  /** What concerns a listener, or a device that is none of its exporters. */
  readonly elsewhere: readonly Diagnosis[];
  /** What could not be looked at, and why; a sentence each. */
  readonly notes: readonly string[];
};

export const diagnosesOf = ({ exporters, elsewhere }: DoctorReport): readonly Diagnosis[] => [
  ...exporters.flatMap(({ diagnoses }) => diagnoses),
  ...elsewhere,
];

/** Whether anything counted is wrong or missing; hints apart. */
export const hasFault = (report: DoctorReport): boolean =>
  diagnosesOf(report).some(({ severity }) => severity === 'fault');
