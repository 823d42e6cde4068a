/** What comes back from announcers, and what one that has begun a new life is told. Pure decisions on the ledger's tables. */
import type { Announcement } from '../../domain/announcement.js';
import type { Spoken } from './announcer-messages.js';
import { gone, type Spot } from './routes.js';
import { type Effect, type Ledger, log } from './table.js';

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

/** All that a speaker should hold and all that it should no longer; none before the journal has been read. */
export function everything(ledger: Ledger, speaker: string): Effect[] {
  const { announcing } = ledger;
  if (!announcing.terms.policy.speakers.some(({ name }) => name === speaker)) return [];
  if (!ledger.restored) {
    announcing.unheard.add(speaker);
    return [];
  }
  announcing.unheard.delete(speaker);
  announcing.outbox.delete(speaker);
  const wanted: Announcement[] = [];
  const leaving: Announcement[] = [];
  for (const { spots } of announcing.routes.values()) {
    const spot = spots.get(speaker);
    if (spot === undefined) continue;
    if (spot.told !== null) wanted.push(spot.told);
    else if (spot.out) leaving.push(spot.last);
  }
  return [{ kind: 'speak', speaker, message: { kind: 'all', wanted, leaving } }];
}

/** Those that have not been sent everything that they should have. */
export const unheard = (ledger: Ledger): Effect[] =>
  ledger.restored ? [...ledger.announcing.unheard].flatMap((speaker) => everything(ledger, speaker)) : [];
