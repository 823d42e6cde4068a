import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { type Announcement, announcementText } from '../../domain/announcement.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { announce, route, rule, sampleAnnouncements, texts, withdraw } from './announcement-rehearsal.js';
import { commandLine, commandLines, maxLineBytes } from './exabgp-commands.js';
import { readRib, readRibLine } from './exabgp-rib.js';

const textOf = (
  change: Parameters<typeof commandLine>[0],
  mark: Parameters<typeof commandLine>[1] = null,
): string => {
  const line = commandLine(change, mark);
  return line.ok ? line.value : line.error.code;
};

const host = route('192.0.2.7/32', '10.0.3.114', { standard: [[65001, 668]] });
const rows: readonly { readonly claim: string; readonly text: string; readonly is: string }[] = [
  {
    claim: 'one community reads as FastNetMon writes it',
    text: textOf(announce(host)),
    is: 'announce route 192.0.2.7/32 next-hop 10.0.3.114 community 65001:668',
  },
  {
    claim: 'it withdraws as FastNetMon does',
    text: textOf(withdraw(host)),
    is: 'withdraw route 192.0.2.7/32 next-hop 10.0.3.114',
  },
  {
    claim: 'a list of communities is in brackets',
    text: textOf(
      announce(
        route('192.0.2.0/24', '10.0.3.114', {
          standard: [
            [65001, 666],
            [65001, 777],
          ],
        }),
      ),
    ),
    is: 'announce route 192.0.2.0/24 next-hop 10.0.3.114 community [65001:666 65001:777]',
  },
  {
    claim: 'large, extended and the mark follow',
    text: textOf(
      announce(
        route('2001:db8::7/128', '2001:db8::1', { large: [[65001, 1, 2]], extended: ['0002fde900000064'] }),
      ),
      [65001, 7, 7],
    ),
    is: 'announce route 2001:db8::7/128 next-hop 2001:db8::1 large-community [65001:1:2 65001:7:7] extended-community 0x0002fde900000064',
  },
  {
    claim: 'a rule is one line',
    text: textOf(
      announce(
        rule({
          protocols: [17],
          sourcePorts: [
            { low: 53, high: 53 },
            { low: 123, high: 124 },
          ],
        }),
      ),
    ),
    is: 'announce flow route destination 192.0.2.7/32 protocol [ =17 ] source-port [ =53 >=123&<=124 ] discard',
  },
  {
    claim: 'an action stands among extended communities, of which 4 keeps one attribute',
    text: textOf(
      announce(rule({}, { kind: 'rate_limit', bytesPerSecond: 125_000 }, { extended: ['0002fde900000064'] })),
    ),
    is: 'announce flow route destination 192.0.2.7/32 extended-community [ 0x8006000047f42400 0x0002fde900000064 ]',
  },
  {
    claim: 'a rule is withdrawn by what it matches',
    text: textOf(withdraw(rule({ tcpFlags: { set: 2, mask: 0x12 } }))),
    is: 'withdraw flow route destination 192.0.2.7/32 tcp-flags [ =0x2&!0x10 ]',
  },
];
for (const { claim, text, is } of rows) test(claim, () => assert.equal(text, is));

const garbage: readonly { readonly claim: string; readonly announcement: Announcement }[] = [
  { claim: 'a prefix with a line end', announcement: route('192.0.2.7/32\nshutdown', '10.0.3.114') },
  { claim: 'a next hop with a line end', announcement: route('192.0.2.7/32', '10.0.3.114\nshutdown') },
  {
    claim: 'a next hop with a command behind it',
    announcement: route('192.0.2.7/32', '10.0.3.114 shutdown'),
  },
  { claim: 'a prefix without a length', announcement: route('192.0.2.7', '10.0.3.114') },
  { claim: 'a prefix with host bits', announcement: route('192.0.2.7/24', '10.0.3.114') },
  { claim: 'no prefix', announcement: route('', '10.0.3.114') },
  {
    claim: 'a community beyond 16 bits',
    announcement: route('192.0.2.7/32', '10.0.3.1', { standard: [[65536, 1]] }),
  },
  {
    claim: 'a community that is no number',
    announcement: route('192.0.2.7/32', '10.0.3.1', { standard: [[Number.NaN, 1]] }),
  },
  {
    claim: 'half a community',
    announcement: route('192.0.2.7/32', '10.0.3.1', { standard: [[1] as never] }),
  },
  {
    claim: 'an extended community that is not digits',
    announcement: route('192.0.2.7/32', '10.0.3.1', { extended: ['x\nshutdown'] }),
  },
  { claim: 'a rule that matches everybody', announcement: rule({ destination: null }) },
  { claim: 'a rule of another family than its prefix', announcement: rule({ family: 6 }) },
  {
    claim: 'a rule with a port beyond 65535',
    announcement: rule({ sourcePorts: [{ low: 1, high: 65_536 }] }),
  },
  { claim: 'a rule with a range upside down', announcement: rule({ sourcePorts: [{ low: 9, high: 1 }] }) },
  {
    claim: 'a rule with a protocol that is no number',
    announcement: rule({ protocols: ['17 discard' as never] }),
  },
  { claim: 'a rule with a line end', announcement: rule({ destination: '192.0.2.7/32\nx' as PrefixKey }) },
  { claim: 'half a byte a second', announcement: rule({}, { kind: 'rate_limit', bytesPerSecond: 0.5 }) },
  {
    claim: 'a redirect to a four-byte AS beside extended communities, which 4 cannot list',
    announcement: rule({}, { kind: 'redirect', asn: 65_536, value: 8 }, { extended: ['0002fde900000064'] }),
  },
  {
    claim: 'a route target that has no room',
    announcement: rule({}, { kind: 'redirect', asn: 65_536, value: 65_536 }),
  },
  {
    claim: 'a route target that is no address',
    announcement: rule({}, { kind: 'redirect_ipv4', address: '192.0.2.1\nshutdown' as HostKey, value: 1 }),
  },
  {
    claim: 'a route target of IPv6',
    announcement: rule({}, { kind: 'redirect_ipv4', address: '2001:db8::1' as HostKey, value: 1 }),
  },
  { claim: 'a DSCP of 64', announcement: rule({}, { kind: 'mark', dscp: 64 }) },
  {
    claim: 'more communities than a line holds',
    announcement: route('192.0.2.7/32', '10.0.3.1', {
      standard: Array.from({ length: 500 }, (_, index) => [65001, index] as const),
    }),
  },
];
for (const { claim, announcement } of garbage) {
  test(`${claim} is refused and never written`, () => {
    assert.equal(textOf(announce(announcement)), 'SPEAKER_REFUSED');
    const { commands, refused } = commandLines([announce(host), announce(announcement)], null, true);
    assert.deepEqual([commands.length, [...refused.keys()]], [1, [1]]);
  });
}

