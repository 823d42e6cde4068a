/**
 * What waits for one receiver, and when it is tried: pure but for its own table, which it changes in place.
 *
 * One notice at a time and in order: a receiver sees an attack end after it began. A failure is tried again after
 * `firstPauseMs`, twice that, and so on up to `longestPauseMs`, or when the receiver asks for; a notice with `maxAttempts`
 * failures, or older than `maxAgeMs`, is given up, so that a receiver who comes back hears of the present first.
 */
import type { Delivery, Notice } from '../../domain/notice.js';
import type { Milliseconds } from '../../domain/units.js';
import type { NoticeReport } from './messages.js';

export const maxQueued = 1000;
export const maxAttempts = 12;
export const maxAgeMs: Milliseconds = 3_600_000;
const firstPauseMs: Milliseconds = 1000;
const longestPauseMs: Milliseconds = 300_000;
const jitter = 0.2;
/** A sending has its own deadline; word of it can be lost when the mailbox overflows. */
const sendingMs: Milliseconds = 60_000;
/** Ids of events that were taken in, the newest. */
const remembered = 10_000;

type Waiting = { readonly notice: Notice; readonly since: Milliseconds; attempts: number };

export type Outbox = {
  readonly queue: Waiting[];
  readonly seen: Set<string>;
  /** Since when the first is on its way; null: it is not. */
  sendingSince: Milliseconds | null;
  /** Not to be tried before; null: at once. */
  pausedUntil: Milliseconds | null;
  delivered: number;
  failed: number;
  givenUp: number;
  dropped: number;
  repeated: number;
  lastError: string | null;
};

export const emptyOutbox = (): Outbox => ({
  queue: [],
  seen: new Set(),
  sendingSince: null,
  pausedUntil: null,
  delivered: 0,
  failed: 0,
  givenUp: 0,
  dropped: 0,
  repeated: 0,
  lastError: null,
});

/** Those that did not fit any longer: the oldest that is not on its way. */
export function offer(box: Outbox, notices: readonly Notice[], now: Milliseconds): readonly Notice[] {
  const out: Notice[] = [];
  for (const notice of notices) {
    if (box.seen.has(notice.id)) {
      box.repeated += 1;
      continue;
    }
    remember(box, notice.id);
    box.queue.push({ notice, since: now, attempts: 0 });
    if (box.queue.length <= maxQueued) continue;
    const [oldest] = box.queue.splice(box.sendingSince === null ? 0 : 1, 1);
    box.dropped += 1;
    if (oldest !== undefined) out.push(oldest.notice);
  }
  return out;
}

function remember(box: Outbox, id: string): void {
  box.seen.add(id);
  if (box.seen.size <= remembered) return;
  for (const oldest of box.seen) {
    box.seen.delete(oldest);
    return;
  }
}

/** What to send now, or when to ask again; null: nothing until something happens. */
export type Step = { readonly send: Notice } | { readonly waitMs: Milliseconds } | null;

export function next(
  box: Outbox,
  now: Milliseconds,
): { readonly step: Step; readonly old: readonly Notice[] } {
  const old: Notice[] = [];
  if (box.sendingSince !== null) {
    if (now - box.sendingSince < sendingMs) return { step: null, old };
    box.sendingSince = null;
    box.failed += 1;
    box.lastError = `nothing was heard of a sending for ${sendingMs} ms`;
  }
  for (let first = box.queue[0]; first !== undefined && now - first.since > maxAgeMs; first = box.queue[0]) {
    box.queue.shift();
    box.givenUp += 1;
    old.push(first.notice);
  }
  const [first] = box.queue;
  if (first === undefined) return { step: null, old };
  if (box.pausedUntil !== null && now < box.pausedUntil)
    return { step: { waitMs: box.pausedUntil - now }, old };
  box.pausedUntil = null;
  box.sendingSince = now;
  first.attempts += 1;
  return { step: { send: first.notice }, old };
}

/** `chance`: 0 to 1. The notice when it was given up. */
export function settle(
  box: Outbox,
  id: string,
  delivery: Delivery,
  now: Milliseconds,
  chance: number,
): Notice | null {
  const [first] = box.queue;
  if (box.sendingSince === null || first?.notice.id !== id) return null;
  box.sendingSince = null;
  if (delivery.kind === 'delivered') {
    box.queue.shift();
    box.delivered += 1;
    box.lastError = null;
    return null;
  }
  box.failed += 1;
  box.lastError = delivery.error.detail;
  const last = !delivery.again || first.attempts >= maxAttempts;
  if (last) {
    box.queue.shift();
    box.givenUp += 1;
  }
  // A receiver that refuses one notice for good may take the next; one that does not answer is left alone for a while.
  if (delivery.again) box.pausedUntil = now + pauseMs(first.attempts, delivery.afterMs, chance);
  return last ? first.notice : null;
}

function pauseMs(attempts: number, afterMs: Milliseconds | null, chance: number): Milliseconds {
  const own = Math.min(firstPauseMs * 2 ** (attempts - 1), longestPauseMs) * (1 + (chance * 2 - 1) * jitter);
  return Math.max(own, Math.min(afterMs ?? 0, longestPauseMs));
}

export const reportOf = (box: Outbox, name: string, now: Milliseconds): NoticeReport => ({
  name,
  state:
    box.sendingSince !== null
      ? 'sending'
      : box.pausedUntil !== null && now < box.pausedUntil
        ? 'waiting'
        : 'idle',
  queued: box.queue.length,
  delivered: box.delivered,
  failed: box.failed,
  givenUp: box.givenUp,
  dropped: box.dropped,
  repeated: box.repeated,
  lastError: box.lastError,
});
