/** `doctor` as an operator meets it: what it prints, how wide, and how it ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import type { Diagnosis, DoctorReport, ExporterVerdict } from '../../domain/diagnosis.js';
import { renderDoctor, wrapped } from './doctor-page.js';
import { type } from './rehearsal.js';
import { terminal } from './terminal.js';

const view = { ...terminal({ write: () => {} }, { write: () => {} }, {}), width: 80 };
const fault: Diagnosis = {
  code: 'template_missing',
  severity: 'fault',
  listener: 'netflow 0.0.0.0:2055',
  exporter: '192.0.2.1',
  sentence: `192.0.2.1 sends NetFlow v9 ${'records without the template that explains them '.repeat(4)}.`,
  remedy: 'Have the device send its templates again and again, every minute or so.',
  commands: [{ system: 'Cisco IOS', lines: ['flow exporter NAME', ' template data timeout 60'] }],
  evidence: { sets: 40 },
};
const verdict: ExporterVerdict = {
  exporter: '192.0.2.1',
  agent: '192.0.2.1',
  domain: 1,
  protocol: 'netflow9',
  listener: fault.listener,
  datagrams: 600,
  records: 2_000,
  diagnoses: [],
};
const report = (change: Partial<DoctorReport>): DoctorReport => ({
  at: 0,
  periodSeconds: 300,
  exporters: [verdict],
  elsewhere: [],
  notes: [],
  ...change,
});

describe('the page', () => {
  test('no line is wider than the terminal, and commands stand as they are typed', () => {
    const page = renderDoctor(
      report({
        exporters: [{ ...verdict, diagnoses: [fault] }],
        notes: ['the wire was not listened to '.repeat(5)],
      }),
      view,
    );
    for (const line of page.split('\n')) assert.ok(line.length <= 80, line);
    assert.match(page, /\n {6}flow exporter NAME\n {7}template data timeout 60\n/);
    assert.match(page, /1 exporter over 5m00s: 1 fault$/);
  });
  test('who is well has one line', () =>
    assert.equal(
      renderDoctor(report({}), view),
      '192.0.2.1  netflow9 domain 1, at netflow 0.0.0.0:2055: ok  2.00k records\n\n1 exporter over 5m00s: ok',
    ));
  test('a thousand that are well do not hide one that is not', () => {
    const many = Array.from({ length: 1_000 }, () => verdict);
    const page = renderDoctor(report({ exporters: [...many, { ...verdict, diagnoses: [fault] }] }), view);
    assert.ok(page.split('\n').length < 60);
    assert.match(page, /and 968 more that are well/);
  });
  test('words that are longer than a line are not cut', () =>
    assert.equal(wrapped('a bbbbbbbbbbbb c', 2, 8), '  a\n  bbbbbbbbbbbb\n  c'));
});

describe('the command', () => {
  test('a capture that is not there fails, with its code', async () => {
    const { code, out } = await type([
      'doctor',
      '--replay',
      '/nowhere.pcap',
      '--network',
      '192.0.2.0/24',
      '--json',
    ]);
    assert.equal(code, 1);
    assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'CAPTURE_UNREADABLE');
  });
  test('without networks a capture cannot be judged', async () => {
    const { code, err } = await type(['doctor', '--replay', '/nowhere.pcap']);
    assert.equal(code, 2);
    assert.match(err, /which networks are ours/);
  });
});
