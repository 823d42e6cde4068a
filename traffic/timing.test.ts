import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Profile, timingOf } from './timing.js';

const rows = [
  {
    claim: 'a constant rate sends rate times duration',
    profile: { kind: 'constant' },
    pps: 1000,
    micros: 2.5e6,
    count: 2500,
  },
  {
    claim: 'a product just below a whole number is whole',
    profile: { kind: 'constant' },
    pps: 70_000 / 3,
    micros: 3e6,
    count: 70_000,
  },
  {
    claim: 'a pulse sends while it is on',
    profile: { kind: 'pulse', onMicros: 1e6, offMicros: 3e6 },
    pps: 100,
    micros: 8e6,
    count: 200,
  },
  {
    claim: 'a pulse cut short sends what fits',
    profile: { kind: 'pulse', onMicros: 1e6, offMicros: 3e6 },
    pps: 100,
    micros: 4.5e6,
    count: 150,
  },
  {
    claim: 'a ramp from nothing sends half',
    profile: { kind: 'ramp', fromPps: 0 },
    pps: 1000,
    micros: 10e6,
    count: 5000,
  },
  { claim: 'a ramp may fall', profile: { kind: 'ramp', fromPps: 1000 }, pps: 200, micros: 10e6, count: 6000 },
] as const satisfies readonly {
  claim: string;
  profile: Profile;
  pps: number;
  micros: number;
  count: number;
}[];

for (const row of rows) {
  test(row.claim, () => expect(timingOf(row.profile, row.pps, row.micros).count).toBe(row.count));
}

test('a pulse is silent in its pauses', () => {
  const timing = timingOf({ kind: 'pulse', onMicros: 1e6, offMicros: 2e6 }, 50, 9e6);
  for (let index = 0; index < timing.count; index++) expect(timing.at(index) % 3e6).toBeLessThan(1e6);
});

test('a ramp has sent a quarter at half its time', () => {
  const timing = timingOf({ kind: 'ramp', fromPps: 0 }, 4000, 10e6);
  expect(timing.at(timing.count / 4) / 10e6).toBeCloseTo(0.5, 3);
});

const profiles: fc.Arbitrary<Profile> = fc.oneof(
  fc.constant({ kind: 'constant' } as const),
  fc.record({
    kind: fc.constant('pulse' as const),
    onMicros: fc.integer({ min: 1000, max: 1e6 }),
    offMicros: fc.integer({ min: 0, max: 1e6 }),
  }),
  fc.record({ kind: fc.constant('ramp' as const), fromPps: fc.integer({ min: 0, max: 2000 }) }),
);

test('times never fall and stay within the part', () => {
  fc.assert(
    fc.property(
      profiles,
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1000, max: 3e6 }),
      (profile, pps, micros) => {
        const timing = timingOf(profile, pps, micros);
        const times = Array.from({ length: timing.count }, (_, index) => timing.at(index));
        const falling = times.filter((at, index) => at < (times[index - 1] ?? 0));
        expect(falling).toEqual([]);
        expect(times.at(-1) ?? 0).toBeLessThanOrEqual(micros * (1 + 1e-9));
      },
    ),
  );
});
