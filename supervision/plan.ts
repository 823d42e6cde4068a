/**
 * What a supervisor does next: who is started, stopped, restarted, and when it gives up.
 *
 * Pure: no clock, no timer, no actor. `keeper.ts` feeds it and carries out the effects. Times are
 * monotonic milliseconds. Starts go in order, each awaited; stops in reverse, each awaited.
 *
 * - A child that fails in its first start is a crash like any other. Under one_for_one its siblings start
 *   meanwhile (a dead sink must not keep the others from starting); under the others they wait.
 * - permanent: restarted after any end; transient: after a crash; temporary: never. What is not restarted
 *   leaves its siblings alone. A permanent child that ends `done` costs budget like a crash.
 * - one_for_all and rest_for_one take the group down in reverse, wait once, and start it in order. A crash
 *   of another member on the way down costs nothing; one further left widens the group and costs.
 * - When the budget is spent the supervisor closes, reason `gave_up`: to its parent a crash like any other.
 */
import type { Milliseconds } from '../domain/units.js';
import { delayBefore, nextInRow, type Restarts, spend } from './restarts.js';
import type { Backoff, Budget, Exit, Restart, Strategy } from './spec.js';

/** waiting: for its turn to start; resting: for its backoff; down: for its group; over: not started again. */
export type Standing = 'waiting' | 'starting' | 'running' | 'stopping' | 'resting' | 'down' | 'over';
/** `since`: when it came to run, null while it has not. `row`: restarts in a row so far. */
export type Seat = {
  readonly standing: Standing;
  readonly since: Milliseconds | null;
  readonly row: number;
};
type Group = { readonly from: number; readonly rested: boolean };

export type Plan = {
  readonly phase: 'idle' | 'open' | 'closing' | 'closed';
  readonly seats: readonly Seat[];
  readonly group: Group | null;
  readonly groupRow: number;
  readonly restarts: Restarts;
  readonly announced: boolean;
  /** Why it closes, and whether anybody will start it again. */
  readonly closing: { readonly exit: Exit; readonly forGood: boolean } | null;
};

export type Policy = {
  readonly id: string;
  readonly strategy: Strategy;
  readonly budget: Budget;
  readonly backoff: Backoff;
  readonly restart: readonly Restart[];
};

export type PlanEvent =
  | { readonly kind: 'begin' }
  | { readonly kind: 'started'; readonly child: number; readonly at: Milliseconds }
  /** `roll` in [0, 1) is this event's share of chance, for the jitter. */
  | {
      readonly kind: 'exited';
      readonly child: number;
      readonly exit: Exit;
      readonly at: Milliseconds;
      readonly roll: number;
    }
  | { readonly kind: 'rested'; readonly child: number | 'group' }
  | { readonly kind: 'close'; readonly forGood: boolean };

