/**
 * An attack on a mirror port comes to a route in a router's table, by a fastnetmon.conf, with FastNetMon on the same port
 * behind the same gobgpd. Says how long each took; `npm run bench:announcing` measures it. Needs root, iproute2, bird 2,
 * gobgpd 3 and the package fastnetmon; skipped by name without.
 */
import { execFileSync } from 'node:child_process';
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
const multiple = 15;

/** Open where `inside` is: packet(7), a line each under the heading. */
function packetSockets(inside: (argv: readonly string[]) => readonly [string, ...string[]]): number {
  const [command, ...args] = inside(['cat', '/proc/net/packet']);
  return execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n').length - 1;
}

describe.skipIf(obstacle !== null)(`the first route${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  test('is in the router, IPv4 and IPv6, as FastNetMon has it', {
    timeout: 60_000,
  }, async () => {
    const stage = makeStage('tgfirst');
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-first-'));
    const contenders: Contender[] = [];
    const routed = await routedGobgpd.start('tgfirst', stage.listener);
    const { bird } = routed;
    try {
      const inside = (argv: readonly string[]) => stage.inside(stage.listener, argv);
      const conditions = { directory, interface: stage.listenInterface, options, inside };
      const other = startFastnetmon({ ...conditions, networks: networks.fastnetmon });
      contenders.push(other);
      expect(await until(() => packetSockets(inside) > 0, 20_000), other.program.output()).toBe(true);
      contenders.unshift(startTidegate({ ...conditions, networks: networks.tidegate }));
      expect(await until(() => (contenders[0]?.program.output() ?? '').includes('speaker up'), 20_000)).toBe(
        true,
      );
      await sleep(3_000);
      const targets = { ipv4: '10.20.15.10', ipv6: '2001:db8::15:10', fastnetmon: '10.30.15.10' };
      const path = join(directory, 'attack.pcap');
      const pps = thresholdPps * multiple;
      const parts = Object.values(targets).map((target) =>
        attackPart({ name: target, vector: 'udp', targets: [target], pps, durationMicros: 4e6 }),
      );
      capture(path, [...networks.tidegate, ...networks.fastnetmon], parts);
      const { firstAt } = await send(stage, path, pps * parts.length);
      for (const [whose, target] of Object.entries(targets)) {
        const what = `${target}/${whose === 'ipv6' ? 128 : 32}`;
        const arrival = () => bird.changes().find((change) => change.what === what)?.atMs;
        const came = await until(() => arrival() !== undefined, 4_000);
        console.log(`${whose}: ${Math.round((arrival() ?? Number.NaN) - firstAt / 1000)} ms`);
        expect(came, `${what}\n${contenders[0]?.program.output()}`).toBe(true);
      }
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
