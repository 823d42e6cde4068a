/**
 * The messages that wait for one actor, in order of arrival.
 *
 * Messages from outside are bounded by the spec's `bound`, and its overflow rule says what gives way; all
 * that gives way is counted in `dropped` (a conflated message in `replaced`). The actor's own timers and
 * watches always find room: each has at most one message waiting, so their number bounds them, and an
 * actor whose next step is a timer must not lose it to a flood. The ring starts small, grows to the
 * bound on demand and shrinks when it runs empty. Never throws, unless a conflation key does.
 */
import type { MailboxSpec } from './spec.js';

export type Offer = 'queued' | 'replaced' | 'dropped_new' | 'dropped_old' | 'overflow';

/** Where a message of the actor's own comes from; `pending` until it has been handled or discarded. */
export type Origin = { pending: boolean };

export type Mailbox<M> = {
  readonly size: () => number;
  readonly dropped: () => number;
  readonly replaced: () => number;
  readonly offer: (message: M) => Offer;
  readonly offerOwn: (message: M, origin: Origin) => void;
  /** The next message; only to be called when `size()` is above 0. */
  readonly take: () => M;
  /** The origin of the message taken last; null for one from outside. */
  readonly origin: () => Origin | null;
  /** Counts as dropped what never came in, or was cleared. */
  readonly refuse: (messages: number) => void;
  /** Forgets the messages of the actor's own timers and watches: they end with the incarnation. */
  readonly disown: () => void;
  /** Empties the mailbox; returns how many messages from outside were in it. */
  readonly clear: () => number;
};

const smallestRing = 8;
/** An empty ring above this many slots is given back. */
const keptRing = 1024;

type Own<M> = { readonly message: M; readonly origin: Origin; readonly after: number };

export function createMailbox<M>(spec: MailboxSpec<M>): Mailbox<M> {
  const { bound, overflow } = spec;
  // Absolute counts of messages ever put in and ever taken out; a slot is the count modulo the ring.
  let head = 0;
  let tail = 0;
  let slots: (M | undefined)[] = []; // none until the first message: most of ten thousand actors are idle
  let keys: (string | null)[] = [];
  // Where a key waits; only a conflating mailbox has one.
  const waiting = overflow.kind === 'conflate' ? new Map<string, number>() : null;
  let own: Own<M>[] = [];
  let ownHead = 0;
  let dropped = 0;
  let replaced = 0;
  let lastOrigin: Origin | null = null;

  const resize = (capacity: number): void => {
    const moved: (M | undefined)[] = new Array(capacity);
    const movedKeys: (string | null)[] = overflow.kind === 'conflate' ? new Array(capacity) : [];
    for (let at = head; at < tail; at++) {
      moved[at & (capacity - 1)] = slots[at & (slots.length - 1)];
      if (overflow.kind === 'conflate')
        movedKeys[at & (capacity - 1)] = keys[at & (slots.length - 1)] ?? null;
    }
    slots = moved;
    keys = movedKeys;
  };

  const put = (message: M, key: string | null): void => {
    if (tail - head === slots.length) resize(Math.max(slots.length * 2, smallestRing));
    const slot = tail & (slots.length - 1);
    slots[slot] = message;
    if (overflow.kind === 'conflate') {
      keys[slot] = key;
      if (key !== null) waiting?.set(key, tail);
    }
    tail += 1;
  };

  const pull = (): M => {
    const slot = head & (slots.length - 1);
    const message = slots[slot] as M;
    slots[slot] = undefined; // a message taken must not stay reachable
    if (overflow.kind === 'conflate') {
      const key = keys[slot] ?? null;
      if (key !== null) waiting?.delete(key);
      keys[slot] = null;
    }
    head += 1;
    if (head === tail && slots.length > keptRing) resize(smallestRing);
    return message;
  };

  const offer = (message: M): Offer => {
    const key = overflow.kind === 'conflate' ? overflow.key(message) : null;
    if (key !== null) {
      const at = waiting?.get(key);
      if (at !== undefined) {
        slots[at & (slots.length - 1)] = message;
        replaced += 1;
        return 'replaced';
      }
    }
    if (tail - head < bound) {
      put(message, key);
      return 'queued';
    }
    dropped += 1;
    switch (overflow.kind) {
      case 'drop_new':
      case 'conflate':
        return 'dropped_new';
      case 'drop_old':
        pull();
        put(message, null);
        return 'dropped_old';
      case 'fail':
        return 'overflow';
    }
  };

  const take = (): M => {
    const first = own[ownHead];
    // An own message goes before whatever came in from outside after it.
    if (first !== undefined && (first.after <= head || head === tail)) {
      ownHead += 1;
      if (ownHead === own.length || ownHead > keptRing) {
        own = own.slice(ownHead);
        ownHead = 0;
      }
      lastOrigin = first.origin;
      return first.message;
    }
    lastOrigin = null;
    return pull();
  };

  const disown = (): void => {
    for (const entry of own) entry.origin.pending = false;
    own = [];
    ownHead = 0;
  };

  const clear = (): number => {
    const cleared = tail - head;
    disown();
    head = tail;
    waiting?.clear();
    slots = [];
    keys = [];
    return cleared;
  };

  return {
    size: () => tail - head + own.length - ownHead,
    dropped: () => dropped,
    replaced: () => replaced,
    offer,
    offerOwn: (message, origin) => {
      origin.pending = true;
      own.push({ message, origin, after: tail });
    },
    take,
    origin: () => lastOrigin,
    refuse: (messages) => {
      dropped += messages;
    },
    disown,
    clear,
  };
}
