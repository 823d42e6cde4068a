/**
 * The table of announcements: by NLRI, and by speaker, who wants it, what was let out, and what the speaker may hold.
 *
 * A mitigation *claims* what it wants. What the guards have let out is *granted*, written into the records of all who claim it
 * (their *holdings*), and then *told* to the speaker's announcer. Two mitigations that claim the same NLRI share it: it goes when the last
 * lets go. A holding is taken out of a record when the speaker has confirmed that it is gone, or when the record of another
 * that claims it is durable: so at any moment the journal knows of all that any speaker may hold.
 *
 * Changed in place, by the ledger alone.
 */
import { type Announcement, announcementKey, sameAnnouncement } from '../../domain/announcement.js';
import type { MitigationPolicy } from '../../domain/bgp.js';
import type { Guard } from '../../domain/guard.js';
import type { UnixMicros } from '../../domain/units.js';
import { type Admission, noAdmissions } from './admission.js';
import { type Fence, fence, type Guarded } from './fence.js';
import type { Stopped } from './messages.js';
import type { StopReply } from './stop.js';
import type { Held, Ledger } from './table.js';

export type Route = {
  readonly key: string;
  /** By speaker. */
  readonly spots: Map<string, Spot>;
  /** Spots at which it is granted. */
  granted: number;
};

/** One announcement at one speaker. */
export type Spot = {
  readonly speaker: string;
  readonly route: Route;
  /** Who wants it, oldest first: the first one's attributes stand. */
  claims: Map<Held, Announcement>;
  /** Claims taken out since the map was last made: a map is walked over what was deleted from it, too. */
  unclaimed: number;
  /** No claim is of a mitigation that began later than this one. */
  youngest: Held | null;
  /** In whose records it is a holding. */
  readonly holders: Set<Held>;
  granted: Announcement | null;
  /** What its announcer is to see to; behind `granted` until a record of it is durable. */
  told: Announcement | null;
  /** As it was last granted. */
  last: Announcement;
  /** The speaker may hold it: told at some time, and not confirmed as gone since. */
  out: boolean;
  /** The speaker has confirmed what it was told last. */
  confirmed: boolean;
  /** What the speaker said when it refused. */
  refusal: string | null;
  heldBack: Guard | null;
};

/** What decides about announcing, as configured now. */
export type Terms = { readonly policy: MitigationPolicy; readonly guarded: Guarded; readonly fence: Fence };

export type Outgoing = {
  readonly want: Map<string, Announcement>;
  readonly unwant: Map<string, Announcement>;
};

export type Announcing = {
  terms: Terms;
  readonly routes: Map<string, Route>;
  readonly admission: Admission;
  stopped: Stopped | null;
  readonly stopNote: { dirty: boolean; writing: boolean; readonly replies: StopReply[] };
  /** To be looked at: their claims have changed. */
  readonly touched: Set<Route>;
  /** Those that a guard keeps waiting, and which; the one that has waited longest first. */
  readonly waiting: Map<Route, Guard>;
  /** How many wait for each guard. */
  readonly waitingFor: Map<Guard, number>;
  /** Where the look at all that wait has come to; null: none is under way. */
  sweep: Iterator<Route> | null;
  /** Granted, and waiting for a record to be durable; the one granted first first. */
  readonly unspoken: Map<Spot, UnixMicros>;
  /** By speaker. */
  readonly outbox: Map<string, Outgoing>;
  /** To be planned anew. Until they all are, nothing comes or goes. */
  replans: Held[];
  /** Speakers whose announcers have to be sent everything, as soon as all mitigations are planned. */
  readonly unheard: Set<string>;
  /** Those whose announcers took no more: they are sent everything, too, after a while. */
  readonly deaf: Set<string>;
};

/** A network of thousands of hosts has as many claims, and they may all end at once. */
const maxUnclaimed = 64;

export const termsOf = (policy: MitigationPolicy, guarded: Guarded): Terms => ({
  policy,
  guarded,
  fence: fence(guarded, policy.guard),
});

