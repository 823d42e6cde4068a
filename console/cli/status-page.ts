/** Status and attacks as a person reads them in a terminal. Pure: values in, text out. */
import type { AttackList, Status } from '../../actors/control/messages.js';
import { type Cause, subjectText } from '../../domain/attack.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { rfc3339 } from '../../domain/units.js';
import { doctorLine, exporterTable, listenerTable } from './flow-tables.js';
import { holdingTable, mitigationLines, onOneLine, speakerTable, standing } from './mitigation-page.js';
import { noticeTable } from './notice-page.js';
import { type Colors, type Column, duration, figure, type Terminal, table } from './terminal.js';

type TreeNode = Status['tree'];

const right = 'right' as const;

function sources(status: Status, view: Terminal): string {
  const rows = status.sources.map((source) => [
    source.name,
    source.state === 'up' ? view.colors.green('up') : view.colors.red(source.fault ?? 'down'),
    figure(source.stats.packets),
    figure(source.stats.dropped),
    figure(source.stats.unparsed),
    figure(source.rates.incoming.packets),
    `${figure(source.rates.incoming.bytes * 8)}bit`,
    figure(source.rates.outgoing.packets),
    `${figure(source.rates.outgoing.bytes * 8)}bit`,
    figure(source.rates.internal.packets + source.rates.other.packets),
  ]);
  if (rows.length === 0) return 'no sources';
  const columns = [
    { title: 'source', whole: true },
    { title: 'state' },
    { title: 'received', align: right },
    { title: 'dropped', align: right },
    { title: 'unparsed', align: right, spare: 2 },
    { title: 'in pps', align: right },
    { title: 'in /s', align: right },
    { title: 'out pps', align: right },
    { title: 'out /s', align: right },
    { title: 'else pps', align: right, spare: 1 },
  ];
  return table(columns, rows, view.width);
}

function groups(status: Status, view: Terminal): string {
  const rows = status.hostgroups.map((group) => [
    group.name,
    figure(group.meter.hosts),
    figure(group.total.incoming.total.pps),
    `${figure(group.total.incoming.total.bps)}bit`,
    figure(group.total.outgoing.total.pps),
    `${figure(group.total.outgoing.total.bps)}bit`,
    figure(group.attacks),
  ]);
  const columns = [
    { title: 'hostgroup' },
    { title: 'hosts', align: right },
    { title: 'in pps', align: right },
    { title: 'in /s', align: right },
    { title: 'out pps', align: right },
    { title: 'out /s', align: right },
    { title: 'attacks', align: right },
  ];
  return table(columns, rows, view.width);
}

function stateOf(node: TreeNode, colors: Colors): string {
  const state = node.state === 'running' ? '' : ` ${colors.yellow(node.state)}`;
  const restarts = node.restarts > 0 ? ` ${colors.yellow(`restarts ${node.restarts}`)}` : '';
  const drops = node.dropped > 0 ? ` ${colors.red(`dropped ${node.dropped}`)}` : '';
  const crash = node.lastCrash === null ? '' : ` ${colors.dim(node.lastCrash)}`;
  const queue = node.kind === 'actor' ? ` gen ${node.generation} queue ${node.queue}/${node.queueBound}` : '';
  return `${colors.dim(queue)}${state}${restarts}${drops}${crash}`;
}

/** The supervision tree, a line a node. */
export function renderTree(root: TreeNode, colors: Colors): string {
  const lines: string[] = [];
  const draw = (node: TreeNode, lead: string, branch: string): void => {
    lines.push(`${lead}${branch}${node.id}${stateOf(node, colors)}`);
    const inner = branch === '' ? lead : `${lead}${branch === '└─ ' ? '   ' : '│  '}`;
    node.children.forEach((child, i) => {
      draw(child, inner, i === node.children.length - 1 ? '└─ ' : '├─ ');
    });
  };
  draw(root, '', '');
  return lines.join('\n');
}

/** Of a quiet machine there is nothing to say. */
function evidenceLine({ evidence: { desk, files } }: Status): string | null {
  const { seated, waiting, unseated, queued, explained, refused } = desk;
  if (seated + waiting + queued + explained + refused + files.failed === 0) return null;
  return (
    `evidence: ${explained} attacks explained, ${seated} gather packets, ${waiting} wait to, ${queued} wait to be explained\n` +
    `          ${unseated} found no room to gather in time, ${refused} told without packets\n` +
    `          files of ${files.written} written, of ${files.waiting} waiting, of ${files.failed} failed`
  );
}

