/**
 * What tests of announcers need: blackholes, and a world in which an announcer's core meets a ledger that keeps its
 * word and a speaker that lies within reason. Time is virtual; nothing here waits.
 *
 * The world checks at each request what must hold at any time: one change of a key at once; announced is only what is
 * wanted, as it is wanted; withdrawn is only what is not, and never what is somebody else's.
 */
import { strict as assert } from 'node:assert';
import {
  type Announcement,
  announcementKey,
  announcementText,
  noCommunities,
} from '../../domain/announcement.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { SpeakerChange } from '../../domain/speaker.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { advance, type Input, nextWake } from './announcer-core.js';
import type { Spoken } from './announcer-messages.js';
import { type Announcer, type Effect, emptyAnnouncer } from './announcer-table.js';

/** Of the host 198.18.0.0 + `serial`, with a community of that value. */
export const blackhole = (serial: number, community = 1): Announcement => ({
  kind: 'unicast',
  prefix:
    `198.${18 + Math.floor(serial / 65_536)}.${Math.floor(serial / 256) % 256}.${serial % 256}/32` as PrefixKey,
  nextHop: '192.0.2.1' as HostKey,
  communities: { ...noCommunities, standard: [[65_001, community]] },
});

export const reconcileMs = 10_000;
export const deadlineMs = 1000;

/** How the speaker behaves now. */
export type Manner = {
  /** Until it answers. */
  delayMs: number;
  /** Of the next requests that change something, how many are applied and never answered, or neither. */
  stallsApplied: number;
  stallsLost: number;
  /** The next so many are not answered, and applied this long after they were given up. */
  appliesLate: number;
  /** Requests fail at once. */
  unreachable: boolean;
  listFails: boolean;
  readonly refuses: Set<string>;
};

export type World = {
  now: number;
  announcer: Announcer;
  readonly readable: boolean;
  readonly manner: Manner;
  /** What the speaker holds of ours. */
  rib: Map<string, Announcement>;
  readonly foreign: Set<string>;
  connected: boolean;
  /** What the ledger has. */
  readonly wanted: Map<string, Announcement>;
  readonly leaving: Map<string, Announcement>;
  readonly told: Map<string, Spoken['outcome']>;
  restored: boolean;
  /** What happens at a time, in that order. */
  events: { readonly at: number; readonly serial: number; readonly run: () => void }[];
  serial: number;
  life: number;
  readonly inFlight: Map<number, readonly SpeakerChange[]>;
  /** All changes that were ever asked for. */
  changes: SpeakerChange[];
  readonly log: { readonly phrase: string; readonly fields: object }[];
};

export function newWorld(readable = true): World {
  const world: World = {
    now: 0,
    announcer: emptyAnnouncer({ name: 'edge-1', reconcileMs, deadlineMs }, 0),
    readable,
    manner: {
      delayMs: 1,
      stallsApplied: 0,
      stallsLost: 0,
      appliesLate: 0,
      unreachable: false,
      listFails: false,
      refuses: new Set(),
    },
    rib: new Map(),
    foreign: new Set(),
    connected: false,
    wanted: new Map(),
    leaving: new Map(),
    told: new Map(),
    restored: false,
    events: [],
    serial: 0,
    life: 0,
    inFlight: new Map(),
    changes: [],
    log: [],
  };
  hear(world, { kind: 'wake' });
  return world;
}

/** The announcer hears something, and what it decides is carried out. */
export function hear(world: World, input: Input): void {
  const moment = { now: world.now, at: world.now * 1000, chance: ((world.serial * 7919) % 1000) / 1000 };
  for (const effect of advance(world.announcer, input, moment)) perform(world, effect);
}

function later(world: World, ms: number, run: () => void): void {
  world.events.push({ at: world.now + ms, serial: world.serial++, run });
}

function perform(world: World, effect: Effect): void {
  const { life } = world;
  const answer = (ms: number, input: Input): void => {
    later(world, ms, () => {
      if (world.life === life) hear(world, input);
    });
  };
  switch (effect.kind) {
    case 'ask':
      later(world, 0, () => {
        if (world.life === life) sayAll(world);
      });
      break;
    case 'tell':
      for (const { key, outcome } of effect.results) {
        world.told.set(key, outcome);
        if (outcome === 'gone') world.leaving.delete(key);
      }
      break;
    case 'list': {
      const { manner, rib, foreign, readable } = world;
      const ours = [...rib.values()];
      const fails = manner.listFails || manner.unreachable || !world.connected;
      const value = readable ? { ours, foreign: foreign.size } : null;
      const result = fails ? failure('SPEAKER_UNREACHABLE', 'not read') : success(value);
      answer(manner.delayMs, { kind: 'listed', turn: effect.turn, result });
      break;
    }
    case 'change':
      check(world, effect.changes);
      change(world, effect, answer);
      break;
    case 'give_up':
      world.inFlight.delete(effect.turn);
      break;
    case 'log':
      world.log.push(effect);
  }
}

