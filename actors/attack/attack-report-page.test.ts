import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { anAttack, aPacket } from '../../domain/rehearsal.js';
import { fingerprint } from './fingerprint.js';
import { compileRules } from './flowspec/compile.js';
import { jsonReport } from './json-report.js';
import { captureFile } from './pcap.js';

const page = readFileSync(new URL('../../docs/attack-report.md', import.meta.url), 'utf8');
const packets = [aPacket()];
const attack = anAttack({ fingerprint: fingerprint(packets, 'incoming', 0) });
const compiled = compileRules(packets, [], attack.subject, {
  coverage: 0.9,
  maxRules: 5,
  maxCollateral: 0.2,
});
const report = jsonReport(attack, packets, captureFile(packets), compiled);

test('docs/attack-report.md names every key of the JSON report', () => {
  const keys = [
    ...Object.keys(report.attack),
    ...Object.keys(report.evidence),
    ...Object.keys(report.packets[0] ?? {}),
    ...Object.keys(report.flowspec ?? {}),
    ...Object.keys(report.flowspec?.rules[0] ?? {}),
  ];
  assert.deepEqual(
    keys.filter((key) => !new RegExp(`[\`.]${key}\``).test(page)),
    [],
  );
});

test('the page names no key of attack, evidence or flowspec that the report does not have', () => {
  for (const part of ['attack', 'evidence', 'flowspec'] as const) {
    for (const [, key = ''] of page.matchAll(new RegExp(`\`${part}\\.(\\w+)\``, 'g'))) {
      assert.ok(key in (report[part] ?? {}), `${part}.${key}`);
    }
  }
});
