/**
 * The dynamic children of one incarnation: one_for_one, each with its own restart budget, so that a bad
 * child costs its siblings nothing. A child that spends its budget ends with reason `gave_up`; those who
 * watch it are told, its parent lives on. All of them are down before their parent's own end goes on.
 *
 * They are told to stop in reverse order of birth but not one by one: siblings born at run time do not
 * depend on each other, and thousands of deadlines must not add up.
 */
import type { ActorUnit } from './actor-place.js';
import type { Ref } from './behaviour.js';
import { checkChild } from './check.js';
import { createKeeper, type Keeper } from './keeper.js';
import type { Runtime } from './runtime.js';
import type { ChildSpec, TreeNode } from './spec.js';

/** Living dynamic children an actor may have; one more throws. */
export const maxChildren = 65_536;

export type Nursery = {
  readonly spawn: <S, C>(spec: ChildSpec<S, C>) => Ref<C>;
  /** Resolves when the child is gone; at once for an id nobody has. */
  readonly stopChild: (id: string) => Promise<void>;
  readonly ids: () => readonly string[];
  readonly nodes: () => readonly TreeNode[];
  /** Calls back when the last child is gone; the context lets none be born after this. */
  readonly closeAll: (done: () => void) => void;
};

type Cradle = { readonly keeper: Keeper; readonly gone: (() => void)[] };

export function createNursery(path: string, runtime: Runtime): Nursery {
  const cradles = new Map<string, Cradle>();
  let empty: (() => void) | null = null;

  /** Idempotent: a stop ends the place, then closes its keeper. */
  const leave = (id: string, place: ActorUnit): void => {
    const childPath = `${path}/${id}`;
    const cradle = cradles.get(id);
    if (cradle === undefined || runtime.places.get(childPath) !== place) return;
    cradles.delete(id);
    runtime.places.delete(childPath);
    for (const tell of cradle.gone) tell();
    if (cradles.size === 0) empty?.();
  };

  const spawn = <S, C>(spec: ChildSpec<S, C>): Ref<C> => {
    checkChild(spec);
    const childPath = `${path}/${spec.id}`;
    if (runtime.places.has(childPath)) throw new Error(`'${childPath}' is taken`);
    if (cradles.size >= maxChildren) throw new RangeError(`'${path}' has more than ${maxChildren} children`);
    const place = runtime.settle(spec, childPath);
    runtime.places.set(childPath, place);
    const keeper = createKeeper(
      { id: spec.id, strategy: 'one_for_one', ...runtime.dynamic, restart: [spec.restart] },
      [place],
      runtime,
      {
        opened: () => {},
        ended: () => leave(spec.id, place),
        closed: (exit) => {
          place.end(exit); // gave_up; after a stop the place has ended already
          leave(spec.id, place);
        },
      },
    );
    cradles.set(spec.id, { keeper, gone: [] });
    keeper.begin();
    return place.ref as Ref<C>;
  };

  return {
    spawn,
    stopChild: (id) => {
      const cradle = cradles.get(id);
      if (cradle === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        cradle.gone.push(resolve);
        cradle.keeper.close(true);
      });
    },
    ids: () => [...cradles.keys()],
    nodes: () => [...cradles.values()].flatMap(({ keeper }) => keeper.nodes()),
    closeAll: (done) => {
      if (cradles.size === 0) {
        done();
        return;
      }
      empty = () => {
        empty = null;
        done();
      };
      for (const { keeper } of [...cradles.values()].reverse()) keeper.close(true);
    },
  };
}
