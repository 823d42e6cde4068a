/** For tests: announcements in few words. */
import {
  type Announcement,
  announcementText,
  type Communities,
  noCommunities,
} from '../../domain/announcement.js';
import { emptyRule, type FlowspecAction, type FlowspecRule } from '../../domain/flowspec.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';

export const route = (
  prefix: string,
  nextHop: string,
  communities: Partial<Communities> = {},
): Announcement => ({
  kind: 'unicast',
  prefix: prefix as PrefixKey,
  nextHop: nextHop as HostKey,
  communities: { ...noCommunities, ...communities },
});

/** Towards 192.0.2.7 unless told otherwise. */
export const rule = (
  part: Partial<FlowspecRule>,
  action: FlowspecAction = { kind: 'discard' },
  communities: Partial<Communities> = {},
): Announcement => ({
  kind: 'flowspec',
  rule: { ...emptyRule(4), destination: '192.0.2.7/32' as PrefixKey, ...part },
  action,
  communities: { ...noCommunities, ...communities },
});

export const announce = (announcement: Announcement): SpeakerChange => ({ do: 'announce', announcement });
export const withdraw = (announcement: Announcement): SpeakerChange => ({ do: 'withdraw', announcement });

/** Each kind of route, component, action and community that there is. */
export const sampleAnnouncements: readonly Announcement[] = [
  route('192.0.2.7/32', '10.0.3.114', { standard: [[65001, 668]] }),
  route('192.0.2.0/24', '10.0.3.114', {
    standard: [
      [65001, 666],
      [65535, 666],
    ],
  }),
  route('198.51.100.0/24', '10.0.3.115', {
    standard: [[65535, 65281]],
    large: [[65001, 1, 2]],
    extended: ['0002fde900000064', '0102c00002010064', '0202000100000064', '43020000000000ff'],
  }),
  route('2001:db8::7/128', '2001:db8::1', { standard: [[65001, 668]], extended: ['0003fde900000064'] }),
  rule({
    protocols: [17],
    sourcePorts: [
      { low: 53, high: 53 },
      { low: 123, high: 124 },
    ],
  }),
  rule(
    { protocols: [6], tcpFlags: { set: 0x02, mask: 0x12 }, lengths: [{ low: 40, high: 60 }] },
    { kind: 'rate_limit', bytesPerSecond: 125_000 },
  ),
  rule({ protocols: [6], tcpFlags: { set: 0, mask: 0x12 } }, { kind: 'redirect', asn: 65001, value: 100 }),
  rule(
    { protocols: [6], lengths: [{ low: 41, high: 41 }] },
    { kind: 'redirect', asn: 4_200_000_001, value: 7 },
  ),
  rule(
    { protocols: [6], lengths: [{ low: 43, high: 43 }] },
    { kind: 'redirect_ipv4', address: '192.0.2.1' as HostKey, value: 9 },
  ),
  rule({ protocols: [1, 47, 200], icmpTypes: [0, 3, 77] }, { kind: 'mark', dscp: 8 }),
  rule({
    source: '198.51.100.0/24' as PrefixKey,
    destinationPorts: [
      { low: 0, high: 19 },
      { low: 80, high: 80 },
    ],
  }),
  rule(
    { fragments: ['is_fragment', 'first_fragment'] },
    { kind: 'discard' },
    { standard: [[65001, 1]], large: [[65001, 1, 2]], extended: ['0002fde900000064'] },
  ),
  rule({
    family: 6,
    destination: '2001:db8::7/128' as PrefixKey,
    protocols: [17],
    sourcePorts: [
      { low: 4, high: 4 },
      { low: 1234, high: 1240 },
    ],
    fragments: ['is_fragment'],
  }),
];

export const texts = (announcements: readonly Announcement[]): readonly string[] =>
  announcements.map(announcementText).sort();
