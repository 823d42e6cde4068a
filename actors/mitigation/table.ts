/**
 * The ledger's table: one row a mitigation, what is on its way for it, and the effects that follow.
 *
 * Each function changes its row in place and names the effects, in order. Writes are named by `settle` (settle.ts), once for
 * all that a message has changed. For one mitigation at most one write and one script hand-over are under way. Times are Unix
 * microseconds.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { Mitigation, Notified } from '../../domain/mitigation.js';
import type { JournalEntry, LogFields, ScriptAction, ScriptRun } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { AnnouncerMessage } from './announcer-messages.js';
import type { FixedGuard } from './fence.js';
import { type Announcing, announcingBy, type Spot, type Terms } from './routes.js';

export const maxMitigations = 10_000;
/** How long script and announcers wait for the journal before they are told all the same. */
export const journalPatienceMs: Milliseconds = 50;
/** Attacks without a mitigation whose record is not written yet. */
export const maxLoose = 1000;

export type Reply = (result: Result<Mitigation>) => void;

export type Held = {
  /** `holdings` and `heldBack` are as of the last `refresh` (settle.ts). */
  mitigation: Mitigation;
  /** When the write under way was sent, and the state and the holdings it says. */
  writing: {
    readonly since: UnixMicros;
    readonly state: Mitigation['state'];
    readonly holds: readonly Spot[];
  } | null;
  /** Changed since that write was sent. */
  dirty: boolean;
  /** The script need not wait for the journal any longer: the present state is written, or waiting has no end. */
  cleared: boolean;
  /** What has been handed to the script actor; ahead of `mitigation.notified` until it says that it has begun. */
  handed: Notified;
  /** The report for `attack_details`, until `ban` has begun. */
  details: ScriptRun['stdin'] | null;
  /** The evidence is complete. */
  explained: boolean;
  /** Who waits to hear that the present state is durable. */
  replies: Reply[];
  /** What it wants announced: of its plan what no fixed guard refuses. */
  readonly claims: Set<Spot>;
  /** The gravest of those that do. */
  refusedBy: FixedGuard | null;
  /** Its holdings: what it has had announced and has not been confirmed as gone, or as another's. */
  readonly holds: Set<Spot>;
  /** Those of them that the journal knows. */
  readonly durable: Set<Spot>;
  /** As its news were last told; null: it is new. */
  reported: Mitigation | null;
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
  /** Changed by the message at hand, and not written yet. */
  readonly unwritten: Set<Held>;
  /** Whose holdings or guards have changed since they were last put into the record. */
  readonly stale: Set<Held>;
  /** Changed since their news were last told; some of them may have left the table. */
  readonly unreported: Set<Held>;
  /** Whose script found no room, in that order; some of them may have been told since. */
  readonly sentBack: Set<AttackId>;
  readonly announcing: Announcing;
  restored: boolean;
  refused: number;
};

export type Effect =
  | { readonly kind: 'write'; readonly id: AttackId; readonly entries: readonly JournalEntry[] }
  /** To the journal. `isOrder`: an operator's, of which the ledger hears whether it was written. */
  | {
      readonly kind: 'note';
      readonly key: string;
      readonly value: string | null;
      readonly isOrder: boolean;
    }
  | {
      readonly kind: 'notify';
      readonly action: ScriptAction;
      readonly attack: Attack;
      readonly report: ScriptRun['stdin'] | null;
    }
  | { readonly kind: 'speak'; readonly speaker: string; readonly message: AnnouncerMessage }
  /** To whom it may concern: nothing waits for it. */
  | { readonly kind: 'news'; readonly before: Mitigation | null; readonly after: Mitigation }
  /** The attack actor of a detected attack must end. */
  | { readonly kind: 'end_attack'; readonly attack: Attack }
  | { readonly kind: 'reply'; readonly reply: Reply; readonly result: Result<Mitigation> }
  | { readonly kind: 'call'; readonly call: () => void }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly phrase: string;
      readonly fields: LogFields;
    };

export const emptyLedger = (terms: Terms): Ledger => ({
  held: new Map(),
  bySubject: new Map(),
  loose: new Map(),
  waiting: new Map(),
  earlyReleases: new Map(),
  unwritten: new Set(),
  stale: new Set(),
  unreported: new Set(),
  sentBack: new Set(),
  announcing: announcingBy(terms),
  restored: false,
  refused: 0,
});

export const log = (level: 'info' | 'warn' | 'error', phrase: string, fields: LogFields): Effect => ({
  kind: 'log',
  level,
  phrase,
  fields,
});

/** Its record is to be written, as soon as no write of it is under way. */
export function changed(ledger: Ledger, held: Held): void {
  held.dirty = true;
  ledger.unwritten.add(held);
  ledger.unreported.add(held);
}

/**
 * Hands the script what it has to hear next, if anything. `ban` comes before `unban`, one at a time. What the script
 * knows already for another mitigation of the same subject is marked as told and not said again.
 */
export function tell(ledger: Ledger, held: Held): Effect[] {
  const { attack, state, notified } = held.mitigation;
  if (held.handed !== notified) return [];
  const action = notified === 'nothing' ? 'ban' : notified === 'ban' && state === 'released' ? 'unban' : null;
  // A release of what was never told tells both; the ban then waits for nothing.
  const may = held.cleared || (action === 'ban' && state === 'released');
  if (action === null || !may) return [];
  if (saidByAnother(ledger, held)) return mark(ledger, held, action);
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
export function mark(ledger: Ledger, held: Held, notified: Notified): Effect[] {
  const { details } = held;
  held.mitigation = { ...held.mitigation, notified };
  held.handed = notified;
  held.details = null;
  changed(ledger, held);
  const { attack } = held.mitigation;
  return [
    ...(details === null || notified !== 'ban'
      ? []
      : [{ kind: 'notify' as const, action: 'attack_details' as const, attack, report: details }]),
    ...tell(ledger, held),
  ];
}

export function add(ledger: Ledger, mitigation: Mitigation): Held {
  const held: Held = {
    mitigation,
    writing: null,
    dirty: false,
    cleared: false,
    handed: mitigation.notified,
    details: null,
    explained: mitigation.attack.evidence === 'complete',
    replies: [],
    claims: new Set(),
    refusedBy: null,
    holds: new Set(),
    durable: new Set(),
    reported: null,
  };
  ledger.held.set(mitigation.id, held);
  const subject = subjectText(mitigation.attack.subject);
  ledger.bySubject.set(subject, [...(ledger.bySubject.get(subject) ?? []), held]);
  return held;
}

export function forgetIfDone(ledger: Ledger, held: Held): void {
  const { id, state, notified, attack } = held.mitigation;
  if (state !== 'released' || notified !== 'unban' || held.dirty || held.writing !== null) return;
  if (held.holds.size > 0 || held.claims.size > 0) return;
  ledger.held.delete(id);
  ledger.stale.delete(held);
  const subject = subjectText(attack.subject);
  const others = (ledger.bySubject.get(subject) ?? []).filter((other) => other !== held);
  if (others.length > 0) ledger.bySubject.set(subject, others);
  else ledger.bySubject.delete(subject);
}

export const answer = (held: Held, result: Result<Mitigation>): Effect[] =>
  held.replies.splice(0).map((reply) => ({ kind: 'reply', reply, result }));
