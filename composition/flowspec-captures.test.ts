/**
 * Rules for real attacks: captures that lie beside the repository, as `tidegate replay --explain` sees them. Prints what
 * budgets of 1, 5 and 10 rules cover of all packets in the attack's time, and hit of those outside. Skipped, by name,
 * where a capture is not there. Real gobgpd processes hold the rules exactly as they were compiled.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Announcement,
  announcementText,
  type FlowspecAnnouncement,
  noCommunities,
} from '../domain/announcement.js';
import { type FlowspecRule, flowspecRuleText } from '../domain/flowspec.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import { eventually, gobgpd3, gobgpd4, startGobgpd } from '../integrations/bgp/gobgpd-process.js';
import { groupOf, replayed, settingsOf } from './detection-rehearsal.js';
import type { ExplainedEvent, ExplainPolicy } from './replay-explain.js';

const root = fileURLToPath(new URL('../../shared/captures', import.meta.url));
/** As configured unless told otherwise. */
const policy: ExplainPolicy = {
  coverage: 0.9,
  maxRules: 5,
  maxCollateral: 0.2,
  action: { kind: 'discard' },
};

const attacks = [
  { file: 'packet-captures/amp.TCP.reflection.SYNACK.pcap', host: '10.10.10.10' },
  { file: 'packet-captures/amp.UDP.snmp.src161.pcapng', host: '10.10.10.10' },
  { file: 'packet-captures/amp.UDP.isakmp.pcap', host: '10.10.10.10' },
  { file: 'packet-captures/pkt.TCP.DOMINATE.syn.ecn.cwr.pcapng', host: '10.10.10.10' },
  {
    file: 'suricata-verify/tests/ipv6-evasion/ipv6-dos-with-ext-headers-5/denial6-5.pcap',
    host: '2001:db8:1::1',
  },
  { file: 'suricata-verify/tests/dhcp-request-flood/test.pcap', host: '255.255.255.255' },
] as const;

/** Of all captures so far. */
const compiled = new Map<string, FlowspecRule>();
const table: string[] = [];
afterAll(() => {
  if (table.length > 0) console.log(['', ...table].join('\n'));
});
const percent = (share: number | null): string => (share === null ? '-' : `${(share * 100).toFixed(1)} %`);

function expectSound({ budgets }: ExplainedEvent): void {
  const counted = [1, 5, 10].map((budget) => {
    const one = budgets[budget];
    expect(one?.rules.length).toBeLessThanOrEqual(budget);
    return one;
  });
  const coverages = counted.map((one) => one?.coverage ?? -1);
  for (const one of counted) {
    expect(one?.coverage).toBeGreaterThanOrEqual(policy.coverage);
    expect(one?.collateral ?? 0).toBeLessThanOrEqual(policy.maxCollateral);
  }
  // Counted over all packets, of which the compiler saw a hundred: equal but for what these do not show.
  expect(coverages[1]).toBeGreaterThanOrEqual((coverages[0] ?? 2) - 0.02);
  expect(coverages[2]).toBeGreaterThanOrEqual((coverages[1] ?? 2) - 0.02);
}

describe('real attacks', () => {
  for (const { file, host } of attacks) {
    test.skipIf(!existsSync(join(root, file)))(
      `${basename(file)}: one to ten rules`,
      async () => {
        const network = host.includes(':') ? `${host}/128` : `${host}/32`;
        const settings = settingsOf([network], [groupOf('global', [], { incoming: { pps: 500 } })]);
        const { explained, started, summary, rules } = await replayed(
          settings,
          join(root, file),
          false,
          1,
          policy,
        );
        expect(explained).toHaveLength(summary.attacks);
        expect(explained.map(({ at, host: of }) => [at, of])).toEqual(
          started.map((one) => [one.at, one.host]),
        );
        const [event] = explained;
        if (event === undefined) throw new Error('nothing was explained');
        for (const rule of rules) compiled.set(flowspecRuleText(rule), rule);
        expectSound(event);
        expect(event.packets.attack + event.packets.outside).toBeLessThanOrEqual(summary.packets);
        for (const { text } of event.rules) expect(text).toMatch(`destination ${network}`);
        for (const [budget, { rules, coverage, collateral }] of Object.entries(event.budgets)) {
          table.push(
            `| ${basename(file)} | ${budget} | ${rules.length} | ${percent(coverage)} | ${percent(collateral)} | ${rules.join('; ')} |`,
          );
        }
      },
      60_000,
    );
  }
});

describe('in the flowspec table of a real gobgpd', () => {
  for (const binary of [gobgpd3(), gobgpd4()]) {
    const name = binary === null ? 'none is installed' : `gobgpd ${binary.version}`;
    test.skipIf(binary === null || !existsSync(root))(
      `${name}: each rule reads back as it was compiled`,
      async () => {
        if (binary === null) return;
        const gobgpd = startGobgpd(binary);
        let up = false;
        const open = gobgpSpeaker({
          address: gobgpd.address,
          port: 0,
          tls: null,
          deadlineMs: 5_000,
          mark: 0x54494445,
          localPreference: null,
        });
        const speaker = open(({ kind }) => {
          up = kind === 'up';
        });
        try {
          expect(await eventually(() => up)).toBe(true);
          const announced = [...compiled.values()].map(
            (rule): FlowspecAnnouncement => ({
              kind: 'flowspec',
              rule,
              action: policy.action,
              communities: noCommunities,
            }),
          );
          expect(announced.length).toBeGreaterThanOrEqual(attacks.length);
          const never = new AbortController().signal;
          const changes = announced.map((announcement) => ({ do: 'announce', announcement }) as const);
          expect((await speaker.change(changes, never)).filter(({ ok }) => !ok)).toEqual([]);
          const listed = await speaker.list(new Set(), never);
          if (!listed.ok) throw new Error(listed.error.detail);
          const texts = (some: readonly Announcement[]): readonly string[] =>
            some.map(announcementText).sort();
          expect(texts(listed.value?.ours ?? [])).toEqual(texts(announced));
          expect(listed.value?.foreign).toBe(0);
        } finally {
          speaker.close();
          await gobgpd.remove();
        }
      },
      60_000,
    );
  }
});
