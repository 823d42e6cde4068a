/** Flow telemetry as a person reads it in a terminal: a table of listeners and one of exporters, 80 columns wide. Pure. */
import type { Status } from '../../actors/control/messages.js';
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
  ]);
  const columns = [
    { title: 'exporter', whole: true },
    { title: 'protocol', spare: 3 },
    { title: 'dgrams/s', align: right, spare: 2 },
    { title: 'records/s', align: right },
    { title: 'sampling', align: right },
    { title: 'lost', align: right },
    { title: 'records', align: right, spare: 1 },
  ];
  const drawn = table(columns, rows, view.width);
  const more = exporters.length - shown.length;
  return more === 0 ? drawn : `${drawn}\n${more} more exporters: tidegate status --json`;
}
