/**
 * What a speaker is asked to announce: a unicast route that blackholes, or a flowspec rule.
 *
 * Plain data, and canonical: two announcements are the same exactly when their texts are. The identity of a route is
 * its NLRI alone (`announcementKey`): a second announcement of the same key takes the place of the first.
 */
import { type FlowspecAction, type FlowspecRule, flowspecActionText, flowspecRuleText } from './flowspec.js';
import type { HostKey, PrefixKey } from './units.js';

/** Standard (RFC 1997), large (RFC 8092) and extended (RFC 4360, 16 lower-case hexadecimal digits); each list sorted, without repeats. */
export type Communities = {
  readonly standard: readonly (readonly [asn: number, value: number])[];
  readonly large: readonly (readonly [asn: number, first: number, second: number])[];
  readonly extended: readonly string[];
};

export const noCommunities: Communities = { standard: [], large: [], extended: [] };

export type UnicastAnnouncement = {
  readonly kind: 'unicast';
  readonly prefix: PrefixKey;
  readonly nextHop: HostKey;
  readonly communities: Communities;
};

export type FlowspecAnnouncement = {
  readonly kind: 'flowspec';
  readonly rule: FlowspecRule;
  readonly action: FlowspecAction;
  readonly communities: Communities;
};

export type Announcement = UnicastAnnouncement | FlowspecAnnouncement;

/** The NLRI: 'unicast 192.0.2.7/32', 'flowspec destination 192.0.2.7/32 protocol 17'. */
export const announcementKey = (announcement: Announcement): string =>
  announcement.kind === 'unicast'
    ? `unicast ${announcement.prefix}`
    : `flowspec ${flowspecRuleText(announcement.rule)}`;

/** Key and attributes. */
export const announcementText = (announcement: Announcement): string => {
  const what =
    announcement.kind === 'unicast'
      ? `next-hop ${announcement.nextHop}`
      : flowspecActionText(announcement.action);
  return [announcementKey(announcement), what, ...communityTexts(announcement.communities)].join(' ');
};

/** Of two announcements of the same key: whether their texts are the same. Much cheaper than these. */
export function sameAttributes(a: Announcement, b: Announcement): boolean {
  if (a === b) return true;
  const what =
    a.kind === 'unicast'
      ? b.kind === 'unicast' && a.nextHop === b.nextHop
      : b.kind === 'flowspec' && sameAction(a.action, b.action);
  return what && sameCommunities(a.communities, b.communities);
}

const sameAction = (a: FlowspecAction, b: FlowspecAction): boolean =>
  a.kind === b.kind && flowspecActionText(a) === flowspecActionText(b);

const sameCommunities = (a: Communities, b: Communities): boolean =>
  a === b ||
  (sameNumbers(a.standard, b.standard) &&
    sameNumbers(a.large, b.large) &&
    a.extended.length === b.extended.length &&
    a.extended.every((digits, at) => digits === b.extended[at]));

const sameNumbers = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): boolean =>
  a.length === b.length && a.every((parts, at) => parts.every((part, index) => part === b[at]?.[index]));

export const sameAnnouncement = (a: Announcement, b: Announcement): boolean =>
  announcementText(a) === announcementText(b);

/** '65001:666', '65001:1:2', '0x0002fde900000064'. */
export const communityTexts = ({ standard, large, extended }: Communities): readonly string[] => [
  ...standard.map((parts) => parts.join(':')),
  ...large.map((parts) => parts.join(':')),
  ...extended.map((digits) => `0x${digits}`),
];
