import fc from 'fast-check';
import { expect, test } from 'vitest';
import { delayBefore, nextInRow, type Restarts, spend } from './restarts.js';

const backoff = { baseMs: 100, factor: 2, maxMs: 1000, jitter: 0, resetMs: 60_000 };

test('the delay doubles up to its limit', () => {
  expect([1, 2, 3, 4, 5, 6].map((n) => delayBefore(backoff, n, 0.5))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
});

test('jitter spreads the delay both ways and no further', () => {
  const wide = { ...backoff, jitter: 0.2 };
  expect([0, 0.5, 1].map((roll) => delayBefore(wide, 1, roll))).toEqual([80, 100, 120]);
});

test('a row of ten thousand still has a finite delay', () => {
  expect(delayBefore({ ...backoff, baseMs: 0 }, 10_000, 0.5)).toBe(0);
  expect(delayBefore({ ...backoff, factor: 1e9 }, 10_000, 0.5)).toBe(1000);
});

test('a life of resetMs starts a new row', () => {
  expect([nextInRow(backoff, 4, 59_999), nextInRow(backoff, 4, 60_000)]).toEqual([5, 1]);
});

test('intensity 0 allows no restart', () => {
  expect(spend({ intensity: 0, periodMs: 1000 }, [], 5)).toBe('exhausted');
});

test('the budget agrees with counting all restarts ever made, and never grows past it', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 1500 }),
      gaps,
      (intensity, periodMs, steps) => {
        let now = 0;
        let kept: Restarts = [];
        const ever: number[] = [];
        for (const gap of steps) {
          now += gap;
          ever.push(now);
          const recent = ever.filter((at) => at >= now - periodMs).length;
          const left = spend({ intensity, periodMs }, kept, now);
          expect(left === 'exhausted').toBe(recent > intensity);
          if (left === 'exhausted') return;
          expect(left.length).toBeLessThanOrEqual(intensity);
          kept = left;
        }
      },
    ),
  );
});
