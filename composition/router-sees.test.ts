/**
 * What a router makes of our announcements: bird's table and its log, behind gobgpd of both versions. Needs root,
 * iproute2, bird 2 and gobgpd; skipped by name without.
 */
import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { until } from '../bench/process.js';
import { type Announcement, type Communities, noCommunities } from '../domain/announcement.js';
import { emptyRule, type FlowspecAction, type FlowspecRule } from '../domain/flowspec.js';
import type { Speaker, SpeakerEvent } from '../domain/speaker.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { type GobgpOptions, gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import { type Gobgpd, gobgpd3, gobgpd4 } from '../integrations/bgp/gobgpd-process.js';
import {
  type Bird,
  type BirdRoute,
  makeRouting,
  type Routing,
  routingObstacle,
  speakerAs,
  startBird,
  startRoutedGobgpd,
} from './routers.js';

const { signal } = new AbortController();
const unicast = (
  prefix: string,
  nextHop: string,
  communities: Communities = noCommunities,
): Announcement => ({
  kind: 'unicast',
  prefix: prefix as PrefixKey,
  nextHop: nextHop as HostKey,
  communities,
});
const flowspec = (rule: Partial<FlowspecRule>, action: FlowspecAction): Announcement => ({
  kind: 'flowspec',
  rule: { ...emptyRule(rule.family ?? 4), ...rule },
  action,
  communities: noCommunities,
});
const host = '203.0.113.7/32' as PrefixKey;
const host6 = '2001:db8::7/128' as PrefixKey;

type Row = {
  readonly announcement: Announcement;
  readonly seen: Partial<BirdRoute> & { readonly what: string };
};
const rows: readonly Row[] = [
  {
    announcement: unicast(host, '192.0.2.66', {
      standard: [
        [65001, 666],
        [65535, 666],
      ],
      large: [[65001, 1, 2]],
      extended: ['0002fde900000064'],
    }),
    seen: {
      what: host,
      nextHop: '192.0.2.66',
      communities: ['(65001,666)', '(65535,666)'],
      largeCommunities: ['(65001, 1, 2)'],
      extendedCommunities: ['(rt, 65001, 100)'],
    },
  },
  {
    announcement: unicast('203.0.113.0/24', '192.0.2.66', { ...noCommunities, standard: [[65001, 777]] }),
    seen: { what: '203.0.113.0/24', nextHop: '192.0.2.66', communities: ['(65001,777)'] },
  },
  {
    // FastNetMon's default: the speaker puts its own address there
    announcement: unicast('198.51.100.9/32', '0.0.0.0'),
    seen: { what: '198.51.100.9/32', nextHop: '10.255.0.1', communities: [] },
  },
  {
    announcement: unicast(host6, '100::1', {
      ...noCommunities,
      standard: [[65001, 666]],
      large: [[1, 2, 3]],
    }),
    seen: { what: host6, nextHop: '100::1', communities: ['(65001,666)'], largeCommunities: ['(1, 2, 3)'] },
  },
  {
    announcement: unicast('2001:db8::/32', '100::1', { ...noCommunities, standard: [[65001, 777]] }),
    seen: { what: '2001:db8::/32', nextHop: '100::1', communities: ['(65001,777)'] },
  },
  {
    announcement: flowspec(
      {
        destination: host,
        protocols: [17],
        sourcePorts: [
          { low: 53, high: 53 },
          { low: 1024, high: 65535 },
        ],
        lengths: [{ low: 500, high: 1500 }],
      },
      { kind: 'discard' },
    ),
    seen: {
      what: 'flow4 { dst 203.0.113.7/32; proto 17; sport 53,1024..65535; length 500..1500; }',
      extendedCommunities: ['(generic, 0x80060000, 0x0)'],
    },
  },
  {
    announcement: flowspec(
      { destination: host, protocols: [6], tcpFlags: { set: 0x02, mask: 0x12 } },
      { kind: 'rate_limit', bytesPerSecond: 125_000 },
    ),
    seen: {
      what: 'flow4 { dst 203.0.113.7/32; proto 6; tcp flags 0x2/0x2 && 0x0/0x10; }',
      extendedCommunities: ['(generic, 0x80060000, 0x47f42400)'],
    },
  },
  {
    announcement: flowspec(
      { destination: host, fragments: ['is_fragment', 'last_fragment'] },
      { kind: 'mark', dscp: 8 },
    ),
    seen: {
      what: 'flow4 { dst 203.0.113.7/32; fragment is_fragment || last_fragment; }',
      extendedCommunities: ['(generic, 0x80090000, 0x8)'],
    },
  },
  {
    announcement: flowspec(
      {
        family: 6,
        destination: host6,
        source: '2001:db8:1::/48' as PrefixKey,
        protocols: [58],
        icmpTypes: [128],
      },
      { kind: 'redirect', asn: 65001, value: 100 },
    ),
    seen: {
      what: 'flow6 { dst 2001:db8::7/128; src 2001:db8:1::/48; next header 58; icmp type 128; }',
      extendedCommunities: ['(generic, 0x8008fde9, 0x64)'],
    },
  },
];

