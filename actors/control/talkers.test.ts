import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Talker } from '../../domain/ports.js';
import { quietRates } from '../../domain/traffic.js';
import type { HostKey } from '../../domain/units.js';
import { mergeTalkers } from './talkers.js';

const talker = (host: string, pps: number, bps: number, flows: number): Talker => ({
  host: host as HostKey,
  rates: { incoming: { ...quietRates, total: { pps, bps }, flows }, outgoing: quietRates },
});
const lists = [
  [talker('192.0.2.1', 5, 500, 2)],
  null,
  [talker('192.0.2.2', 9, 90, 1), talker('192.0.2.3', 1, 900, 3)],
];
const order = (by: 'packets' | 'bytes' | 'flows', count = 10): readonly string[] =>
  mergeTalkers(lists, by, 'incoming', count).map(({ host }) => host.slice(-1));

const rows = [
  { claim: 'by packets per second', got: order('packets'), want: ['2', '1', '3'] },
  { claim: 'by bits per second', got: order('bytes'), want: ['3', '1', '2'] },
  { claim: 'by flows per second', got: order('flows'), want: ['3', '1', '2'] },
  { claim: 'no more than asked for', got: order('packets', 1), want: ['2'] },
] as const;
for (const row of rows) test(row.claim, () => assert.deepEqual(row.got, row.want));
