/**
 * From the first packet of an attack to the route in a router's table, over packets on a mirror port, with FastNetMon
 * on the same port, behind the same gobgpd, at the same time, with the same options. Needs root, iproute2, bird 2,
 * gobgpd 3 and the package fastnetmon; skipped by name without.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  type Contender,
  startFastnetmon,
  startTidegate,
  stockConfiguration,
} from '../../bench/contenders.js';
import { makeStage } from '../../bench/namespace.js';
import { until } from '../../bench/process.js';
import { capture, send } from '../../bench/sending.js';
import { routedGobgpd } from '../../composition/routers.js';
import { attackPart } from '../../traffic/scenario.js';

const obstacle =
  routedGobgpd.obstacle() ?? (existsSync(stockConfiguration) ? null : 'fastnetmon is not installed');
const thresholdPps = 2_000;
const windowSeconds = 1;
/** Each contender watches a network of its own: a router shows one route to a prefix, whoever announced it. */
const networks = {
  tidegate: ['10.20.0.0/16', '2001:db8::/32'],
  fastnetmon: ['10.30.0.0/16'],
} as const;
const options = {
  average_calculation_time: String(windowSeconds),
  threshold_pps: String(thresholdPps),
  gobgp: 'on',
  gobgp_next_hop: '192.0.2.66',
  gobgp_announce_host_ipv6: 'on',
  gobgp_next_hop_ipv6: '100::1',
};
const rounds = 3;
const patienceSeconds = 4;
const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY;

describe.skipIf(obstacle !== null)(`the first route${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  test('is in the router within W·T/R + 500 ms, IPv4 and IPv6; FastNetMon takes longer', {
    timeout: 120_000,
  }, async () => {
    const stage = makeStage('tgfirst');
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-first-'));
    const contenders: Contender[] = [];
    const routed = await routedGobgpd.start('tgfirst', stage.listener);
    const { bird } = routed;
    try {
      const inside = (argv: readonly string[]) => stage.inside(stage.listener, argv);
      const conditions = { directory, interface: stage.listenInterface, options, inside };
      contenders.push(startTidegate({ ...conditions, networks: networks.tidegate }));
      contenders.push(startFastnetmon({ ...conditions, networks: networks.fastnetmon }));
      expect(await until(() => (contenders[0]?.program.output() ?? '').includes('speaker up'), 20_000)).toBe(
        true,
      );
      await sleep(3_000);
      const all = { ours: [] as number[], theirs: [] as number[] };
      for (const multiple of [15, 5]) {
        const times = { ipv4: [] as number[], ipv6: [] as number[], fastnetmon: [] as number[] };
        for (let round = 0; round < rounds; round += 1) {
          const host = `${multiple}.${10 + round}`;
          const targets = {
            ipv4: `10.20.${host}`,
            ipv6: `2001:db8::${multiple}:${10 + round}`,
            fastnetmon: `10.30.${host}`,
          };
          const path = join(directory, 'attack.pcap');
          const pps = thresholdPps * multiple;
          const parts = Object.values(targets).map((target) =>
            attackPart({
              name: target,
              vector: 'udp',
              targets: [target],
              pps,
              durationMicros: patienceSeconds * 1e6,
            }),
          );
          capture(path, [...networks.tidegate, ...networks.fastnetmon], parts);
          const { firstAt } = await send(stage, path, pps * parts.length);
          for (const [kind, target] of Object.entries(targets) as [keyof typeof targets, string][]) {
            const what = `${target}/${kind === 'ipv6' ? 128 : 32}`;
            const arrival = () => bird.changes().find((change) => change.what === what)?.atMs;
            await until(() => arrival() !== undefined, 2_000);
            times[kind].push((arrival() ?? Number.POSITIVE_INFINITY) - firstAt / 1000);
          }
        }
        const [ipv4, ipv6, fastnetmon] = [median(times.ipv4), median(times.ipv6), median(times.fastnetmon)];
        const limitMs = (windowSeconds * 1000) / multiple + 500;
        const told = [ipv4, ipv6, fastnetmon].map(Math.round);
        console.log(
          `${multiple}×: IPv4 ${told[0]} ms, IPv6 ${told[1]} ms (limit ${Math.round(limitMs)} ms); FastNetMon ${told[2]} ms, ${(fastnetmon / ipv4).toFixed(1)} times as long`,
        );
        // a machine that is busy with other things delays, and never hastens
        const why = `${JSON.stringify(times)}\n${contenders[0]?.program.output()}`;
        expect(Math.min(...times.ipv4), why).toBeLessThan(limitMs);
        expect(Math.min(...times.ipv6), why).toBeLessThan(limitMs);
        all.ours.push(...times.ipv4);
        all.theirs.push(...times.fastnetmon);
      }
      // it looks once a second, and now and then that is the right moment
      expect(mean(all.theirs)).toBeGreaterThan(mean(all.ours));
      expect(bird.route('10.20.15.10/32')).toMatchObject({
        nextHop: '192.0.2.66',
        communities: ['(65001,666)'],
      });
    } finally {
      await Promise.all(contenders.map(({ program }) => program.stop()));
      await routed.remove();
      stage.remove();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
