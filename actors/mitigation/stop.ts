/**
 * The global stop: an operator's order to withdraw all that is announced, and to announce nothing until told otherwise.
 *
 * It acts at once, counts as no change, and survives restarts by a note in the journal, which is written again until it is durable. Script and
 * notices go on: attacks are still found, and somebody should hear of them.
 */
import { failure, type Result, success } from '../../domain/result.js';
import type { UnixMicros } from '../../domain/units.js';
import type { Stopped } from './messages.js';
import { type Effect, type Ledger, log } from './table.js';

export const stopKey = 'mitigation stop';

/** Who waits to hear that the order is durable. */
export type StopReply = (result: Result<Stopped | null>) => void;

export function stopAll(ledger: Ledger, comment: string, at: UnixMicros, reply: StopReply): Effect[] {
  const since = ledger.announcing.stopped?.since ?? at;
  return [...put(ledger, { since, comment }, reply), log('warn', 'all announcing stopped', { comment })];
}

/** What is wanted comes back, as fast as the guards let it. */
export function startAll(ledger: Ledger, reply: StopReply): Effect[] {
  const before = ledger.announcing.stopped;
  const stoppedSince = before?.since ?? null;
  return [...put(ledger, null, reply), log('warn', 'announcing goes on', { stoppedSince })];
}

/** The journal has written the order, or could not. */
export function stopWritten(ledger: Ledger, error: string | null): Effect[] {
  const { stopped, stopNote } = ledger.announcing;
  stopNote.writing = false;
  if (error === null && stopNote.dirty) return noteStop(ledger);
  if (error !== null) stopNote.dirty = true;
  const result: Result<Stopped | null> =
    error === null
      ? success(stopped)
      : failure('JOURNAL_UNWRITABLE', `in force, but not written down yet: ${error}`);
  return stopNote.replies.splice(0).map((reply) => ({ kind: 'call', call: () => reply(result) }));
}

/** Sends what the journal does not know yet. */
export function noteStop({ announcing: { stopped, stopNote } }: Ledger): Effect[] {
  if (!stopNote.dirty || stopNote.writing) return [];
  stopNote.dirty = false;
  stopNote.writing = true;
  const value = stopped === null ? null : JSON.stringify(stopped);
  return [{ kind: 'note', key: stopKey, value, isOrder: true }];
}

/** What a journal kept. */
export function recallStop({ announcing }: Ledger, note: string | null): Effect[] {
  if (note === null) return [];
  announcing.stopped = JSON.parse(note) as Stopped; // our own note
  return [log('warn', 'all announcing is stopped', { ...announcing.stopped })];
}

function put(ledger: Ledger, stopped: Stopped | null, reply: StopReply): Effect[] {
  const { announcing } = ledger;
  announcing.stopped = stopped;
  announcing.stopNote.dirty = true;
  announcing.stopNote.replies.push(reply);
  for (const route of announcing.routes.values()) announcing.touched.add(route);
  return noteStop(ledger);
}
