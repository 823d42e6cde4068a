/**
 * An announcer's table: one row a key, what should become of it and what is known of it, and what is sent next.
 *
 * Functions change the table in place. Times are monotonic milliseconds unless their name says otherwise.
 */
import { type Announcement, announcementKey } from '../../domain/announcement.js';
import type { LogFields } from '../../domain/ports.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';
import type { Spoken } from './announcer-messages.js';

/** Keys that are wanted or leaving; one more is refused. */
export const maxRows = 65_536;
/** Changes of one request. */
export const maxBatch = 256;

export type Row = {
  readonly key: string;
  announcement: Announcement;
  do: SpeakerChange['do'];
  /** `this`: as in `announcement`. `other`: with other attributes. A change on its way makes it `unknown`. */
  holds: 'unknown' | 'nothing' | 'this' | 'other';
  /** The change on its way; one at most. */
  sent: SpeakerChange | null;
  /** Decided since the start, and not sent yet: waits for no reading and no pause. */
  fresh: boolean;
  /** Thought to be held: should a reading not find it, it was lost. */
  expected: boolean;
  /** What the ledger has heard last. */
  told: Spoken['outcome'] | null;
  /** Why the speaker said no. */
  refusal: string | null;
  /** In a row, of this key. */
  failures: number;
  notBefore: Milliseconds;
  failedBefore: boolean;
  /** Found at the speaker, and unknown to the ledger. */
  orphan: boolean;
};

export type Request = { readonly turn: number; deadline: Milliseconds };
export type Sending = Request & { readonly keys: readonly string[]; givenUp: boolean };
/** `touched`: keys whose changes were on their way, or came, since the speaker was asked. */
export type Listing = Request & { readonly touched: Set<string> };

export type Announcer = {
  readonly name: string;
  readonly reconcileMs: Milliseconds;
  readonly deadlineMs: Milliseconds;
  readonly rows: Map<string, Row>;
  /** Keys to be sent, in this order: decided just now; to be announced again; to be withdrawn. */
  readonly urgent: Set<string>;
  readonly ordinary: Set<string>;
  readonly withdrawals: Set<string>;
  /** Keys that wait for a time of their own. */
  readonly paused: Set<string>;
  link: 'connecting' | 'up' | 'down';
  version: string | null;
  /** The ledger has said everything: only then is anything withdrawn, or the speaker read. */
  complete: boolean;
  askAt: Milliseconds | null;
  /** Up, and being read for the first time since: rows that are not fresh wait for what it holds. */
  awaiting: boolean;
  readSinceUp: boolean;
  turn: number;
  listing: Listing | null;
  listAt: Milliseconds | null;
  listFailures: number;
  sending: Sending | null;
  /** Requests of changes so far. */
  requests: number;
  /** Changes a request may hold now: fewer after requests that failed whole. */
  batch: number;
  failures: number;
  resumeAt: Milliseconds;
  foreign: number | null;
  lastReconciledAt: UnixMicros | null;
  readonly repaired: { announced: number; withdrawn: number };
  retries: number;
  /** Of rows beyond `maxRows`. */
  turnedAway: number;
  lastError: string | null;
};

export type Effect =
  /** Ask the ledger for everything. */
  | { readonly kind: 'ask' }
  | { readonly kind: 'list'; readonly turn: number; readonly known: ReadonlySet<string> }
  | { readonly kind: 'change'; readonly turn: number; readonly changes: readonly SpeakerChange[] }
  /** Abort that request. */
  | { readonly kind: 'give_up'; readonly turn: number }
  | { readonly kind: 'tell'; readonly results: readonly Spoken[] }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly phrase: string;
      readonly fields: LogFields;
    };

export const emptyAnnouncer = (
  policy: { readonly name: string; readonly reconcileMs: Milliseconds; readonly deadlineMs: Milliseconds },
  now: Milliseconds,
): Announcer => ({
  ...policy,
  rows: new Map(),
  urgent: new Set(),
  ordinary: new Set(),
  withdrawals: new Set(),
  paused: new Set(),
  link: 'connecting',
  version: null,
  complete: false,
  askAt: now,
  awaiting: false,
  readSinceUp: false,
  turn: 0,
  listing: null,
  listAt: null,
  listFailures: 0,
  sending: null,
  requests: 0,
  batch: maxBatch,
  failures: 0,
  resumeAt: now,
  foreign: null,
  lastReconciledAt: null,
  repaired: { announced: 0, withdrawn: 0 },
  retries: 0,
  turnedAway: 0,
  lastError: null,
});

/** The row of a key, made when there is none; null: the table is full. */
export function rowOf(
  announcer: Announcer,
  announcement: Announcement,
  change: Pick<Row, 'do' | 'fresh' | 'expected' | 'orphan'>,
): Row | null {
  const key = announcementKey(announcement);
  const known = announcer.rows.get(key);
  if (known !== undefined) return known;
  if (announcer.rows.size >= maxRows) {
    announcer.turnedAway++;
    return null;
  }
  const row: Row = {
    key,
    announcement,
    holds: 'unknown',
    sent: null,
    told: null,
    refusal: null,
    failures: 0,
    notBefore: 0,
    failedBefore: false,
    ...change,
  };
  announcer.rows.set(key, row);
  return row;
}

/** The speaker holds of it what it should. */
export const settled = (row: Row): boolean =>
  row.sent === null && row.holds === (row.do === 'announce' ? 'this' : 'nothing');

/** Tells the ledger of a row that is as it should be, unless it knows; a row that is gone leaves the table. */
export function conclude(announcer: Announcer, row: Row, spoken: Spoken[]): void {
  if (!settled(row)) return;
  const outcome = row.do === 'announce' ? 'held' : 'gone';
  row.expected = outcome === 'held';
  row.fresh = false;
  row.refusal = null;
  row.failures = 0;
  row.notBefore = 0;
  if (row.told !== outcome && !row.orphan) spoken.push({ key: row.key, outcome, detail: null });
  row.told = outcome;
  if (outcome === 'held') return;
  announcer.rows.delete(row.key);
  unqueue(announcer, row);
}

function unqueue({ urgent, ordinary, withdrawals, paused }: Announcer, { key }: Row): void {
  for (const queue of [urgent, ordinary, withdrawals, paused]) queue.delete(key);
}

/** Puts the row where it is sent from, or nowhere: after each change of it. The last to come is the last to go. */
export function place(announcer: Announcer, row: Row, now: Milliseconds): void {
  const { urgent, ordinary, withdrawals, paused, rows, link, complete, awaiting } = announcer;
  unqueue(announcer, row);
  if (link !== 'up' || row.sent !== null || settled(row) || !rows.has(row.key)) return;
  if (row.do === 'withdraw' && !complete) return;
  if (row.notBefore > now) paused.add(row.key);
  else if (row.do === 'announce' && row.fresh) urgent.add(row.key);
  else if (row.holds === 'unknown' && awaiting) return;
  else (row.do === 'announce' ? ordinary : withdrawals).add(row.key);
}

export function placeAll(announcer: Announcer, now: Milliseconds): void {
  for (const row of announcer.rows.values()) place(announcer, row, now);
}

/** Before attempt `failures + 1`: doubles, up to a bound, give or take a fifth. `chance`: 0 … 1. */
export const backoffMs = (
  failures: number,
  baseMs: Milliseconds,
  maxMs: Milliseconds,
  chance: number,
): Milliseconds => Math.min(baseMs * 2 ** (failures - 1), maxMs) * (0.8 + 0.4 * chance);

export const log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  phrase: string,
  fields: LogFields,
): Effect => ({ kind: 'log', level, phrase, fields });
