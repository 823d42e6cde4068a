/**
 * An announcer's changes on their way: which go next, and what comes back of them.
 *
 * - At most one request at a time, so at most one change of a key; the newest intent goes when it is back.
 * - What was decided just now goes with the next request, whatever pause the speaker is given; repairs after it,
 *   withdrawals last (but first in every fourth request, so that nothing starves them).
 * - A request that fails whole pauses the speaker, longer each time, and makes the next one smaller: whatever stalls it
 *   soon stalls alone. A change that fails among others that do not pauses its own key. A refusal pauses its key for long.
 */
import { sameAttributes } from '../../domain/announcement.js';
import { failure, type Result } from '../../domain/result.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Spoken } from './announcer-messages.js';
import {
  type Announcer,
  backoffMs,
  conclude,
  type Effect,
  log,
  maxBatch,
  place,
  type Row,
  type Sending,
} from './announcer-table.js';

/** Pauses after failures: of the speaker, of one key, and of a key that was refused. */
const speakerPause = { baseMs: 250, maxMs: 30_000 } as const;
const keyPause = { baseMs: 1000, maxMs: 60_000 } as const;
const refusalPause = { baseMs: 30_000, maxMs: 1_800_000 } as const;
/** After the deadline, for the speaker's port to say what was done until then. */
export const graceMs: Milliseconds = 500;
/** Keys that a log line names. */
const maxNamed = 8;

/** The next request, if one may go now. */
export function send(announcer: Announcer, now: Milliseconds): Effect[] {
  if (announcer.link !== 'up' || announcer.sending !== null) return [];
  const keys = choose(announcer, now);
  if (keys.length === 0) return [];
  announcer.requests++;
  const turn = ++announcer.turn;
  const changes: SpeakerChange[] = [];
  for (const key of keys) {
    const row = announcer.rows.get(key);
    if (row === undefined) continue;
    row.sent = { do: row.do, announcement: row.announcement };
    row.holds = 'unknown';
    row.fresh = false;
    if (row.failedBefore) announcer.retries++;
    announcer.listing?.touched.add(key);
    changes.push(row.sent);
    place(announcer, row, now);
  }
  announcer.sending = { turn, keys, deadline: now + announcer.deadlineMs, givenUp: false };
  return [{ kind: 'change', turn, changes }];
}

function choose(
  { urgent, ordinary, withdrawals, requests, batch, resumeAt }: Announcer,
  now: number,
): string[] {
  const rest = requests % 4 === 3 ? [withdrawals, ordinary] : [ordinary, withdrawals];
  const keys: string[] = [];
  for (const queue of now >= resumeAt ? [urgent, ...rest] : [urgent]) {
    for (const key of queue) {
      if (keys.length >= batch) return keys;
      keys.push(key);
    }
  }
  return keys;
}

/** What the speaker said to the request of that number; one that was given up is not heard. */
export function changed(
  announcer: Announcer,
  turn: number,
  results: readonly Result<void>[],
  now: Milliseconds,
  chance: number,
): Effect[] {
  const { sending } = announcer;
  if (sending === null || sending.turn !== turn) return [];
  announcer.sending = null;
  const spoken: Spoken[] = [];
  const done: Row[] = [];
  const refused: Row[] = [];
  const failed: Row[] = [];
  sending.keys.forEach((key, index) => {
    const row = announcer.rows.get(key);
    const sent = row?.sent ?? null;
    if (row === undefined || sent === null) return;
    row.sent = null;
    announcer.listing?.touched.add(key);
    const result = results[index] ?? failure('SPEAKER_UNREACHABLE', 'it did not say what became of it');
    if (result.ok) {
      const asWanted = sameAttributes(sent.announcement, row.announcement);
      row.holds = sent.do === 'withdraw' ? 'nothing' : asWanted ? 'this' : 'other';
      row.failedBefore = false;
      done.push(row);
      conclude(announcer, row, spoken);
    } else {
      announcer.lastError = result.error.detail;
      row.failedBefore = true;
      // A newer intent has not been refused yet.
      if (result.error.code !== 'SPEAKER_REFUSED') failed.push(row);
      else if (sent.do === row.do && sameAttributes(sent.announcement, row.announcement)) {
        refuse(row, result.error.detail, spoken, now, chance);
        refused.push(row);
      }
    }
  });
  const logs = settle(announcer, sending, { done, refused, failed }, now, chance);
  for (const key of sending.keys) {
    const row = announcer.rows.get(key);
    if (row !== undefined) place(announcer, row, now);
  }
  return [...tell(spoken), ...logs];
}

