import { expect, test } from 'vitest';
import { planNamed, plans, usualParameters } from './plans.js';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { readPacket } from './reading.js';
import { frames } from './stream.js';

const prepared = (name: string, given = usualParameters): PreparedScenario => {
  const scenario = planNamed(name, given);
  if (!scenario.ok) throw new Error(scenario.error.detail);
  const ready = prepareScenario(scenario.value);
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
};

for (const { name } of plans) {
  test(`${name} is ready to send, at any scale down to a thousandth`, () => {
    for (const scale of [1, 0.001]) {
      const ready = prepared(name, { ...usualParameters, scale });
      let sent = 0;
      for (const batch of frames(ready)) {
        sent += batch.count;
        if (sent > 3_000) break;
      }
      expect(sent).toBeGreaterThan(0);
    }
  });
}

test('everything has every vector in every family', () => {
  const parts = prepared('everything').parts.map(({ part }) => part.name);
  expect(new Set(parts).size).toBe(parts.length);
  expect(parts).toContain('syn IPv6');
  expect(parts).toContain('crestron IPv4');
  const targets = prepared('everything').parts.flatMap(({ part }) =>
    part.kind === 'attack' ? part.targets : [],
  );
  expect(new Set(targets).size).toBe(targets.length);
});

test('million-mixed is a million packets with all that its name says', () => {
  const ready = prepared('million-mixed');
  expect(ready.packets).toBe(1_000_000);
  const seen = new Set<string>();
  let read = 0;
  for (const batch of frames(prepared('million-mixed', { ...usualParameters, scale: 0.03 }))) {
    for (let i = 0; i < batch.count; i++, read++) {
      const packet = readPacket(batch.bytes.slice(batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0));
      for (const tag of packet.tags) seen.add(`tag ${tag.toString(16)}`);
      if (packet.labels > 0) seen.add('label');
      for (const header of packet.extensionHeaders) seen.add(`header ${header}`);
      if (packet.fragment !== null) seen.add(`fragment ${packet.version}`);
    }
  }
  expect(read).toBe(30_000);
  expect([...seen].sort()).toEqual([
    'fragment 4',
    'fragment 6',
    'header 0',
    'header 43',
    'header 44',
    'header 51',
    'header 60',
    'label',
    'tag 8100',
    'tag 88a8',
    'tag 9100',
  ]);
});

test('ipv6-scan reaches a million hosts of the /32 from spoofed sources, and one of them is attacked', () => {
  const ready = prepared('ipv6-scan');
  const [scan] = ready.parts;
  expect(scan?.timing.count).toBe(1_000_000);
  const targets = new Map<string, number>();
  const sources = new Set<string>();
  for (const batch of frames(prepared('ipv6-scan', { ...usualParameters, scale: 0.01 }))) {
    for (let i = 0; i < batch.count; i++) {
      const packet = readPacket(batch.bytes.slice(batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0));
      const target = packet.destination.join('.');
      targets.set(target, (targets.get(target) ?? 0) + 1);
      sources.add(packet.source.join('.'));
    }
  }
  expect(targets.size).toBe(10_001);
  expect(Math.max(...targets.values())).toBe(2_000);
  expect(sources.size).toBe(12_000);
});

test('a plan that does not fit is refused with its reason', () => {
  const only4 = { ...usualParameters, networks: ['203.0.113.0/24'] };
  expect(planNamed('ipv6-scan', only4)).toMatchObject({ ok: false, error: { code: 'CONFIG_INVALID' } });
  expect(planNamed('tsunami', only4)).toMatchObject({ ok: false });
  expect(planNamed('benign', { ...only4, scale: 0 })).toMatchObject({ ok: false });
  expect(planNamed('benign', { ...only4, networks: ['x'] })).toMatchObject({ ok: false });
});
