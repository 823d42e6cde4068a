/**
 * nact, as the scheduler it is used as here: it gives each incarnation its turns, and nothing else.
 *
 * Every incarnation is a nact actor directly under the nact system (so that nact's copy of the children
 * map at each message copies an empty one), with the unique name `<safe path>-<generation>`. A turn never
 * throws into nact, and `onCrash` always stops: nact's own restarts are never used. The limits of nact that
 * make this necessary are shown one by one in nact-messages.test.ts and nact-lives.test.ts.
 */
import { dispatch, spawn as spawnActor, start, stop } from 'nact';
import { createCrowd } from './crowd.js';

export type Turns = {
  /** Asks for one turn. Turns are given one at a time, at most one an event-loop round. */
  readonly ask: () => void;
  /** No turn after this, not even one already asked for. */
  readonly end: () => void;
};

export type Scheduler = {
  /** `name` comes from `safeName`; a name in use throws. `turn` must not throw: what it throws goes to `broken`. */
  readonly spawn: (name: string, turn: () => void, broken: (error: unknown) => void, crowd: boolean) => Turns;
  readonly stop: () => void;
};

const safeOf: { readonly [char: string]: string } = {
  ':': '!',
  '/': '$',
  '@': '*',
  '[': '(',
  ']': ')',
};

/** nact refuses `/ : @ [ ]` in names; the mapping is one to one, so different paths stay different. */
export const safeName = (path: string, generation: number): string =>
  `${path.replace(/[:/@[\]]/g, (char) => safeOf[char] ?? char)}-${generation}`;

const token = Symbol('turn');

export function createScheduler(): Scheduler {
  const system = start();
  const crowd = createCrowd();
  return {
    spawn: (name, turn, broken, isCrowd) => {
      let given: (() => void) | null = turn;
      const actor = spawnActor(
        system,
        (_state: null, _token: typeof token) => {
          try {
            given?.();
          } catch (error) {
            broken(error);
          }
          return null;
        },
        name,
        { initialState: null, onCrash: (_message, _error, context) => context.stop },
      );
      const ask = (): void => dispatch(actor, token);
      if (!isCrowd) return { ask, end: () => stop(actor) };
      const member = crowd.join(ask, turn);
      given = member.turn;
      return {
        ask: member.ask,
        end: () => {
          given = null;
          member.leave();
          stop(actor);
        },
      };
    },
    stop: () => stop(system),
  };
}
