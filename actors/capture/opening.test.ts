import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import {
  due,
  failed,
  firstRetryMs,
  longestRetryMs,
  type Opening,
  opened,
  provenMs,
  untried,
} from './opening.js';

const afterFailures = (count: number): Opening => {
  let opening = untried;
  for (let n = 0; n < count; n += 1) opening = failed(opening, 'gone', 0);
  return opening;
};
const retryAt = (opening: Opening): number => (opening.kind === 'down' ? opening.retryAt : Number.NaN);

const rows = [
  { claim: 'what was never tried is due at once', opening: untried, retryAt: Number.NEGATIVE_INFINITY },
  { claim: 'the first failure waits 50 ms', opening: afterFailures(1), retryAt: 50 },
  { claim: 'each failure doubles the wait', opening: afterFailures(3), retryAt: 200 },
  { claim: 'the wait ends at 5 s', opening: afterFailures(8), retryAt: 5_000 },
  { claim: 'after hours of failures it is still 5 s', opening: afterFailures(5_000), retryAt: 5_000 },
  {
    claim: 'a source that fell at once goes on with its row',
    opening: failed(opened(afterFailures(2), 0), 'down', 1),
    retryAt: 201,
  },
  {
    claim: 'a source that proved itself starts a new row',
    opening: failed(opened(afterFailures(9), 0), 'down', provenMs),
    retryAt: provenMs + firstRetryMs,
  },
] as const;
for (const row of rows) test(row.claim, () => assert.equal(retryAt(row.opening), row.retryAt));

test('an open source is never due', () => {
  assert.equal(due(opened(untried, 0), Number.MAX_SAFE_INTEGER), false);
});

test('the wait is always between the first and the longest, and it always ends', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(1_000_000), (failures, now) => {
      let opening = untried;
      for (let n = 0; n <= failures % 64; n += 1) opening = failed(opening, 'gone', now);
      const wait = retryAt(opening) - now;
      assert.ok(wait >= firstRetryMs && wait <= longestRetryMs);
      assert.equal(due(opening, now + longestRetryMs), true);
      assert.equal(due(opening, now), false);
    }),
  );
});
