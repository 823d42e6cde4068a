/**
 * The speaker against real gobgpd processes, of version 3 and 4: what is announced is there, what is not ours stays as
 * it is, what is refused says why.
 */
import assert from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import {
  type Announcement,
  announcementKey,
  announcementText,
  type Communities,
  noCommunities,
} from '../../domain/announcement.js';
import { emptyRule, type FlowspecRule } from '../../domain/flowspec.js';
import type { Speaker, SpeakerEvent } from '../../domain/speaker.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { type GobgpOptions, gobgpSpeaker } from './gobgp.js';
import { addPaths, dialects, type Path } from './gobgp-api.js';
import { connect } from './gobgp-link.js';
import { eventually, type Gobgpd, gobgpd3, gobgpd4, startGobgpd } from './gobgpd-process.js';
import { attributeTypes, encodeAttribute } from './wire/attributes.js';
import { encodeKey } from './wire/route.js';

const never = new AbortController().signal;
const none: ReadonlySet<string> = new Set();

const unicast = (prefix: string, nextHop: string, communities = noCommunities): Announcement => ({
  kind: 'unicast',
  prefix: prefix as PrefixKey,
  nextHop: nextHop as HostKey,
  communities,
});
const flowspec = (
  rule: Partial<FlowspecRule> & Pick<FlowspecRule, 'family'>,
  action: (Announcement & { readonly kind: 'flowspec' })['action'],
  communities = noCommunities,
): Announcement => ({ kind: 'flowspec', rule: { ...emptyRule(rule.family), ...rule }, action, communities });

const all: Communities = {
  standard: [
    [65001, 666],
    [65535, 666],
  ],
  large: [[4_200_000_000, 1, 2]],
  extended: ['0002fde900000064', '4300000000000001'],
};
const ipv4 = '203.0.113.7/32' as PrefixKey;
const ipv6 = '2001:db8::7/128' as PrefixKey;

const announcements: readonly Announcement[] = [
  unicast('203.0.113.7/32', '192.0.2.66', all),
  unicast('203.0.113.0/24', '0.0.0.0', { ...noCommunities, standard: [[65001, 777]] }),
  unicast('2001:db8::7/128', '100::1', all),
  unicast('2001:db8::/32', '100::1'),
  flowspec(
    {
      family: 4,
      destination: ipv4,
      protocols: [17],
      sourcePorts: [
        { low: 53, high: 53 },
        { low: 1024, high: 65535 },
      ],
      lengths: [{ low: 500, high: 1500 }],
    },
    { kind: 'discard' },
    all,
  ),
  flowspec(
    {
      family: 4,
      destination: ipv4,
      source: '198.51.100.0/24' as PrefixKey,
      protocols: [6],
      destinationPorts: [{ low: 443, high: 443 }],
      tcpFlags: { set: 0x02, mask: 0x12 },
    },
    { kind: 'rate_limit', bytesPerSecond: 125_000 },
  ),
  flowspec(
    { family: 4, destination: ipv4, fragments: ['is_fragment', 'last_fragment'] },
    { kind: 'mark', dscp: 8 },
  ),
  flowspec({ family: 6, destination: ipv6, protocols: [58], icmpTypes: [128, 129] }, { kind: 'discard' }),
  flowspec(
    { family: 6, destination: ipv6, source: '2001:db8:1::/48' as PrefixKey },
    { kind: 'redirect', asn: 4_200_000_000, value: 7 },
  ),
  flowspec(
    { family: 4, destination: ipv4, protocols: [47] },
    { kind: 'redirect_ipv4', address: '192.0.2.1' as HostKey, value: 9 },
  ),
];

const texts = (list: readonly Announcement[]): readonly string[] => list.map(announcementText).sort();

