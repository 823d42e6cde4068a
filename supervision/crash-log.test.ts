import { expect, test } from 'vitest';
import { createCrashLog } from './crash-log.js';
import { manualTime } from './manual-time.js';
import { type LogLine, rememberingLog } from './rehearsal.js';

test('a storm of crashes writes twenty lines a second, and then says how many it did not', () => {
  const time = manualTime();
  const lines: LogLine[] = [];
  const crashed = createCrashLog(time.clock, rememberingLog(lines));
  for (let n = 0; n < 1000; n++) crashed(`root/a${n}`, 1, 'Error: crash');
  expect(lines).toHaveLength(20);
  expect(lines[0]).toEqual({
    level: 'warn',
    phrase: 'actor crashed',
    fields: { actor: 'root/a0', generation: 1, error: 'Error: crash' },
  });
  time.advance(1000);
  crashed('root/b', 2, null);
  crashed('root/c', 3, null);
  expect(lines.slice(20).map((line) => line.fields)).toEqual([
    { actor: 'root/b', generation: 2, error: null, unwritten: 980 },
    { actor: 'root/c', generation: 3, error: null },
  ]);
});
