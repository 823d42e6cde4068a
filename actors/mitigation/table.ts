/**
 * The ledger's table: one row a mitigation, what is on its way for it, and the effects that follow.
 *
 * Each function changes its row in place and names the effects, in order. For one mitigation at most one write and one
 * script hand-over are under way. Times are Unix microseconds.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { Mitigation, Notified } from '../../domain/mitigation.js';
import type { JournalEntry, LogFields, ScriptAction } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';

export const maxMitigations = 10_000;
/** How long the script waits for the journal before it is told all the same. */
export const journalPatienceMs: Milliseconds = 50;
/** Attacks without a mitigation whose record is not written yet. */
export const maxLoose = 1000;

export type Reply = (result: Result<Mitigation>) => void;

export type Held = {
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
  /** Who is held for a subject: one as a rule, two when a host banned by hand is attacked. */
  readonly bySubject: Map<string, Held[]>;
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
  bySubject: new Map(),
  loose: new Map(),
  waiting: new Map(),
  earlyReleases: new Map(),
  restored: false,
  refused: 0,
});

export const log = (level: 'info' | 'warn' | 'error', phrase: string, fields: LogFields): Effect => ({
  kind: 'log',
  level,
  phrase,
  fields,
});

export function changed(held: Held, at: UnixMicros): Effect[] {
  held.dirty = true;
  return held.writing === null ? write(held, at) : [];
}

export function write(held: Held, at: UnixMicros): Effect[] {
  const { mitigation } = held;
  held.dirty = false;
  held.writing = { since: at, state: mitigation.state };
  const entries: JournalEntry[] = [
    { kind: 'attack', attack: mitigation.attack },
    { kind: 'mitigation', mitigation },
  ];
  return [{ kind: 'write', id: mitigation.id, entries }];
}

/**
 * Hands the script what it has to hear next, if anything. `ban` comes before `unban`, one at a time. What the script
 * knows already for another mitigation of the same subject is marked as told and not said again.
 */
export function tell(ledger: Ledger, held: Held, at: UnixMicros): Effect[] {
  const { attack, state, notified } = held.mitigation;
  if (held.handed !== notified) return [];
  const action = notified === 'nothing' ? 'ban' : notified === 'ban' && state === 'released' ? 'unban' : null;
  // A release of what was never told tells both; the ban then waits for nothing.
  const may = held.cleared || (action === 'ban' && state === 'released');
  if (action === null || !may) return [];
  if (saidByAnother(ledger, held)) return mark(ledger, held, action, at);
  held.handed = action;
  return [{ kind: 'notify', action, attack, report: null }];
}

/**
 * A subject is banned as long as one of its mitigations is: the first one's `ban` and the last one's `unban` are said.
 * One that stands at `ban` has said the former and will say the latter.
 */
const saidByAnother = (ledger: Ledger, held: Held): boolean =>
  (ledger.bySubject.get(subjectText(held.mitigation.attack.subject)) ?? []).some(
    (other) => other !== held && other.handed === 'ban',
  );

/** The script has been told `notified`. */
export function mark(ledger: Ledger, held: Held, notified: Notified, at: UnixMicros): Effect[] {
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
    ...tell(ledger, held, at),
  ];
  forgetIfDone(ledger, held);
  return effects;
}

export function add(ledger: Ledger, mitigation: Mitigation): Held {
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
  const subject = subjectText(mitigation.attack.subject);
  ledger.bySubject.set(subject, [...(ledger.bySubject.get(subject) ?? []), held]);
  return held;
}

export function forgetIfDone(ledger: Ledger, held: Held): void {
  const { id, state, notified, attack } = held.mitigation;
  if (state !== 'released' || notified !== 'unban' || held.dirty || held.writing !== null) return;
  ledger.held.delete(id);
  const subject = subjectText(attack.subject);
  const others = (ledger.bySubject.get(subject) ?? []).filter((other) => other !== held);
  if (others.length > 0) ledger.bySubject.set(subject, others);
  else ledger.bySubject.delete(subject);
}

export const answer = (held: Held, result: Result<Mitigation>): Effect[] =>
  held.replies.splice(0).map((reply) => ({ kind: 'reply', reply, result }));
