/** The page for operators and the tables of the doctor say the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { diagnosisCodes } from '../../../domain/diagnosis.js';
import { flowProtocols } from '../../../domain/flow.js';
import { commandRows, commandsFor, remedies } from './tables/commands.js';

const page = readFileSync(new URL('../../../docs/operations/doctor.md', import.meta.url), 'utf8');
const sections = page.split(/^### /m).slice(1);

test('docs/operations/doctor.md explains every diagnosis, in the order of the list, and no other', () =>
  assert.deepEqual(
    sections.map((section) => section.split('\n')[0]),
    [...diagnosisCodes],
  ));

test('each says how grave it is and what to do', () => {
  for (const section of sections) assert.match(section, /\b(Fault|Hint|hint)\b[\s\S]*\*\*Do:\*\*/);
});

test('every remedy is known for some system, and no row is there twice', () => {
  assert.deepEqual([...new Set(commandRows.map(({ remedy }) => remedy))], [...remedies]);
  const keys = commandRows.map((row) => `${row.remedy} ${row.system} ${row.for.join()}`);
  assert.deepEqual(keys, [...new Set(keys)]);
});

test('commands fit a terminal of 80 columns beside their indent', () => {
  for (const { lines } of commandRows) for (const line of lines) assert.ok(line.length <= 72, line);
});

test('figures are filled in, and nothing of sFlow is told to a NetFlow exporter', () => {
  for (const protocol of flowProtocols) {
    const lines = commandsFor('send_to_right_port', protocol, { port: 4_739 }).flatMap((one) => one.lines);
    assert.ok(lines.length > 0 && lines.every((line) => !/\bPORT\b/.test(line)));
    assert.equal(
      lines.some((line) => line.includes('sflow')),
      protocol.startsWith('sflow'),
    );
  }
});
