import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { ScriptAction } from '../../domain/ports.js';
import type { AttackId } from '../../domain/units.js';
import { emptyQueue, finish, type Job, offer } from './queue.js';

const job = (attack: string, action: ScriptAction): Job => ({ attack: attack as AttackId, action });
const text = (jobs: readonly Job[]): string =>
  jobs.map(({ attack, action }) => `${attack}:${action}`).join(' ');
const wide = { concurrency: 2, waiting: 100 };

test('actions of one attack run one after the other, in their order', () => {
  const queue = emptyQueue<Job>();
  assert.equal(text(offer(queue, job('A', 'ban'), wide).start), 'A:ban');
  assert.equal(text(offer(queue, job('A', 'attack_details'), wide).start), '');
  assert.equal(text(offer(queue, job('A', 'unban'), wide).start), '');
  assert.equal(text(finish(queue, 'A' as AttackId, wide)), 'A:attack_details');
  assert.equal(text(finish(queue, 'A' as AttackId, wide)), 'A:unban');
  assert.equal(text(finish(queue, 'A' as AttackId, wide)), '');
  assert.deepEqual([queue.running, queue.waiting, queue.lanes.size], [0, 0, 0]);
});

test('an action offered again while it waits or runs is the same', () => {
  const queue = emptyQueue<Job>();
  offer(queue, job('A', 'ban'), wide);
  offer(queue, job('A', 'unban'), wide);
  for (const action of ['ban', 'unban'] as const) {
    assert.deepEqual(offer(queue, job('A', action), wide), { start: [], out: [] });
  }
  assert.deepEqual([queue.running, queue.waiting, queue.repeated], [1, 1, 2]);
});

test('a script that hangs holds up only its own attack', () => {
  const queue = emptyQueue<Job>();
  offer(queue, job('A', 'ban'), wide);
  offer(queue, job('A', 'unban'), wide);
  for (let round = 0; round < 10; round++) {
    assert.equal(text(offer(queue, job(`B${round}`, 'ban'), wide).start), `B${round}:ban`);
    finish(queue, `B${round}` as AttackId, wide);
  }
});

test('no more run at once than may, and the longest waiting attack is next', () => {
  const queue = emptyQueue<Job>();
  for (const name of ['A', 'B', 'C', 'D']) offer(queue, job(name, 'ban'), wide);
  assert.deepEqual([queue.running, queue.waiting], [2, 2]);
  assert.equal(text(finish(queue, 'B' as AttackId, wide)), 'C:ban');
  assert.equal(text(finish(queue, 'A' as AttackId, wide)), 'D:ban');
});

const full = { concurrency: 1, waiting: 2 };

test('without room, details give way to a ban', () => {
  const queue = emptyQueue<Job>();
  offer(queue, job('A', 'ban'), full);
  offer(queue, job('A', 'attack_details'), full);
  offer(queue, job('B', 'ban'), full);
  assert.equal(text(offer(queue, job('C', 'ban'), full).out), 'A:attack_details');
  assert.deepEqual([queue.waiting, queue.dropped, queue.refused], [2, 1, 0]);
});

test('without room, details are dropped', () => {
  const queue = emptyQueue<Job>();
  for (const name of ['A', 'B', 'C']) offer(queue, job(name, 'ban'), full);
  assert.equal(text(offer(queue, job('A', 'attack_details'), full).out), 'A:attack_details');
  assert.deepEqual([queue.dropped, queue.refused], [1, 0]);
});

test('without room and without details, a ban is sent back and counted, never lost', () => {
  const queue = emptyQueue<Job>();
  for (const name of ['A', 'B', 'C']) offer(queue, job(name, 'ban'), full);
  assert.equal(text(offer(queue, job('D', 'ban'), full).out), 'D:ban');
  assert.deepEqual([queue.waiting, queue.dropped, queue.refused], [2, 0, 1]);
});

const anyEvent = fc.oneof(
  fc.record({
    kind: fc.constant('offer' as const),
    attack: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    action: fc.constantFrom('ban' as const, 'attack_details' as const, 'unban' as const),
  }),
  fc.record({ kind: fc.constant('finish' as const), attack: fc.constantFrom('A', 'B', 'C', 'D', 'E') }),
);
test('in any order of events: bounds hold, each job starts once or is sent back, order within an attack stays', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 80 }), fc.nat(4), (events, waiting) => {
      const bounds = { concurrency: 2, waiting };
      const queue = emptyQueue<Job>();
      const running = new Set<string>();
      const offered: Job[] = [];
      const started: Job[] = [];
      const out: Job[] = [];
      const begin = (jobs: readonly Job[]): void => {
        for (const one of jobs) {
          assert.ok(!running.has(one.attack), 'one at a time for an attack');
          running.add(one.attack);
          started.push(one);
        }
      };
      for (const event of events) {
        if (event.kind === 'offer') {
          const one = job(event.attack, event.action);
          offered.push(one);
          const repeated = queue.repeated;
          const result = offer(queue, one, bounds);
          if (queue.repeated > repeated) offered.pop();
          begin(result.start);
          out.push(...result.out);
        } else if (running.delete(event.attack)) begin(finish(queue, event.attack as AttackId, bounds));
        assert.equal(queue.running, running.size);
        assert.ok(queue.running <= bounds.concurrency && queue.waiting <= waiting);
        assert.ok(queue.waiting === 0 || running.size > 0, 'nothing waits while nothing runs');
      }
      for (let round = 0; round < 200 && running.size > 0; round++) {
        const [attack] = running;
        running.delete(attack ?? '');
        begin(finish(queue, attack as AttackId, bounds));
      }
      assert.equal(started.length + out.length, offered.length);
      assert.equal(out.length, queue.dropped + queue.refused);
      for (const name of ['A', 'B', 'C', 'D', 'E']) {
        const kept = offered.filter((one) => one.attack === name && !out.includes(one));
        assert.deepEqual(
          started.filter((one) => one.attack === name),
          kept,
        );
      }
      assert.equal(queue.lanes.size, 0);
    }),
  );
});
