/**
 * The ledger, its announcer and a journal on disk, killed at any moment, over a speaker that lives on: it never sees a
 * withdrawal of what is wanted, and after each start it holds exactly what the journal says within a reconcile period.
 *
 * A death takes all at once: what was on its way to the journal is lost, a request to the speaker is carried out in part.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import { announcerActor } from '../actors/mitigation/announcer.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { type Announcement, announcementKey } from '../domain/announcement.js';
import { attackId, type Subject } from '../domain/attack.js';
import type { Mitigation } from '../domain/mitigation.js';
import type { Journal } from '../domain/ports.js';
import { aMitigationPolicy, anAttack, aSpeaker, rehearsalStart } from '../domain/rehearsal.js';
import { failure, type Result, success } from '../domain/result.js';
import type { Speaker, SpeakerChange } from '../domain/speaker.js';
import type { AttackId, HostKey, PrefixKey } from '../domain/units.js';
import { openJournal } from '../integrations/journal/journal.js';
import { createPlace } from '../supervision/place.js';
import { rememberingLog, supervisor } from '../supervision/rehearsal.js';
import { startTree } from '../supervision/tree.js';
import { createRandom } from '../traffic/random.js';
import { machineClock } from './clock.js';

const lives = 25;
const hosts = 12;
const reconcileMs = 1000;
/** Tells what never comes from what a busy machine is late with. */
const patienceMs = 15 * reconcileMs;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const hostOf = (which: number): HostKey => `192.0.2.${which + 1}` as HostKey;
const keyOf = (which: number): string => `unicast ${hostOf(which)}/32`;

/** What outlives the daemon. */
type World = {
  readonly dir: string;
  readonly chance: () => number;
  readonly rib: Map<string, Announcement>;
  /** By host: the mitigation that wants it. Of the ledger as it is; after a death, of the journal. */
  readonly wanted: Map<number, AttackId>;
  /**
   * Keys that were not wanted for a moment since the ledger last heard that they are held. An announcement that goes out
   * does not count: it may be for the mitigation before, with the release of that still on its way to the announcer.
   */
  readonly gaps: Set<string>;
  confirmations: number;
  readonly wrongs: string[];
  serial: number;
  withdrawals: number;
};
type Life = { readonly ledger: (message: LedgerMessage) => boolean; readonly die: () => Promise<void> };

function speakerOf(world: World, isDead: () => boolean): Speaker {
  const wait = (): Promise<void> => sleep(Math.floor(world.chance() * 4));
  const carryOut = ({ do: what, announcement }: SpeakerChange): void => {
    const key = announcementKey(announcement);
    if (what === 'announce') world.rib.set(key, announcement);
    else world.rib.delete(key);
  };
  return {
    list: async () => {
      const held = { ours: [...world.rib.values()], foreign: 0 };
      await wait();
      return success(held);
    },
    change: async (changes) => {
      if (isDead()) return changes.map(() => failure('SPEAKER_UNREACHABLE', 'dead'));
      for (const { do: what, announcement } of changes) {
        const key = announcementKey(announcement);
        const host = [...world.wanted.keys()].find((which) => keyOf(which) === key);
        if (what === 'withdraw') world.withdrawals++;
        if (what === 'withdraw' && host !== undefined && !world.gaps.has(key)) world.wrongs.push(key);
      }
      const results: Result<void>[] = [];
      for (const change of changes) {
        if (world.chance() < 0.2) await wait();
        if (isDead()) break; // what was sent is sent, the rest is not
        carryOut(change);
        results.push(success(undefined));
      }
      return results;
    },
    close: () => undefined,
  };
}

/** The ledger has heard that it is held: from here on a live mitigation's route must not go. */
function confirm(world: World, { attack, holdings }: Mitigation): void {
  for (const [which, id] of world.wanted) {
    if (id !== attack.id || !holdings.some(({ state }) => state === 'held')) continue;
    world.confirmations++;
    world.gaps.delete(keyOf(which));
  }
}

/** What is being written when it dies is written or not, as chance has it; who hears of it is dead as well. */
function mortal(journal: Journal, isDead: () => boolean): Journal {
  return {
    ...journal,
    append: async (entries) => {
      const done = isDead() ? null : await journal.append(entries);
      return done === null || isDead() ? failure('JOURNAL_UNWRITABLE', 'dead') : done;
    },
  };
}

