/**
 * The turns of a crowd: of actors that there are thousands of, and that may all be woken at once.
 *
 * nact gives a turn to every actor that asked, all within one round of the event loop: a thousand turns of a tenth of a
 * millisecond would hold up timers, sockets and all other actors for that long. So in each round the crowd gets at most
 * `turnsARound` turns, and none begins once they have taken `crowdMs` together; who asked first goes on in the next round. Where
 * all others have much to do, it gives way to them (way.ts). Its queue holds each member once at most.
 */
import type { Milliseconds } from '../domain/units.js';
import { openWay } from './way.js';

export const turnsARound = 64;
export const crowdMs: Milliseconds = 3;

export type Member = {
  readonly ask: () => void;
  /** To be run in the turn that was asked for. */
  readonly turn: () => void;
  readonly leave: () => void;
};

type Waiting = { readonly give: () => void };

export type Crowd = {
  /** `give`: asks the scheduler for a turn in its next round; `turn`: what is done in it. */
  readonly join: (give: () => void, turn: () => void) => Member;
};

export function createCrowd(
  now: () => Milliseconds = () => performance.now(),
  nextRound: (run: () => void) => void = setImmediate,
): Crowd {
  /** In order. Who was given a turn that came too late in its round stands before those that were given none. */
  const back = new Set<Waiting>();
  const queue = new Set<Waiting>();
  let given = 0;
  let spentMs = 0;
  let scheduled = false;
  const isTheirs = openWay(now);

  const round = (): void => {
    scheduled = false;
    const leaves = isTheirs(spentMs) && back.size + queue.size > 0;
    given = 0;
    spentMs = 0;
    if (leaves) {
      schedule();
      return;
    }
    for (const line of [back, queue]) {
      for (const one of line) {
        if (given >= turnsARound) break;
        line.delete(one);
        given += 1;
        one.give();
      }
    }
    if (given > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    nextRound(round);
  };

  return {
    join: (give, turn) => {
      const one: Waiting = { give };
      return {
        ask: () => {
          schedule();
          if (given < turnsARound && queue.size === 0 && back.size === 0) {
            given += 1;
            give();
          } else queue.add(one);
        },
        turn: () => {
          if (spentMs >= crowdMs) {
            back.add(one);
            schedule();
            return;
          }
          const began = now();
          turn();
          spentMs += now() - began;
        },
        leave: () => {
          back.delete(one);
          queue.delete(one);
        },
      };
    },
  };
}
