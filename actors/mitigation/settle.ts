/**
 * What follows from a message once the tables have changed: announcements come and go, records are written, announcers are told.
 *
 * In this order, so that nothing is told before what it rests on has been handed to the journal: notes, records, then all else.
 */
import { subjectText } from '../../domain/attack.js';
import { type Guard, guards, guardText } from '../../domain/guard.js';
import type { Holding } from '../../domain/mitigation.js';
import type { JournalEntry } from '../../domain/ports.js';
import type { UnixMicros } from '../../domain/units.js';
import { changesNote } from './admission.js';
import { adjustTouched } from './grants.js';
import type { Spot } from './routes.js';
import { speeches } from './spoken.js';
import { type Effect, type Held, type Ledger, log } from './table.js';

/** The changes of the last minute, as `admission.ts` writes them. */
export const changesKey = 'mitigation changes';

/** Records that are brought up to date before others have their turn. One that is written always is. */
const refreshedAtOnce = 200;
/** Mitigations whose news are told before others have their turn. */
const toldAtOnce = 200;

/** `effects`: what the message itself calls for. */
export function settle(ledger: Ledger, effects: readonly Effect[], at: UnixMicros): Effect[] {
  adjustTouched(ledger, at);
  const writes: Effect[] = [];
  const remarks: Effect[] = [];
  for (const held of ledger.unwritten) {
    if (held.dirty && held.writing === null) writes.push(write(ledger, held, at, remarks));
  }
  ledger.unwritten.clear();
  let left = refreshedAtOnce;
  for (const held of ledger.stale) {
    if (left-- === 0) break;
    refresh(ledger, held, remarks);
  }
  return [...notes(ledger), ...writes, ...effects, ...remarks, ...speeches(ledger), ...news(ledger)];
}

function news(ledger: Ledger): Effect[] {
  const effects: Effect[] = [];
  let left = toldAtOnce;
  for (const held of ledger.unreported) {
    if (left-- === 0) break;
    ledger.unreported.delete(held);
    const { reported: before, mitigation: after } = held;
    if (before === after) continue;
    held.reported = after;
    effects.push({ kind: 'news', before, after });
  }
  return effects;
}

/** Whether a message of our own has to go on with what was bounded. */
export const unsettled = ({ announcing, stale, unreported }: Ledger): boolean =>
  announcing.replans.length > 0 ||
  announcing.touched.size > 0 ||
  stale.size > 0 ||
  unreported.size > 0 ||
  announcing.sweep !== null;

/** The record as it is now, on its way to the journal. */
export function write(ledger: Ledger, held: Held, at: UnixMicros, remarks: Effect[] = []): Effect {
  if (ledger.stale.has(held)) refresh(ledger, held, remarks);
  const { mitigation } = held;
  held.dirty = false;
  held.writing = { since: at, state: mitigation.state, holds: [...held.holds] };
  const entries: JournalEntry[] = [
    { kind: 'attack', attack: mitigation.attack },
    { kind: 'mitigation', mitigation },
  ];
  return { kind: 'write', id: mitigation.id, entries };
}

/** Puts holdings and guards into the record. */
export function refresh(ledger: Ledger, held: Held, remarks: Effect[]): void {
  ledger.stale.delete(held);
  ledger.unreported.add(held);
  const { mitigation } = held;
  const heldBack = gravest(held);
  held.mitigation = { ...mitigation, heldBack, holdings: [...held.holds].map((spot) => holding(held, spot)) };
  if (heldBack === null || heldBack === mitigation.heldBack) return;
  const subject = subjectText(mitigation.attack.subject);
  const why = guardText[heldBack];
  remarks.push(log('warn', 'mitigation held back', { attack: mitigation.id, subject, guard: heldBack, why }));
}

export function refreshAll(ledger: Ledger, remarks: Effect[]): void {
  for (const held of ledger.stale) refresh(ledger, held, remarks);
}

function gravest(held: Held): Guard | null {
  if (held.mitigation.state === 'released') return null;
  let found: Guard | null = held.refusedBy;
  for (const { heldBack } of held.claims) {
    if (heldBack !== null && (found === null || guards.indexOf(heldBack) < guards.indexOf(found)))
      found = heldBack;
  }
  return found;
}

function holding(held: Held, spot: Spot): Holding {
  const { speaker, granted, told, last } = spot;
  const own = granted !== null && spot.claims.has(held);
  const state = own ? (spot.confirmed && told === granted ? 'held' : 'wanted') : 'leaving';
  return { speaker, announcement: granted ?? last, state };
}

function notes({ announcing: { admission } }: Ledger): Effect[] {
  if (!admission.toNote) return [];
  admission.toNote = false;
  return [{ kind: 'note', key: changesKey, value: changesNote(admission), isOrder: false }];
}
