/** A supervisor as a unit of the supervisor above it: its plan in a keeper, over units of its own. */
import { stateOf } from './actor-place.js';
import { createKeeper, type Keeper, type Unit, type UnitReport } from './keeper.js';
import type { Runtime } from './runtime.js';
import type { Exit, Restart, SupervisorSpec, TreeNode } from './spec.js';

/** `units` are those of `spec.children`, in their order. A supervisor itself is always restarted. */
export function createSupervisor(
  spec: SupervisorSpec,
  path: string,
  units: readonly Unit[],
  runtime: Runtime,
): Unit {
  const { id, strategy, budget, backoff } = spec;
  const restart: readonly Restart[] = spec.children.map((child) =>
    child.kind === 'actor' ? child.restart : 'permanent',
  );
  let report: UnitReport | null = null;
  let generation = 0;
  let lastCrash: string | null = null;

  const closed = (exit: Exit): void => {
    const told = report;
    report = null;
    if (exit.reason === 'gave_up') {
      lastCrash = exit.error;
      runtime.log.error('supervisor gave up', { supervisor: path, error: exit.error });
    }
    told?.exited(exit);
  };
  const keeper: Keeper = createKeeper({ id, strategy, budget, backoff, restart }, units, runtime, {
    opened: () => report?.started(),
    closed,
    ended: () => {},
  });

  return {
    id,
    start: (to) => {
      generation += 1;
      report = to;
      keeper.begin();
    },
    stop: (forGood) => keeper.close(forGood),
    end: () => {
      for (const unit of units.toReversed()) unit.end({ id: unit.id, reason: 'stopped', error: null });
    },
    node: (standing): TreeNode => {
      const children = keeper.nodes();
      return {
        id,
        kind: 'supervisor',
        state: stateOf(standing),
        generation,
        restarts: Math.max(generation - 1, 0),
        queue: 0,
        queueBound: 0,
        dropped: 0,
        handled: 0,
        lastCrash,
        children,
      };
    },
  };
}
