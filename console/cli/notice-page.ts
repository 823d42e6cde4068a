/** How the receivers of notices stand, as a person reads it in a terminal. Pure. */
import type { Status } from '../../actors/control/messages.js';
import { onOneLine } from './mitigation-page.js';
import { figure, type Terminal, table } from './terminal.js';

const right = 'right' as const;

export function noticeTable(notices: Status['notices'], { colors, width }: Terminal): string {
  const rows = notices.map((one) => [
    one.name,
    one.state === 'waiting' ? colors.yellow('tries again') : one.state,
    figure(one.queued),
    figure(one.delivered),
    figure(one.failed),
    one.givenUp > 0 ? colors.red(figure(one.givenUp)) : '0',
    one.dropped > 0 ? colors.red(figure(one.dropped)) : '0',
    one.lastError === null ? '' : onOneLine(one.lastError),
  ]);
  const columns = [
    { title: 'notices to', whole: true },
    { title: 'state', whole: true },
    { title: 'queued', align: right },
    { title: 'sent', align: right },
    { title: 'failed', align: right, spare: 1 },
    { title: 'given up', align: right },
    { title: 'dropped', align: right },
    { title: 'last error' },
  ];
  return table(columns, rows, width);
}
