/**
 * What an announcer does about what it hears: from the ledger, from its speaker, and with time.
 *
 * Pure decisions on the announcer's table (announcer-table.ts): `advance` changes it in place and names the effects, in
 * order. What the speaker holds is believed from its own word only, and not beyond the next `up` or `down`.
 *
 * - At `up` it is read once the ledger has said everything; then what is missing is announced and what nobody wants
 *   withdrawn. What is decided meanwhile goes at once. Again every `reconcileMs`, give or take a tenth.
 * - A speaker that cannot be read, or fails to be, is told everything that is wanted, which it may hold already.
 * - Nothing is withdrawn before the ledger has said everything, nor ever because this program stops.
 */
import { type Announcement, announcementKey, sameAttributes } from '../../domain/announcement.js';
import type { Result } from '../../domain/result.js';
import type { SpeakerEvent, SpeakerHoldings } from '../../domain/speaker.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';
import type { AnnouncerMessage, Spoken } from './announcer-messages.js';
import { changed, send, sendingOverdue, tell } from './announcer-sending.js';
import {
  type Announcer,
  backoffMs,
  conclude,
  type Effect,
  log,
  maxBatch,
  maxRows,
  place,
  placeAll,
  type Row,
  rowOf,
  settled,
} from './announcer-table.js';
import { compare, type Difference } from './reconcile.js';

export type Input =
  | Exclude<AnnouncerMessage, { kind: 'report' }>
  /** The ledger had no room for what it was told. */
  | { readonly kind: 'unheard' };

/** `chance`: 0 … 1, for jitter. */
export type Moment = { readonly now: Milliseconds; readonly at: UnixMicros; readonly chance: number };

/** The ledger is asked again for everything after this long without an answer. */
const askAgainMs = 5000;
const listPause = { baseMs: 500, maxMs: 30_000 } as const;

export function advance(announcer: Announcer, input: Input, moment: Moment): Effect[] {
  const effects = decide(announcer, input, moment);
  return [...effects, ...list(announcer, moment.now), ...send(announcer, moment.now)];
}

function decide(announcer: Announcer, input: Input, moment: Moment): Effect[] {
  const { now, chance } = moment;
  switch (input.kind) {
    case 'want':
      return want(announcer, input.announcements, now);
    case 'unwant':
      return unwant(announcer, input.announcements, now);
    case 'all':
      return all(announcer, input.wanted, input.leaving, now);
    case 'event':
      return heard(announcer, input.event, now);
    case 'listed':
      return listed(announcer, input.turn, input.result, moment);
    case 'changed':
      return changed(announcer, input.turn, input.results, now, chance);
    case 'unheard':
      announcer.askAt ??= now + askAgainMs;
      return [];
    case 'wake':
      return wake(announcer, moment);
  }
}

/** When `wake` has something to do next; null: never, as things stand. */
export function nextWake(announcer: Announcer): Milliseconds | null {
  const { link, complete, listing, sending, askAt, listAt, ordinary, withdrawals, paused } = announcer;
  const times: Milliseconds[] = [];
  if (askAt !== null) times.push(askAt);
  if (listing !== null) times.push(listing.deadline);
  if (sending !== null) times.push(sending.deadline);
  if (link === 'up') {
    if (complete && listing === null && listAt !== null) times.push(listAt);
    if (sending === null && ordinary.size + withdrawals.size > 0) times.push(announcer.resumeAt);
    for (const key of paused) times.push(announcer.rows.get(key)?.notBefore ?? 0);
  }
  return times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b));
}

function want(announcer: Announcer, announcements: readonly Announcement[], now: Milliseconds): Effect[] {
  const spoken: Spoken[] = [];
  for (const announcement of announcements) {
    const row = desire(announcer, announcement, { do: 'announce', fresh: true, expected: false }, spoken);
    if (row === null) continue;
    row.fresh = !settled(row) && row.refusal === null;
    if (row.refusal !== null) spoken.push({ key: row.key, outcome: 'refused', detail: row.refusal });
    place(announcer, row, now);
  }
  return tell(spoken);
}

