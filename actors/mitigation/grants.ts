/**
 * What may come and go now: brings each announcement to where its claims want it, as far as the guards let it.
 *
 * What a guard keeps waiting is looked at again each second (`sweep`), the one that has waited longest first, and who comes later waits
 * behind those that wait for the same guard. An operator's stop waits for nothing and is no change. A limit that is lowered keeps
 * new announcements back; it withdraws none.
 */
import { type Announcement, sameAnnouncement } from '../../domain/announcement.js';
import type { Guard } from '../../domain/guard.js';
import type { UnixMicros } from '../../domain/units.js';
import { changesWithin, countChange, countRules } from './admission.js';
import { durablyClaimed, gone, hold, type Outgoing, prune, type Route, type Spot } from './routes.js';
import type { Ledger } from './table.js';

/** Routes that are looked at before others have their turn. */
const adjustedAtOnce = 200;
const sweptAtOnce = 500;

/** Why nothing at all may be announced; null: it may. */
export function shutBy({ restored, announcing }: Ledger): Guard | null {
  if (!restored) return 'not_read';
  if (announcing.stopped !== null) return 'stopped';
  return announcing.terms.policy.guard.dryRun ? 'dry_run' : null;
}

/** Those whose claims have changed, a bounded number at once. */
export function adjustTouched(ledger: Ledger, at: UnixMicros): void {
  const { touched, replans } = ledger.announcing;
  if (replans.length > 0) return;
  let left = adjustedAtOnce;
  for (const route of touched) {
    if (left-- === 0) return;
    touched.delete(route);
    const behind = queueFor(ledger, route);
    if (behind === null) adjust(ledger, route, at);
    else wait(ledger, route, behind);
  }
}

/** Begins to look at all that wait; `sweep` does. */
export function beginSweep({ announcing }: Ledger): void {
  announcing.sweep ??= announcing.waiting.keys();
}

/** The next of them. True: there are more. */
export function sweep(ledger: Ledger, at: UnixMicros): boolean {
  const { announcing } = ledger;
  if (announcing.replans.length > 0) return false;
  for (let left = sweptAtOnce; left > 0; left -= 1) {
    const next = announcing.sweep?.next();
    if (next === undefined || next.done === true || adjust(ledger, next.value, at) === 'changes_per_minute') {
      announcing.sweep = null;
      return false;
    }
  }
  return true;
}

/** The guard for which others wait already that this one must not overtake; null: it may be tried at once. */
function queueFor(ledger: Ledger, route: Route): Guard | null {
  const { waiting, waitingFor } = ledger.announcing;
  if (waiting.size === 0 || shutBy(ledger) !== null) return null;
  const many = (guard: Guard): boolean => (waitingFor.get(guard) ?? 0) > 0;
  const spots = [...route.spots.values()];
  const open = spots.filter((spot) => !settled(spot, targetOf(ledger, spot)));
  if (open.length === 0) return null;
  const own = waiting.get(route);
  if (own !== undefined) return own;
  if (many('changes_per_minute')) return 'changes_per_minute';
  const comes = open.some((spot) => spot.claims.size > 0 && spot.granted === null);
  if (comes && many('max_announcements')) return 'max_announcements';
  return comes && many('rule_budget') && open.some(({ last }) => last.kind === 'flowspec')
    ? 'rule_budget'
    : null;
}

const targetOf = (ledger: Ledger, spot: Spot): Announcement | null => {
  if (spot.claims.size === 0 || shutBy(ledger) !== null) return null;
  for (const announcement of spot.claims.values()) return announcement;
  return null;
};

const settled = ({ granted }: Spot, target: Announcement | null): boolean =>
  granted === target || (granted !== null && target !== null && sameAnnouncement(granted, target));

/** The guard that it has to wait for; null: it is where it should be. */
function adjust(ledger: Ledger, route: Route, at: UnixMicros): Guard | null {
  const { admission, stopped } = ledger.announcing;
  const shut = shutBy(ledger);
  let counted = stopped !== null;
  let blocked: Guard | null = null;
  for (const spot of [...route.spots.values()]) {
    const target = targetOf(ledger, spot);
    if (settled(spot, target)) {
      heldBackBy(ledger, spot, spot.claims.size > 0 && target === null ? shut : null);
      speakInTime(ledger, spot, at);
      prune(ledger.announcing, spot);
      continue;
    }
    const guard = guardOf(ledger, spot, target, counted, at);
    heldBackBy(ledger, spot, target === null ? null : guard);
    if (guard !== null) {
      blocked ??= guard;
      continue;
    }
    const unseen = target === null && !spot.out && spot.told === null;
    if (!counted && !unseen) countChange(admission, at);
    counted ||= !unseen;
    if (target === null) letGo(ledger, spot);
    else grant(ledger, spot, target, at);
  }
  if (blocked === null) unwait(ledger, route);
  else wait(ledger, route, blocked);
  return blocked;
}

