/** A supervision tree as data: checked whole before anything starts, started in order, stopped in reverse. */
import type { Milliseconds } from '../domain/units.js';
import type { Behaviour } from './behaviour.js';
import type { Place } from './place.js';

export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

/** permanent: always; transient: after a crash; temporary: never. */
export type Restart = 'permanent' | 'transient' | 'temporary';

export type Exit = {
  readonly id: string;
  readonly reason: 'stopped' | 'crashed' | 'done' | 'gave_up';
  readonly error: string | null;
};

export type MailboxSpec<M> = {
  readonly bound: number;
  readonly overflow:
    | { readonly kind: 'drop_new' }
    | { readonly kind: 'drop_old' }
    /** A new message replaces the waiting one of the same key; null is never replaced. */
    | { readonly kind: 'conflate'; readonly key: (message: M) => string | null }
    /** Overflow is a crash. */
    | { readonly kind: 'fail' };
};

export type ChildSpec<S, M> = {
  readonly kind: 'actor';
  /** Letters, digits and any of `.-_:/@[]`; unique among its siblings. */
  readonly id: string;
  /** The address made beforehand that this child answers to; `place.child(...)` fills it in. */
  readonly place?: Place<M>;
  /** Called for each incarnation. */
  readonly behaviour: () => Behaviour<S, M>;
  readonly restart: Restart;
  readonly mailbox: MailboxSpec<M>;
  readonly stopDeadlineMs: Milliseconds;
  /** A handler busy for longer than this is a crash. */
  readonly busyLimitMs: Milliseconds;
  /** One of thousands of its kind: the turns of them all are bounded together (scheduler.ts), so that others come between. */
  readonly crowd?: true;
};

/** At most `intensity` restarts within `periodMs`; one more and the supervisor itself gives up. */
export type Budget = { readonly intensity: number; readonly periodMs: Milliseconds };

/** Before restart n of a row: min(baseMs * factor^(n-1), maxMs), plus or minus `jitter` (a share, 0..1). A life of `resetMs` starts a new row. */
export type Backoff = {
  readonly baseMs: Milliseconds;
  readonly factor: number;
  readonly maxMs: Milliseconds;
  readonly jitter: number;
  readonly resetMs: Milliseconds;
};

// biome-ignore lint/suspicious/noExplicitAny: a list of children of many message types has no other name
export type AnyChild = ChildSpec<any, any> | SupervisorSpec;

export type SupervisorSpec = {
  readonly kind: 'supervisor';
  readonly id: string;
  readonly strategy: Strategy;
  readonly budget: Budget;
  readonly backoff: Backoff;
  readonly children: readonly AnyChild[];
};

/** One line of the live tree. */
export type TreeNode = {
  readonly id: string;
  readonly kind: 'actor' | 'supervisor';
  readonly state: 'starting' | 'running' | 'backing_off' | 'stopping' | 'ended';
  readonly generation: number;
  readonly restarts: number;
  readonly queue: number;
  readonly queueBound: number;
  readonly dropped: number;
  readonly handled: number;
  readonly lastCrash: string | null;
  readonly children: readonly TreeNode[];
};