function unwant(announcer: Announcer, announcements: readonly Announcement[], now: Milliseconds): Effect[] {
  const spoken: Spoken[] = [];
  for (const announcement of announcements) {
    const row = desire(announcer, announcement, { do: 'withdraw', fresh: false, expected: false }, spoken);
    if (row !== null) place(announcer, row, now);
  }
  return tell(spoken);
}

/** Everything: what is in neither list is withdrawn, as the orphan that it is. */
function all(
  announcer: Announcer,
  wanted: readonly Announcement[],
  leaving: readonly Announcement[],
  now: Milliseconds,
): Effect[] {
  const spoken: Spoken[] = [];
  announcer.complete = true;
  announcer.askAt = null;
  const unnamed = new Map(announcer.rows);
  // What is in both lists is wanted.
  for (const [what, announcements] of [
    ['withdraw', leaving],
    ['announce', wanted],
  ] as const) {
    for (const announcement of announcements) {
      const row = desire(announcer, announcement, { do: what, fresh: false, expected: true }, spoken);
      if (row !== null) unnamed.delete(row.key);
    }
  }
  for (const row of unnamed.values()) {
    row.do = 'withdraw';
    row.orphan = true;
    conclude(announcer, row, spoken);
  }
  if (announcer.link === 'up' && !announcer.readSinceUp) {
    announcer.awaiting = true;
    announcer.listAt = now;
  }
  placeAll(announcer, now);
  return tell(spoken);
}

/** The newest intent for a key. What is as it should be already is told again: somebody waits to hear it. */
function desire(
  announcer: Announcer,
  announcement: Announcement,
  { do: what, fresh, expected }: Pick<Row, 'do' | 'fresh' | 'expected'>,
  spoken: Spoken[],
): Row | null {
  const row = rowOf(announcer, announcement, { do: what, fresh, expected, orphan: false });
  if (row === null) {
    const key = announcementKey(announcement);
    spoken.push({ key, outcome: 'refused', detail: `${maxRows} routes are wanted of this speaker already` });
    return null;
  }
  const otherwise = what === 'announce' && !sameAttributes(row.announcement, announcement);
  if (row.do !== what || otherwise) {
    row.refusal = null;
    row.failures = 0;
    row.notBefore = 0;
  }
  if (otherwise) {
    row.announcement = announcement;
    if (row.holds === 'this') row.holds = 'other';
  }
  row.do = what;
  row.told = null;
  row.orphan = false;
  conclude(announcer, row, spoken);
  return row;
}

function heard(announcer: Announcer, event: SpeakerEvent, now: Milliseconds): Effect[] {
  const { name, listing, sending, link } = announcer;
  const effects: Effect[] = [];
  for (const request of [listing, sending]) {
    if (request !== null) effects.push({ kind: 'give_up', turn: request.turn });
  }
  announcer.listing = null;
  announcer.sending = null;
  for (const row of announcer.rows.values()) {
    row.holds = 'unknown';
    row.sent = null;
    row.notBefore = 0;
  }
  announcer.readSinceUp = false;
  announcer.link = event.kind;
  if (event.kind === 'up') {
    announcer.version = event.version;
    announcer.resumeAt = now;
    announcer.batch = maxBatch;
    announcer.awaiting = announcer.complete;
    announcer.listAt = now;
    effects.push(log('info', 'speaker up', { speaker: name, version: event.version }));
  } else {
    announcer.awaiting = false;
    announcer.listAt = null;
    announcer.lastError = event.reason;
    const again = link === 'down'; // it says so at each attempt
    effects.push(log(again ? 'debug' : 'warn', 'speaker down', { speaker: name, reason: event.reason }));
  }
  placeAll(announcer, now);
  return effects;
}

function list(announcer: Announcer, now: Milliseconds): Effect[] {
  const { link, complete, listing, listAt, sending, rows } = announcer;
  if (link !== 'up' || !complete || listing !== null || listAt === null || now < listAt) return [];
  const turn = ++announcer.turn;
  if (announcer.listFailures > 0) announcer.retries++;
  announcer.listing = { turn, deadline: now + announcer.deadlineMs, touched: new Set(sending?.keys) };
  return [{ kind: 'list', turn, known: new Set(rows.keys()) }];
}