function sayAll(world: World): void {
  if (!world.restored) return;
  hear(world, { kind: 'all', wanted: [...world.wanted.values()], leaving: [...world.leaving.values()] });
}

function check({ wanted, foreign, inFlight, restored }: World, changes: readonly SpeakerChange[]): void {
  const busy = new Set(
    [...inFlight.values()].flat().map(({ announcement }) => announcementKey(announcement)),
  );
  for (const { do: what, announcement } of changes) {
    const key = announcementKey(announcement);
    assert.ok(!busy.has(key), `two changes of ${key} at once`);
    busy.add(key);
    assert.ok(!foreign.has(key), `${what} of somebody else's ${key}`);
    const want = wanted.get(key);
    assert.ok(what === 'announce' || restored, `withdraw of ${key} before the ledger has said everything`);
    if (what === 'withdraw') assert.equal(want, undefined, `withdraw of ${key}, which is wanted`);
    else assert.equal(announcementText(announcement), want && announcementText(want), 'the newest intent');
  }
}

function change(
  world: World,
  { turn, changes }: Extract<Effect, { kind: 'change' }>,
  answer: (ms: number, input: Input) => void,
): void {
  const { manner } = world;
  world.changes.push(...changes);
  world.inFlight.set(turn, changes);
  const apply = (): readonly Result<void>[] =>
    changes.map(({ do: what, announcement }) => {
      const key = announcementKey(announcement);
      if (manner.refuses.has(key)) return failure('SPEAKER_REFUSED', 'no such route here');
      if (what === 'announce') world.rib.set(key, announcement);
      else world.rib.delete(key);
      return success(undefined);
    });
  if (manner.unreachable || !world.connected) {
    const results = changes.map(() => failure('SPEAKER_UNREACHABLE', 'no route to host'));
    later(world, 0, () => world.inFlight.delete(turn));
    answer(0, { kind: 'changed', turn, results });
  } else if (manner.stallsApplied > 0) {
    manner.stallsApplied--;
    apply();
  } else if (manner.stallsLost > 0) {
    manner.stallsLost--;
  } else if (manner.appliesLate > 0) {
    manner.appliesLate--;
    later(world, deadlineMs * 2, apply);
  } else {
    const results = apply();
    later(world, manner.delayMs, () => world.inFlight.delete(turn));
    answer(manner.delayMs, { kind: 'changed', turn, results });
  }
}

// ---------------------------------------------------------------------------------- what may happen in it

/** Lets time pass; whatever is due happens at its time. */
export function pass(world: World, ms: number): void {
  const until = world.now + ms;
  for (;;) {
    const wake = nextWake(world.announcer);
    world.events.sort((a, b) => a.at - b.at || a.serial - b.serial);
    const next = world.events[0];
    const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, wake ?? Number.POSITIVE_INFINITY);
    if (at > until) break;
    world.now = Math.max(world.now, at);
    if (next !== undefined && next.at <= world.now) {
      world.events.shift();
      next.run();
    } else hear(world, { kind: 'wake' });
  }
  world.now = until;
}

export function want(world: World, announcement: Announcement): void {
  const key = announcementKey(announcement);
  if (world.foreign.has(key)) return;
  world.leaving.delete(key);
  world.wanted.set(key, announcement);
  world.told.delete(key);
  hear(world, { kind: 'want', announcements: [announcement] });
}

export function unwant(world: World, announcement: Announcement): void {
  const key = announcementKey(announcement);
  const wanted = world.wanted.get(key);
  if (wanted === undefined) return;
  world.wanted.delete(key);
  world.leaving.set(key, wanted);
  world.told.delete(key);
  hear(world, { kind: 'unwant', announcements: [wanted] });
}

/** The ledger has read its journal. */
export function restore(world: World): void {
  world.restored = true;
  sayAll(world);
}

export function connect(world: World): void {
  world.connected = true;
  hear(world, { kind: 'event', event: { kind: 'up', version: '3.10.0' } });
}

export function disconnect(world: World): void {
  world.connected = false;
  hear(world, { kind: 'event', event: { kind: 'down', reason: 'connection reset' } });
}

/** The announcer dies; a new one knows nothing. What it had under way may still be carried out. */
export function crash(world: World): void {
  world.life++;
  world.inFlight.clear();
  world.announcer = emptyAnnouncer({ name: 'edge-1', reconcileMs, deadlineMs }, world.now);
  hear(world, { kind: 'wake' });
  if (world.connected) connect(world);
}