export function renderStatus(status: Status, view: Terminal): string {
  const { colors } = view;
  const script = status.script;
  const advice = doctorLine(status.flow, view);
  const announcing = mitigationLines(status, view);
  const evidence = evidenceLine(status);
  const parts = [
    `${colors.bold(`tidegate ${status.version}`)}  pid ${status.pid}  up ${duration(status.uptimeSeconds)}  ` +
      `memory ${figure(status.memory.rssBytes)}B  event loop p99 ${status.eventLoop.p99Ms.toFixed(1)} ms  ` +
      `attacks ${status.attacks > 0 ? colors.red(String(status.attacks)) : '0'}`,
    sources(status, view),
    ...(status.flow.listeners.length > 0 ? [listenerTable(status.flow.listeners, view)] : []),
    ...(status.flow.exporters.length > 0 ? [exporterTable(status.flow.exporters, view)] : []),
    ...(advice === null ? [] : [advice]),
    groups(status, view),
    ...(announcing === null ? [] : [announcing]),
    ...(status.speakers.length > 0 ? [speakerTable(status, view)] : []),
    ...(script === null
      ? []
      : [
          `notify script: ${script.started} started, ${script.running} running, ${script.waiting} waiting, ` +
            `${script.failed} failed, ${script.timedOut} timed out, ${script.dropped} dropped`,
        ]),
    ...(evidence === null ? [] : [evidence]),
    ...(status.notices.length > 0 ? [noticeTable(status.notices, view)] : []),
    ...(status.unanswered.length === 0
      ? []
      : [colors.yellow(`did not answer in time, so missing above: ${status.unanswered.join(', ')}`)]),
    renderTree(status.tree, colors),
  ];
  return parts.join('\n\n');
}

/** ' (38.0k-44.0k, 412 samples)' of a sampled rate, at the end where a narrow terminal cuts. The journal of an earlier version says nothing of it. */
export function certainty({ samples, interval }: Pick<Cause, 'samples' | 'interval'>): string {
  if (typeof samples !== 'number') return '';
  const between = interval === null ? '' : `${figure(interval.low)}-${figure(interval.high)}, `;
  return ` (${between}${samples} samples)`;
}

const cause = (mitigation: Mitigation): string => {
  const fired = mitigation.attack.cause;
  if (fired === null) {
    const comment = onOneLine(mitigation.comment);
    return comment === '' ? 'by hand' : `by hand: ${comment}`;
  }
  return `${fired.metric} ${figure(fired.rate)} > ${figure(fired.threshold)}${certainty(fired)}`;
};

/** An address is never cut; where the terminal is narrow, what can be asked for otherwise goes first. */
const shape: { readonly [title: string]: Partial<Column> } = {
  host: { whole: true },
  ended: { whole: true },
  since: { spare: 1 },
  began: { spare: 1 },
  hostgroup: { spare: 2 },
  direction: { spare: 3 },
  peak: { spare: 4 },
  left: { spare: 5 },
  mitigation: { spare: 6 },
};

const titles = ['host', 'direction', 'hostgroup', 'cause', 'vector', 'peak', 'since', 'left'];

export function renderAttacks(list: AttackList, view: Terminal, nowMicros: number): string {
  const announces = list.active.some((mitigation) => standing(mitigation) !== '');
  const active = list.active.map((mitigation) => [
    view.colors.red(subjectText(mitigation.attack.subject)),
    mitigation.attack.direction,
    mitigation.attack.hostgroup,
    cause(mitigation),
    mitigation.attack.fingerprint?.vector ?? mitigation.attack.evidence,
    `${figure(mitigation.attack.peak.pps)}pps`,
    rfc3339(mitigation.since).slice(0, 19),
    mitigation.until === null
      ? 'released by hand'
      : duration(Math.max(0, (mitigation.until - nowMicros) / 1e6)),
    ...(announces ? [standing(mitigation)] : []),
  ]);
  const ended = list.ended.map((attack) => [
    subjectText(attack.subject),
    attack.direction,
    attack.hostgroup,
    attack.fingerprint?.vector ?? attack.evidence,
    `${figure(attack.peak.pps)}pps`,
    rfc3339(attack.startedAt).slice(0, 19),
    attack.endedAt === null ? '' : duration((attack.endedAt - attack.startedAt) / 1e6),
  ]);
  const columns = (names: readonly string[]) => names.map((title) => ({ title, ...shape[title] }));
  const now =
    active.length === 0
      ? 'no attack in progress'
      : table(columns([...titles, ...(announces ? ['mitigation'] : [])]), active, view.width);
  const holdings = holdingTable([...list.active, ...list.leaving], view);
  const before = columns(['ended', 'direction', 'hostgroup', 'vector', 'peak', 'began', 'lasted']);
  return [
    now,
    ...(holdings === null ? [] : [holdings]),
    ...(ended.length === 0 ? [] : [table(before, ended, view.width)]),
  ].join('\n\n');
}
