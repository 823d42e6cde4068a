/**
 * From mitigations to announcements: what each claims by the configuration of now, and what the journal says that it holds.
 *
 * Pure decisions on the ledger's tables. After a change of the configuration, or a restart, all mitigations are planned anew, a bounded
 * number at once; nothing comes or goes until they all are, so that what two of them share is not withdrawn in between.
 */
import type { Announcement } from '../../domain/announcement.js';
import { subjectText } from '../../domain/attack.js';
import { guards } from '../../domain/guard.js';
import { countRules } from './admission.js';
import type { FixedGuard } from './fence.js';
import { uncount } from './grants.js';
import { escalation, plan } from './plan.js';
import { claim, drop, prune, type Spot, spotAt, type Terms, unclaim } from './routes.js';
import { changed, type Effect, type Held, type Ledger, log } from './table.js';

const replannedAtOnce = 200;
/** Announcements that a line in the log names. */
const namedAtMost = 20;

/** Claims what it should, and lets go of the rest. One that is released claims what it did until its release is cleared. */
export function replan(ledger: Ledger, held: Held): void {
  const { announcing } = ledger;
  const { policy, fence } = announcing.terms;
  const { mitigation } = held;
  const released = mitigation.state === 'released';
  if (released && !held.cleared) return;
  const wanted = new Map<Spot, Announcement>();
  let refusedBy: FixedGuard | null = null;
  for (const { speaker, announcement } of released ? [] : plan(mitigation, policy, fence.networks)) {
    const refusal = fence.refusal(announcement);
    if (refusal === null) wanted.set(spotAt(announcing, speaker, announcement), announcement);
    else if (refusedBy === null || guards.indexOf(refusal) < guards.indexOf(refusedBy)) refusedBy = refusal;
  }
  for (const spot of [...held.claims]) if (!wanted.has(spot)) unclaim(ledger, held, spot);
  for (const [spot, announcement] of wanted) claim(ledger, held, spot, announcement);
  for (const { route } of held.holds) announcing.touched.add(route);
  held.refusedBy = refusedBy;
  ledger.stale.add(held);
}

/** Adds the blackhole when it is time for it. */
export function escalate(ledger: Ledger, held: Held): Effect[] {
  const { mitigation } = held;
  if (mitigation.state === 'released') return [];
  const escalated = escalation(mitigation, ledger.announcing.terms.policy, held.explained);
  if (escalated === mitigation.escalated) return [];
  held.mitigation = { ...mitigation, escalated };
  changed(ledger, held);
  replan(ledger, held);
  const subject = subjectText(mitigation.attack.subject);
  return [log('warn', 'mitigation escalated', { attack: mitigation.id, subject, why: escalated })];
}

/** Another configuration. */
export function setTerms(ledger: Ledger, terms: Terms): Effect[] {
  const { announcing } = ledger;
  announcing.terms = terms;
  const effects = forgetRemoved(ledger);
  announcing.replans = [...ledger.held.values()];
  return effects;
}

/** The next ones of those that are to be planned anew. */
export function replanSome(ledger: Ledger): Effect[] {
  const { announcing } = ledger;
  if (announcing.replans.length === 0) return [];
  const effects: Effect[] = [];
  for (const held of announcing.replans.splice(0, replannedAtOnce)) {
    replan(ledger, held);
    effects.push(...escalate(ledger, held));
  }
  return effects;
}

/** What the journal says that one mitigation holds: it may be at the speaker, so it is let out already, and no change. */
export function recall(ledger: Ledger, held: Held): void {
  const { announcing } = ledger;
  for (const { speaker, announcement, state } of held.mitigation.holdings) {
    const spot = spotAt(announcing, speaker, announcement);
    spot.out = true;
    spot.holders.add(held);
    held.holds.add(spot);
    held.durable.add(spot);
    if (state === 'leaving' || spot.granted !== null) continue;
    spot.granted = announcement;
    spot.told = announcement;
    spot.last = announcement;
    spot.route.granted += 1;
    if (spot.route.granted === 1) announcing.admission.announced += 1;
    if (announcement.kind === 'flowspec') countRules(announcing.admission, speaker, 1);
  }
}

/** Speakers that are configured no more: nobody is left to withdraw what they hold. */
export function forgetRemoved(ledger: Ledger): Effect[] {
  const { announcing } = ledger;
  const known = new Set(announcing.terms.policy.speakers.map(({ name }) => name));
  const forgotten = new Map<string, string[]>();
  for (const route of [...announcing.routes.values()]) {
    for (const spot of [...route.spots.values()]) {
      if (known.has(spot.speaker)) continue;
      if (spot.out) forgotten.set(spot.speaker, [...(forgotten.get(spot.speaker) ?? []), route.key]);
      forget(ledger, spot);
    }
  }
  for (const speakers of [announcing.unheard, announcing.deaf]) {
    for (const speaker of speakers) if (!known.has(speaker)) speakers.delete(speaker);
  }
  return [...forgotten].map(([speaker, keys]) =>
    log('warn', 'speaker removed: what it may hold is forgotten, and nobody withdraws it', {
      speaker,
      announcements: keys.length,
      first: keys.slice(0, namedAtMost),
    }),
  );
}

function forget(ledger: Ledger, spot: Spot): void {
  const { announcing } = ledger;
  uncount(ledger, spot);
  spot.out = false;
  spot.told = null;
  for (const held of [...spot.claims.keys()]) unclaim(ledger, held, spot);
  for (const held of [...spot.holders]) drop(ledger, held, spot);
  announcing.outbox.delete(spot.speaker);
  prune(announcing, spot);
}
