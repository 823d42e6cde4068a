/**
 * What comes back to the ledger: from the journal, from the script actor, and with time.
 *
 * Pure decisions on the ledger's table, as in ledger.ts. Times are Unix microseconds.
 */
import type { Mitigation } from '../../domain/mitigation.js';
import type { ScriptAction } from '../../domain/ports.js';
import { failure, success } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';
import { expire, release } from './ledger.js';
import {
  add,
  answer,
  type Effect,
  forgetIfDone,
  type Held,
  journalPatienceMs,
  type Ledger,
  log,
  mark,
  tell,
  write,
} from './table.js';

/** A write without an answer for this long is sent again. */
const writeLimitMicros = 10_000_000;
/** How much one `retry` sends again. */
const maxRewrites = 256;
const maxRetells = 64;

/** The journal has written, or could not. */
export function written(ledger: Ledger, id: AttackId, error: string | null, at: UnixMicros): Effect[] {
  const loose = ledger.loose.get(id);
  if (loose !== undefined) {
    if (error === null) ledger.loose.delete(id);
    else loose.writing = null;
  }
  const held = ledger.held.get(id);
  if (held === undefined || held.writing === null) return [];
  const durable = error === null && held.writing.state === held.mitigation.state;
  held.writing = null;
  if (error !== null) held.dirty = true;
  const failed = failure<Mitigation>('JOURNAL_UNWRITABLE', `in force, but not written down yet: ${error}`);
  const answers =
    error !== null ? answer(held, failed) : durable ? answer(held, success(held.mitigation)) : [];
  if (durable || error !== null) clear(ledger, held);
  // A failed write is sent again by `retry`, not at once.
  const again = held.dirty && error === null ? write(held, at) : [];
  const effects = [...tell(ledger, held, at), ...again, ...answers];
  forgetIfDone(ledger, held);
  return error === null
    ? effects
    : [...effects, log('error', 'mitigation not written down', { attack: id, error })];
}

function clear(ledger: Ledger, held: Held): void {
  held.cleared = true;
  ledger.waiting.delete(held.mitigation.id);
}

/** Scripts that have waited for the journal long enough. */
export function overdue(ledger: Ledger, at: UnixMicros): Effect[] {
  const effects: Effect[] = [];
  for (const [id, since] of ledger.waiting) {
    if (at - since < journalPatienceMs * 1000) break;
    ledger.waiting.delete(id);
    const held = ledger.held.get(id);
    if (held === undefined) continue;
    held.cleared = true;
    const tells = tell(ledger, held, at);
    if (tells.length === 0) continue;
    effects.push(
      ...tells,
      log('warn', 'journal slow: script told before its record is durable', { attack: id }),
    );
  }
  return effects;
}

/** Until the next script has waited long enough; null when none waits. */
export function patienceLeftMs(ledger: Ledger, at: UnixMicros): Milliseconds | null {
  const [oldest] = ledger.waiting.values();
  return oldest === undefined ? null : Math.max(0, journalPatienceMs - (at - oldest) / 1000);
}

/** The script actor has begun an action, or cannot. */
export function told(
  ledger: Ledger,
  id: AttackId,
  action: ScriptAction,
  outcome: NotifyOutcome,
  at: UnixMicros,
): Effect[] {
  const held = ledger.held.get(id);
  if (held === undefined || action === 'attack_details' || held.handed !== action) return [];
  const { mitigation } = held;
  if (mitigation.notified === action) return [];
  if (outcome !== 'started') {
    held.handed = mitigation.notified;
    if (outcome === 'refused' || action === 'unban' || mitigation.state === 'wanted') return [];
    // Over before there was a program to tell: nothing was told, so nothing is to be taken back.
    return [
      ...mark(ledger, held, 'unban', at),
      log('error', 'script missing: attack never told', { attack: id }),
    ];
  }
  return mark(ledger, held, action, at);
}

/** The script actor lost what it was handed and had not begun. */
export function scriptRestarted(ledger: Ledger, at: UnixMicros): Effect[] {
  const effects: Effect[] = [];
  for (const held of ledger.held.values()) {
    if (held.handed === held.mitigation.notified) continue;
    held.handed = held.mitigation.notified;
    effects.push(...tell(ledger, held, at));
  }
  return effects;
}

/** What the journal says is still on. What the ledger has heard since then is newer and stays. */
export function restore(ledger: Ledger, mitigations: readonly Mitigation[], at: UnixMicros): Effect[] {
  const effects: Effect[] = [];
  for (const mitigation of mitigations) {
    if (ledger.held.has(mitigation.id)) continue;
    const held = add(ledger, mitigation);
    held.cleared = true;
    effects.push(...tell(ledger, held, at));
    const releasedAt = ledger.earlyReleases.get(mitigation.id);
    if (releasedAt !== undefined) effects.push(...release(ledger, mitigation.id, releasedAt));
  }
  ledger.restored = true;
  ledger.earlyReleases.clear();
  return [
    ...effects,
    log('info', 'ledger restored', { mitigations: mitigations.length }),
    ...expire(ledger, at),
  ];
}

/** At an orderly stop no answer comes back any more: every change that waits for one is written now. */
export const flush = (ledger: Ledger, at: UnixMicros): Effect[] =>
  [...ledger.held.values()].flatMap((held) => (held.dirty ? write(held, at) : []));

/** Once in a while: what was not written or told is sent again, a bounded number at a time. */
export function retry(ledger: Ledger, at: UnixMicros): Effect[] {
  const writes: Effect[] = [];
  const tells: Effect[] = [];
  for (const held of ledger.held.values()) {
    if (tells.length < maxRetells) tells.push(...tell(ledger, held, at));
    if (writes.length >= maxRewrites) continue;
    const lost = held.writing !== null && at - held.writing.since > writeLimitMicros;
    if (lost || (held.dirty && held.writing === null)) writes.push(...write(held, at));
  }
  for (const [id, loose] of ledger.loose) {
    if (writes.length >= maxRewrites) break;
    if (loose.writing !== null && at - loose.writing <= writeLimitMicros) continue;
    loose.writing = at;
    writes.push({ kind: 'write', id, entries: [{ kind: 'attack', attack: loose.attack }] });
  }
  return [...tells, ...writes];
}
