import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from './random.js';

const draw = (seed: number, label: string, count = 8): number[] => {
  const random = createRandom(seed, label);
  return Array.from({ length: count }, () => random.u32());
};

test('a seed gives the same numbers for ever', () => {
  // Captures that are named by their seed depend on these.
  expect(draw(1, '', 3)).toEqual([1128253143, 3862430009, 3441543950]);
});

test('seed and label both matter, also beyond 32 bits', () => {
  const lists = [
    draw(1, ''),
    draw(2, ''),
    draw(3, ''),
    draw(10, ''),
    draw(1, 'a'),
    draw(1, 'b'),
    draw(1 + 2 ** 32, ''),
    draw(1 + 2 ** 40, ''),
  ];
  expect(new Set(lists.map(String)).size).toBe(lists.length);
});

test('a fork does not depend on what was drawn before', () => {
  const fresh = createRandom(7).fork('child');
  const used = createRandom(7);
  used.u32();
  expect(used.fork('child').u32()).toBe(fresh.u32());
});

test('below and between stay within their ends and reach them', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 50 }), (seed, n) => {
      const random = createRandom(seed);
      const seen = new Set(Array.from({ length: 2000 }, () => random.below(n)));
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(n - 1);
      const between = random.between(-3, n);
      expect(between).toBeGreaterThanOrEqual(-3);
      expect(between).toBeLessThanOrEqual(n);
    }),
    { numRuns: 50 },
  );
});

test('numbers are spread evenly: chi-square over 256 cells', () => {
  const random = createRandom(3);
  const cells = new Array<number>(256).fill(0);
  const draws = 256_000;
  for (let i = 0; i < draws; i++) {
    const cell = random.u32() >>> 24;
    cells[cell] = (cells[cell] ?? 0) + 1;
  }
  const chiSquare = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  // 255 degrees of freedom: 99.99 % of fair generators lie between.
  expect(chiSquare).toBeGreaterThan(175);
  expect(chiSquare).toBeLessThan(350);
});

test('a Pareto draw is heavy-tailed, at least low and cut at high', () => {
  const random = createRandom(5);
  const draws = Array.from({ length: 20_000 }, () => random.pareto(2, 10_000)).sort((a, b) => a - b);
  expect(draws[0]).toBe(2);
  expect(draws.at(-1)).toBeGreaterThan(500);
  expect(draws.at(-1)).toBeLessThanOrEqual(10_000);
  expect(draws[10_000]).toBeLessThan(6);
  expect(draws[19_800]).toBeGreaterThan(100);
});
