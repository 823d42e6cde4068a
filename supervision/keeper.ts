/**
 * Carries out a supervisor's plan: starts and stops its units, keeps its rests, reports how it went.
 *
 * A unit is what can be kept: an actor's place, or a supervisor below. Events that come up while effects
 * are carried out (a unit may stop at once) wait their turn, so the plan sees one event at a time.
 */

import type { Cancel } from './behaviour.js';
import { advance, type Effect, idlePlan, type PlanEvent, type Policy, type Standing } from './plan.js';
import type { Runtime } from './runtime.js';
import type { Exit, TreeNode } from './spec.js';

export type UnitReport = {
  readonly started: () => void;
  readonly exited: (exit: Exit) => void;
};

export type Unit = {
  readonly id: string;
  /** Leads to one `exited`, with a `started` before it if the start went well. */
  readonly start: (report: UnitReport) => void;
  /** Leads to `exited`. For good: nobody will start it again. */
  readonly stop: (forGood: boolean) => void;
  /** The place ends for good: those who watch it are told. Idempotent until the next start. */
  readonly end: (exit: Exit) => void;
  readonly node: (standing: Standing) => TreeNode;
};

export type KeeperReport = {
  readonly opened: () => void;
  readonly closed: (exit: Exit) => void;
  /** The place of unit `child` has ended for good. */
  readonly ended: (child: number, exit: Exit) => void;
};

export type Keeper = {
  readonly begin: () => void;
  readonly close: (forGood: boolean) => void;
  readonly nodes: () => readonly TreeNode[];
  /** Restarts that count against the budget at this time. */
  readonly spent: () => number;
};

export function createKeeper(
  policy: Policy,
  units: readonly Unit[],
  runtime: Runtime,
  report: KeeperReport,
): Keeper {
  let plan = idlePlan(units.length);
  let rests: Map<number | 'group', Cancel> | null = null;
  let events: PlanEvent[] | null = null; // while one is being carried out

  const happen = (event: PlanEvent): void => {
    if (events !== null) {
      events.push(event);
      return;
    }
    events = [event];
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      const step = advance(plan, next, policy);
      plan = step.plan;
      for (const effect of step.effects) carryOut(effect);
    }
    events = null;
  };

  const carryOut = (effect: Effect): void => {
    switch (effect.kind) {
      case 'start': {
        const { child } = effect;
        units[child]?.start({
          started: () => happen({ kind: 'started', child, at: runtime.clock.now() }),
          exited: (exit) =>
            happen({ kind: 'exited', child, exit, at: runtime.clock.now(), roll: runtime.random() }),
        });
        return;
      }
      case 'stop':
        units[effect.child]?.stop(effect.forGood);
        return;
      case 'rest': {
        const { child, ms } = effect;
        rests ??= new Map();
        rests.get(child)?.();
        const due = (): void => {
          rests?.delete(child);
          happen({ kind: 'rested', child });
        };
        rests.set(child, runtime.timers.start(ms, due));
        return;
      }
      case 'end':
        units[effect.child]?.end(effect.exit);
        report.ended(effect.child, effect.exit);
        return;
      case 'opened':
        report.opened();
        return;
      case 'closed':
        for (const cancel of rests?.values() ?? []) cancel();
        rests = null;
        if (plan.closing?.forGood === true) endAll();
        report.closed(effect.exit);
        return;
    }
  };

  /** Those that were resting or waiting when a stop for good came have had no exit of their own. */
  const endAll = (): void => {
    for (const unit of units.toReversed()) unit.end({ id: unit.id, reason: 'stopped', error: null });
  };

  return {
    begin: () => happen({ kind: 'begin' }),
    close: (forGood) => happen({ kind: 'close', forGood }),
    nodes: () => units.map((unit, at) => unit.node(plan.seats[at]?.standing ?? 'over')),
    spent: () => plan.restarts.length,
  };
}
