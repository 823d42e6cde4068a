/**
 * One life of an actor: init, handlers one at a time in order of arrival, and an end.
 *
 *   born → init → ready → parting (children go) → draining (what waited) → farewell (`stop`) → over
 *
 * - A turn drains up to `turnMessages` messages or `turnMs`, then lets the event loop go on. A handler that
 *   returns no promise costs none.
 * - A handler or init busy for more than `busyLimitMs` is a crash: its signal is aborted, its late result
 *   fenced off (see probe.ts). One that returns late without a promise is a crash too, found when it returns.
 * - A stop for good first handles what was waiting when the children were gone, then runs `stop`, all within
 *   `stopDeadlineMs`, which begins when the children are gone. A crash goes to `stop` with the last good state.
 * - Nothing here throws into nact, and once over, nothing of this life is heard again.
 */
import type { Milliseconds } from '../domain/units.js';
import { createAwaited, isPromise } from './awaited.js';
import type { Behaviour, Cancel, Ref } from './behaviour.js';
import { createBelongings } from './belongings.js';
import { createContext } from './context.js';
import { describeError } from './describe-error.js';
import type { Mailbox, Origin } from './mailbox.js';
import type { Runtime } from './runtime.js';
import { safeName } from './scheduler.js';
import type { ChildSpec, Exit, TreeNode } from './spec.js';

export const turnMessages = 256;
export const turnMs: Milliseconds = 2;

export type Birth<S, M> = {
  readonly spec: ChildSpec<S, M>;
  readonly path: string;
  readonly generation: number;
  readonly ref: Ref<M>;
  readonly mailbox: Mailbox<M>;
  readonly handled: { count: number };
  readonly runtime: Runtime;
  readonly started: () => void;
  /** Called once. */
  readonly exited: (exit: Exit) => void;
};

export type Incarnation = {
  readonly wake: () => void;
  readonly stop: (forGood: boolean) => void;
  /** A crash found by others; carried out in the actor's own turn. */
  readonly fail: (error: string) => void;
  readonly parting: () => boolean;
  readonly children: () => readonly TreeNode[];
};

type Phase = 'born' | 'init' | 'ready' | 'parting' | 'draining' | 'farewell' | 'over';

