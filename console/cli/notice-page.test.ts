import { expect, test } from 'vitest';
import type { Status } from '../../actors/control/messages.js';
import { noticeTable } from './notice-page.js';
import { terminal } from './terminal.js';

const view = terminal({ write: () => true }, { write: () => true }, {});
const well: Status['notices'][number] = {
  name: 'slack',
  state: 'idle',
  queued: 0,
  delivered: 1200,
  failed: 0,
  givenUp: 0,
  dropped: 0,
  repeated: 0,
  lastError: null,
};

test('each receiver has a line: what waits, what was sent, what was lost, and what it said last', () => {
  const ill = {
    ...well,
    name: 'noc',
    state: 'waiting',
    queued: 17,
    failed: 9,
    givenUp: 2,
    dropped: 1,
  } as const;
  const said = noticeTable([well, { ...ill, lastError: 'https://noc.example:\n503' }], view).split('\n');
  expect(said).toEqual([
    'notices to  state        queued   sent  failed  given up  dropped  last error',
    'slack       idle              0  1.20k       0         0        0',
    'noc         tries again      17  1.20k       9         2        1  https://noc.example: 503',
  ]);
});
