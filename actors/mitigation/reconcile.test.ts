import assert from 'node:assert/strict';
import { test } from 'vitest';
import { announcementKey } from '../../domain/announcement.js';
import { blackhole } from './announcer-rehearsal.js';
import { compare, type Desired, type Difference } from './reconcile.js';

const one = blackhole(1);
const key = announcementKey(one);
const otherwise = blackhole(1, 666);
const nothing: Difference = {
  confirmed: [],
  missing: [],
  differing: [],
  lingering: [],
  gone: [],
  orphans: [],
};

type Row = {
  readonly claim: string;
  readonly desired: Desired | null;
  readonly holds: readonly (typeof one)[];
  readonly touched?: readonly string[];
  readonly is: Partial<Difference>;
};
const rows: readonly Row[] = [
  {
    claim: 'held as wanted is confirmed',
    desired: { do: 'announce', announcement: one },
    holds: [one],
    is: { confirmed: [key] },
  },
  {
    claim: 'wanted and not held is missing',
    desired: { do: 'announce', announcement: one },
    holds: [],
    is: { missing: [key] },
  },
  {
    claim: 'other attributes differ',
    desired: { do: 'announce', announcement: one },
    holds: [otherwise],
    is: { differing: [key] },
  },
  {
    claim: 'held twice, once as wanted, is confirmed',
    desired: { do: 'announce', announcement: one },
    holds: [one, otherwise],
    is: { confirmed: [key] },
  },
  {
    claim: 'held twice, the second as wanted, is confirmed',
    desired: { do: 'announce', announcement: one },
    holds: [otherwise, one],
    is: { confirmed: [key] },
  },
  {
    claim: 'leaving and held lingers, whatever its attributes',
    desired: { do: 'withdraw', announcement: one },
    holds: [otherwise],
    is: { lingering: [key] },
  },
  {
    claim: 'leaving and not held is gone',
    desired: { do: 'withdraw', announcement: one },
    holds: [],
    is: { gone: [key] },
  },
  { claim: "ours and nobody's is an orphan, once", desired: null, holds: [one, one], is: { orphans: [one] } },
  {
    claim: 'what changed during the reading is judged by its own answer, wanted',
    desired: { do: 'announce', announcement: one },
    holds: [],
    touched: [key],
    is: {},
  },
  {
    claim: 'what changed during the reading is judged by its own answer, an orphan',
    desired: null,
    holds: [one],
    touched: [key],
    is: {},
  },
];
for (const { claim, desired, holds, touched = [], is } of rows) {
  test(claim, () => {
    const table = new Map<string, Desired>(desired === null ? [] : [[key, desired]]);
    assert.deepEqual(compare(table, holds, new Set(touched)), { ...nothing, ...is });
  });
}