function listed(
  announcer: Announcer,
  turn: number,
  result: Result<SpeakerHoldings | null>,
  { now, at, chance }: Moment,
): Effect[] {
  const { listing, name, reconcileMs } = announcer;
  if (listing === null || listing.turn !== turn) return [];
  announcer.listing = null;
  const first = !announcer.readSinceUp;
  // Whatever comes of it, rows wait no longer: announcing what is held already does no harm.
  announcer.awaiting = false;
  if (!result.ok) {
    announcer.listFailures++;
    announcer.lastError = result.error.detail;
    const pauseMs = backoffMs(announcer.listFailures, listPause.baseMs, listPause.maxMs, chance);
    announcer.listAt = now + pauseMs;
    placeAll(announcer, now);
    const fields = { speaker: name, ...result.error, retryInMs: Math.round(pauseMs) };
    return [log('warn', 'speaker not read', fields)];
  }
  announcer.listFailures = 0;
  announcer.readSinceUp = true;
  announcer.listAt = result.value === null ? null : now + reconcileMs * (0.9 + 0.2 * chance);
  if (result.value === null) {
    placeAll(announcer, now);
    return first ? [log('info', 'speaker cannot be read: told everything again', { speaker: name })] : [];
  }
  announcer.lastReconciledAt = at;
  announcer.foreign = result.value.foreign;
  const difference = compare(announcer.rows, result.value.ours, listing.touched);
  const spoken: Spoken[] = [];
  const lost = learn(announcer, difference, spoken);
  placeAll(announcer, now);
  const amiss = lost + difference.orphans.length > 0;
  const fields = {
    speaker: name,
    held: difference.confirmed.length,
    lost,
    orphans: difference.orphans.length,
    foreign: announcer.foreign,
  };
  const level = amiss ? 'warn' : first ? 'info' : 'debug';
  return [...tell(spoken), log(level, amiss ? 'speaker repaired' : 'speaker reconciled', fields)];
}

/** What a reading says of each key. How many were lost. */
function learn(announcer: Announcer, difference: Difference, spoken: Spoken[]): number {
  const { rows, repaired } = announcer;
  const found = (keys: readonly string[], holds: Row['holds']): Row[] =>
    keys.flatMap((key) => {
      const row = rows.get(key);
      if (row === undefined) return [];
      row.holds = holds;
      conclude(announcer, row, spoken);
      return [row];
    });
  found(difference.confirmed, 'this');
  found(difference.gone, 'nothing');
  found(difference.lingering, 'this');
  let lost = 0;
  for (const row of [...found(difference.missing, 'nothing'), ...found(difference.differing, 'other')]) {
    if (!row.expected) continue;
    row.expected = false;
    row.told = 'lost';
    lost++;
    const detail = row.holds === 'other' ? 'held with other attributes' : null;
    spoken.push({ key: row.key, outcome: 'lost', detail });
  }
  for (const orphan of difference.orphans) {
    const row = rowOf(announcer, orphan, { do: 'withdraw', fresh: false, expected: false, orphan: true });
    if (row !== null) row.holds = 'this';
  }
  repaired.announced += lost;
  repaired.withdrawn += difference.orphans.length;
  return lost;
}

function wake(announcer: Announcer, { now, at, chance }: Moment): Effect[] {
  const { listing, paused, rows, askAt, deadlineMs } = announcer;
  const effects: Effect[] = [];
  if (askAt !== null && now >= askAt) {
    announcer.askAt = now + askAgainMs;
    effects.push({ kind: 'ask' });
  }
  if (listing !== null && now >= listing.deadline) {
    const error = { code: 'TIMEOUT', detail: `not read within ${deadlineMs} ms` } as const;
    effects.push({ kind: 'give_up', turn: listing.turn });
    effects.push(...listed(announcer, listing.turn, { ok: false, error }, { now, at, chance }));
  }
  effects.push(...sendingOverdue(announcer, now, chance));
  for (const key of [...paused]) {
    const row = rows.get(key);
    if (row !== undefined && row.notBefore <= now) place(announcer, row, now);
  }
  return effects;
}
