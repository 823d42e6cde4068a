/**
 * The ledger of mitigations: what should be, what is written down of it, and what the notify script was told.
 *
 * Pure decisions on a table that the actor owns: each function changes it in place and names the effects, in order.
 * Times are Unix microseconds. Why intent → script → mark: docs/decisions/0003-script-once.md.
 *
 * - A change is written before the script hears of it. When the journal is slow or broken the script waits no longer
 *   than `journalPatienceMs` (`overdue`, or a failed write), and the record is written as soon as it can be.
 * - For one mitigation at most one write and one script hand-over are under way. The script hears `ban` once, then
 *   `unban` once; each is marked when the program has been started.
 * - A mitigation leaves the table when it is released, its `unban` told, and both written. The journal keeps it.
 * - The table is bounded: a mitigation beyond `maxMitigations` is refused, loudly.
 */
import type { Attack } from '../../domain/attack.js';
import { subjectText } from '../../domain/attack.js';
import type { Mitigation, Notified } from '../../domain/mitigation.js';
import type { JournalEntry, LogFields, ScriptAction } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';

export const maxMitigations = 10_000;
/** How long the script waits for the journal before it is told all the same. */
export const journalPatienceMs: Milliseconds = 50;
/** Attacks without a mitigation whose record is not written yet. */
const maxLoose = 1000;
/** A write without an answer for this long is sent again. */
const writeLimitMicros = 10_000_000;
/** How much one `retry` sends again. */
const maxRewrites = 256;
const maxRetells = 64;

export type Reply = (result: Result<Mitigation>) => void;

type Held = {
  mitigation: Mitigation;
  /** When the write under way was sent, and the state it says. */
  writing: { readonly since: UnixMicros; readonly state: Mitigation['state'] } | null;
  /** Changed since that write was sent. */
  dirty: boolean;
  /** The script need not wait for the journal any longer: the present state is written, or waiting has no end. */
  cleared: boolean;
  /** What has been handed to the script actor; ahead of `mitigation.notified` until it says that it has begun. */
  handed: Notified;
  /** The report for `attack_details`, until `ban` has begun. */
  details: string | null;
  /** Who waits to hear that the present state is durable. */
  replies: Reply[];
};

type Loose = { attack: Attack; writing: UnixMicros | null };

export type Ledger = {
  readonly held: Map<AttackId, Held>;
  readonly loose: Map<AttackId, Loose>;
  /** Whose script waits for the journal, since when; in that order. */
  readonly waiting: Map<AttackId, UnixMicros>;
  /** Releases of mitigations that the journal has not given back yet. */
  readonly earlyReleases: Map<AttackId, UnixMicros>;
  restored: boolean;
  refused: number;
};

export type Effect =
  | { readonly kind: 'write'; readonly id: AttackId; readonly entries: readonly JournalEntry[] }
  | {
      readonly kind: 'notify';
      readonly action: ScriptAction;
      readonly attack: Attack;
      readonly report: string | null;
    }
  /** The attack actor of a detected attack must end. */
  | { readonly kind: 'end_attack'; readonly attack: Attack }
  | { readonly kind: 'reply'; readonly reply: Reply; readonly result: Result<Mitigation> }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly phrase: string;
      readonly fields: LogFields;
    };

export const emptyLedger = (): Ledger => ({
  held: new Map(),
  loose: new Map(),
  waiting: new Map(),
  earlyReleases: new Map(),
  restored: false,
  refused: 0,
});

const log = (level: 'info' | 'warn' | 'error', phrase: string, fields: LogFields): Effect => ({
  kind: 'log',
  level,
  phrase,
  fields,
});

// --- the record of one mitigation ---

function changed(held: Held, at: UnixMicros): Effect[] {
  held.dirty = true;
  return held.writing === null ? write(held, at) : [];
}

