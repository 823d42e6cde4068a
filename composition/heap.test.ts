/** The flag does on this Node what it is set for. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { growthPercent } from './heap.js';

/** Holds 30 MB of objects and replaces the oldest again and again, so that all garbage is old: the heap at its largest, MB. */
const churn = `
const held = Array.from({ length: 3000 }, () => null);
const piece = (n) => Array.from({ length: 100 }, (_, at) => ({ n, at, text: 'x' + n + at }));
let most = 0;
for (let n = 0; n < 20_000; n += 1) {
  held[n % held.length] = piece(n);
  if (n % 500 === 0) most = Math.max(most, process.memoryUsage().heapTotal);
}
console.log(most / 2 ** 20);
`;
/** A young generation of its own choice, which differs between versions of Node, would hide what the old one does. */
const young = '--max-semi-space-size=4';
const most = (...flags: string[]): number =>
  Number(execFileSync(process.execPath, [young, ...flags, '--eval', churn], { encoding: 'utf8' }));

test('garbage that lived for a while is collected before it is as much as what is in use', () => {
  const kept = most(`--heap-growing-percent=${growthPercent}`);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(most() * 0.9);
});
