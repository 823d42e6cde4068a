import { expect, test } from 'vitest';
import { createProbe } from './probe.js';

/** Time where a timer can be late: the clock moves, and timers run only when told. */
function setup(limitMs: number) {
  let now = 0;
  let due: { at: number; run: () => void } | null = null;
  const told: string[] = [];
  let armed = 0;
  const probe = createProbe(
    { now: () => now, unixMicros: () => 0 },
    {
      start: (ms, run) => {
        armed += 1;
        due = { at: now + ms, run };
        return () => {
          due = null;
        };
      },
    },
    limitMs,
    { overdue: () => told.push(`overdue at ${now}`), graced: () => told.push(`graced at ${now}`) },
  );
  /** Runs the timer `late` ms after it was due. */
  const fire = (late = 0): void => {
    const timer = due;
    if (timer === null) throw new Error('no timer is armed');
    due = null;
    now = timer.at + late;
    timer.run();
  };
  return {
    probe,
    told,
    fire,
    armed: () => armed,
    idle: () => due === null,
    pass: (ms: number) => {
      now += ms;
    },
    now: () => now,
  };
}

test('a handler awaited past its limit is overdue', () => {
  const { probe, told, fire } = setup(100);
  probe.watch(0);
  fire();
  expect(told).toEqual(['overdue at 100']);
});

test('a probe that comes late itself grants one more limit, and only one', () => {
  const { probe, told, fire } = setup(100);
  probe.watch(0);
  fire(10_000);
  expect(told).toEqual(['graced at 10100']);
  fire(10_000);
  expect(told).toEqual(['graced at 10100', 'overdue at 20200']);
});

test('a slightly late probe is no excuse', () => {
  const { probe, told, fire } = setup(100);
  probe.watch(0);
  fire(250);
  expect(told).toEqual(['overdue at 350']);
});

test('a thousand handlers within one limit cost one timer', () => {
  const { probe, told, fire, armed, idle, pass, now } = setup(100);
  for (let n = 0; n < 1000; n++) {
    probe.watch(now());
    probe.rest();
    pass(0.05);
  }
  expect(armed()).toBe(1);
  fire();
  expect([told, idle()]).toEqual([[], true]);
});

test('the limit counts from the handler at work, not from the first one', () => {
  const { probe, told, fire, pass, now } = setup(100);
  probe.watch(0);
  probe.rest();
  pass(60);
  probe.watch(now());
  fire();
  expect(told).toEqual([]);
  fire();
  expect(told).toEqual(['overdue at 160']);
});

test('an ended probe is silent', () => {
  const { probe, told, idle } = setup(100);
  probe.watch(0);
  probe.end();
  expect([told, idle()]).toEqual([[], true]);
});