async function start(world: World): Promise<Life> {
  let dead = false;
  const isDead = (): boolean => dead;
  const opened = await openJournal({ dir: world.dir });
  if (!opened.ok) throw new Error(opened.error.detail);
  const journal = createPlace<JournalMessage>('journal');
  const ledger = createPlace<LedgerMessage>('ledger');
  const announcer = createPlace<AnnouncerMessage>('announcer');
  const guarded = { networks: ['192.0.2.0/24' as PrefixKey], whitelist: [] };
  const policy = aMitigationPolicy({
    speakers: [aSpeaker({ name: 'edge-1' })],
    guard: { ...aMitigationPolicy().guard, maxChangesPerMinute: 1_000_000 },
  });
  let restored: () => void = () => undefined;
  const read = new Promise<void>((done) => {
    restored = done;
  });
  const tree = await startTree(
    supervisor('root', [
      journal.child(journalActor({ journal: mortal(opened.value, isDead) })),
      ledger.child(
        ledgerActor({
          journal: journal.ref,
          script: null,
          news: (_before, after) => {
            if (!dead) confirm(world, after);
          },
          announcer: (name) => (name === 'edge-1' ? announcer.ref : null),
          policy: () => policy,
          guarded: () => guarded,
          actionOf: () => 'blackhole',
          hostgroupOf: () => 'global',
          newId: (at) => attackId(at, world.serial++),
          banReport: () => '',
          power: () => 0,
          endAttack: () => undefined,
          restored: (attacks) => {
            world.wanted.clear();
            for (let which = 0; which < hosts; which++) {
              const own = attacks.find(
                ({ subject }) => subject.kind === 'host' && subject.host === hostOf(which),
              );
              if (own !== undefined) world.wanted.set(which, own.id);
              // From here on it is wanted all the while, or not at all.
              if (own !== undefined && world.rib.has(keyOf(which))) world.gaps.delete(keyOf(which));
              else world.gaps.add(keyOf(which));
            }
            restored();
          },
        }),
      ),
      announcer.child(
        announcerActor({
          name: 'edge-1',
          reconcileMs,
          deadlineMs: 1000,
          open: (tell) => {
            const timer = setTimeout(() => tell({ kind: 'up', version: null }), world.chance() * 20);
            const speaker = speakerOf(world, isDead);
            return { ...speaker, close: () => clearTimeout(timer) };
          },
          ledger: ledger.ref,
          random: world.chance,
        }),
      ),
    ]),
    { clock: machineClock, log: rememberingLog(), random: world.chance },
  );
  await read;
  return {
    ledger: ledger.ref.send,
    die: async () => {
      dead = true;
      await tree.stop();
      await opened.value.close();
    },
  };
}

/** Something begins or ends. */
function event(world: World, life: Life): void {
  const which = Math.floor(world.chance() * hosts);
  const id = world.wanted.get(which);
  if (id !== undefined) {
    world.wanted.delete(which);
    world.gaps.add(keyOf(which));
    life.ledger({ kind: 'release', attack: id, at: machineClock.unixMicros() });
    return;
  }
  const subject: Subject = { kind: 'host', host: hostOf(which) };
  const attack = anAttack({ id: attackId(rehearsalStart, world.serial++), subject });
  world.wanted.set(which, attack.id);
  life.ledger({ kind: 'mitigate', attack, until: null });
}

const heldAsWanted = (world: World): boolean =>
  [...world.rib.keys()].sort().join() === [...world.wanted.keys()].map(keyOf).sort().join();

test(`killed ${lives} times: no withdrawal of what is wanted, nothing missing and nothing left over`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tidegate-announcing-'));
  folders.push(dir);
  const random = createRandom(4711, 'announcing');
  const world: World = {
    dir,
    chance: () => random.unit(),
    rib: new Map(),
    wanted: new Map(),
    gaps: new Set(),
    confirmations: 0,
    wrongs: [],
    serial: 0,
    withdrawals: 0,
  };
  for (let number = 0; number < lives; number++) {
    const life = await start(world);
    const began = performance.now();
    while (!heldAsWanted(world) && performance.now() - began < patienceMs) await sleep(5);
    expect([number, [...world.rib.keys()].sort()]).toEqual([
      number,
      [...world.wanted.keys()].map(keyOf).sort(),
    ]);
    const events = Math.floor(world.chance() * 30);
    for (let n = 0; n < events; n++) {
      event(world, life);
      if (world.chance() < 0.5) await sleep(Math.floor(world.chance() * 8));
    }
    await sleep(Math.floor(world.chance() * 15));
    await life.die();
  }
  const life = await start(world);
  for (const began = performance.now(); !heldAsWanted(world) && performance.now() - began < patienceMs; ) {
    await sleep(5);
  }
  await sleep(2 * reconcileMs); // and it stays so
  expect(heldAsWanted(world)).toBe(true);
  await life.die();
  expect(world.wrongs).toEqual([]);
  expect(world.withdrawals).toBeGreaterThan(lives);
  expect(world.confirmations).toBeGreaterThan(lives);
}, 120_000);
