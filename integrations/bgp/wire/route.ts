/**
 * An announcement as a speaker takes it on the wire, a family with NLRI and path attributes, and back.
 *
 * What is not a route that this program would ask for is refused before a byte of it leaves; what does not decode to
 * an announcement was not made by this program.
 */

import { addressBytes, type Family, familyOf, hostOfBytes, parseHost } from '../../../domain/address.js';
import {
  type Announcement,
  type Communities,
  type FlowspecAnnouncement,
  noCommunities,
  type UnicastAnnouncement,
} from '../../../domain/announcement.js';
import { failure, type Result, success } from '../../../domain/result.js';
import type { HostKey } from '../../../domain/units.js';
import {
  type Attribute,
  type AttributeType,
  attributeTypes,
  decodeAttribute,
  decodeMpReach,
  encodeAttribute,
  encodeMpReach,
  originIncomplete,
  type WireFamily,
} from './attributes.js';
import { bytesOfHex, readBytes, u32 } from './bytes.js';
import { decodeExtended, decodeLarge, decodeStandard, encodeCommunities } from './communities.js';
import { decodeAction, encodeAction, isActionCommunity } from './flowspec-action.js';
import { decodeFlowspecNlri, encodeFlowspecNlri } from './flowspec-nlri.js';
import { decodeUnicastNlri, encodeUnicastNlri } from './prefix.js';

export type WireRoute = {
  readonly family: WireFamily;
  readonly nlri: Uint8Array;
  /** One complete attribute each. */
  readonly attributes: readonly Uint8Array[];
};

/**
 * NLRI and communities together. A message of BGP holds 4,096 bytes (RFC 4271 section 4), and each speaker adds its
 * header and attributes of its own; what does not fit, speakers take and then never send.
 */
const maxRouteBytes = 3_500;

const unicastSafi = 1;
const flowspecSafi = 133;
const afiOf = (family: Family): 1 | 2 => (family === 4 ? 1 : 2);

/** All a speaker can hold of ours. */
export const wireFamilies: readonly WireFamily[] = [
  { afi: 1, safi: unicastSafi },
  { afi: 2, safi: unicastSafi },
  { afi: 1, safi: flowspecSafi },
  { afi: 2, safi: flowspecSafi },
];

/** What names a route, and all a withdrawal needs: also of an announcement that would be refused today. */
export function encodeKey(route: Announcement): Result<Omit<WireRoute, 'attributes'>> {
  if (route.kind === 'unicast') {
    const nlri = encodeUnicastNlri(route.prefix);
    const family = { afi: afiOf(familyOf(route.prefix)), safi: unicastSafi } as const;
    return nlri.ok ? success({ family, nlri: nlri.value }) : nlri;
  }
  const nlri = encodeFlowspecNlri(route.rule);
  const family = { afi: afiOf(route.rule.family), safi: flowspecSafi } as const;
  return nlri.ok ? success({ family, nlri: nlri.value }) : nlri;
}

/** `localPreference` (RFC 4271 section 5.1.5) is set where it is not null. SPEAKER_REFUSED says what is wrong. */
export function encodeRoute(route: Announcement, localPreference: number | null = null): Result<WireRoute> {
  const key = encodeKey(route);
  if (!key.ok) return key;
  const reach = route.kind === 'unicast' ? unicastReach(route, key.value) : flowspecReach(key.value);
  if (!reach.ok) return reach;
  const values = encodeCommunities(route.communities);
  if (!values.ok) return values;
  const action = route.kind === 'unicast' ? success(noBytes) : actionOf(route);
  if (!action.ok) return action;
  const { standard, large } = values.value;
  const extended = Uint8Array.from([...action.value, ...values.value.extended]);
  const size = key.value.nlri.length + standard.length + large.length + extended.length;
  if (size > maxRouteBytes) return refused(`a route of ${size} bytes does not fit a message of BGP`);
  const list = (type: AttributeType, value: Uint8Array): readonly Uint8Array[] =>
    value.length === 0 ? [] : [encodeAttribute(type, value)];
  const preference = localPreference === null ? noBytes : Uint8Array.from(u32(localPreference));
  return success({
    ...key.value,
    attributes: [
      encodeAttribute(attributeTypes.origin, [originIncomplete]),
      reach.value,
      ...list(attributeTypes.localPreference, preference),
      ...list(attributeTypes.communities, standard),
      ...list(attributeTypes.extendedCommunities, extended),
      ...list(attributeTypes.largeCommunities, large),
    ],
  });
}

type Key = Omit<WireRoute, 'attributes'>;
const noBytes = new Uint8Array(0);
const refused = (detail: string): Result<never> => failure('SPEAKER_REFUSED', detail);