export function begin<S, M>(birth: Birth<S, M>): Incarnation {
  const { spec, path, generation, mailbox, runtime } = birth;
  const { clock, timers } = runtime;
  let phase: Phase = 'born';
  let behaviour: Behaviour<S, M> | null = null;
  let held: { state: S } | null = null;
  let origin: Origin | null = null;
  let asked = false; // for a turn that has not come yet
  // What others want of this life; carried out in its own turn.
  let finishing = false;
  let fault: string | null = null;
  let stopping: { forGood: boolean } | null = null;
  let ending: { reason: Exit['reason']; error: string | null } = { reason: 'stopped', error: null };
  let childless = false;
  let toDrain = 0;
  let deadline: Cancel | null = null;

  const turns = runtime.scheduler.spawn(safeName(path, generation), onTurn, crash, spec.crowd === true);
  const wake = (): void => {
    if (asked || phase === 'over') return;
    asked = true;
    turns.ask();
  };
  const fail = (error: string): void => {
    fault ??= error;
    wake();
  };
  const {
    context,
    part: leave,
    children,
  } = createContext<M>({
    ref: birth.ref,
    path,
    generation,
    runtime,
    makeBelongings: () => createBelongings(runtime, mailbox, wake, (error) => fail(describeError(error))),
    finish: () => {
      finishing = true;
      wake();
    },
  });
  const awaited = createAwaited<S>(runtime, spec.busyLimitMs, {
    settled,
    failed: crash,
    overdue: () => crash(overrun()),
  });

  function onTurn(): void {
    asked = false;
    if (phase === 'over' || phase === 'farewell') return;
    const living = phase === 'born' || phase === 'init' || phase === 'ready';
    if (fault !== null) {
      const error = fault;
      fault = null;
      crash(error);
    } else if (living && stopping !== null) part('stopped', null);
    else if (phase === 'born') initialise();
    else if (awaited.busy()) return;
    else if (phase === 'ready' && finishing) part('done', null);
    else if (phase === 'ready' || phase === 'draining') drain();
  }

  function initialise(): void {
    phase = 'init';
    const began = clock.now();
    try {
      behaviour = spec.behaviour();
      const first = behaviour.init(context);
      if (isPromise(first)) {
        awaited.wait(first, began);
        return;
      }
      held = { state: first };
    } catch (error) {
      crash(error);
      return;
    }
    if (clock.now() - began > spec.busyLimitMs) crash(overrun());
    else ready();
  }

  function ready(): void {
    phase = 'ready';
    birth.started();
    if (mailbox.size() > 0 || finishing) wake();
  }

  function drain(): void {
    if (behaviour === null || held === null) return;
    const turnBegan = clock.now();
    let began = turnBegan;
    for (let count = 0; count < turnMessages && mailbox.size() > 0; count++) {
      if (phase === 'draining' && toDrain === 0) break;
      if (phase === 'draining') toDrain -= 1;
      const message = mailbox.take();
      origin = mailbox.origin();
      birth.handled.count += 1;
      try {
        const next = behaviour.receive(held.state, message, context);
        if (isPromise(next)) {
          awaited.wait(next, began);
          return;
        }
        held.state = next;
      } catch (error) {
        crash(error);
        return;
      }
      settleOrigin();
      const now = clock.now();
      if (now - began > spec.busyLimitMs) {
        crash(overrun());
        return;
      }
      began = now;
      const wanted = fault !== null || (phase === 'ready' && (stopping !== null || finishing));
      if (wanted || now - turnBegan >= turnMs) break;
    }
    afterHandler();
  }

  /** What comes next when no handler is at work. */
  function afterHandler(): void {
    if (phase === 'parting') {
      if (childless) drainOrLeave();
    } else if (phase === 'draining' && (toDrain === 0 || mailbox.size() === 0)) {
      farewell();
    } else if (mailbox.size() > 0 || stopping !== null || finishing || fault !== null) {
      wake();
    }
  }

  function settled(state: S): void {
    held = { state };
    settleOrigin();
    if (phase === 'init') ready();
    else afterHandler();
  }

  function settleOrigin(): void {
    if (origin !== null) origin.pending = false;
    origin = null;
  }

  function crash(error: unknown): void {
    if (phase === 'over' || phase === 'farewell') return;
    awaited.giveUp();
    const text = describeError(error);
    if (phase !== 'parting' && phase !== 'draining') {
      part('crashed', text);
      return;
    }
    noteError(text);
    if (childless) farewell();
  }

  const noteError = (text: string): void => {
    ending = { ...ending, error: ending.error ?? text };
  };

  function part(reason: Exit['reason'], error: string | null): void {
    phase = 'parting';
    ending = { reason, error };
    mailbox.disown();
    leave(() => {
      childless = true;
      deadline = timers.start(spec.stopDeadlineMs, () => {
        noteError(`stop took more than ${spec.stopDeadlineMs} ms`);
        over();
      });
      if (!awaited.busy()) drainOrLeave();
    });
  }

  function drainOrLeave(): void {
    const inOrder = ending.reason === 'stopped' && ending.error === null && held !== null;
    toDrain = inOrder && stopping?.forGood === true ? mailbox.size() : 0;
    if (toDrain === 0) {
      farewell();
      return;
    }
    phase = 'draining';
    wake();
  }

  function farewell(): void {
    phase = 'farewell';
    const failed = (error: unknown): void => {
      noteError(describeError(error));
      over();
    };
    try {
      const leaving = held === null ? undefined : behaviour?.stop?.(held.state, context);
      if (isPromise(leaving)) leaving.then(over, failed);
      else over();
    } catch (error) {
      failed(error);
    }
  }

  function over(): void {
    if (phase === 'over') return;
    phase = 'over';
    held = null;
    awaited.end();
    deadline?.();
    turns.end();
    birth.exited({ id: spec.id, ...ending });
  }

  const overrun = (): string => `busy for more than ${spec.busyLimitMs} ms`;

  wake();
  return {
    wake,
    stop: (forGood) => {
      stopping = { forGood: forGood || stopping?.forGood === true };
      wake();
    },
    fail,
    parting: () => phase === 'parting' || phase === 'draining' || phase === 'farewell',
    children,
  };
}
