/** What an announcer does about single events; what follows from any order of them is in announcer-model.test.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { announcementKey } from '../../domain/announcement.js';
import {
  blackhole,
  connect,
  crash,
  deadlineMs,
  disconnect,
  hear,
  newWorld,
  pass,
  reconcileMs,
  restore,
  unwant,
  type World,
  want,
} from './announcer-rehearsal.js';
import { reportOf } from './announcer-report.js';
import { maxBatch, maxRows } from './announcer-table.js';

const keyOf = (serial: number): string => announcementKey(blackhole(serial));
/** 'announce 7', 'withdraw 7', since there were `from` of them. */
const said = (world: World, from = 0): readonly string[] =>
  world.changes
    .slice(from)
    .map(({ do: what, announcement }) => `${what} ${announcementKey(announcement).split(/[./]/)[3]}`);

/** Up and restored, with these hosts announced. */
function calmWorld(hosts: readonly number[] = [], readable = true): World {
  const world = newWorld(readable);
  restore(world);
  connect(world);
  pass(world, 100);
  for (const host of hosts) want(world, blackhole(host));
  pass(world, 100);
  return world;
}

/** Requests that hold the announcement of one of these are not answered at all. */
function stallOn(world: World, hosts: readonly number[]): void {
  const keys = new Set(hosts.map(keyOf));
  const set = world.inFlight.set.bind(world.inFlight);
  world.inFlight.set = (turn, changes) => {
    const held = changes.some(({ announcement }) => keys.has(announcementKey(announcement)));
    world.manner.stallsLost = held ? 1 : 0;
    return set(turn, changes);
  };
}

describe('at the start', () => {
  test('what is decided before the ledger has said everything is announced at once; nothing is withdrawn', () => {
    const world = newWorld();
    world.rib.set(keyOf(9), blackhole(9));
    connect(world);
    want(world, blackhole(1));
    want(world, blackhole(2));
    unwant(world, blackhole(2));
    pass(world, 30_000);
    assert.deepEqual(said(world), ['announce 1']);
    assert.equal(reportOf(world.announcer).state, 'reconciling');
    restore(world);
    pass(world, 100);
    assert.deepEqual(said(world, 1).toSorted(), ['withdraw 9']);
    assert.deepEqual([...world.told].toSorted(), [
      [keyOf(1), 'held'],
      [keyOf(2), 'gone'],
    ]);
  });

  test('the ledger is asked again until it answers', () => {
    const world = newWorld();
    pass(world, 60_000);
    world.restored = true; // says nothing of its own
    pass(world, 6000);
    assert.equal(world.announcer.complete, true);
  });

  test('what the speaker held all along is not announced again, and the ledger hears that it is held', () => {
    const world = newWorld();
    for (const host of [1, 2]) {
      world.rib.set(keyOf(host), blackhole(host));
      world.wanted.set(keyOf(host), blackhole(host));
    }
    restore(world);
    connect(world);
    pass(world, 100);
    assert.deepEqual(said(world), []);
    assert.deepEqual([...world.told.values()], ['held', 'held']);
  });

  test('a new life of the announcer neither announces nor withdraws what stands', () => {
    const world = calmWorld([1, 2]);
    crash(world);
    pass(world, 3 * reconcileMs);
    assert.deepEqual(said(world), ['announce 1', 'announce 2']);
    assert.deepEqual([...world.told.values()], ['held', 'held']);
  });
});

