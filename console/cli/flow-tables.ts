/** Flow telemetry as a person reads it in a terminal: a table of listeners and one of exporters, 80 columns wide. Pure. */
import type { Findings, Status } from '../../actors/control/messages.js';
import { findingsText } from './doctor-page.js';
import { figure, type Terminal, table } from './terminal.js';

type Listener = Status['flow']['listeners'][number];
type Exporter = Status['flow']['exporters'][number];

const right = 'right' as const;

/** Rows of one table; the rest is in `--json`. */
export const maxExportersShown = 50;

export function listenerTable(listeners: readonly Listener[], view: Terminal): string {
  const strange = (listener: Listener): number =>
    listener.strays.reduce((sum, { datagrams }) => sum + datagrams, 0) + listener.refused;
  const rows = listeners.map((listener) => [
    `${listener.family}${listener.transport === 'tcp' ? '/tcp' : ''}`,
    listener.address,
    figure(listener.datagrams),
    figure(listener.records),
    warned(listener.dropped, view),
    warned(strange(listener), view),
    figure(listener.templates),
  ]);
  const columns = [
    { title: 'listener', whole: true },
    { title: 'address', whole: true },
    { title: 'datagrams', align: right },
    { title: 'records', align: right },
    { title: 'dropped', align: right },
    { title: 'strange', align: right },
    { title: 'templates', align: right, spare: 1 },
  ];
  return table(columns, rows, view.width);
}

const warned = (count: number, { colors }: Terminal): string =>
  count > 0 ? colors.red(figure(count)) : figure(count);

/** One of several observation domains of a device is told by its number. */
const deviceOf = ({ agent, domain }: Exporter): string => (domain === 0 ? agent : `${agent} #${domain}`);

const samplingOf = ({ samplingRate }: Exporter): string => (samplingRate === 0 ? '?' : `1:${samplingRate}`);

/** The busiest first. */
export function exporterTable(exporters: readonly Exporter[], view: Terminal): string {
  const shown = [...exporters]
    .sort((a, b) => b.perSecond.records - a.perSecond.records || b.records - a.records)
    .slice(0, maxExportersShown);
  const rows = shown.map((exporter) => [
    deviceOf(exporter),
    exporter.protocol,
    figure(exporter.perSecond.datagrams),
    figure(exporter.perSecond.records),
    samplingOf(exporter),
    warned(exporter.sequenceLost, view),
    figure(exporter.records),
    verdictOf(briefly(exporter.doctor), view),
  ]);
  const columns = [
    { title: 'exporter', whole: true },
    { title: 'protocol', spare: 3 },
    { title: 'dgrams/s', align: right, spare: 2 },
    { title: 'records/s', align: right },
    { title: 'sampling', align: right },
    { title: 'lost', align: right },
    { title: 'records', align: right, spare: 1 },
    { title: 'doctor', whole: true, spare: 4 },
  ];
  const drawn = table(columns, rows, view.width);
  const more = exporters.length - shown.length;
  return more === 0 ? drawn : `${drawn}\n${more} more exporters: tidegate status --json`;
}

/** Where there is a fault, the hints can wait. */
const briefly = (found: Findings): Findings => (found.faults > 0 ? { ...found, hints: 0 } : found);

function verdictOf(found: Findings, { colors }: Terminal): string {
  const text = findingsText(found);
  if (found.faults > 0) return colors.red(text);
  return found.hints > 0 ? colors.yellow(text) : colors.green(text);
}

/** One line where the doctor has more to say than the tables; else null. */
export function doctorLine({ exporters, elsewhere }: Status['flow'], view: Terminal): string | null {
  const found = [elsewhere, ...exporters.map(({ doctor }) => doctor)];
  const faults = found.reduce((sum, one) => sum + one.faults, 0);
  const hints = found.reduce((sum, one) => sum + one.hints, 0);
  if (faults + hints === 0) return null;
  return `flow telemetry: ${verdictOf({ faults, hints }, view)}; run 'tidegate doctor' for the causes`;
}
