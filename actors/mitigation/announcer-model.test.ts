/**
 * An announcer against a speaker that lies within reason: it drops connections, loses what it holds, stalls before and
 * after it has applied a change, refuses some keys, is slow, and holds routes of others. The world of
 * announcer-rehearsal.ts checks each request; here is what must hold when things have calmed down.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { announcementKey, announcementText } from '../../domain/announcement.js';
import {
  blackhole,
  connect,
  crash,
  disconnect,
  newWorld,
  pass,
  reconcileMs,
  restore,
  unwant,
  type World,
  want,
} from './announcer-rehearsal.js';

/** Hosts that come and go, and others whose routes lie about. */
const hosts = 12;
const stray = 100;

const steps = {
  want: (world: World, which: number) => want(world, blackhole(which % hosts)),
  wantOtherwise: (world: World, which: number) => want(world, blackhole(which % hosts, 666)),
  unwant: (world: World, which: number) => unwant(world, blackhole(which % hosts)),
  restore: (world: World) => restore(world),
  connect: (world: World) => connect(world),
  disconnect: (world: World) => disconnect(world),
  speakerRestarts: (world: World) => {
    disconnect(world);
    world.rib.clear();
    pass(world, 50);
    connect(world);
  },
  losesSilently: (world: World, which: number) => {
    if (world.readable) world.rib.delete(announcementKey(blackhole(which % hosts)));
  },
  holdsOtherwise: (world: World, which: number) => {
    const key = announcementKey(blackhole(which % hosts));
    if (world.readable && world.rib.has(key)) world.rib.set(key, blackhole(which % hosts, 999));
  },
  orphan: (world: World, which: number) => {
    const left = blackhole(stray + (which % hosts));
    if (world.readable) world.rib.set(announcementKey(left), left);
  },
  foreign: (world: World, which: number) => {
    world.foreign.add(announcementKey(blackhole(2 * stray + (which % hosts))));
  },
  stallsApplied: (world: World, which: number) => {
    world.manner.stallsApplied = which % 4;
  },
  stallsLost: (world: World, which: number) => {
    world.manner.stallsLost = which % 4;
  },
  appliesLate: (world: World, which: number) => {
    if (world.readable) world.manner.appliesLate = which % 3;
  },
  unreachable: (world: World, which: number) => {
    world.manner.unreachable = which % 2 === 0;
  },
  listFails: (world: World, which: number) => {
    world.manner.listFails = which % 2 === 0;
  },
  slow: (world: World, which: number) => {
    world.manner.delayMs = [1, 30, 400, 1500][which % 4] ?? 1;
  },
  refuses: (world: World, which: number) => {
    world.manner.refuses.add(announcementKey(blackhole(which % hosts)));
  },
  refusesNoMore: (world: World) => world.manner.refuses.clear(),
  crash: (world: World) => crash(world),
  moment: (world: World, which: number) => pass(world, which),
  while: (world: World, which: number) => pass(world, which * 200),
} as const;
type StepName = keyof typeof steps;

/** From here on the speaker keeps its word, but for the keys that it refuses. */
function calm(world: World): void {
  Object.assign(world.manner, {
    delayMs: 1,
    stallsApplied: 0,
    stallsLost: 0,
    appliesLate: 0,
    unreachable: false,
    listFails: false,
  });
  if (!world.restored) restore(world);
  if (!world.connected) connect(world);
  pass(world, 5 * reconcileMs); // the longest pause of a speaker, and a reading after it
}

const textsOf = (world: World, keys: Iterable<string>): readonly (string | null)[] =>
  [...keys].sort().map((key) => {
    const held = world.rib.get(key);
    return held === undefined ? null : announcementText(held);
  });

const script = fc.array(
  fc.record({ name: fc.constantFrom(...(Object.keys(steps) as StepName[])), which: fc.nat(40) }),
  { minLength: 5, maxLength: 80 },
);

for (const readable of [true, false]) {
  const kind = readable ? 'a speaker that can be read' : 'a speaker that is only told';
  test(`${kind} ends up with exactly what is wanted, and the ledger knows`, () => {
    fc.assert(
      fc.property(script, (events) => {
        const world = newWorld(readable);
        for (const { name, which } of events) {
          const step: (world: World, which: number) => void = steps[name];
          step(world, which);
        }
        calm(world);
        const { refuses } = world.manner;
        const wanted = [...world.wanted].filter(([key]) => !refuses.has(key));
        assert.deepEqual(
          textsOf(
            world,
            wanted.map(([key]) => key),
          ),
          wanted
            .map(([key, want]) => [key, announcementText(want)] as const)
            .sort()
            .map(([, text]) => text),
          'held as wanted',
        );
        const allowed = new Set([...world.wanted.keys(), ...refuses]);
        assert.deepEqual(
          [...world.rib.keys()].filter((key) => !allowed.has(key)),
          [],
          'nothing left over',
        );
        for (const key of world.wanted.keys()) {
          const told = world.told.get(key);
          assert.ok(told === 'held' || (refuses.has(key) && told === 'refused'), `${key} is told ${told}`);
        }
        for (const key of world.leaving.keys()) assert.ok(refuses.has(key), `${key} is still leaving`);
        const before = world.changes.length;
        const refusedBefore = refuses.size;
        pass(world, 20 * reconcileMs);
        assert.ok(
          world.changes.length - before <= refusedBefore * 6,
          'nothing is sent again but what is refused, seldom',
        );
      }),
      { numRuns: 1500 },
    );
  }, 120_000);
}
