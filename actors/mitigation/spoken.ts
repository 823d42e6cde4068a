/** What comes back from announcers, and what one that has begun a new life is told. Pure decisions on the ledger's tables. */
import type { Announcement } from '../../domain/announcement.js';
import type { AnnouncerMessage, Spoken } from './announcer-messages.js';
import { gone, type Spot } from './routes.js';
import { type Effect, type Ledger, log } from './table.js';

/** Of one message: an announcer's turn ends between two messages, not within one. */
const spokenAtOnce = 200;

export function spoken(ledger: Ledger, speaker: string, results: readonly Spoken[]): Effect[] {
  const effects: Effect[] = [];
  for (const { key, outcome, detail } of results) {
    const spot = ledger.announcing.routes.get(key)?.spots.get(speaker);
    if (spot === undefined) continue;
    if (outcome === 'gone') {
      // Of one that is wanted again by now, this is an old story.
      if (spot.told === null) gone(ledger, spot);
      continue;
    }
    if (outcome === 'refused') {
      spot.refusal = detail ?? 'refused';
      effects.push(log('warn', 'speaker refuses', { speaker, announcement: key, detail }));
    } else {
      if (spot.told === null) continue;
      spot.refusal = null;
      confirm(ledger, spot, outcome === 'held');
    }
  }
  return effects;
}

function confirm(ledger: Ledger, spot: Spot, confirmed: boolean): void {
  if (spot.confirmed === confirmed) return;
  spot.confirmed = confirmed;
  for (const held of spot.holders) ledger.stale.add(held);
}

/** A new life of an announcer: it is sent everything. */
export function announcerStarted({ announcing }: Ledger, speaker: string): Effect[] {
  if (announcing.terms.policy.speakers.some(({ name }) => name === speaker)) announcing.unheard.add(speaker);
  return [];
}

/** Those who took no more are sent everything again. */
export function hearAgain({ announcing: { deaf, unheard } }: Ledger): void {
  for (const speaker of deaf) unheard.add(speaker);
  deaf.clear();
}

/**
 * What announcers have to hear now. None hears anything before the journal has been read and every mitigation is planned: what it
 * would take for left over could be wanted.
 */
export function speeches(ledger: Ledger): Effect[] {
  const { outbox, unheard, deaf, replans, touched } = ledger.announcing;
  if (!ledger.restored || replans.length > 0 || touched.size > 0) return [];
  const effects: Effect[] = [];
  for (const speaker of unheard) {
    outbox.delete(speaker);
    effects.push({ kind: 'speak', speaker, message: everything(ledger, speaker) });
  }
  unheard.clear();
  for (const [speaker, { want, unwant }] of outbox) {
    if (deaf.has(speaker)) continue;
    for (const announcements of inParts(unwant)) {
      effects.push({ kind: 'speak', speaker, message: { kind: 'unwant', announcements } });
    }
    for (const announcements of inParts(want)) {
      effects.push({ kind: 'speak', speaker, message: { kind: 'want', announcements } });
    }
  }
  outbox.clear();
  return effects;
}

function* inParts(map: ReadonlyMap<string, Announcement>): Generator<readonly Announcement[]> {
  const all = [...map.values()];
  for (let at = 0; at < all.length; at += spokenAtOnce) yield all.slice(at, at + spokenAtOnce);
}

/** All that a speaker should hold, and all that it may hold and should no longer. */
function everything({ announcing }: Ledger, speaker: string): AnnouncerMessage {
  const wanted: Announcement[] = [];
  const leaving: Announcement[] = [];
  for (const { spots } of announcing.routes.values()) {
    const spot = spots.get(speaker);
    if (spot === undefined) continue;
    if (spot.told !== null) wanted.push(spot.told);
    else if (spot.out) leaving.push(spot.last);
  }
  return { kind: 'all', wanted, leaving };
}