function refuse(row: Row, detail: string, spoken: Spoken[], now: Milliseconds, chance: number): void {
  row.failures++;
  row.notBefore = now + backoffMs(row.failures, refusalPause.baseMs, refusalPause.maxMs, chance);
  if ((row.told !== 'refused' || row.refusal !== detail) && !row.orphan) {
    spoken.push({ key: row.key, outcome: 'refused', detail });
    row.told = 'refused';
  }
  row.refusal = detail;
}

type Outcomes = {
  readonly done: readonly Row[];
  readonly refused: readonly Row[];
  readonly failed: readonly Row[];
};

/** The pauses that follow from a request, and what is said of it. */
function settle(
  announcer: Announcer,
  { keys }: Sending,
  { done, refused, failed }: Outcomes,
  now: Milliseconds,
  chance: number,
): Effect[] {
  const { name } = announcer;
  const answered = done.length + refused.length > 0;
  if (answered) {
    announcer.failures = 0;
    announcer.resumeAt = now;
    announcer.batch = Math.min(maxBatch, announcer.batch * 2);
    for (const row of failed) {
      if (row.fresh) continue; // decided anew meanwhile
      row.failures++;
      row.notBefore = now + backoffMs(row.failures, keyPause.baseMs, keyPause.maxMs, chance);
    }
  } else if (failed.length > 0) {
    announcer.failures++;
    announcer.resumeAt = now + backoffMs(announcer.failures, speakerPause.baseMs, speakerPause.maxMs, chance);
    announcer.batch = Math.max(1, Math.floor(keys.length / 4));
  }
  const logs: Effect[] = [];
  for (const [phrase, what] of [
    ['announced', 'held'],
    ['withdrawn', 'gone'],
  ] as const) {
    const rows = done.filter(({ told, expected }) => (what === 'held' ? expected : told === 'gone'));
    if (rows.length > 0) logs.push(log('info', phrase, { speaker: name, ...named(rows) }));
  }
  if (refused.length > 0) {
    const detail = refused[0]?.refusal;
    logs.push(log('warn', 'speaker refused', { speaker: name, ...named(refused), detail }));
  }
  if (failed.length > 0) {
    const retryInMs = Math.round(Math.max(0, announcer.resumeAt - now));
    const detail = announcer.lastError;
    logs.push(log('warn', 'speaker did not answer', { speaker: name, ...named(failed), detail, retryInMs }));
  }
  return logs;
}

const named = (rows: readonly Row[]): { readonly count: number; readonly routes: readonly string[] } => ({
  count: rows.length,
  routes: rows.slice(0, maxNamed).map(({ key }) => key),
});

/** The request under way has had its time: aborted first, and given up if even that brings no answer. */
export function sendingOverdue(announcer: Announcer, now: Milliseconds, chance: number): Effect[] {
  const { sending, deadlineMs } = announcer;
  if (sending === null || now < sending.deadline) return [];
  if (!sending.givenUp) {
    sending.givenUp = true;
    sending.deadline = now + graceMs;
    return [{ kind: 'give_up', turn: sending.turn }];
  }
  const late = failure('TIMEOUT', `no answer within ${deadlineMs} ms`);
  return changed(
    announcer,
    sending.turn,
    sending.keys.map(() => late),
    now,
    chance,
  );
}

/** Results of one message to the ledger. */
const maxSpoken = 256;

export function tell(spoken: readonly Spoken[]): Effect[] {
  const effects: Effect[] = [];
  for (let from = 0; from < spoken.length; from += maxSpoken) {
    effects.push({ kind: 'tell', results: spoken.slice(from, from + maxSpoken) });
  }
  return effects;
}
