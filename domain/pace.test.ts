import assert from 'node:assert/strict';
import { test } from 'vitest';
import { pace } from './pace.js';

const rows = [
  { claim: 'the first line is said at once', at: [5], said: [0] },
  { claim: 'a line within the pace is kept back', at: [0, 999], said: [0, null] },
  { claim: 'the next line tells how many were kept back', at: [0, 1, 2, 1000], said: [0, null, null, 2] },
  { claim: 'what was told once is not told again', at: [0, 1, 1000, 2000], said: [0, null, 1, 0] },
] as const;

test('several lines may be said within the time, and the next tells of all that were kept back', () => {
  const may = pace(1000, 3);
  const said = [0, 1, 2, 3, 999, 1000, 1001, 1002, 1003].map(may);
  assert.deepEqual(said, [0, 0, 0, null, null, 2, 0, 0, null]);
});

for (const row of rows) {
  test(row.claim, () => {
    const may = pace(1000);
    assert.deepEqual(
      row.at.map((now) => may(now)),
      row.said,
    );
  });
}
