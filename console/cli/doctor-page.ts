/** A doctor's report as a person reads it in a terminal: paragraphs that fit, commands that can be copied. Pure. */
import type { Findings } from '../../actors/control/messages.js';
import {
  type Diagnosis,
  type DoctorReport,
  diagnosesOf,
  type ExporterVerdict,
} from '../../domain/diagnosis.js';
import { type Colors, duration, figure, type Terminal } from './terminal.js';

/** Of a terminal that does not say, or is wider: longer lines are hard to read. */
const widest = 80;
/** Healthy exporters that are named; the rest is a number. */
const namedHealthy = 32;

/** No line is longer than `width`, but for words that are. */
export function wrapped(text: string, indent: number, width: number): string {
  const lead = ' '.repeat(indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(lead + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, lead + line].join('\n');
}

const count = (many: number, one: string): string => `${many} ${one}${many === 1 ? '' : 's'}`;

/** 'ok', '2 faults', '1 hint', '1 fault, 1 hint'. */
export function findingsText({ faults, hints }: Findings): string {
  const parts = [
    ...(faults > 0 ? [count(faults, 'fault')] : []),
    ...(hints > 0 ? [count(hints, 'hint')] : []),
  ];
  return parts.length === 0 ? 'ok' : parts.join(', ');
}

function verdictText(diagnoses: readonly Diagnosis[]): string {
  const faults = diagnoses.filter(({ severity }) => severity === 'fault').length;
  return findingsText({ faults, hints: diagnoses.length - faults });
}

function paint(diagnoses: readonly Diagnosis[], colors: Colors): string {
  const text = verdictText(diagnoses);
  if (diagnoses.length === 0) return colors.green(text);
  return diagnoses.some(({ severity }) => severity === 'fault') ? colors.red(text) : colors.yellow(text);
}

function diagnosisText(
  { code, severity, sentence, remedy, commands }: Diagnosis,
  width: number,
  colors: Colors,
): string {
  const word = severity === 'fault' ? colors.red('fault') : colors.yellow('hint');
  const steps = commands.map(({ system, lines }) =>
    [colors.dim(`    ${system}:`), ...lines.map((line) => `      ${line}`)].join('\n'),
  );
  return [`  ${word}  ${code}`, wrapped(sentence, 4, width), wrapped(remedy, 4, width), ...steps].join('\n');
}

function heading(
  { exporter, agent, domain, protocol, listener, diagnoses }: ExporterVerdict,
  colors: Colors,
): string {
  const other = agent === exporter ? '' : ` agent ${agent}`;
  return `${colors.bold(exporter)}  ${protocol}${other} domain ${domain}, at ${listener}: ${paint(diagnoses, colors)}`;
}

export function renderDoctor(report: DoctorReport, view: Terminal): string {
  const { colors } = view;
  const width = Math.min(widest, view.width);
  const ill = report.exporters.filter(({ diagnoses }) => diagnoses.length > 0);
  const healthy = report.exporters.filter(({ diagnoses }) => diagnoses.length === 0);
  const text = (one: Diagnosis): string => diagnosisText(one, width, colors);
  const all = diagnosesOf(report);
  const parts = [
    ...ill.map((one) => [heading(one, colors), ...one.diagnoses.map(text)].join('\n')),
    ...report.elsewhere.map((one) =>
      [`${colors.bold(one.exporter ?? one.listener)}: ${paint([one], colors)}`, text(one)].join('\n'),
    ),
    ...(healthy.length === 0 ? [] : [healthyLines(healthy, colors)]),
    ...(report.notes.length === 0
      ? []
      : [report.notes.map((note) => wrapped(`note: ${note}`, 0, width)).join('\n')]),
    `${count(report.exporters.length, 'exporter')} over ${duration(report.periodSeconds)}: ${paint(all, colors)}`,
  ];
  return parts.join('\n\n');
}

function healthyLines(healthy: readonly ExporterVerdict[], colors: Colors): string {
  const lines = healthy
    .slice(0, namedHealthy)
    .map((one) => `${heading(one, colors)}  ${colors.dim(`${figure(one.records)} records`)}`);
  const rest = healthy.length - namedHealthy;
  return [...lines, ...(rest > 0 ? [`and ${rest} more that are well`] : [])].join('\n');
}