export type Effect =
  | { readonly kind: 'start'; readonly child: number }
  | { readonly kind: 'stop'; readonly child: number; readonly forGood: boolean }
  /** Replaces a rest of the same child (or group) still running. */
  | { readonly kind: 'rest'; readonly child: number | 'group'; readonly ms: Milliseconds }
  /** This child's place ends for good. */
  | { readonly kind: 'end'; readonly child: number; readonly exit: Exit }
  /** Every child has had its first start. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'closed'; readonly exit: Exit };

type Step = { readonly plan: Plan; readonly effects: readonly Effect[] };

const blank: Seat = { standing: 'waiting', since: null, row: 0 };

export const idlePlan = (children: number): Plan => ({
  phase: 'idle',
  seats: Array.from({ length: children }, () => blank),
  group: null,
  groupRow: 0,
  restarts: [],
  announced: false,
  closing: null,
});

const alive = (seat: Seat): boolean => seat.standing === 'starting' || seat.standing === 'running';

const seated = (plan: Plan, child: number, change: Partial<Seat>): Plan => ({
  ...plan,
  seats: plan.seats.map((seat, at) => (at === child ? { ...seat, ...change } : seat)),
});

const wantsRestart = (restart: Restart, exit: Exit): boolean =>
  restart === 'permanent' || (restart === 'transient' && exit.reason !== 'done');

export function advance(plan: Plan, event: PlanEvent, policy: Policy): Step {
  switch (event.kind) {
    case 'begin':
      return settle({ ...idlePlan(plan.seats.length), phase: 'open' }, [], policy);
    case 'started':
      if (plan.seats[event.child]?.standing !== 'starting') return { plan, effects: [] };
      return settle(seated(plan, event.child, { standing: 'running', since: event.at }), [], policy);
    case 'rested':
      return rested(plan, event.child, policy);
    case 'close': {
      if (plan.phase === 'closing' || plan.phase === 'closed') {
        const closing = plan.closing && { ...plan.closing, forGood: plan.closing.forGood || event.forGood };
        return { plan: { ...plan, closing }, effects: [] };
      }
      const exit: Exit = { id: policy.id, reason: 'stopped', error: null };
      return settle({ ...plan, phase: 'closing', closing: { exit, forGood: event.forGood } }, [], policy);
    }
    case 'exited':
      return exited(plan, event, policy);
  }
}

function rested(plan: Plan, child: number | 'group', policy: Policy): Step {
  if (plan.phase !== 'open') return { plan, effects: [] };
  if (child === 'group') {
    if (plan.group === null) return { plan, effects: [] };
    return settle({ ...plan, group: { ...plan.group, rested: true } }, [], policy);
  }
  if (plan.seats[child]?.standing !== 'resting') return { plan, effects: [] };
  return { plan: seated(plan, child, { standing: 'starting' }), effects: [{ kind: 'start', child }] };
}

function exited(plan: Plan, event: PlanEvent & { kind: 'exited' }, policy: Policy): Step {
  const { child, exit, at } = event;
  const seat = plan.seats[child];
  const restart = policy.restart[child];
  if (seat === undefined || restart === undefined) return { plan, effects: [] };
  if (!alive(seat) && seat.standing !== 'stopping') return { plan, effects: [] };
  const over = seated(plan, child, { standing: 'over', since: null });
  const end: Effect = { kind: 'end', child, exit };
  const wanted = wantsRestart(restart, exit);
  if (plan.phase !== 'open') {
    return settle(over, plan.closing?.forGood === true || !wanted ? [end] : [], policy);
  }
  if (!wanted) return settle(over, [end], policy);
  const taken = seat.standing === 'stopping' || (plan.group !== null && child >= plan.group.from);
  if (taken) return settle(seated(plan, child, { standing: 'down', since: null }), [], policy);

  const restarts = spend(policy.budget, plan.restarts, at);
  if (restarts === 'exhausted') {
    const error = `${exit.id}: ${exit.error ?? exit.reason}`;
    const closing = { exit: { id: policy.id, reason: 'gave_up', error } as const, forGood: false };
    return settle({ ...over, phase: 'closing', closing }, [], policy);
  }
  const lived = seat.since === null ? 0 : at - seat.since;
  if (policy.strategy === 'one_for_one') {
    const row = nextInRow(policy.backoff, seat.row, lived);
    const ms = delayBefore(policy.backoff, row, event.roll);
    const resting = seated({ ...plan, restarts }, child, { standing: 'resting', since: null, row });
    return settle(resting, [{ kind: 'rest', child, ms }], policy);
  }
  const groupRow = nextInRow(policy.backoff, plan.groupRow, lived);
  const ms = delayBefore(policy.backoff, groupRow, event.roll);
  const first = policy.strategy === 'one_for_all' ? 0 : child;
  const group: Group = { from: Math.min(first, plan.group?.from ?? first), rested: false };
  const down = seated({ ...plan, restarts, groupRow, group }, child, { standing: 'down', since: null });
  return settle(down, [{ kind: 'rest', child: 'group', ms }], policy);
}

/** What follows from where everybody stands, one start or stop at a time. */
function settle(plan: Plan, done: readonly Effect[], policy: Policy): Step {
  if (plan.phase === 'closing') return close(plan, done);
  if (plan.phase !== 'open') return { plan, effects: done };
  if (plan.group !== null) {
    const { from, rested: ready } = plan.group;
    if (plan.seats.some((seat, at) => at >= from && seat.standing === 'stopping'))
      return { plan, effects: done };
    const last = plan.seats.findLastIndex((seat, at) => at >= from && alive(seat));
    if (last >= 0) {
      const stop: Effect = { kind: 'stop', child: last, forGood: policy.restart[last] === 'temporary' };
      return { plan: seated(plan, last, { standing: 'stopping' }), effects: [...done, stop] };
    }
    if (!ready) return { plan, effects: done };
    const seats = plan.seats.map((seat) =>
      seat.standing === 'down' ? { ...seat, standing: 'waiting' as const } : seat,
    );
    return settle({ ...plan, seats, group: null }, done, policy);
  }
  if (plan.seats.some((seat) => seat.standing === 'starting')) return { plan, effects: done };
  const next = plan.seats.findIndex((seat) => seat.standing === 'waiting');
  if (next >= 0) {
    const start: Effect = { kind: 'start', child: next };
    return { plan: seated(plan, next, { standing: 'starting' }), effects: [...done, start] };
  }
  if (plan.announced) return { plan, effects: done };
  return { plan: { ...plan, announced: true }, effects: [...done, { kind: 'opened' }] };
}

function close(plan: Plan, done: readonly Effect[]): Step {
  if (plan.closing === null || plan.seats.some((seat) => seat.standing === 'stopping')) {
    return { plan, effects: done };
  }
  const { exit, forGood } = plan.closing;
  const last = plan.seats.findLastIndex(alive);
  if (last >= 0) {
    const stop: Effect = { kind: 'stop', child: last, forGood };
    return { plan: seated(plan, last, { standing: 'stopping' }), effects: [...done, stop] };
  }
  return { plan: { ...plan, phase: 'closed' }, effects: [...done, { kind: 'closed', exit }] };
}
