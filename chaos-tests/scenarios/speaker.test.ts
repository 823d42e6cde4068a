/**
 * From an attack to a router's table: the daemon, gobgpd and bird, each killed in its turn. Needs root, iproute2, bird 2
 * and gobgpd 3; skipped by name without.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { type RoutedGobgpd, routedGobgpd } from '../../composition/routers.js';
import { freePort } from '../../traffic/loopback.js';
import { flood, flowSettings, sendFlows, usual } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

const obstacle = routedGobgpd.obstacle();
const [host, other, host6] = ['203.0.113.7', '203.0.113.8', '2001:db8::7'];

const speaker = (address: string, more = ''): string => `
ban: { time: 3s, calm: 1s }
bgp:
  gobgp:
    - address: ${address}
      reconcile: 1s
      deadline: 1s
      ipv4:
        host: { next_hop: 192.0.2.66, communities: [blackhole, "65001:666", "65001:1:2"] }
        subnet: { announce: true, next_hop: 192.0.2.66, communities: ["65001:777"] }
      ipv6:
        host: { next_hop: "100::1", communities: [blackhole, "65001:666"] }
        subnet: { announce: true, next_hop: "100::1", communities: ["65001:777"] }
  guard: { shortest_ipv6: 32 }
${more}`;

/** The machine may be busy; each wait has a limit of its own. */
const timeout = 60_000;

describe.skipIf(obstacle !== null)(
  `a router behind gobgpd${obstacle === null ? '' : ` (${obstacle})`}`,
  { timeout },
  () => {
    let routed: RoutedGobgpd | null = null;
    let home: Home | null = null;
    let daemon: Daemon | null = null;
    afterEach(async () => {
      await daemon?.stop();
      await routed?.remove();
      home?.remove();
      [routed, home, daemon] = [null, null, null];
    });

    async function running(more = '') {
      routed = await routedGobgpd.start('tgspk');
      const { bird, gobgpd } = routed;
      const port = await freePort();
      const one = makeHome(flowSettings(port, speaker(gobgpd.address, more)));
      home = one;
      daemon = await startDaemon(one);
      const table = (): readonly string[] => bird.routes().map(({ what }) => what);
      const has = (what: string, limitMs = 5_000) => until(() => table().includes(what), limitMs);
      const lacks = (what: string, limitMs = 8_000) => until(() => !table().includes(what), limitMs);
      const order = async (kind: 'ban' | 'unban', address: string): Promise<void> => {
        const request =
          kind === 'ban'
            ? ({ kind, host: address, forMs: null, comment: '' } as const)
            : ({ kind, host: address } as const);
        await daemon?.ask(request);
      };
      const removed = () => bird.changes().filter((change) => change.do === 'removed');
      return { bird, gobgpd, port, one, table, has, lacks, order, removed };
    }

    test('an attack is in its table, host and subnet, with their communities and next hops, and goes when it is over', async () => {
      const { bird, port, has, lacks, removed } = await running();
      const sending = sendFlows(port, [
        usual(5_000, 6),
        flood(host, 100_000, 0.5, 3),
        flood(host6, 100_000, 0.5, 3),
      ]);
      const begun = sending.startedMicros / 1000 + 500;
      for (const what of [`${host}/32`, '203.0.113.0/24', `${host6}/128`, '2001:db8::/32']) {
        expect(await has(what), `${what}\n${home?.log()}`).toBe(true);
      }
      const added = bird.changes().filter((change) => change.do === 'added');
      const tookMs = Math.max(...added.map(({ atMs }) => atMs)) - begun;
      console.log(`the first packet of the attack to the last route in bird: ${Math.round(tookMs)} ms`);
      expect(bird.route(`${host}/32`)).toMatchObject({
        nextHop: '192.0.2.66',
        communities: ['(65001,666)', '(65535,666)'],
        largeCommunities: ['(65001, 1, 2)'],
      });
      expect(bird.route('203.0.113.0/24')).toMatchObject({
        nextHop: '192.0.2.66',
        communities: ['(65001,777)'],
      });
      expect(bird.route(`${host6}/128`)).toMatchObject({
        nextHop: '100::1',
        communities: ['(65001,666)', '(65535,666)'],
      });
      expect(bird.route('2001:db8::/32')).toMatchObject({ nextHop: '100::1', communities: ['(65001,777)'] });
      expect(removed()).toEqual([]);
      await sending.done;
      for (const what of [`${host}/32`, '203.0.113.0/24', `${host6}/128`, '2001:db8::/32']) {
        expect(await lacks(what, 12_000), what).toBe(true);
      }
      expect(removed().length).toBe(4);
    });

    test('two hosts of one subnet banned, one released: the subnet stays', async () => {
      const { has, lacks, order, table, removed } = await running();
      await order('ban', host);
      await order('ban', other);
      for (const one of [host, other]) expect(await has(`${one}/32`)).toBe(true);
      await order('unban', host);
      expect(await lacks(`${host}/32`)).toBe(true);
      await sleep(1_500); // a reconciliation passes
      expect([...table()].sort()).toEqual(['203.0.113.0/24', `${other}/32`]);
      expect(removed().map(({ what }) => what)).toEqual([`${host}/32`]);
      await order('unban', other);
      expect(await lacks('203.0.113.0/24')).toBe(true);
      expect(table()).toEqual([]);
    });

    test('kill -9 of gobgpd: its routes come back with it, and what was released meanwhile does not', async () => {
      const { bird, gobgpd, has, lacks, order, table } = await running();
      for (const address of [host, other]) await order('ban', address);
      for (const address of [host, other]) expect(await has(`${address}/32`)).toBe(true);
      await gobgpd.kill();
      expect(await lacks(`${host}/32`)).toBe(true);
      await order('unban', other);
      await order('ban', host6);
      const startedAt = Date.now();
      gobgpd.restart();
      for (const what of [`${host}/32`, '203.0.113.0/24', `${host6}/128`]) {
        expect(await has(what, 15_000), what).toBe(true);
      }
      const last = bird.changes().at(-1)?.atMs ?? 0;
      console.log(`gobgpd's start to the last route in bird: ${last - startedAt} ms`);
      await sleep(1_500);
      expect([...table()].sort()).toEqual(
        ['2001:db8::/32', `${host6}/128`, '203.0.113.0/24', `${host}/32`].sort(),
      );
    });

    test('gobgpd stopped in its tracks for a while: bans are decided on, and arrive when it goes on', async () => {
      const { gobgpd, has, order, one, removed } = await running();
      await order('ban', host);
      expect(await has(`${host}/32`)).toBe(true);
      await gobgpd.pause();
      await order('ban', other);
      expect(await until(() => one.script.of('ban').length === 2, 3_000)).toBe(true);
      await sleep(2_500); // two deadlines, below the hold time of the session
      gobgpd.resume();
      expect(await has(`${other}/32`, 10_000)).toBe(true);
      expect(removed()).toEqual([]);
    });

    test('a daemon that is stopped withdraws nothing, and finds its routes again', async () => {
      const { has, lacks, order, removed, one, table } = await running();
      await order('ban', host);
      expect(await has('203.0.113.0/24')).toBe(true);
      await daemon?.stop();
      await sleep(500);
      expect([...table()].sort()).toEqual(['203.0.113.0/24', `${host}/32`]);
      daemon = await startDaemon(one);
      await sleep(1_500);
      expect(removed()).toEqual([]);
      await order('unban', host);
      expect(await lacks(`${host}/32`)).toBe(true);
    });
  },
);