export const announcingBy = (terms: Terms): Announcing => ({
  terms,
  routes: new Map(),
  admission: noAdmissions(),
  stopped: null,
  stopNote: { dirty: false, writing: false, replies: [] },
  touched: new Set(),
  waiting: new Map(),
  waitingFor: new Map(),
  sweep: null,
  unspoken: new Map(),
  outbox: new Map(),
  replans: [],
  unheard: new Set(),
  deaf: new Set(),
});

export function spotAt({ routes }: Announcing, speaker: string, announcement: Announcement): Spot {
  const key = announcementKey(announcement);
  let route = routes.get(key);
  if (route === undefined) {
    route = { key, spots: new Map(), granted: 0 };
    routes.set(key, route);
  }
  const known = route.spots.get(speaker);
  if (known !== undefined) return known;
  const spot: Spot = {
    speaker,
    route,
    claims: new Map(),
    unclaimed: 0,
    youngest: null,
    holders: new Set(),
    granted: null,
    told: null,
    last: announcement,
    out: false,
    confirmed: false,
    refusal: null,
    heldBack: null,
  };
  route.spots.set(speaker, spot);
  return spot;
}

/** Idempotent. */
export function claim(ledger: Ledger, held: Held, spot: Spot, announcement: Announcement): void {
  const { announcing } = ledger;
  const before = spot.claims.get(held);
  if (before !== undefined && (before === announcement || sameAnnouncement(before, announcement))) return;
  spot.claims.set(held, announcement);
  if (spot.youngest === null || sinceOf(held) >= sinceOf(spot.youngest)) {
    spot.youngest = held;
  } else if (before === undefined) {
    spot.claims = new Map([...spot.claims].sort(([a], [b]) => sinceOf(a) - sinceOf(b)));
  }
  held.claims.add(spot);
  announcing.touched.add(spot.route);
  if (spot.granted !== null) hold(ledger, held, spot);
}

export function unclaim(ledger: Ledger, held: Held, spot: Spot): void {
  spot.claims.delete(held);
  spot.unclaimed += 1;
  if (spot.unclaimed >= maxUnclaimed) {
    spot.claims = new Map(spot.claims);
    spot.unclaimed = 0;
  }
  held.claims.delete(spot);
  ledger.announcing.touched.add(spot.route);
  ledger.stale.add(held);
  if (spot.granted !== null && durablyClaimed(spot)) drop(ledger, held, spot);
}

/** Puts it into the record of `held`, which has to be written before the speaker hears of it. */
export function hold(ledger: Ledger, held: Held, spot: Spot): void {
  spot.holders.add(held);
  held.holds.add(spot);
  held.dirty = true;
  ledger.unwritten.add(held);
  ledger.stale.add(held);
}

/** Takes it out of the record of `held`. */
export function drop(ledger: Ledger, held: Held, spot: Spot): void {
  if (!spot.holders.delete(held)) return;
  held.holds.delete(spot);
  held.durable.delete(spot);
  held.dirty = true;
  ledger.unwritten.add(held);
  ledger.stale.add(held);
}

/** The journal knows of it, by the record of one that wants it. */
export function durablyClaimed(spot: Spot): boolean {
  for (const held of spot.claims.keys()) if (held.durable.has(spot)) return true;
  return false;
}

/** The speaker holds it no more. */
export function gone(ledger: Ledger, spot: Spot): void {
  spot.out = false;
  spot.confirmed = false;
  spot.refusal = null;
  if (spot.granted !== null) return;
  for (const held of [...spot.holders]) drop(ledger, held, spot);
  prune(ledger.announcing, spot);
}

/** Forgets what nobody wants and nobody holds. */
export function prune({ routes, waiting, waitingFor }: Announcing, spot: Spot): void {
  const { route } = spot;
  if (spot.claims.size === 0 && spot.holders.size === 0 && spot.granted === null && !spot.out) {
    route.spots.delete(spot.speaker);
  }
  if (route.spots.size > 0) return;
  routes.delete(route.key);
  const guard = waiting.get(route);
  if (guard === undefined) return;
  waiting.delete(route);
  waitingFor.set(guard, (waitingFor.get(guard) ?? 1) - 1);
}

const sinceOf = ({ mitigation }: Held): UnixMicros => mitigation.since;