function write(held: Held, at: UnixMicros): Effect[] {
  const { mitigation } = held;
  held.dirty = false;
  held.writing = { since: at, state: mitigation.state };
  const entries: JournalEntry[] = [
    { kind: 'attack', attack: mitigation.attack },
    { kind: 'mitigation', mitigation },
  ];
  return [{ kind: 'write', id: mitigation.id, entries }];
}

/** Hands the script what it has to hear next, if anything. `ban` comes before `unban`, one at a time. */
function tell(held: Held): Effect[] {
  const { attack, state, notified } = held.mitigation;
  if (held.handed !== notified) return [];
  const action = notified === 'nothing' ? 'ban' : notified === 'ban' && state === 'released' ? 'unban' : null;
  // A release of what was never told tells both; the ban then waits for nothing.
  const may = held.cleared || (action === 'ban' && state === 'released');
  if (action === null || !may) return [];
  held.handed = action;
  return [{ kind: 'notify', action, attack, report: null }];
}

function add(ledger: Ledger, mitigation: Mitigation): Held {
  const held: Held = {
    mitigation,
    writing: null,
    dirty: false,
    cleared: false,
    handed: mitigation.notified,
    details: null,
    replies: [],
  };
  ledger.held.set(mitigation.id, held);
  return held;
}

function forgetIfDone(ledger: Ledger, held: Held): void {
  const { id, state, notified } = held.mitigation;
  if (state === 'released' && notified === 'unban' && !held.dirty && held.writing === null)
    ledger.held.delete(id);
}

const answer = (held: Held, result: Result<Mitigation>): Effect[] =>
  held.replies.splice(0).map((reply) => ({ kind: 'reply', reply, result }));

// --- what is wanted ---

export type Want = {
  readonly attack: Attack;
  readonly until: UnixMicros | null;
  readonly comment: string;
  readonly reply: Reply | null;
};

/** Idempotent by the attack's id. A whitelisted attack is written down and no more. */
export function mitigate(ledger: Ledger, want: Want, at: UnixMicros): Effect[] {
  const { attack, until, comment, reply } = want;
  if (ledger.held.has(attack.id)) return [];
  if (attack.whitelisted) return record(ledger, attack, at);
  if (ledger.held.size >= maxMitigations) {
    ledger.refused++;
    const result = failure<Mitigation>('LEDGER_FULL', `${maxMitigations} mitigations are held already`);
    return [
      log('error', 'ledger full: mitigation refused', { attack: attack.id, bound: maxMitigations }),
      ...(reply === null ? [] : [{ kind: 'reply' as const, reply, result }]),
    ];
  }
  const held = add(ledger, {
    id: attack.id,
    attack,
    state: 'wanted',
    since: at,
    until,
    comment,
    notified: 'nothing',
  });
  if (reply !== null) held.replies.push(reply);
  ledger.waiting.set(attack.id, at);
  return [
    ...write(held, at),
    log('info', 'mitigation wanted', { attack: attack.id, subject: subjectText(attack.subject), until }),
  ];
}

/** Idempotent. `reply` hears when the release is durable. */
export function release(ledger: Ledger, id: AttackId, at: UnixMicros, reply: Reply | null = null): Effect[] {
  const held = ledger.held.get(id);
  if (held === undefined) {
    if (!ledger.restored && ledger.earlyReleases.size < maxMitigations) ledger.earlyReleases.set(id, at);
    return [];
  }
  const { mitigation } = held;
  if (mitigation.state === 'released') return [];
  held.mitigation = {
    ...mitigation,
    state: 'released',
    attack: { ...mitigation.attack, endedAt: mitigation.attack.endedAt ?? at },
  };
  held.cleared = false;
  held.details = null;
  if (reply !== null) held.replies.push(reply);
  ledger.waiting.delete(id);
  ledger.waiting.set(id, at);
  return [
    ...changed(held, at),
    ...tell(held),
    log('info', 'mitigation released', { attack: id, subject: subjectText(mitigation.attack.subject) }),
  ];
}