describe('a reading', () => {
  test('finds what was lost, says so, and has it announced again', () => {
    const world = calmWorld([1, 2]);
    world.rib.delete(keyOf(1));
    const told: string[] = [];
    world.told.set = function (key, outcome) {
      told.push(`${key.split(/[./]/)[3]} ${outcome}`);
      return Map.prototype.set.call(this, key, outcome) as typeof this;
    };
    pass(world, 1.2 * reconcileMs);
    assert.deepEqual(told, ['1 lost', '1 held']);
    assert.deepEqual(said(world, 2), ['announce 1']);
    assert.equal(reportOf(world.announcer).repaired.announced, 1);
  });

  test('never takes for lost what was announced while it was under way', () => {
    const world = calmWorld([1]);
    world.manner.delayMs = 300;
    connect(world); // read from here on
    world.manner.delayMs = 1;
    want(world, blackhole(2));
    unwant(world, blackhole(1));
    pass(world, 500);
    assert.deepEqual(said(world, 1), ['announce 2', 'withdraw 1'], 'and what was withdrawn for no orphan');
    assert.deepEqual(reportOf(world.announcer).repaired, { announced: 0, withdrawn: 0 });
  });

  test('withdraws what is ours by its marking, and leaves what is not', () => {
    const world = calmWorld([1]);
    world.rib.set(keyOf(9), blackhole(9));
    world.foreign.add(keyOf(8));
    pass(world, 1.2 * reconcileMs);
    assert.deepEqual(said(world, 1), ['withdraw 9']);
    const { foreign, repaired } = reportOf(world.announcer);
    assert.deepEqual([foreign, repaired.withdrawn], [1, 1]);
  });

  test('that fails keeps nothing from being announced', () => {
    const world = newWorld();
    world.manner.listFails = true;
    world.wanted.set(keyOf(1), blackhole(1));
    restore(world);
    connect(world);
    pass(world, 100);
    assert.deepEqual(said(world), ['announce 1']);
    world.manner.listFails = false;
    pass(world, 3000);
    assert.equal(reportOf(world.announcer).state, 'up');
    assert.equal(reportOf(world.announcer).lastReconciledAt !== null, true);
  });

  test('is not waited for by a decision', () => {
    const world = calmWorld([1]);
    world.manner.delayMs = 900;
    connect(world);
    want(world, blackhole(2));
    assert.deepEqual(said(world, 1), ['announce 2'], 'sent in the same step');
  });
});

describe('changes', () => {
  test('a decision waits for one request of repairs at the most', () => {
    const world = newWorld();
    for (let host = 10; host < 10 + 3 * maxBatch; host++) {
      world.wanted.set(keyOf(host), blackhole(host));
    }
    restore(world);
    connect(world);
    pass(world, 1); // the reading is back, and the first repairs are on their way
    assert.equal(world.changes.length, maxBatch);
    want(world, blackhole(1));
    pass(world, 1);
    assert.equal(said(world, maxBatch)[0], 'announce 1');
  });

  test('the newest intent wins when it changed while another was on its way', () => {
    const world = calmWorld();
    world.manner.delayMs = 50;
    want(world, blackhole(1));
    want(world, blackhole(1, 666));
    unwant(world, blackhole(1));
    want(world, blackhole(1, 777));
    pass(world, 500);
    assert.deepEqual(said(world), ['announce 1', 'announce 1']);
    assert.deepEqual(world.rib.get(keyOf(1)), blackhole(1, 777));
    assert.equal(world.told.get(keyOf(1)), 'held');
  });

  test('unwanted while its announcement is on its way: withdrawn when that is back', () => {
    const world = calmWorld();
    world.manner.delayMs = 50;
    want(world, blackhole(1));
    unwant(world, blackhole(1));
    assert.deepEqual(said(world), ['announce 1']);
    pass(world, 500);
    assert.deepEqual(said(world), ['announce 1', 'withdraw 1']);
    assert.equal(world.told.get(keyOf(1)), 'gone');
  });

  test('wanted again by another: confirmed at once, without a word to the speaker', () => {
    const world = calmWorld([1]);
    want(world, blackhole(1));
    assert.equal(world.told.get(keyOf(1)), 'held');
    pass(world, 1000);
    assert.deepEqual(said(world), ['announce 1']);
  });

  test('nothing that was held is believed after the connection was lost', () => {
    const world = calmWorld([1, 2]);
    disconnect(world);
    assert.equal(reportOf(world.announcer).held, 0);
    world.rib.clear();
    connect(world);
    pass(world, 100);
    assert.deepEqual(said(world, 2), ['announce 1', 'announce 2']);
  });

  test('a speaker that is only told is told everything at each connection, what leaves included', () => {
    const world = calmWorld([1, 2, 3], false);
    disconnect(world);
    unwant(world, blackhole(3));
    connect(world);
    pass(world, 100);
    assert.deepEqual(said(world, 3).toSorted(), ['announce 1', 'announce 2', 'withdraw 3']);
    assert.equal(reportOf(world.announcer).lastReconciledAt, null);
  });
});

