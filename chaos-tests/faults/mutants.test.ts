import { expect, test } from 'vitest';
import { createRandom } from '../../traffic/random.js';
import { mutant } from './mutants.js';

const healthy = [1, 2, 200].map((length) => Uint8Array.from({ length }, (_, i) => i));
const some = (seed: number): readonly Uint8Array[] => {
  const random = createRandom(seed);
  return Array.from({ length: 1_000 }, () => mutant(healthy, random));
};

test('mutants are the same for the same seed, within their bounds, and leave the healthy ones alone', () => {
  const before = healthy.map((datagram) => datagram.slice());
  const mutants = some(1);
  expect(mutants).toEqual(some(1));
  expect(mutants).not.toEqual(some(2));
  expect(mutants.every(({ length }) => length >= 1 && length <= 8_192)).toBe(true);
  expect(new Set(mutants.map((one) => one.join())).size).toBeGreaterThan(500);
  expect(healthy).toEqual(before);
});
