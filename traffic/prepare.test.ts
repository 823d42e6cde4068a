import { expect, test } from 'vitest';
import { prepareScenario } from './prepare.js';
import { type AttackPart, attackPart, backgroundPart, type Scenario } from './scenario.js';

const good: AttackPart = attackPart({
  name: 'a',
  vector: 'syn',
  targets: ['203.0.113.7'],
  pps: 100,
  durationMicros: 1e6,
});
const ipv6 = { ...good, targets: ['2001:db8::1'] };
const scenario = (part: Scenario['parts'][number], given: Partial<Scenario> = {}): Scenario => ({
  name: 's',
  seed: 1,
  startMicros: 0,
  networks: ['203.0.113.0/24', '2001:db8::/32'],
  parts: [part],
  ...given,
});
const use = backgroundPart({ name: 'b', pps: 100, durationMicros: 1e6 });

const rows: readonly { readonly fault: string; readonly given: Scenario }[] = [
  { fault: 'networks: at least one is needed', given: scenario(good, { networks: [] }) },
  { fault: 'networks:', given: scenario(good, { networks: ['203.0.113.0/24', 'nonsense'] }) },
  { fault: 'seed', given: scenario(good, { seed: -1 }) },
  { fault: 'startMicros', given: scenario(good, { startMicros: 0.5 }) },
  { fault: 'parts: at least one is needed', given: scenario(good, { parts: [] }) },
  { fault: 'parts: at most 256', given: scenario(good, { parts: new Array<AttackPart>(257).fill(good) }) },
  { fault: "part 0 'a': pps must be above 0", given: scenario({ ...good, pps: 0 }) },
  { fault: 'pps must be above 0', given: scenario({ ...good, pps: Number.NaN }) },
  { fault: 'durationMicros must be above 0', given: scenario({ ...good, durationMicros: 0 }) },
  { fault: 'startMicros must be 0 or more', given: scenario({ ...good, startMicros: -1 }) },
  { fault: "there is no vector 'tsunami'", given: scenario({ ...good, vector: 'tsunami' }) },
  { fault: "vector 'icmp' has no IPv6 form", given: scenario({ ...ipv6, vector: 'icmp' }) },
  { fault: 'carry neither ah', given: scenario({ ...ipv6, vector: 'fragments', extensions: ['ah'] }) },
  { fault: 'targets: at least one is needed', given: scenario({ ...good, targets: [] }) },
  {
    fault: 'targets must be of one IP version',
    given: scenario({ ...good, targets: ['203.0.113.7', '2001:db8::1'] }),
  },
  { fault: 'target 198.51.100.1/32 lies in none', given: scenario({ ...good, targets: ['198.51.100.1'] }) },
  { fault: 'target 203.0.112.0/23 lies in none', given: scenario({ ...good, targets: ['203.0.112.0/23'] }) },
  { fault: 'encapsulations: at least one', given: scenario({ ...good, encapsulations: [] }) },
  { fault: 'extensions are of IPv6', given: scenario({ ...good, extensions: ['routing'] }) },
  { fault: 'ipOptions are of IPv4', given: scenario({ ...ipv6, ipOptions: true }) },
  { fault: 'sources must be a whole number', given: scenario({ ...good, sources: 0 }) },
  { fault: 'port must be 1 to 65535', given: scenario({ ...good, port: 70_000 }) },
  {
    fault: 'onMicros above 0',
    given: scenario({ ...good, profile: { kind: 'pulse', onMicros: 0, offMicros: 1 } }),
  },
  { fault: 'fromPps must be 0 to', given: scenario({ ...good, profile: { kind: 'ramp', fromPps: -1 } }) },
  { fault: 'leave no IPv4 address outside', given: scenario(good, { networks: ['0.0.0.0/0'] }) },
  { fault: 'leave no IPv4 address outside', given: scenario(use, { networks: ['0.0.0.0/0'] }) },
  { fault: 'shares of the mix', given: scenario({ ...use, mix: { ...use.mix, vlan: 0.7, mpls: 0.7 } }) },
  { fault: 'sessions must be', given: scenario({ ...use, sessions: 0 }) },
  { fault: 'packets: at most', given: scenario({ ...good, pps: 1e8, durationMicros: 1e9 }) },
];
for (const { fault, given } of rows) {
  test(`refused: ${fault} (${JSON.stringify(given).length})`, () => {
    const prepared = prepareScenario(given);
    expect(prepared).toMatchObject({ ok: false, error: { code: 'CONFIG_INVALID' } });
    expect(prepared.ok ? '' : prepared.error.detail).toContain(fault);
  });
}

test('all faults are said at once', () => {
  const prepared = prepareScenario(scenario({ ...good, targets: [], port: 0 }, { seed: -1 }));
  expect(prepared.ok ? [] : prepared.error.detail.split('; ')).toHaveLength(3);
});

test('what is right is taken', () => {
  expect(prepareScenario(scenario(good))).toMatchObject({ ok: true, value: { packets: 100 } });
  expect(prepareScenario(scenario(use))).toMatchObject({ ok: true, value: { packets: 100 } });
});
