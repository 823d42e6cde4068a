import { expect, test } from 'vitest';
import type { Told, Totals } from './sets.js';
import { type Fault, judge, type Reading } from './verdict.js';

const ours: Totals = { datagrams: 3, records: 10, packets: 50, bytes: 4_000 };
const reading = (change: Partial<Reading>): Reading => ({
  ours,
  expected: null,
  tshark: null,
  nfcapd: null,
  ...change,
});
const shark = (change: Partial<Told> = {}): Told => ({ ...ours, records: null, ...change });
const nothing: Told = { datagrams: 0, records: null, packets: 0, bytes: 0 };
const faults: readonly Fault[] = [
  { ending: 'odd.pcap', claimant: 'tshark', column: 'packets', why: 'counts twice' },
];

test('one reader that agrees is enough where nothing is written beside the capture', () => {
  expect(judge('a', reading({ tshark: shark() }), faults)).toEqual({ kind: 'equal', to: ['tshark'] });
  expect(judge('a', reading({ tshark: shark({ bytes: 1 }), nfcapd: shark() }), faults)).toEqual({
    kind: 'equal',
    to: ['nfcapd'],
  });
});

test('what is written beside a capture must be met, whoever else agrees', () => {
  const verdict = judge('a', reading({ expected: { ...ours, records: 11 }, tshark: shark() }), faults);
  expect(verdict).toEqual({ kind: 'differs', from: ['expected.json'] });
});

test('a known fault of another reader excuses that reader alone, in that capture alone', () => {
  const wrong = reading({ tshark: shark({ packets: 100 }) });
  expect(judge('some/odd.pcap', wrong, faults)).toEqual({
    kind: 'known',
    to: [],
    why: 'tshark: counts twice',
  });
  expect(judge('some/even.pcap', wrong, faults)).toEqual({ kind: 'differs', from: ['tshark'] });
  const both = reading({ tshark: shark({ packets: 100 }), nfcapd: shark({ packets: 7 }) });
  expect(judge('some/odd.pcap', both, faults).kind).toBe('differs');
});

test('a reader that sees nothing where values are known cannot read it; without known values that is a difference', () => {
  expect(judge('a', reading({ expected: ours, tshark: nothing }), faults)).toEqual({
    kind: 'unreadable',
    to: ['expected.json'],
    who: 'tshark',
  });
  expect(judge('a', reading({ tshark: nothing }), faults).kind).toBe('differs');
  expect(judge('a', reading({ expected: ours, tshark: shark({ packets: 1 }) }), faults).kind).toBe('differs');
});

test('a count that a reader does not have is not compared', () => {
  expect(
    judge('a', reading({ expected: { ...ours, packets: null, bytes: null }, tshark: shark() }), faults),
  ).toEqual({
    kind: 'equal',
    to: ['expected.json', 'tshark'],
  });
});