describe('failures', () => {
  test('a refused route is told, tried again seldom, and in nobody’s way', () => {
    const world = calmWorld();
    world.manner.refuses.add(keyOf(1));
    want(world, blackhole(1));
    want(world, blackhole(2));
    pass(world, 600_000);
    assert.equal(world.told.get(keyOf(1)), 'refused');
    assert.equal(world.told.get(keyOf(2)), 'held');
    const tries = said(world).filter((what) => what === 'announce 1').length;
    assert.ok(tries >= 4 && tries <= 6, `${tries} tries in ten minutes`);
    assert.deepEqual(reportOf(world.announcer).refused, 1);
    world.manner.refuses.clear();
    want(world, blackhole(1, 666));
    pass(world, 10);
    assert.equal(world.told.get(keyOf(1)), 'held', 'other attributes are tried at once');
  });

  test('a request that stalls is given up after its deadline, and what it did is found out', () => {
    const world = calmWorld();
    world.manner.stallsApplied = 1;
    want(world, blackhole(1));
    pass(world, deadlineMs + 2000);
    assert.equal(world.told.get(keyOf(1)), 'held');
    const { retries, lastError } = reportOf(world.announcer);
    assert.deepEqual([retries, lastError], [1, `no answer within ${deadlineMs} ms`]);
  });

  test('a speaker that fails is paused longer each time, but not for what is decided meanwhile', () => {
    const world = calmWorld();
    world.manner.unreachable = true;
    want(world, blackhole(1));
    pass(world, 300_000);
    const tries = world.changes.length;
    assert.ok(tries > 8 && tries < 24, `${tries} tries in five minutes`);
    want(world, blackhole(2));
    assert.equal(said(world).at(-1), 'announce 2');
  });

  test('a route that stalls whatever it is sent with does not keep the others out', () => {
    const world = calmWorld();
    const hosts = [1, 2, 3, 4, 5, 6, 7, 8];
    stallOn(world, [3]);
    disconnect(world);
    for (const host of hosts) want(world, blackhole(host));
    connect(world);
    pass(world, 60_000);
    assert.deepEqual(
      hosts.filter((host) => !world.rib.has(keyOf(host))),
      [3],
    );
  });

  test('announcements that all stall do not keep a withdrawal in', () => {
    const world = calmWorld([1]);
    stallOn(world, [2, 3, 4, 5]);
    for (const host of [2, 3, 4, 5]) want(world, blackhole(host));
    pass(world, 2 * deadlineMs);
    unwant(world, blackhole(1));
    pass(world, 60_000);
    assert.equal(world.told.get(keyOf(1)), 'gone');
  });

  test('results that the ledger had no room for are told again with everything', () => {
    const world = calmWorld([1]);
    world.told.clear();
    hear(world, { kind: 'unheard' });
    pass(world, 6000);
    assert.equal(world.told.get(keyOf(1)), 'held');
    assert.deepEqual(said(world), ['announce 1']);
  });

  test('answers to requests that were given up are not heard', () => {
    const world = calmWorld();
    world.manner.stallsLost = 1;
    want(world, blackhole(1));
    const turn = world.announcer.sending?.turn ?? 0;
    pass(world, deadlineMs + 600);
    hear(world, { kind: 'changed', turn, results: [{ ok: true, value: undefined }] });
    assert.notEqual(world.told.get(keyOf(1)), 'held');
  });
});

test('routes beyond the table are refused, and said to be', () => {
  const world = newWorld();
  const announcements = Array.from({ length: maxRows + 1 }, (_, serial) => blackhole(serial));
  hear(world, { kind: 'want', announcements });
  assert.equal(world.told.get(keyOf(maxRows)), 'refused');
  assert.equal(reportOf(world.announcer).wanted, maxRows);
});
