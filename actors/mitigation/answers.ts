/**
 * What comes back to the ledger: from the journal, from the script actor, and with time.
 *
 * Pure decisions on the ledger's table, as in ledger.ts. Times are Unix microseconds.
 */
import type { Attack } from '../../domain/attack.js';
import { callsForRules, type MitigationAction } from '../../domain/bgp.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { KeptMitigation, ScriptAction } from '../../domain/ports.js';
import { failure, success } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';
import { recallChanges } from './admission.js';
import { forgetRemoved, recall, replan } from './claims.js';
import { beginSweep, speak } from './grants.js';
import { expire, release } from './ledger.js';
import { drop, type Spot } from './routes.js';
import { changesKey, write } from './settle.js';
import { hearAgain } from './spoken.js';
import { noteStop, recallStop, stopKey } from './stop.js';
import {
  add,
  answer,
  changed,
  type Effect,
  forgetIfDone,
  type Held,
  journalPatienceMs,
  type Ledger,
  log,
  mark,
  tell,
} from './table.js';

/** A write without an answer for this long is sent again. */
const writeLimitMicros = 10_000_000;
/** How much one `retry` sends again. */
const maxRewrites = 256;
const maxRetells = 64;
/** How many scripts and announcements one `overdue` lets go; the rest follows at once, behind what else waits. */
const maxOverdue = 200;

/** The journal has written, or could not. */
export function written(ledger: Ledger, id: AttackId, error: string | null): Effect[] {
  const loose = ledger.loose.get(id);
  if (loose !== undefined) {
    if (error === null) ledger.loose.delete(id);
    else loose.writing = null;
  }
  const held = ledger.held.get(id);
  if (held === undefined || held.writing === null) return [];
  const { holds, state } = held.writing;
  const durable = error === null && state === held.mitigation.state;
  held.writing = null;
  if (error === null) known(ledger, held, holds);
  for (const spot of holds) speak(ledger, spot);
  const failed = failure<Mitigation>('JOURNAL_UNWRITABLE', `in force, but not written down yet: ${error}`);
  const answers =
    error !== null ? answer(held, failed) : durable ? answer(held, success(held.mitigation)) : [];
  if (durable || error !== null) clear(ledger, held);
  const effects = [...tell(ledger, held), ...answers];
  if (error !== null) {
    held.dirty = true; // it is sent again by `retry`, not at once
    return [...effects, log('error', 'mitigation not written down', { attack: id, error })];
  }
  if (held.dirty) changed(ledger, held);
  forgetIfDone(ledger, held);
  return effects;
}

/** The journal knows these holdings: who let go of them need not keep them in its record any longer. */
function known(ledger: Ledger, held: Held, holds: readonly Spot[]): void {
  held.durable.clear();
  for (const spot of holds) {
    if (!held.holds.has(spot)) continue;
    held.durable.add(spot);
    if (spot.granted === null || spot.holders.size <= spot.claims.size || !spot.claims.has(held)) continue;
    for (const other of [...spot.holders]) if (!spot.claims.has(other)) drop(ledger, other, spot);
  }
}

/** Nothing waits for its record any longer. What is released lets go of what it had announced. */
function clear(ledger: Ledger, held: Held): void {
  held.cleared = true;
  ledger.waiting.delete(held.mitigation.id);
  if (held.mitigation.state === 'released') replan(ledger, held);
}

/** Scripts and announcers that have waited for the journal long enough. */
export function overdue(ledger: Ledger, at: UnixMicros): Effect[] {
  const effects: Effect[] = [];
  const { unspoken } = ledger.announcing;
  let left = maxOverdue;
  for (const [spot, since] of unspoken) {
    if (at - since < journalPatienceMs * 1000 || left-- === 0) break;
    if (!speak(ledger, spot)) continue;
    const { speaker, route } = spot;
    effects.push(
      log('warn', 'journal slow: announced before its record is durable', {
        speaker,
        announcement: route.key,
      }),
    );
  }
  left = maxOverdue;
  for (const [id, since] of ledger.waiting) {
    if (at - since < journalPatienceMs * 1000 || left-- === 0) break;
    const held = ledger.held.get(id);
    if (held === undefined) {
      ledger.waiting.delete(id);
      continue;
    }
    clear(ledger, held);
    const tells = tell(ledger, held);
    if (tells.length === 0) continue;
    effects.push(
      ...tells,
      log('warn', 'journal slow: script told before its record is durable', { attack: id }),
    );
  }
  return effects;
}

/** Until the next has waited long enough; null when none waits. */
export function patienceLeftMs(ledger: Ledger, at: UnixMicros): Milliseconds | null {
  const [script = at] = ledger.waiting.values();
  const [announcer = at] = ledger.announcing.unspoken.values();
  if (ledger.waiting.size === 0 && ledger.announcing.unspoken.size === 0) return null;
  return Math.max(0, journalPatienceMs - (at - Math.min(script, announcer)) / 1000);
}

/** The script actor has begun an action, or cannot. One that has begun leaves room: for the first that had found none. */
export function told(ledger: Ledger, id: AttackId, action: ScriptAction, outcome: NotifyOutcome): Effect[] {
  const effects = heard(ledger, id, action, outcome);
  return outcome === 'started' ? [...effects, ...tellNext(ledger)] : effects;
}

