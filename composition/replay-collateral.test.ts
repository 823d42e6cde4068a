/**
 * An attack that looks like what its host gets otherwise: no rules are made, and the explanation says what they would hit and what its
 * hostgroup announces in their place.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MitigationAction } from '../domain/bgp.js';
import {
  captureFolder,
  groupOf,
  type PlainPacket,
  replayed,
  settingsOf,
  writePackets,
} from './detection-rehearsal.js';
import type { ExplainedEvent } from './replay-explain.js';

const folder = captureFolder();
afterAll(folder.close);

const hosts: { readonly [A in MitigationAction]: string } = {
  none: '192.0.2.1',
  blackhole: '192.0.2.2',
  flowspec: '192.0.2.3',
  flowspec_then_blackhole: '192.0.2.4',
};
const actions = Object.keys(hosts) as readonly MitigationAction[];
const packet = (at: number, host: string, source: string): PlainPacket => ({
  at,
  source,
  destination: hosts[host as MitigationAction],
  kind: 'tcp',
  bytes: 90,
  sourcePort: 40_000,
});
/** Ten acknowledgements a second for four seconds, then for one as many as make an attack, all alike. */
const packets = actions.flatMap((action) => [
  ...Array.from({ length: 40 }, (_, n) => packet(n * 100_000, action, `198.51.100.${n % 9}`)),
  ...Array.from({ length: 1500 }, (_, n) =>
    packet(4_000_000 + n * 600, action, `203.${n % 250}.${(n * 7) % 250}.${(n * 13) % 250}`),
  ),
]);

let explained: readonly ExplainedEvent[];
beforeAll(async () => {
  const path = folder.path('alike.pcap');
  writePackets(path, packets);
  const settings = settingsOf(
    ['192.0.2.0/24'],
    actions.map((action) => groupOf(action, [`${hosts[action]}/32`], { incoming: { pps: 300 } }, { action })),
  );
  const policy = { coverage: 0.9, maxRules: 5, maxCollateral: 0.2, action: { kind: 'discard' } } as const;
  ({ explained } = await replayed(settings, path, false, 1, policy));
}, 60_000);

describe('normal packets that look like the attack', () => {
  const rows = [
    { action: 'none', instead: null },
    { action: 'blackhole', instead: null },
    { action: 'flowspec', instead: 'nothing' },
    { action: 'flowspec_then_blackhole', instead: 'blackhole' },
  ] as const;
  for (const { action, instead } of rows) {
    test(`${action}: ${instead ?? 'rules were not asked for'}`, () => {
      const event = explained.find(({ host }) => host === hosts[action]);
      expect(event?.rules).toEqual([]);
      expect(event?.reason).toMatch(
        / of the attack would hit 100 % of the normal packets, 20 % are allowed$/,
      );
      expect(event?.instead).toBe(instead);
    });
  }
});