for (const binary of [gobgpd3(), gobgpd4()]) {
  const name = `gobgpd ${binary?.version ?? '(not installed, and not to be built)'}`;
  describe.skipIf(binary === null)(name, () => {
    if (binary === null) return;
    let gobgpd: Gobgpd;
    let speaker: Speaker;
    let events: SpeakerEvent[];
    const opened: Speaker[] = [];
    const options = (change: Partial<GobgpOptions> = {}): GobgpOptions => ({
      address: gobgpd.address,
      port: 0,
      tls: null,
      deadlineMs: 10_000,
      mark: 0x54494445,
      localPreference: null,
      ...change,
    });
    const open = async (change: Partial<GobgpOptions> = {}): Promise<Speaker> => {
      events = [];
      const heard = events;
      const one = gobgpSpeaker(options(change))((event) => heard.push(event));
      opened.push(one);
      assert.ok(await eventually(() => heard.some(({ kind }) => kind === 'up')), JSON.stringify(heard));
      return one;
    };
    const held = async (by = speaker): Promise<readonly string[]> => {
      const listed = await by.list(none, never);
      assert.ok(listed.ok && listed.value !== null, JSON.stringify(listed));
      return texts(listed.value.ours);
    };
    const foreign = async (): Promise<number> => {
      const listed = await speaker.list(none, never);
      return listed.ok ? (listed.value?.foreign ?? -1) : -1;
    };
    const change = async (what: 'announce' | 'withdraw', list: readonly Announcement[], by = speaker) =>
      by.change(
        list.map((announcement) => ({ do: what, announcement })),
        never,
      );
    /** As an operator's own program does. */
    const addByHand = async (path: Omit<Path, 'is_withdraw'>, withdraw = false): Promise<void> => {
      const link = await connect(options(), never);
      assert.ok(link.ok);
      const { client, dialect, close } = link.value;
      const sent = await addPaths(client, dialect, [{ ...path, is_withdraw: withdraw }], {
        deadlineMs: 10_000,
        signals: [],
      });
      close();
      assert.deepEqual(sent, { ok: true, value: undefined });
    };

    beforeAll(() => {
      gobgpd = startGobgpd(binary);
    });
    beforeEach(async () => {
      speaker = await open();
    });
    afterEach(async () => {
      const listed = await speaker.list(none, never);
      if (listed.ok && listed.value !== null) await change('withdraw', listed.value.ours);
      for (const one of opened.splice(0)) one.close();
    });
    afterAll(() => gobgpd.remove());

    test('it says which version answers', () => {
      assert.deepEqual(events.at(-1), { kind: 'up', version: binary.version });
      assert.ok(dialects.some(({ version }) => version === binary.version));
    });

    test('all that is announced reads back as it was, and is gone after its withdrawal', async () => {
      assert.ok((await change('announce', announcements)).every(({ ok }) => ok));
      assert.deepEqual(await held(), texts(announcements));
      assert.ok((await change('withdraw', announcements)).every(({ ok }) => ok));
      assert.deepEqual(await held(), []);
    });

    test('announcing what it holds and withdrawing what it does not are successes', async () => {
      for (const what of ['withdraw', 'announce', 'announce', 'withdraw', 'withdraw'] as const) {
        assert.deepEqual(
          (await change(what, announcements)).filter(({ ok }) => !ok),
          [],
        );
      }
    });

    test('a second announcement of a key takes the place of the first', async () => {
      await change('announce', [unicast('203.0.113.7/32', '192.0.2.66', all)]);
      const next = unicast('203.0.113.7/32', '192.0.2.67');
      await change('announce', [next]);
      assert.deepEqual(await held(), texts([next]));
    });

    test('changes of one call are carried out in their order', async () => {
      const [first, second] = [
        unicast('203.0.113.9/32', '192.0.2.1'),
        unicast('203.0.113.9/32', '192.0.2.2'),
      ];
      await speaker.change(
        [
          { do: 'announce', announcement: first },
          { do: 'withdraw', announcement: first },
          { do: 'announce', announcement: second },
        ],
        never,
      );
      assert.deepEqual(await held(), texts([second]));
    });

    for (const ours of announcements) {
      test(`an operator's own path beside ours stays as it is: ${announcementKey(ours)}`, async () => {
        const route = encodeKey(ours);
        assert.ok(route.ok);
        const { family, nlri } = route.value;
        const nextHop = encodeAttribute(attributeTypes.nextHop, [192, 0, 2, 99]);
        const pattrs_binary = [encodeAttribute(attributeTypes.origin, [0]), nextHop];
        await addByHand({ family, identifier: 0, nlri_binary: nlri, pattrs_binary });
        // that its key is known does not make it ours: what should be announced would pass for announced
        const before = await speaker.list(new Set([announcementKey(ours)]), never);
        assert.deepEqual(before, { ok: true, value: { ours: [], foreign: 1 } });
        await change('announce', [ours]);
        assert.deepEqual([await held(), await foreign()], [texts([ours]), 1]);
        await change('withdraw', [ours]);
        assert.deepEqual([await held(), await foreign()], [[], 1]);
        await addByHand({ family, identifier: 0, nlri_binary: nlri, pattrs_binary: [] }, true);
        assert.equal(await foreign(), 0);
      });
    }

    test('another detector on the same gobgpd has its own mark, and its own routes', async () => {
      const other = await open({ mark: 7 });
      const mine = unicast('203.0.113.1/32', '192.0.2.1');
      const theirs = unicast('203.0.113.1/32', '192.0.2.2');
      await change('announce', [mine]);
      await change('announce', [theirs], other);
      assert.deepEqual([await held(), await held(other)], [texts([mine]), texts([theirs])]);
      await change('withdraw', [theirs], other);
      assert.deepEqual([await held(), await held(other)], [texts([mine]), []]);
    });

    test('what it holds outlives the program that announced it', async () => {
      await change('announce', announcements);
      speaker.close();
      speaker = await open();
      assert.deepEqual(await held(), texts(announcements));
    });

    test('what is no route is refused alone, and by name', async () => {
      const good = unicast('203.0.113.8/32', '192.0.2.66');
      const bad: readonly (readonly [string, Announcement])[] = [
        ['203.0.113.0/24', unicast('203.0.113.7/24', '192.0.2.66')],
        ['0 to 32', unicast('203.0.113.7/33', '192.0.2.66')],
        ['default route', unicast('0.0.0.0/0', '192.0.2.66')],
        ['default route', unicast('::/0', '100::1')],
        ['is not IPv4', unicast('203.0.113.7/32', '100::1')],
        ['is not IPv6', unicast('2001:db8::7/128', '192.0.2.66')],
        ['multicast', unicast('203.0.113.7/32', '224.0.0.1')],
        ['not an IPv4 or IPv6 address', unicast('203.0.113.7/32', 'nowhere')],
        ['everybody', flowspec({ family: 4, protocols: [17] }, { kind: 'discard' })],
        ['in a rule of IPv6', flowspec({ family: 6, destination: ipv4 }, { kind: 'discard' })],
      ];
      const results = await change('announce', [...bad.map(([, one]) => one), good]);
      for (const [index, [said]] of bad.entries()) {
        const result = results[index];
        assert.ok(result !== undefined && !result.ok, `${said} was taken`);
        assert.equal(result.error.code, 'SPEAKER_REFUSED');
        assert.match(result.error.detail, new RegExp(said));
      }
      assert.deepEqual(results.at(-1), { ok: true, value: undefined });
      assert.deepEqual(await held(), texts([good]));
    });
  });
}