function tellNext(ledger: Ledger): Effect[] {
  for (const id of ledger.sentBack) {
    ledger.sentBack.delete(id);
    const held = ledger.held.get(id);
    const tells = held === undefined ? [] : tell(ledger, held);
    if (tells.length > 0) return tells;
  }
  return [];
}

function heard(ledger: Ledger, id: AttackId, action: ScriptAction, outcome: NotifyOutcome): Effect[] {
  const held = ledger.held.get(id);
  if (held === undefined || action === 'attack_details' || held.handed !== action) return [];
  const { mitigation } = held;
  if (mitigation.notified === action) return [];
  if (outcome !== 'started') {
    held.handed = mitigation.notified;
    if (outcome === 'refused') ledger.sentBack.add(id);
    if (outcome === 'refused' || action === 'unban' || mitigation.state === 'wanted') return [];
    // Over before there was a program to tell: nothing was told, so nothing is to be taken back.
    return [
      ...mark(ledger, held, 'unban'),
      log('error', 'script missing: attack never told', { attack: id }),
    ];
  }
  return mark(ledger, held, action);
}

/** The script actor lost what it was handed and had not begun. */
export function scriptRestarted(ledger: Ledger): Effect[] {
  const effects: Effect[] = [];
  for (const held of ledger.held.values()) {
    if (held.handed === held.mitigation.notified) continue;
    held.handed = held.mitigation.notified;
    effects.push(...tell(ledger, held));
  }
  return effects;
}

/** What the journal knows from before. */
export type Remembered = {
  readonly mitigations: readonly KeptMitigation[];
  readonly notes: ReadonlyMap<string, string>;
};

/**
 * What the journal says is still on. What the ledger has heard since then is newer and stays. `actionOf`: what a hostgroup does about an
 * attack, for those that began before there was announcing.
 */
export function restore(
  ledger: Ledger,
  { mitigations, notes }: Remembered,
  at: UnixMicros,
  actionOf: (attack: Attack) => MitigationAction,
): Effect[] {
  const { announcing } = ledger;
  const effects: Effect[] = [];
  for (const record of mitigations) {
    if (ledger.held.has(record.id)) continue;
    const held = add(ledger, completed(record, actionOf));
    held.cleared = true;
    held.reported = held.mitigation; // news of an earlier life
    held.dirty = record.action === null; // decided once: written with what it announces, or by the next `retry`
    recall(ledger, held);
    effects.push(...tell(ledger, held));
    const releasedAt = ledger.earlyReleases.get(record.id);
    if (releasedAt !== undefined) effects.push(...release(ledger, record.id, releasedAt));
  }
  recallChanges(announcing.admission, notes.get(changesKey) ?? '', at);
  effects.push(...recallStop(ledger, notes.get(stopKey) ?? null), ...forgetRemoved(ledger));
  ledger.restored = true;
  ledger.earlyReleases.clear();
  announcing.replans = [...ledger.held.values()];
  for (const { name } of announcing.terms.policy.speakers) announcing.unheard.add(name);
  return [
    ...effects,
    log('info', 'ledger restored', { mitigations: mitigations.length }),
    ...expire(ledger, at),
  ];
}

/** Who banned by hand wanted a blackhole. */
function completed(record: KeptMitigation, actionOf: (attack: Attack) => MitigationAction): Mitigation {
  const { action, attack } = record;
  if (action !== null) return { ...record, action };
  const decided = attack.origin === 'manual' ? 'blackhole' : actionOf(attack);
  // No rules were made of its evidence when there was nothing to announce: it is gathered again.
  const again = callsForRules(decided) && attack.evidence === 'complete' && record.state === 'wanted';
  return { ...record, action: decided, attack: again ? { ...attack, evidence: 'gathering' } : attack };
}

/** At an orderly stop no answer comes back any more: every change that waits for one is written now. */
export const flush = (ledger: Ledger, at: UnixMicros): Effect[] =>
  [...ledger.held.values()].flatMap((held) => (held.dirty ? [write(ledger, held, at)] : []));

/** Once in a while: what was not written or told is sent again, a bounded number at a time. */
export function retry(ledger: Ledger, at: UnixMicros): Effect[] {
  const writes: Effect[] = [];
  const tells: Effect[] = [];
  beginSweep(ledger);
  hearAgain(ledger);
  for (const held of ledger.held.values()) {
    if (tells.length < maxRetells) tells.push(...tell(ledger, held));
    if (writes.length >= maxRewrites) continue;
    const lost = held.writing !== null && at - held.writing.since > writeLimitMicros;
    if (lost || (held.dirty && held.writing === null)) writes.push(write(ledger, held, at));
  }
  for (const [id, loose] of ledger.loose) {
    if (writes.length >= maxRewrites) break;
    if (loose.writing !== null && at - loose.writing <= writeLimitMicros) continue;
    loose.writing = at;
    writes.push({ kind: 'write', id, entries: [{ kind: 'attack', attack: loose.attack }] });
  }
  return [...tells, ...writes, ...noteStop(ledger)];
}