/** NEXT_HOP, or for IPv6 MP_REACH_NLRI. */
function unicastReach({ prefix, nextHop }: UnicastAnnouncement, { family, nlri }: Key): Result<Uint8Array> {
  const host = parseHost(nextHop);
  if (!host.ok) return refused(host.error.detail);
  const fault = nextHopFault(host.value, familyOf(prefix));
  if (fault !== null) return refused(`next hop ${nextHop} of ${prefix}: ${fault}`);
  const address = addressBytes(host.value);
  return success(
    family.afi === 1
      ? encodeAttribute(attributeTypes.nextHop, address)
      : encodeMpReach(family, address, nlri),
  );
}

/** RFC 8955 section 4: the next hop of a rule has no bytes. */
const flowspecReach = ({ family, nlri }: Key): Result<Uint8Array> =>
  success(encodeMpReach(family, noBytes, nlri));

function actionOf({ action, communities }: FlowspecAnnouncement): Result<Uint8Array> {
  const second = communities.extended.find(isActionCommunity);
  if (second !== undefined) return refused(`community 0x${second} is an action beside the rule's own`);
  const digits = encodeAction(action);
  return digits.ok ? success(Uint8Array.from(bytesOfHex(digits.value) ?? [])) : digits;
}

/**
 * RFC 4271 section 5.1.3: a next hop is a host's address. The unspecified address stands for the speaker's own (it is
 * FastNetMon's default), the rest of what no host has is refused.
 */
function nextHopFault(host: HostKey, family: Family): string | null {
  if (familyOf(host) !== family) return `it is not IPv${family}`;
  const [first = 0, second = 0] = addressBytes(host);
  if (family === 4) {
    if (first === 127) return 'a loopback address';
    return first >= 224 ? 'a multicast or reserved address' : null;
  }
  if (host === '::1') return 'a loopback address';
  if (first === 0xff) return 'a multicast address';
  if (first === 0xfe && (second & 0xc0) === 0x80) return 'a link-local address, alone (RFC 2545 section 3)';
  return host.startsWith('::ffff:') ? 'an IPv4 address' : null;
}

/** null: no announcement of ours. Attributes that we do not set are passed over: a speaker adds its own. */
export function decodeRoute({ family, nlri, attributes }: WireRoute): Announcement | null {
  const parsed = attributes.map(decodeAttribute);
  const attributeValue = (type: number): Uint8Array | null =>
    parsed.find((attribute): attribute is Attribute => attribute?.type === type)?.value ?? null;
  const communities = communitiesOf(attributeValue);
  if (parsed.includes(null) || communities === null) return null;
  const ip: Family = family.afi === 1 ? 4 : 6;
  return family.safi === unicastSafi
    ? unicastOf(nlri, ip, attributeValue, communities)
    : flowspecOf(nlri, ip, communities);
}

type AttributeValue = (type: number) => Uint8Array | null;

function communitiesOf(attributeValue: AttributeValue): Communities | null {
  const read = <T>(type: number, decode: (value: Uint8Array) => T | null, none: T): T | null => {
    const value = attributeValue(type);
    return value === null ? none : decode(value);
  };
  const standard = read(attributeTypes.communities, decodeStandard, noCommunities.standard);
  const large = read(attributeTypes.largeCommunities, decodeLarge, noCommunities.large);
  const extended = read(attributeTypes.extendedCommunities, decodeExtended, noCommunities.extended);
  return standard === null || large === null || extended === null ? null : { standard, large, extended };
}

function unicastOf(
  nlri: Uint8Array,
  family: Family,
  attributeValue: AttributeValue,
  communities: Communities,
): Announcement | null {
  const prefix = decodeUnicastNlri(readBytes(nlri), family);
  const reach = attributeValue(attributeTypes.mpReach);
  const address =
    reach === null ? attributeValue(attributeTypes.nextHop) : (decodeMpReach(reach)?.nextHop ?? null);
  const nextHop = address === null ? null : hostOfBytes(address);
  return prefix === null || nextHop === null || !nextHop.ok
    ? null
    : { kind: 'unicast', prefix, nextHop: nextHop.value, communities };
}

function flowspecOf(nlri: Uint8Array, family: Family, communities: Communities): Announcement | null {
  const rule = decodeFlowspecNlri(readBytes(nlri), family);
  const actions = communities.extended.filter(isActionCommunity);
  const [digits] = actions;
  const action = digits === undefined || actions.length > 1 ? null : decodeAction(digits);
  if (rule === null || action === null) return null;
  const extended = communities.extended.filter((one) => !isActionCommunity(one));
  return { kind: 'flowspec', rule, action, communities: { ...communities, extended } };
}
