/**
 * Announcements as GoBGP's paths, and which of its paths are ours.
 *
 * Our marking is the path identifier. GoBGP keeps paths to one prefix from one source apart by it, so an operator's own
 * path (identifier 0) stands beside ours: neither takes the other's place, nor is withdrawn with it. It reads back with
 * the path, outlives this program, and routers do not see it: what goes out under RFC 7911 is another number.
 */
import { isIP } from 'node:net';
import type { Announcement } from '../../domain/announcement.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import type { ListedPath, Path } from './gobgp-api.js';
import { attributeTypes, encodeAttribute } from './wire/attributes.js';
import { decodeRoute, encodeKey, encodeRoute } from './wire/route.js';

export type Marking = {
  /** Of two programs that use one GoBGP, each needs its own. 1 … 2^32-1. */
  readonly mark: number;
  /** Where an operator's own path to the same prefix exists, the higher wins; null: none is set, which counts as 100. */
  readonly localPreference: number | null;
};

/**
 * The bytes of a rule, its length apart. GoBGP 3.10 and 4.0 refuse the length in two bytes, and write one of 239 bytes as
 * garbage, at which a router ends the session.
 */
const maxRuleBytes = 238;

/**
 * The next hop of a rule is left out on the wire (RFC 8955 section 4), and GoBGP does so; but version 4 does not take a
 * path without one.
 */
const anyNextHop = encodeAttribute(attributeTypes.nextHop, [0, 0, 0, 0]);

/** null: nothing to do, as what cannot be announced needs no withdrawal. SPEAKER_REFUSED: not a route for a speaker. */
export function pathOf({ do: what, announcement }: SpeakerChange, marking: Marking): Result<Path | null> {
  const identifier = marking.mark;
  if (what === 'withdraw') {
    const key = encodeKey(announcement);
    if (!key.ok) return success(null);
    const { family, nlri } = key.value;
    return success({ is_withdraw: true, family, identifier, nlri_binary: nlri, pattrs_binary: [] });
  }
  const route = encodeRoute(announcement, marking.localPreference);
  if (!route.ok) return route;
  const { family, nlri, attributes } = route.value;
  if (announcement.kind === 'flowspec' && nlri.length - 1 > maxRuleBytes) {
    const detail = `GoBGP cannot send a rule of more than ${maxRuleBytes} bytes; this one has ${nlri.length - 1}`;
    return failure('SPEAKER_REFUSED', detail);
  }
  const taken =
    announcement.kind === 'flowspec'
      ? attributes.map((bytes) => (bytes[1] === attributeTypes.mpReach ? anyNextHop : bytes))
      : attributes;
  return success({ is_withdraw: false, family, identifier, nlri_binary: nlri, pattrs_binary: taken });
}

/** The announcement that this path is, when it came over the API with our marking; null: somebody else's. */
export function ourAnnouncement(path: ListedPath, marking: Marking): Announcement | null {
  // a peer may send any identifier (RFC 7911)
  if (path.identifier !== marking.mark || isIP(path.neighbor_ip) !== 0) return null;
  const { family, nlri_binary: nlri, pattrs_binary: attributes } = path;
  return decodeRoute({ family, nlri, attributes });
}
