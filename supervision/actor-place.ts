/**
 * One place in the tree where an actor lives, one incarnation after the other.
 *
 * The address and the mailbox belong to the place. A message waiting when an incarnation crashes or is
 * stopped for a restart is kept for the next one; the message being handled is not, nor are the dead
 * incarnation's own timers and watches. When the place ends for good, what still waits is a dead letter.
 */

import type { Ref } from './behaviour.js';
import { begin, type Incarnation } from './incarnation.js';
import type { Unit, UnitReport } from './keeper.js';
import { createMailbox } from './mailbox.js';
import { bind, createRef, type Tenant } from './place.js';
import type { Standing } from './plan.js';
import type { Runtime } from './runtime.js';
import type { ChildSpec, Exit, TreeNode } from './spec.js';

export type ActorUnit = Unit & { readonly ref: Ref<unknown> };

const states: { readonly [S in Standing]: TreeNode['state'] } = {
  waiting: 'starting',
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  resting: 'backing_off',
  down: 'backing_off',
  over: 'ended',
};

export const stateOf = (standing: Standing): TreeNode['state'] => states[standing];

export function createActorPlace<S, M>(spec: ChildSpec<S, M>, path: string, runtime: Runtime): ActorUnit {
  const mailbox = createMailbox<M>(spec.mailbox);
  let watchers: Set<(exit: Exit) => void> | null = null;
  const handled = { count: 0 };
  let life: Incarnation | null = null;
  let generation = 0;
  let lastCrash: string | null = null;
  let end: Exit | null = null;
  let overflowed = false;

  const send = (message: M): boolean => {
    if (end !== null) {
      runtime.counters.deadLetters += 1;
      return false;
    }
    let outcome: ReturnType<typeof mailbox.offer>;
    try {
      outcome = mailbox.offer(message);
    } catch (error) {
      mailbox.refuse(1);
      life?.fail(`the mailbox key threw: ${String(error)}`); // the receiver's bug must not hit the sender
      return false;
    }
    if (outcome === 'dropped_new') return false;
    if (outcome === 'overflow') {
      overflowed = life !== null;
      life?.fail(`mailbox overflow: more than ${spec.mailbox.bound} messages`);
      return false;
    }
    life?.wake();
    return true;
  };

  const tenant: Tenant = {
    send: send as (message: unknown) => boolean,
    onEnd: (tell) => {
      if (end !== null) {
        tell(end);
        return () => {};
      }
      watchers ??= new Set();
      watchers.add(tell);
      return () => {
        watchers?.delete(tell);
      };
    },
    ended: () => end !== null,
  };
  const ref: Ref<M> = spec.place?.ref ?? createRef<M>(spec.id);
  runtime.counters.deadLetters += bind(ref, tenant);

  const start = (report: UnitReport): void => {
    generation += 1;
    end = null;
    life = begin({
      spec,
      path,
      generation,
      ref,
      mailbox,
      handled,
      runtime,
      started: report.started,
      exited: (exit) => {
        life = null;
        // A mailbox that was too full must not be found as full by the next incarnation.
        if (overflowed) mailbox.refuse(mailbox.clear());
        overflowed = false;
        if (exit.reason === 'crashed') {
          lastCrash = exit.error;
          runtime.crashed(path, generation, exit.error);
        }
        report.exited(exit);
      },
    });
  };

  return {
    id: spec.id,
    ref: ref as Ref<unknown>,
    start,
    stop: (forGood) => life?.stop(forGood),
    end: (exit) => {
      if (end !== null) return;
      end = exit;
      runtime.counters.deadLetters += mailbox.clear();
      const told = watchers ?? [];
      watchers = null;
      for (const tell of told) tell(exit);
    },
    node: (standing) => ({
      id: spec.id,
      kind: 'actor',
      state: end === null ? (life?.parting() ? 'stopping' : stateOf(standing)) : 'ended',
      generation,
      restarts: Math.max(generation - 1, 0),
      queue: mailbox.size(),
      queueBound: spec.mailbox.bound,
      dropped: mailbox.dropped(),
      handled: handled.count,
      lastCrash,
      children: life?.children() ?? [],
    }),
  };
}
