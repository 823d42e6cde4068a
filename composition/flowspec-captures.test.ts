/**
 * Rules for real attacks: captures that lie beside the repository, as `tidegate replay --explain` sees them. Prints what
 * budgets of 1, 5 and 10 rules cover of all packets in the attack's time, and hit of those outside. Skipped, by name,
 * where a capture is not there.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
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
        const { explained, started, summary } = await replayed(settings, join(root, file), false, 1, policy);
        expect(explained).toHaveLength(summary.attacks);
        expect(explained.map(({ at, host: of }) => [at, of])).toEqual(
          started.map((one) => [one.at, one.host]),
        );
        const [event] = explained;
        if (event === undefined) throw new Error('nothing was explained');
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
