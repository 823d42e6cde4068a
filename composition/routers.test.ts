/** Reading bird, on what it wrote; and the parts of a routing test themselves, where bird and gobgpd are. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { until } from '../bench/process.js';
import { noCommunities } from '../domain/announcement.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import { gobgpd3 } from '../integrations/bgp/gobgpd-process.js';
import { readChanges, readRoutes, readSessions } from './bird.js';
import { makeRouting, routingObstacle, startBird, startRoutedGobgpd } from './routers.js';

const table = `BIRD 2.0.12 ready.
Table master4:
203.0.113.7/32       blackhole [speaker 2026-11-23 08:52:23 from 10.255.0.1] * (100) [AS65001?]
	Type: BGP univ
	BGP.origin: Incomplete
	BGP.as_path: 65001
	BGP.next_hop: 192.0.2.66
	BGP.local_pref: 100
	BGP.community: (65001,666) (65535,666)
	BGP.large_community: (65001, 1, 2)
	BGP.ext_community: (rt, 65001, 100)

Table flows4:
flow4 { dst 203.0.113.7/32; proto 17; sport 53; } [speaker 2026-11-23 08:52:23 from 10.255.0.1] * (100) [AS65001?]
	Type: BGP univ
	BGP.origin: Incomplete
	BGP.as_path: 65001
	BGP.next_hop: 
	BGP.local_pref: 100
	BGP.ext_community: (generic, 0x80060000, 0x0)
`;

test('a table with all its attributes', () => {
  const [route, rule, ...rest] = readRoutes(table);
  assert.deepEqual(rest, []);
  assert.deepEqual(route, {
    what: '203.0.113.7/32',
    from: 'speaker',
    nextHop: '192.0.2.66',
    asPath: [65001],
    origin: 'Incomplete',
    localPreference: 100,
    communities: ['(65001,666)', '(65535,666)'],
    largeCommunities: ['(65001, 1, 2)'],
    extendedCommunities: ['(rt, 65001, 100)'],
  });
  assert.equal(rule?.what, 'flow4 { dst 203.0.113.7/32; proto 17; sport 53; }');
  assert.deepEqual(rule?.extendedCommunities, ['(generic, 0x80060000, 0x0)']);
});

const log = `2026-11-23 08:52:23.050 <TRACE> speaker: State changed to up
2026-11-23 08:52:23.050 <TRACE> speaker.ipv4 < filtered out 192.0.2.66/32 0L 2G blackhole
2026-11-23 08:52:23.053 <TRACE> speaker.flow4 > added [best] flow4 { dst 203.0.113.7/32; proto 17; } 0L 4G 
2026-11-23 08:52:23.154 <TRACE> speaker.ipv6 > updated [best] 2001:db8::7/128 0L 4G blackhole
2026-11-23 08:52:24.053 <TRACE> other.ipv6 > removed [sole] 2001:db8::7/128 0L 4G blackhole
2026-11-23 08:52:42.003 <TRACE> speaker.ipv6 > removed [sole] 2001:db8::7/128 0L 4G blackhole
2026-11-23 08:52:42.003 <TRACE> speaker: State changed to down
`;

test('a log of what came and went, of one session alone', () => {
  assert.deepEqual(
    readChanges(log, 'speaker').map((one) => `${one.do} ${one.channel} ${one.what}`),
    [
      'added flow4 flow4 { dst 203.0.113.7/32; proto 17; }',
      'updated ipv6 2001:db8::7/128',
      'removed ipv6 2001:db8::7/128',
    ],
  );
  const [first, second] = readChanges(log, 'speaker');
  assert.equal((second?.atMs ?? 0) - (first?.atMs ?? 0), 101);
  assert.deepEqual(
    readSessions(log, 'speaker').map(({ state }) => state),
    ['up', 'down'],
  );
});

const binary = gobgpd3();
const obstacle = routingObstacle() ?? (binary === null ? 'gobgpd 3 is not installed' : null);
describe.skipIf(obstacle !== null)(`bird behind gobgpd (${obstacle ?? 'in namespaces of their own'})`, () => {
  test('a route announced to gobgpd is in the router, and its withdrawal in its log', async () => {
    if (binary === null) return;
    const routing = makeRouting('tgparts');
    const gobgpd = startRoutedGobgpd(routing, binary);
    const options = {
      address: gobgpd.address,
      port: 0,
      tls: null,
      deadlineMs: 10_000,
      localPreference: null,
    };
    const speaker = gobgpSpeaker({ ...options, mark: 0x54494445 })(() => {});
    try {
      const bird = await startBird(routing);
      assert.ok(await bird.established(), gobgpd.log());
      const announcement = {
        kind: 'unicast',
        prefix: '203.0.113.7/32' as PrefixKey,
        nextHop: '192.0.2.66' as HostKey,
        communities: { ...noCommunities, standard: [[65001, 666]] },
      } as const;
      const { signal } = new AbortController();
      assert.ok((await speaker.change([{ do: 'announce', announcement }], signal))[0]?.ok);
      assert.ok(await until(() => bird.route('203.0.113.7/32') !== null, 3_000));
      assert.deepEqual(bird.route('203.0.113.7/32')?.communities, ['(65001,666)']);
      assert.ok((await speaker.change([{ do: 'withdraw', announcement }], signal))[0]?.ok);
      assert.ok(await until(() => bird.changes().some((one) => one.do === 'removed'), 3_000));
      assert.deepEqual(bird.routes(), []);
      await bird.stop();
    } finally {
      speaker.close();
      await gobgpd.remove();
      routing.remove();
    }
  });
});