function guardOf(
  { announcing }: Ledger,
  spot: Spot,
  target: Announcement | null,
  counted: boolean,
  at: UnixMicros,
): Guard | null {
  const { admission, terms } = announcing;
  const { guard, speakers } = terms.policy;
  if (target !== null) {
    // Claims are made by the configuration of their time: that of now has the last word.
    const never = terms.fence.refusal(target);
    if (never !== null) return never;
  }
  if (target !== null && spot.granted === null) {
    if (target.kind === 'flowspec') {
      const budget = speakers.find(({ name }) => name === spot.speaker)?.flowspec?.maxRules ?? 0;
      if ((admission.rules.get(spot.speaker) ?? 0) >= budget) return 'rule_budget';
    }
    if (spot.route.granted === 0 && admission.announced >= guard.maxAnnouncements) return 'max_announcements';
  }
  // What was let out and is not told yet has been counted; taking it back is no change.
  if (target === null && !spot.out && spot.told === null) return null;
  const spent = !counted && changesWithin(admission, at) >= guard.maxChangesPerMinute;
  return spent ? 'changes_per_minute' : null;
}

function grant(ledger: Ledger, spot: Spot, target: Announcement, at: UnixMicros): void {
  const { announcing } = ledger;
  if (spot.granted === null) {
    spot.route.granted += 1;
    if (spot.route.granted === 1) announcing.admission.announced += 1;
    if (target.kind === 'flowspec') countRules(announcing.admission, spot.speaker, 1);
  }
  spot.granted = target;
  spot.last = target;
  for (const held of spot.claims.keys()) hold(ledger, held, spot);
  announcing.unspoken.delete(spot);
  speakInTime(ledger, spot, at);
}

/**
 * As soon as the journal knows of it, by another mitigation or by what it was before, or when the speaker may hold it anyway; at the
 * latest when patience ends.
 */
function speakInTime(ledger: Ledger, spot: Spot, at: UnixMicros): void {
  const { unspoken } = ledger.announcing;
  if (!isSilent(spot) || unspoken.has(spot)) return;
  if (spot.out || durablyClaimed(spot)) speak(ledger, spot);
  else if (isWanted(spot)) unspoken.set(spot, at);
}

function letGo(ledger: Ledger, spot: Spot): void {
  const { announcing } = ledger;
  uncount(ledger, spot);
  if (!spot.out) {
    gone(ledger, spot);
    return;
  }
  if (spot.told === null) return; // its announcer knows
  spot.told = null;
  spot.confirmed = false;
  const { want, unwant } = outgoing(announcing.outbox, spot.speaker);
  want.delete(spot.route.key);
  unwant.set(spot.route.key, spot.last);
  for (const held of spot.holders) ledger.stale.add(held);
}

/** No longer granted, and nothing more. */
export function uncount({ announcing }: Ledger, spot: Spot): void {
  const { admission, unspoken } = announcing;
  if (spot.granted === null) return;
  spot.route.granted -= 1;
  if (spot.route.granted === 0) admission.announced -= 1;
  if (spot.granted.kind === 'flowspec') countRules(admission, spot.speaker, -1);
  spot.granted = null;
  unspoken.delete(spot);
}

/** Granted, and its announcer does not know it yet. */
const isSilent = ({ granted, told }: Spot): boolean => granted !== null && told !== granted;

/** By one who is not about to let go of it. */
function isWanted({ claims }: Spot): boolean {
  for (const { mitigation } of claims.keys()) if (mitigation.state === 'wanted') return true;
  return false;
}

/** Its announcer is told, if it has not been, and if it is still wanted and allowed by now. True: it is. */
export function speak(ledger: Ledger, spot: Spot): boolean {
  const { unspoken, outbox } = ledger.announcing;
  unspoken.delete(spot);
  if (spot.granted === null || !isSilent(spot) || !isWanted(spot)) return false;
  if (shutBy(ledger) !== null || ledger.announcing.terms.fence.refusal(spot.granted) !== null) return false;
  spot.told = spot.granted;
  spot.out = true;
  spot.confirmed = false;
  spot.refusal = null;
  const { want, unwant } = outgoing(outbox, spot.speaker);
  unwant.delete(spot.route.key);
  want.set(spot.route.key, spot.granted);
  return true;
}

function outgoing(outbox: Map<string, Outgoing>, speaker: string): Outgoing {
  const known = outbox.get(speaker);
  if (known !== undefined) return known;
  const made: Outgoing = { want: new Map(), unwant: new Map() };
  outbox.set(speaker, made);
  return made;
}

function heldBackBy(ledger: Ledger, spot: Spot, guard: Guard | null): void {
  if (spot.heldBack === guard) return;
  spot.heldBack = guard;
  for (const held of spot.claims.keys()) ledger.stale.add(held);
}

function wait(ledger: Ledger, route: Route, guard: Guard): void {
  const { waiting, waitingFor } = ledger.announcing;
  const before = waiting.get(route);
  if (before === guard) return;
  if (before !== undefined) waitingFor.set(before, (waitingFor.get(before) ?? 1) - 1);
  waitingFor.set(guard, (waitingFor.get(guard) ?? 0) + 1);
  waiting.set(route, guard); // a place that it has, it keeps
  for (const spot of route.spots.values()) {
    if (spot.claims.size > 0 && spot.granted === null && spot.heldBack === null)
      heldBackBy(ledger, spot, guard);
  }
}

function unwait({ announcing: { waiting, waitingFor } }: Ledger, route: Route): void {
  const guard = waiting.get(route);
  if (guard === undefined) return;
  waiting.delete(route);
  waitingFor.set(guard, (waitingFor.get(guard) ?? 1) - 1);
}
