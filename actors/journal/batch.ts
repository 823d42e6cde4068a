/**
 * What the journal actor writes next: everything that waits, in one transaction, one transaction at a time.
 *
 * Pure decisions on a table that the actor owns. A failed transaction is tried again `attempts` times in all, after
 * a growing pause; then all who wait for it hear the failure and the next one begins. Waiting entries are bounded:
 * a write beyond the bound is answered at once with JOURNAL_UNWRITABLE, and counted.
 */
import type { JournalEntry } from '../../domain/ports.js';
import { failure, type Result } from '../../domain/result.js';
import type { Milliseconds } from '../../domain/units.js';

export const attempts = 3;
/** Pauses before the second attempt, the third, … */
const pausesMs: readonly Milliseconds[] = [20, 200];
export const maxWaiting = 60_000;
/** Entries of one transaction, more only when a single write has more: what crosses to the journal's thread is copied in one go. */
const maxTransaction = 100;

export type Write = {
  readonly entries: readonly JournalEntry[];
  readonly reply: (result: Result<void>) => void;
};

export type Batches = {
  waiting: Write[];
  waitingEntries: number;
  underWay: { readonly writes: readonly Write[]; attempt: number } | null;
  /** Writes taken in, and of these how many have been answered. */
  offered: number;
  answered: number;
  refused: number;
  failed: number;
};

export type Effect =
  | { readonly kind: 'append'; readonly entries: readonly JournalEntry[] }
  | { readonly kind: 'pause'; readonly ms: Milliseconds }
  | { readonly kind: 'reply'; readonly writes: readonly Write[]; readonly result: Result<void> };

export const noBatches = (): Batches => ({
  waiting: [],
  waitingEntries: 0,
  underWay: null,
  offered: 0,
  answered: 0,
  refused: 0,
  failed: 0,
});

export function offer(batches: Batches, write: Write): Effect[] {
  if (batches.waitingEntries + write.entries.length > maxWaiting) {
    batches.refused++;
    const result = failure<void>('JOURNAL_UNWRITABLE', `${maxWaiting} entries wait for the journal already`);
    return [{ kind: 'reply', writes: [write], result }];
  }
  batches.offered++;
  batches.waiting.push(write);
  batches.waitingEntries += write.entries.length;
  return next(batches);
}

/** Begins the next transaction when none is under way. */
function next(batches: Batches): Effect[] {
  if (batches.underWay !== null || batches.waiting.length === 0) return [];
  let entries = 0;
  let count = 0;
  for (const write of batches.waiting) {
    if (count > 0 && entries + write.entries.length > maxTransaction) break;
    entries += write.entries.length;
    count++;
  }
  const writes = batches.waiting.slice(0, count);
  batches.waiting = batches.waiting.slice(count);
  batches.waitingEntries -= entries;
  batches.underWay = { writes, attempt: 1 };
  return [append(writes)];
}

const append = (writes: readonly Write[]): Effect => ({
  kind: 'append',
  entries: writes.flatMap((write) => write.entries),
});

/** The transaction under way has come back. */
export function settle(batches: Batches, result: Result<void>): Effect[] {
  const { underWay } = batches;
  if (underWay === null) return [];
  if (!result.ok && underWay.attempt < attempts) {
    return [{ kind: 'pause', ms: pausesMs[underWay.attempt - 1] ?? 0 }];
  }
  if (!result.ok) batches.failed++;
  batches.underWay = null;
  batches.answered += underWay.writes.length;
  return [{ kind: 'reply', writes: underWay.writes, result }, ...next(batches)];
}

/** The pause is over. */
export function again(batches: Batches): Effect[] {
  const { underWay } = batches;
  if (underWay === null) return [];
  underWay.attempt++;
  return [append(underWay.writes)];
}
