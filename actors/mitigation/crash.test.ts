/**
 * The ledger against a journal, a script and a power switch: any order of events, with a crash between any two
 * effects, after which only the journal remains.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import type { Mitigation } from '../../domain/mitigation.js';
import type { JournalEntry } from '../../domain/ports.js';
import { anAttack, rehearsalStart } from '../../domain/rehearsal.js';
import type { AttackId, HostKey } from '../../domain/units.js';
import { wanted } from './ledger.js';
import {
  mitigate,
  overdue,
  release,
  restore,
  retry,
  revise,
  scriptRestarted,
  told,
  unread,
  written,
} from './ledger-rehearsal.js';
import type { Effect, Ledger } from './table.js';

type World = {
  ledger: Ledger;
  at: number;
  /** What is on disk. */
  readonly disk: Map<AttackId, Mitigation>;
  /** Sent and not answered yet. */
  writes: { readonly id: AttackId; readonly entries: readonly JournalEntry[] }[];
  handed: { readonly id: AttackId; readonly action: 'ban' | 'unban' }[];
  /** What the script was really run with, by attack. */
  readonly ran: Map<AttackId, ('ban' | 'unban')[]>;
  /** Crashes while a script had been run and its mark was not on disk: each may cost one repetition. */
  readonly windows: Map<AttackId, number>;
  /** Attacks whose actors still want them; what the hostgroup would find again after a crash. */
  readonly ongoing: Set<AttackId>;
};

/** Of hosts of their own: what two mitigations of one host share is told in ledger.test.ts. */
const attacks = [1, 2, 3].map((serial) =>
  anAttack({ subject: { kind: 'host', host: `192.0.2.${serial}` as HostKey } }, serial),
);

const newWorld = (): World => {
  const world: World = {
    ledger: unread(),
    at: rehearsalStart,
    disk: new Map(),
    writes: [],
    handed: [],
    ran: new Map(attacks.map(({ id }) => [id, []])),
    windows: new Map(attacks.map(({ id }) => [id, 0])),
    ongoing: new Set(),
  };
  restore(world.ledger, [], world.at);
  return world;
};

function crash(world: World): void {
  for (const [id, actions] of world.ran) {
    const last = actions.at(-1);
    const marked = world.disk.get(id)?.notified;
    if (last !== undefined && marked !== last) world.windows.set(id, (world.windows.get(id) ?? 0) + 1);
  }
  world.ledger = unread();
  world.writes = [];
  world.handed = [];
  const active = [...world.disk.values()].filter(
    ({ state, notified }) => state === 'wanted' || notified !== 'unban',
  );
  carryOut(world, restore(world.ledger, active, world.at), Number.POSITIVE_INFINITY);
  // As the hostgroup does: an attack the journal knows goes on; one it does not know is over for it.
  world.ongoing.clear();
  for (const { id } of wanted(world.ledger)) world.ongoing.add(id);
}

/** Stops after `budget` effects: there the power goes. */
function carryOut(world: World, effects: readonly Effect[], budget: number): void {
  let left = budget;
  for (const effect of effects) {
    if (effect.kind === 'log' || effect.kind === 'reply' || effect.kind === 'note') continue;
    if (left-- <= 0) {
      crash(world);
      return;
    }
    if (effect.kind === 'write') world.writes.push(effect);
    if (effect.kind === 'notify' && effect.action !== 'attack_details') {
      world.handed.push({ id: effect.attack.id, action: effect.action });
    }
  }
}

function answerWrite(world: World, works: boolean): Effect[] {
  const write = world.writes.shift();
  if (write === undefined) return [];
  if (works) {
    for (const entry of write.entries)
      if (entry.kind === 'mitigation') world.disk.set(write.id, entry.mitigation);
  }
  return written(world.ledger, write.id, works ? null : 'disk full', world.at);
}

