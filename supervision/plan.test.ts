/** The plan against any order of events that its units can produce. The units here are made up; `tree.test.ts` runs real ones. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, type Effect, idlePlan, type PlanEvent, type Policy, type Standing } from './plan.js';
import type { Exit, Restart, Strategy } from './spec.js';

type World = {
  readonly happen: (choice: number, way: number, gap: number) => void;
  readonly check: () => void;
  readonly closed: () => Exit | null;
};

const policies = fc.record({
  strategy: fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one'),
  restart: fc.array(fc.constantFrom<Restart>('permanent', 'transient', 'temporary'), {
    minLength: 1,
    maxLength: 5,
  }),
  intensity: fc.integer({ min: 0, max: 4 }),
  periodMs: fc.integer({ min: 1, max: 300 }),
});
const moves = fc.array(
  fc.record({ choice: fc.nat(), way: fc.integer({ min: 0, max: 9 }), gap: fc.integer({ min: 0, max: 60 }) }),
  { maxLength: 120 },
);

/** Units that do what they are told in their own time, and now and then crash; keeps what must hold. */
function world(policy: Policy, closeAt: number | null): World {
  const count = policy.restart.length;
  let plan = idlePlan(count);
  let now = 0;
  let steps = 0;
  const living = new Array<'no' | 'starting' | 'running' | 'stopping'>(count).fill('no');
  const rests = new Set<number | 'group'>();
  let closed: Exit | null = null;
  /** Times of the restarts the slow model allowed. */
  const allowed: number[] = [];
  let expectGiveUp = false;

  const carryOut = (effect: Effect): void => {
    expect(closed).toBeNull();
    switch (effect.kind) {
      case 'start':
        expect(living[effect.child]).toBe('no');
        if (policy.strategy !== 'one_for_one') {
          // Who stands later in a group never lives while one before it starts.
          expect(living.slice(effect.child + 1).every((state) => state === 'no')).toBe(true);
          expect(living.slice(0, effect.child)).not.toContain('starting');
        }
        living[effect.child] = 'starting';
        return;
      case 'stop':
        expect(['starting', 'running']).toContain(living[effect.child]);
        expect(living).not.toContain('stopping');
        expect(living.slice(effect.child + 1).every((state) => state === 'no')).toBe(true);
        living[effect.child] = 'stopping';
        return;
      case 'rest':
        expect(effect.ms).toBeGreaterThanOrEqual(0);
        rests.add(effect.child);
        return;
      case 'closed':
        expect(living.every((state) => state === 'no')).toBe(true);
        closed = effect.exit;
        return;
      case 'end':
      case 'opened':
        return;
    }
  };
  const feed = (event: PlanEvent): void => {
    const step = advance(plan, event, policy);
    plan = step.plan;
    for (const effect of step.effects) carryOut(effect);
  };

  /** Restarts as one would count them by hand: a crash of one that is neither told to stop nor in a group going down. */
  const countRestart = (child: number, exit: Exit): void => {
    const restart = policy.restart[child];
    const wanted = restart === 'permanent' || (restart === 'transient' && exit.reason !== 'done');
    const inGroup = plan.group !== null && child >= plan.group.from;
    if (plan.phase !== 'open' || !wanted || living[child] === 'stopping' || inGroup) return;
    const recent = allowed.filter((at) => at >= now - policy.budget.periodMs).length;
    if (recent >= policy.budget.intensity) expectGiveUp = true;
    else allowed.push(now);
  };

  const exit = (child: number, reason: Exit['reason']): void => {
    const gone: Exit = { id: `${child}`, reason, error: reason === 'crashed' ? 'crash' : null };
    countRestart(child, gone);
    living[child] = 'no';
    feed({ kind: 'exited', child, exit: gone, at: now, roll: 0.5 });
  };

  feed({ kind: 'begin' });
  return {
    closed: () => closed,
    happen: (choice, way, gap) => {
      now += gap;
      steps += 1;
      if (closed !== null) return;
      if (closeAt === steps) feed({ kind: 'close', forGood: true });
      const open: (() => void)[] = [...rests].map((child) => () => {
        rests.delete(child);
        feed({ kind: 'rested', child });
      });
      living.forEach((state, child) => {
        if (state === 'starting') {
          open.push(() => {
            if (way < 2) return exit(child, 'crashed');
            living[child] = 'running';
            feed({ kind: 'started', child, at: now });
          });
        } else if (state === 'stopping') open.push(() => exit(child, way < 2 ? 'crashed' : 'stopped'));
        else if (state === 'running' && way < 4) open.push(() => exit(child, way === 0 ? 'done' : 'crashed'));
      });
      open[choice % Math.max(open.length, 1)]?.();
    },
    check: () => {
      expect(
        plan.phase === 'closing' || plan.phase === 'closed' ? plan.closing?.exit.reason === 'gave_up' : false,
      ).toBe(expectGiveUp);
      const standings: readonly Standing[] = plan.seats.map((seat) => seat.standing);
      living.forEach((state, child) => {
        if (state !== 'no') expect(standings[child]).toBe(state);
        else expect(['starting', 'running', 'stopping']).not.toContain(standings[child]);
      });
    },
  };
}

const policyOf = (draft: {
  strategy: Strategy;
  restart: readonly Restart[];
  intensity: number;
  periodMs: number;
}): Policy => ({
  id: 's',
  strategy: draft.strategy,
  restart: draft.restart,
  budget: { intensity: draft.intensity, periodMs: draft.periodMs },
  backoff: { baseMs: 10, factor: 2, maxMs: 100, jitter: 0, resetMs: 200 },
});

test('starts go in order, stops in reverse, nobody lives twice, and the budget is what one counts by hand', () => {
  let gaveUp = 0;
  fc.assert(
    fc.property(policies, moves, (draft, steps) => {
      const run = world(policyOf(draft), null);
      for (const { choice, way, gap } of steps) {
        run.happen(choice, way, gap);
        run.check();
      }
      if (run.closed()?.reason === 'gave_up') gaveUp += 1;
    }),
    { numRuns: 1000 },
  );
  expect(gaveUp).toBeGreaterThan(100);
  expect(gaveUp).toBeLessThan(900);
});

test('told to close at any moment, a supervisor closes once all its units have stopped', () => {
  fc.assert(
    fc.property(policies, moves, fc.integer({ min: 1, max: 40 }), (draft, steps, closeAt) => {
      const run = world({ ...policyOf(draft), budget: { intensity: 1000, periodMs: 1 } }, closeAt);
      const enough = [
        ...steps,
        ...Array.from({ length: closeAt + 20 }, (_, n) => ({ choice: n, way: 5, gap: 1 })),
      ];
      for (const { choice, way, gap } of enough) run.happen(choice, way, gap);
      run.check();
      expect(run.closed()).toEqual({ id: 's', reason: 'stopped', error: null });
    }),
    { numRuns: 500 },
  );
});
