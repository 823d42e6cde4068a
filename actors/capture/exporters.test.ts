import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type ExporterStats, unheardExporter } from '../../domain/flow.js';
import { callRoll, exporterId, quietMicros, silenceMicros } from './exporters.js';

const now = 10 * silenceMicros;
const exporter = (agent: string, datagrams: number, lastSeen = now): ExporterStats => ({
  ...unheardExporter,
  agent,
  address: agent,
  datagrams,
  records: datagrams * 7,
  sequenceLost: 1,
  samplingRate: 1000,
  firstSeen: lastSeen,
  lastSeen,
});
const known = (...list: readonly ExporterStats[]): ReadonlyMap<string, ExporterStats> =>
  new Map(list.map((stats) => [exporterId(stats), stats]));
const names = (list: readonly ExporterStats[]): readonly string[] => list.map(({ agent }) => agent);

const a = exporter('192.0.2.1', 1);
const b = exporter('192.0.2.2', 1);
const rows: readonly {
  readonly claim: string;
  readonly known: ReadonlyMap<string, ExporterStats>;
  readonly seen: readonly ExporterStats[];
  readonly bound?: number;
  readonly found?: readonly string[];
  readonly heard?: readonly string[];
  readonly gone?: number;
  readonly goneFirst?: string;
  readonly refused?: number;
}[] = [
  { claim: 'an exporter not known is found', known: known(), seen: [a], found: ['192.0.2.1'] },
  {
    claim: 'a known one that sent more is heard',
    known: known(a),
    seen: [exporter('192.0.2.1', 2)],
    heard: ['192.0.2.1'],
  },
  { claim: 'a known one that sent nothing is left alone', known: known(a), seen: [a] },
  {
    claim: 'beyond the bound exporters are refused and counted',
    known: known(),
    seen: [a, b],
    bound: 1,
    found: ['192.0.2.1'],
    refused: 1,
  },
  {
    claim: 'one that is silent for too long is let go',
    known: known(exporter('192.0.2.1', 1, 0)),
    seen: [],
    gone: 1,
  },
  { claim: 'a list that starts anew lets nobody go at once', known: known(a), seen: [] },
  {
    claim: 'who is let go makes room for the next',
    known: known(exporter('192.0.2.1', 1, 0)),
    seen: [b],
    bound: 1,
    gone: 1,
    found: ['192.0.2.2'],
  },
  {
    claim: 'one that its listener has given up makes room once it was quiet for a minute',
    known: known(exporter('192.0.2.1', 1, now - quietMicros)),
    seen: [b],
    bound: 1,
    gone: 1,
    found: ['192.0.2.2'],
  },
  {
    claim: 'and not before',
    known: known(exporter('192.0.2.1', 1, now - quietMicros + 1)),
    seen: [b],
    bound: 1,
    refused: 1,
  },
  {
    claim: 'nobody makes room that is not needed',
    known: known(exporter('192.0.2.1', 1, now - quietMicros)),
    seen: [b],
    bound: 2,
    found: ['192.0.2.2'],
  },
  {
    claim: 'nor one that its listener still has',
    known: known(exporter('192.0.2.1', 1, now - quietMicros)),
    seen: [exporter('192.0.2.1', 1, now - quietMicros), b],
    bound: 1,
    refused: 1,
  },
  {
    claim: 'one that was heard for longer than it has been quiet keeps its place',
    known: known({ ...exporter('192.0.2.1', 1, now - 2 * quietMicros), firstSeen: now - 5 * quietMicros }),
    seen: [b],
    bound: 1,
    refused: 1,
  },
  {
    claim: 'the one that was quiet longest goes first, and no more than are wanted',
    known: known(
      exporter('192.0.2.1', 1, now - quietMicros),
      exporter('192.0.2.3', 1, now - 2 * quietMicros),
    ),
    seen: [b],
    bound: 2,
    gone: 1,
    goneFirst: '192.0.2.3',
    found: ['192.0.2.2'],
  },
  {
    claim: 'one silent for too long is not found either',
    known: known(),
    seen: [exporter('192.0.2.1', 1, 0)],
  },
];
for (const row of rows) {
  test(row.claim, () => {
    const roll = callRoll(row.known, row.seen, now, row.bound ?? 10);
    assert.deepEqual(names(roll.found), row.found ?? []);
    assert.deepEqual(names(roll.heard), row.heard ?? []);
    assert.equal(roll.gone.length, row.gone ?? 0);
    if (row.goneFirst !== undefined) assert.match(roll.gone[0] ?? '', new RegExp(row.goneFirst));
    assert.equal(roll.refused, row.refused ?? 0);
  });
}

test('an id takes IPv6 and nothing that the tree refuses', () => {
  assert.match(
    exporterId({ ...a, address: '2001:db8::1', agent: 'core router#1' }),
    /^[A-Za-z0-9.\-_:/@[\]]+$/,
  );
});