/** The record of an attack as it is now. An end that is known stays. */
export function revise(ledger: Ledger, attack: Attack, at: UnixMicros): Effect[] {
  const held = ledger.held.get(attack.id);
  if (held === undefined) return record(ledger, attack, at);
  const endedAt = attack.endedAt ?? held.mitigation.attack.endedAt;
  held.mitigation = { ...held.mitigation, attack: { ...attack, endedAt } };
  return changed(held, at);
}

/** An attack without a mitigation: its record alone. */
function record(ledger: Ledger, attack: Attack, at: UnixMicros): Effect[] {
  const loose = ledger.loose.get(attack.id);
  if (loose !== undefined) {
    loose.attack = attack;
  } else {
    const oldest = ledger.loose.size >= maxLoose ? ledger.loose.keys().next().value : undefined;
    if (oldest !== undefined) ledger.loose.delete(oldest);
    ledger.loose.set(attack.id, { attack, writing: at });
  }
  return [{ kind: 'write', id: attack.id, entries: [{ kind: 'attack', attack }] }];
}

export function explain(ledger: Ledger, attack: Attack, report: string): Effect[] {
  const held = ledger.held.get(attack.id);
  if (held === undefined || held.mitigation.state === 'released') return [];
  if (held.mitigation.notified === 'ban')
    return [{ kind: 'notify', action: 'attack_details', attack, report }];
  held.details = report;
  return [];
}

/** By hand: every mitigation of `subject` ends. NOT_MITIGATED when there is none. */
export function unban(ledger: Ledger, subject: string, at: UnixMicros, reply: Reply): Effect[] {
  const found = wanted(ledger).filter(({ attack }) => subjectText(attack.subject) === subject);
  if (found.length === 0) {
    return [{ kind: 'reply', reply, result: failure('NOT_MITIGATED', `${subject} is not mitigated`) }];
  }
  return found.flatMap((mitigation, index) => end(ledger, mitigation, at, index === 0 ? reply : null));
}

/** What has run out. */
export const expire = (ledger: Ledger, at: UnixMicros): Effect[] =>
  wanted(ledger)
    .filter(({ until }) => until !== null && until <= at)
    .flatMap((mitigation) => end(ledger, mitigation, at, null));

function end(ledger: Ledger, { id, attack }: Mitigation, at: UnixMicros, reply: Reply | null): Effect[] {
  const released = release(ledger, id, at, reply);
  return attack.origin === 'detected' ? [...released, { kind: 'end_attack', attack }] : released;
}

export const wanted = (ledger: Ledger): Mitigation[] =>
  [...ledger.held.values()].flatMap(({ mitigation }) => (mitigation.state === 'wanted' ? [mitigation] : []));

// --- what comes back ---

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
  const effects = [...tell(held), ...again, ...answers];
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
    const tells = tell(held);
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

function mark(ledger: Ledger, held: Held, notified: Notified, at: UnixMicros): Effect[] {
  const { details } = held;
  held.mitigation = { ...held.mitigation, notified };
  held.handed = notified;
  held.details = null;
  const { attack } = held.mitigation;
  const effects: Effect[] = [
    ...changed(held, at),
    ...(details === null || notified !== 'ban'
      ? []
      : [{ kind: 'notify' as const, action: 'attack_details' as const, attack, report: details }]),
    ...tell(held),
  ];
  forgetIfDone(ledger, held);
  return effects;
}

/** The script actor lost what it was handed and had not begun. */
export function scriptRestarted(ledger: Ledger): Effect[] {
  const effects: Effect[] = [];
  for (const held of ledger.held.values()) {
    if (held.handed === held.mitigation.notified) continue;
    held.handed = held.mitigation.notified;
    effects.push(...tell(held));
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
    effects.push(...tell(held));
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

/** Once in a while: what was not written or told is sent again, a bounded number at a time. */
export function retry(ledger: Ledger, at: UnixMicros): Effect[] {
  const writes: Effect[] = [];
  const tells: Effect[] = [];
  for (const held of ledger.held.values()) {
    if (tells.length < maxRetells) tells.push(...tell(held));
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