test('no string in the place of an address makes more than one line or one command', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (prefix, nextHop) => {
      const line = commandLine(announce(route(prefix as PrefixKey, nextHop as HostKey)), null);
      if (line.ok) assert.match(line.value, /^announce route [0-9a-f.:]+\/\d+ next-hop [0-9a-f.:]+$/);
    }),
  );
});

test('neighbouring routes with the same attributes share a line; order and number of changes stay', () => {
  const many = Array.from({ length: 100 }, (_, index) => route(`192.0.2.${index}/32`, '10.0.3.114'));
  const changes = [...many.map(announce), withdraw(host), announce(rule({})), announce(host)];
  const { commands } = commandLines(changes, null, true);
  assert.deepEqual(
    commands.map(({ changes: indices }) => indices.length),
    [32, 32, 32, 4, 1, 1, 1],
  );
  assert.deepEqual(
    commands.flatMap(({ changes: indices }) => indices),
    changes.map((_, index) => index),
  );
  assert.ok(commands.every(({ line }) => line.length <= maxLineBytes));
  assert.match(
    commands[0]?.line ?? '',
    /^announce attributes next-hop 10\.0\.3\.114 nlri 192\.0\.2\.0\/32 192/,
  );
});

test('what 5 prints by the name of a port is read by the rules that are known', async () => {
  const line = (ports: string) =>
    readRibLine(
      `neighbor 127.0.0.1 local-ip 127.0.0.2 local-as 65001 peer-as 65002 router-id 10.0.0.2 family-allowed in-open ipv4 flow flow destination-ipv4 192.0.2.7/32 protocol =udp source-port ${ports} extended-community rate-limit:0 large-community 65001:7:7`,
    ) ?? assert.fail();
  const read = async (ports: string, known: readonly Announcement[]): Promise<string> => {
    const keys = new Set(known.map((one) => announcementText(one).replace(/ discard$/, '')));
    const { ours, foreign } = await readRib([line(ports)], keys, [65001, 7, 7], new Map());
    return ours.length === 0
      ? `foreign ${foreign}`
      : announcementText(ours[0]?.announcement ?? assert.fail());
  };
  const udp = (...ports: readonly (readonly [number, number])[]): Announcement =>
    rule({ protocols: [17], sourcePorts: ports.map(([low, high]) => ({ low, high })) });
  const is = (one: Announcement): string => announcementText(one);
  assert.equal(
    await read('[ =domain >=ntp&<=ansatrader ]', [udp([53, 53], [123, 124]), udp([53, 53])]),
    is(udp([53, 53], [123, 124])),
  );
  assert.equal(await read('=compressnet', [udp([3, 3]), udp([53, 53])]), is(udp([3, 3])));
  assert.equal(await read('=compressnet', [udp([2, 2]), udp([3, 3])]), 'foreign 1');
  assert.equal(await read('=domain', []), is(udp([53, 53])));
  assert.equal(await read('=compressnet', []), 'foreign 1');
});

test('a listing is sorted by neighbours: the same route at two of them is one', async () => {
  const lines = ['127.0.0.1', '127.0.0.3'].map(
    (neighbor) =>
      readRibLine(
        `neighbor ${neighbor} local-ip 127.0.0.2 local-as 65001 peer-as 65002 router-id 10.0.0.2 family-allowed in-open ipv4 unicast 192.0.2.7/32 next-hop 10.0.3.114 community 65001:668`,
      ) ?? assert.fail(),
  );
  const { ours, foreign } = await readRib(lines, new Set(['unicast 192.0.2.7/32']), null, new Map());
  assert.deepEqual([texts(ours.map(({ announcement }) => announcement)), foreign], [texts([host]), 0]);
  assert.deepEqual([...(ours[0]?.neighbors ?? [])], ['127.0.0.1', '127.0.0.3']);
});

test('lines of any text are read without harm', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      const line = readRibLine(`neighbor 127.0.0.1 x ipv4 flow flow ${text}`);
      if (line !== null) await readRib([line], new Set(), [1, 2, 3], new Map());
    }),
  );
  assert.equal(sampleAnnouncements.length, 13);
});
