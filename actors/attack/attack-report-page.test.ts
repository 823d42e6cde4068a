import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { anAttack, aPacket } from '../../domain/rehearsal.js';
import { fingerprint } from './fingerprint.js';
import { jsonReport } from './json-report.js';
import { captureFile } from './pcap.js';

const page = readFileSync(new URL('../../docs/attack-report.md', import.meta.url), 'utf8');
const packets = [aPacket()];
const attack = anAttack({ fingerprint: fingerprint(packets, 'incoming', 0) });
const report = jsonReport(attack, packets, captureFile(packets));

test('docs/attack-report.md names every key of the JSON report', () => {
  const keys = [
    ...Object.keys(report.attack),
    ...Object.keys(report.evidence),
    ...Object.keys(report.packets[0] ?? {}),
  ];
  assert.deepEqual(
    keys.filter((key) => !new RegExp(`[\`.]${key}\``).test(page)),
    [],
  );
});

test('the page names no key of attack or evidence that the report does not have', () => {
  for (const part of ['attack', 'evidence'] as const) {
    for (const [, key = ''] of page.matchAll(new RegExp(`\`${part}\\.(\\w+)\``, 'g'))) {
      assert.ok(key in report[part], `${part}.${key}`);
    }
  }
});
