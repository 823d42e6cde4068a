/** From the bytes on the wire to the diagnosis: each fault gives its own and no other, and the healthy give none. */
import { afterAll, describe, expect, test } from 'vitest';
import { diagnosesOf, diagnosisCodes } from '../domain/diagnosis.js';
import { captureFolder, groupOf, settingsOf } from './detection-rehearsal.js';
import { diagnoseCapture } from './doctor.js';
import {
  type Fixture,
  faultFixtures,
  fixtureNetwork,
  healthyFixtures,
  writeFixture,
} from './doctor-fixtures.js';

const folder = captureFolder();
afterAll(folder.close);

async function diagnosed(fixture: Fixture) {
  const path = folder.path('fixture.pcap');
  writeFixture(fixture, path);
  const settings = settingsOf([fixture.network ?? fixtureNetwork], [groupOf('global', [], {})]);
  const report = await diagnoseCapture(settings, { path, progress: () => undefined });
  if (!report.ok) throw new Error(report.error.detail);
  return report.value;
}

/** Told by other means: what a machine or a listener does cannot be in a capture. */
const ofMachines = ['socket_drops', 'wrong_protocol', 'not_received', 'refused'];

describe('a healthy exporter has no diagnosis', () => {
  for (const fixture of healthyFixtures) {
    test(fixture.name, { timeout: 60_000 }, async () => {
      const report = await diagnosed(fixture);
      expect(report.exporters.length).toBeGreaterThan(0);
      expect(report.exporters[0]?.records).toBeGreaterThan(500);
      expect(diagnosesOf(report)).toEqual([]);
    });
  }
});

describe('a fault has its diagnosis and no other', () => {
  for (const fixture of faultFixtures) {
    test(fixture.name, { timeout: 60_000 }, async () => {
      const found = diagnosesOf(await diagnosed(fixture));
      expect([...new Set(found.map(({ code }) => code))], JSON.stringify(found, null, 1)).toEqual([
        fixture.code,
      ]);
    });
  }
  test('each that shows in a capture has a fixture', () => {
    const codes = new Set(faultFixtures.map(({ code }) => code));
    expect(diagnosisCodes.filter((code) => !codes.has(code)).sort()).toEqual([...ofMachines].sort());
  });
});

test('the same capture gives the same report', { timeout: 60_000 }, async () => {
  const [fixture] = faultFixtures;
  if (fixture === undefined) throw new Error('no fixture');
  expect(await diagnosed(fixture)).toEqual(await diagnosed(fixture));
});