const obstacle = routingObstacle();
for (const binary of [gobgpd3(), gobgpd4()]) {
  const missing = obstacle ?? (binary === null ? 'gobgpd is not installed, and not to be built' : null);
  describe.skipIf(missing !== null)(
    `behind gobgpd ${binary?.version ?? ''} (${missing ?? 'a real one'})`,
    () => {
      if (binary === null) return;
      let routing: Routing;
      let gobgpd: Gobgpd;
      let bird: Bird;
      const opened: Speaker[] = [];
      const open = async (change: Partial<GobgpOptions> = {}): Promise<Speaker> => {
        const events: SpeakerEvent[] = [];
        const options = { address: gobgpd.address, port: 0, tls: null, deadlineMs: 10_000 };
        const marking = { mark: 7, localPreference: null };
        const speaker = gobgpSpeaker({ ...options, ...marking, ...change })((event) => events.push(event));
        opened.push(speaker);
        assert.ok(await until(() => events.some(({ kind }) => kind === 'up'), 5_000), gobgpd.log());
        return speaker;
      };
      const change = async (by: Speaker, what: 'announce' | 'withdraw', list: readonly Announcement[]) => {
        const results = await by.change(
          list.map((announcement) => ({ do: what, announcement })),
          signal,
        );
        assert.ok(
          results.every(({ ok }) => ok),
          JSON.stringify(results),
        );
      };
      const all = rows.map(({ announcement }) => announcement);
      const tableHolds = (count: number, limitMs = 5_000) =>
        until(() => bird.routes().length === count, limitMs);

      beforeAll(async () => {
        routing = makeRouting('tgsees');
        gobgpd = startRoutedGobgpd(routing, binary);
        bird = await startBird(routing);
        assert.ok(await bird.established(), gobgpd.log());
      });
      afterAll(async () => {
        for (const speaker of opened) speaker.close();
        await bird?.stop();
        await gobgpd?.remove();
        routing?.remove();
      });

      test('every route and rule arrives as it was announced', async () => {
        await change(await open(), 'announce', all);
        assert.ok(await tableHolds(rows.length), JSON.stringify(bird.routes(), null, 1));
        for (const { seen } of rows) {
          const route = bird.route(seen.what);
          assert.ok(
            route !== null,
            `no ${seen.what} in ${bird
              .routes()
              .map(({ what }) => what)
              .join('\n')}`,
          );
          const { asPath, origin, localPreference } = route;
          assert.deepEqual([asPath, origin, localPreference], [[speakerAs], 'Incomplete', 100], seen.what);
          assert.deepEqual({ ...route, ...seen }, route);
        }
      });

      test('the program going and coming back, and telling all of it again, is nothing to the router', async () => {
        const before = bird.changes().length;
        for (const speaker of opened.splice(0)) speaker.close();
        await change(await open(), 'announce', all);
        assert.equal(
          await until(() => bird.changes().length > before, 500),
          false,
          JSON.stringify(bird.changes()),
        );
      });

      test('other communities are an update, and no moment without the route', async () => {
        const [speaker] = opened;
        assert.ok(speaker);
        await change(speaker, 'announce', [
          unicast(host, '192.0.2.66', { ...noCommunities, standard: [[65001, 1]] }),
        ]);
        assert.ok(await until(() => bird.route(host)?.communities.join() === '(65001,1)', 3_000));
        assert.deepEqual(
          bird.changes().filter((one) => one.do === 'removed'),
          [],
        );
      });

      test("over an operator's own route the higher local preference wins, for as long as it is announced", async () => {
        const operator = await open({ mark: 0, localPreference: null });
        const own = unicast('198.51.100.0/24', '10.255.0.1');
        await change(operator, 'announce', [own]);
        assert.ok(await until(() => bird.route('198.51.100.0/24')?.nextHop === '10.255.0.1', 3_000));
        const ours = await open({ localPreference: 200 });
        const blackhole = unicast('198.51.100.0/24', '192.0.2.66', {
          ...noCommunities,
          standard: [[65001, 777]],
        });
        await change(ours, 'announce', [blackhole]);
        assert.ok(await until(() => bird.route('198.51.100.0/24')?.nextHop === '192.0.2.66', 3_000));
        // between two ASes it is not sent (RFC 4271 section 5.1.5)
        assert.equal(bird.route('198.51.100.0/24')?.localPreference, 100);
        await change(ours, 'withdraw', [blackhole]);
        assert.ok(await until(() => bird.route('198.51.100.0/24')?.nextHop === '10.255.0.1', 3_000));
        const touched = bird.changes().filter(({ what }) => what === '198.51.100.0/24');
        assert.deepEqual([touched.length, touched.filter((one) => one.do === 'removed')], [3, []]);
        await change(operator, 'withdraw', [own]);
      });

      test('after kill -9 of gobgpd the routes come back when they are told again', async () => {
        await gobgpd.kill();
        assert.ok(await tableHolds(0), 'its routes went with it');
        const startedAt = Date.now();
        gobgpd.restart();
        await change(await open(), 'announce', all);
        assert.ok(await tableHolds(rows.length, 15_000), gobgpd.log());
        const last = bird.changes().at(-1)?.atMs ?? 0;
        console.log(
          `gobgpd ${binary.version}: all routes back in the router ${last - startedAt} ms after its start`,
        );
      });

      test('a withdrawal takes away what was announced, and nothing else', async () => {
        const speaker = opened.at(-1);
        assert.ok(speaker);
        const [first, ...rest] = all;
        assert.ok(first);
        await change(speaker, 'withdraw', rest);
        assert.ok(await tableHolds(1));
        assert.equal(bird.routes()[0]?.what, host);
        await change(speaker, 'withdraw', [first]);
        assert.ok(await tableHolds(0));
      });
    },
  );
}
