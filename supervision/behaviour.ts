/**
 * What an actor is to the one who writes it: a name, an initial state, and a function from
 * (state, message) to the next state. The kernel runs one handler at a time, in the order of arrival.
 *
 * A handler that throws or rejects ends this incarnation; its supervisor decides what follows.
 * State dies with the incarnation. Timers, watches and children of an incarnation end with it.
 */
import type { Clock, Log } from '../domain/ports.js';
import type { Milliseconds } from '../domain/units.js';
import type { ChildSpec, Exit } from './spec.js';

/**
 * An address that outlives incarnations: it names the child's place in the tree.
 * `send` never throws; false says that the message was dropped (and counted) by the mailbox bound or
 * because nobody lives there now.
 */
export type Ref<M> = {
  readonly id: string;
  readonly send: (message: M) => boolean;
};

export type Cancel = () => void;

export type Context<M> = {
  readonly self: Ref<M>;
  readonly id: string;
  /** 1 at first start, one more at each restart. */
  readonly generation: number;
  /** Aborted as soon as this incarnation is over or told to stop. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  /** Once, after `ms`; the message goes through the mailbox. */
  readonly after: (ms: Milliseconds, message: M) => Cancel;
  /** Again and again; a tick that finds the last one still unhandled is skipped. */
  readonly every: (ms: Milliseconds, message: M) => Cancel;
  /** Tells when `ref`'s place ends for good (not when it is restarted). */
  readonly watch: (ref: Ref<never>, toMessage: (exit: Exit) => M) => Cancel;
  /** A child of this actor: supervised one_for_one, stopped before this actor stops. Replaces nothing: a taken id throws. */
  readonly spawn: <S, C>(spec: ChildSpec<S, C>) => Ref<C>;
  readonly stopChild: (id: string) => Promise<void>;
  readonly children: () => readonly string[];
  /** Ends this actor of its own will, with reason `done`, once the handler at work has returned. */
  readonly finish: () => void;
};

export type Behaviour<S, M> = {
  readonly name: string;
  readonly init: (context: Context<M>) => S | Promise<S>;
  readonly receive: (state: S, message: M, context: Context<M>) => S | Promise<S>;
  /** Runs at an orderly stop and after a crash (then with the last good state), within the stop deadline. */
  readonly stop?: (state: S, context: Context<M>) => void | Promise<void>;
};
