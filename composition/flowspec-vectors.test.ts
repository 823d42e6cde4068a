/**
 * Rules for every attack vector of the traffic generator, in each IP version it has: at most five cover nine tenths of the
 * attack, and hit next to nothing of what the host gets otherwise.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest, ManifestPart } from '../traffic/manifest.js';
import { usualParameters } from '../traffic/plans.js';
import {
  captureFolder,
  groupOf,
  lastingBan,
  type Rehearsed,
  replayed,
  settingsOf,
} from './detection-rehearsal.js';
import type { ExplainedEvent } from './replay-explain.js';
import { writeTraffic } from './synthesis.js';

const folder = captureFolder();
afterAll(folder.close);

const scale = 0.05;
const limits = { pps: 20_000 * scale, mbps: 1_000 * scale };
const ban = { ...lastingBan, timeMs: 0, onlyIfFinished: true, calmMs: 5_000 };
const settings = settingsOf(usualParameters.networks, [
  groupOf('global', [], { incoming: limits, outgoing: limits }, { ban }),
]);
/** Whatever it hits, so that it can be measured. */
const policy = { coverage: 0.9, maxRules: 5, maxCollateral: 1, action: { kind: 'discard' } } as const;

const smallCollateral = 0.05;

let manifest: Manifest;
let rehearsed: Rehearsed;
beforeAll(async () => {
  const path = folder.path('everything.pcap');
  const written = writeTraffic('everything', path, { network: [], seed: 7, scale });
  if (!written.ok) throw new Error(written.error.detail);
  manifest = written.value;
  rehearsed = await replayed(settings, path, false, 1, policy);
}, 240_000);

const attacks = (): readonly ManifestPart[] => manifest.parts.filter(({ kind }) => kind === 'attack');
const explainedOf = ({ targets }: ManifestPart): ExplainedEvent | undefined =>
  rehearsed.explained.find(({ host }) => host === targets[0]?.replace(/\/(32|128)$/, ''));

test('each vector is explained', () => {
  expect(attacks().length).toBeGreaterThan(60);
  expect(attacks().filter((part) => explainedOf(part) === undefined)).toEqual([]);
});

test('at most five rules cover nine tenths of each, over all packets of the capture', () => {
  const short = attacks().filter((part) => {
    const { rules = [], coverage = 0 } = explainedOf(part) ?? {};
    return rules.length > policy.maxRules || coverage < policy.coverage;
  });
  expect(short.map((part) => [part.name, explainedOf(part)?.coverage])).toEqual([]);
});

test('they hit next to nothing of what the host gets otherwise', () => {
  const harmful = attacks()
    .map((part) => ({ part, collateral: explainedOf(part)?.collateral ?? 0 }))
    .filter(({ collateral }) => collateral > smallCollateral);
  expect(harmful.map(({ part, collateral }) => [part.shows, collateral])).toEqual([]);
});

test("the attack is all that is counted in its time, but for the host's own use", () => {
  for (const part of attacks()) {
    const { packets } = explainedOf(part) ?? {};
    expect(packets?.attack, part.name).toBeGreaterThanOrEqual(part.packets);
    expect(packets?.attack, part.name).toBeLessThanOrEqual(part.packets * 1.1);
  }
});