function runScript(world: World, outcome: 'started' | 'refused'): Effect[] {
  const job = world.handed.shift();
  if (job === undefined) return [];
  if (outcome === 'started') world.ran.get(job.id)?.push(job.action);
  return told(world.ledger, job.id, job.action, outcome, world.at);
}

const steps = {
  mitigate: (world: World, which: number): Effect[] => {
    const attack = attacks[which] ?? anAttack();
    const known = world.disk.has(attack.id) || (world.ran.get(attack.id)?.length ?? 0) > 0;
    if (known || world.ledger.held.has(attack.id)) return []; // an attack is found once
    world.ongoing.add(attack.id);
    return mitigate(world.ledger, { attack, until: null, comment: '', reply: null }, world.at);
  },
  release: (world: World, which: number): Effect[] => {
    const { id } = attacks[which] ?? anAttack();
    if (!world.ongoing.delete(id)) return [];
    return release(world.ledger, id, world.at);
  },
  revise: (world: World, which: number): Effect[] => {
    const attack = attacks[which] ?? anAttack();
    return world.ongoing.has(attack.id) ? revise(world.ledger, attack, world.at) : [];
  },
  writeWorks: (world: World): Effect[] => answerWrite(world, true),
  writeFails: (world: World): Effect[] => answerWrite(world, false),
  scriptStarts: (world: World): Effect[] => runScript(world, 'started'),
  scriptFull: (world: World): Effect[] => runScript(world, 'refused'),
  scriptActorCrashes: (world: World): Effect[] => {
    world.handed = [];
    return scriptRestarted(world.ledger, world.at);
  },
  time: (world: World): Effect[] => {
    world.at += 30_000;
    return overdue(world.ledger, world.at);
  },
  tick: (world: World): Effect[] => {
    world.at += 1_000_000;
    return retry(world.ledger, world.at);
  },
  crash: (world: World): Effect[] => {
    crash(world);
    return [];
  },
} as const;
type StepName = keyof typeof steps;

/** Everything works from here on, and all attacks end. */
function settle(world: World): void {
  for (const which of attacks.keys()) carryOut(world, steps.release(world, which), 99);
  for (let round = 0; round < 60; round++) {
    for (const name of ['writeWorks', 'scriptStarts', 'time', 'tick'] as const) {
      carryOut(world, steps[name](world), 99);
    }
  }
}

const anyStep = fc.record({
  name: fc.constantFrom(...(Object.keys(steps) as StepName[])),
  which: fc.nat(2),
  /** Effects carried out before the power goes; mostly all. */
  budget: fc.oneof({ weight: 8, arbitrary: fc.constant(99) }, { weight: 1, arbitrary: fc.nat(2) }),
});

test('at most one ban but for crash windows, no unban lost, ban before unban, and nothing held at the end', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (script) => {
      const world = newWorld();
      for (const { name, which, budget } of script) {
        const step: (world: World, which: number) => Effect[] = steps[name];
        carryOut(world, step(world, which), budget);
      }
      settle(world);
      assert.equal(world.ledger.held.size, 0, 'nothing is held when all is over');
      for (const { state, notified } of world.disk.values()) {
        assert.deepEqual([state, notified], ['released', 'unban'], 'the journal knows that all is over');
      }
      for (const [id, ran] of world.ran) {
        const bans = ran.filter((action) => action === 'ban').length;
        const unbans = ran.length - bans;
        const windows = world.windows.get(id) ?? 0;
        assert.ok(bans + unbans <= 2 + windows, `${ran} with ${windows} windows`);
        if (ran.length === 0) continue;
        assert.equal(ran[0], 'ban', `ban first: ${ran}`);
        // A ban that ran and of which no intent is on disk needed a journal that was late or broken.
        if (world.disk.has(id)) assert.equal(ran.at(-1), 'unban', `the last word is unban: ${ran}`);
        if (windows === 0) assert.deepEqual(ran, ['ban', 'unban']);
      }
    }),
    { numRuns: 3000 },
  );
});
