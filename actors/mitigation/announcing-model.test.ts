/**
 * What is announced, against any order of attacks, releases, answers, power cuts, reloads and stops: each telling is judged as it
 * happens (announcing-world.ts), and what speakers hold when all has settled.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { announcementText } from '../../domain/announcement.js';
import type { Attack, Subject } from '../../domain/attack.js';
import type { MitigationAction } from '../../domain/bgp.js';
import { emptyRule, type FlowspecRule } from '../../domain/flowspec.js';
import { aMitigationPolicy, anAttack, anEffect } from '../../domain/rehearsal.js';
import type { AttackId, HostKey, PrefixKey } from '../../domain/units.js';
import {
  act,
  answerWrite,
  type Configuration,
  carryOut,
  crash,
  type Limits,
  newWorld,
  prefix,
  speakersOf,
  type World,
  wantedAt,
} from './announcing-world.js';
import * as drive from './ledger-rehearsal.js';
import type { Effect } from './table.js';

const host = (text: string): Subject => ({ kind: 'host', host: text as HostKey });
const net = (text: string): Subject => ({ kind: 'prefix', prefix: prefix(text) });

type Case = { readonly subject: Subject; readonly action: MitigationAction };
const cases: readonly Case[] = [
  { subject: host('192.0.2.7'), action: 'blackhole' },
  { subject: host('192.0.2.8'), action: 'blackhole' },
  { subject: host('192.0.2.9'), action: 'flowspec' },
  { subject: host('198.51.100.9'), action: 'flowspec_then_blackhole' },
  { subject: host('198.51.100.10'), action: 'blackhole' },
  { subject: host('2001:db8::7'), action: 'blackhole' },
  { subject: net('192.0.2.0/24'), action: 'blackhole' },
  { subject: net('0.0.0.0/0'), action: 'blackhole' },
  { subject: host('203.0.113.5'), action: 'blackhole' },
  { subject: host('198.51.100.53'), action: 'blackhole' },
  { subject: host('192.0.2.7'), action: 'blackhole' },
  { subject: host('192.0.2.10'), action: 'none' },
];
const attacks: readonly Attack[] = cases.map(({ subject }, serial) => anAttack({ subject }, serial + 1));

const ruleOn = (subject: Subject, protocol: number): FlowspecRule => ({
  ...emptyRule(4),
  destination: `${subject.kind === 'host' ? subject.host : ''}/32` as PrefixKey,
  protocols: [protocol],
});

const networks = ['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/48'].map(prefix);
const whitelist = [prefix('198.51.100.53/32')];

/** As the run begins and ends. */
const base = (limits: Limits): Configuration => {
  const guard = { maxAnnouncements: limits.announcements, maxChangesPerMinute: limits.changes };
  const policy = aMitigationPolicy({ speakers: speakersOf(limits) });
  const guarded = { networks, whitelist };
  return {
    guarded,
    policy: {
      ...policy,
      guard: { ...policy.guard, ...guard },
      uplink: { bitsPerSecond: 10e9 },
      proof: { ...policy.proof, escalate: 'blackhole' },
    },
  };
};

const others: readonly ((from: Configuration) => Configuration)[] = [
  (from) => from,
  ({ policy, guarded }) => ({ policy, guarded: { ...guarded, whitelist: [prefix('192.0.2.7/32')] } }),
  ({ policy, guarded }) => ({ policy, guarded: { ...guarded, networks: networks.slice(0, 1) } }),
  ({ policy, guarded }) => ({
    policy,
    guarded: { ...guarded, networks: [...networks, prefix('192.0.2.0/28')] },
  }),
  ({ policy, guarded }) => ({ guarded, policy: { ...policy, guard: { ...policy.guard, dryRun: true } } }),
  ({ policy, guarded }) => ({ guarded, policy: { ...policy, guard: { ...policy.guard, shortestIpv4: 25 } } }),
  ({ policy, guarded }) => ({
    guarded,
    policy: {
      ...policy,
      speakers: policy.speakers.map((speaker) => ({
        ...speaker,
        ipv4: {
          ...speaker.ipv4,
          host: speaker.ipv4.host && { ...speaker.ipv4.host, nextHop: '192.0.2.2' as HostKey },
        },
      })),
    },
  }),
  ({ policy, guarded }) => ({ guarded, policy: { ...policy, speakers: policy.speakers.slice(0, 1) } }),
];

function reconfigure(world: World, next: Configuration): Effect[] {
  const names = next.policy.speakers.map(({ name }) => name);
  for (const speaker of world.speakers) {
    if (names.includes(speaker.name)) continue;
    // nobody is left to withdraw it but the operator
    speaker.holds.clear();
    speaker.orders = [];
    speaker.wanted.clear();
  }
  const added = names.filter(
    (name) => !world.configuration.policy.speakers.some((speaker) => speaker.name === name),
  );
  world.configuration = next;
  const effects = drive.reconfigure(world.ledger, next.policy, next.guarded, world.at);
  return [...effects, ...added.flatMap((name) => drive.announcerStarted(world.ledger, name, world.at))];
}

function runOutOfPatience(world: World): void {
  const { waiting, announcing } = world.ledger;
  if (announcing.unspoken.size > 0 || waiting.size > 0) world.journalFailed = true;
}

type Step = (world: World, which: number, limits: Limits) => Effect[];
const known = (world: World, id: AttackId): boolean => world.disk.has(id) || world.ledger.held.has(id);

const steps = {
  attack: (world, which) => {
    const [attack, of] = [attacks[which % attacks.length], cases[which % cases.length]];
    if (attack === undefined || of === undefined || known(world, attack.id)) return [];
    world.ongoing.add(attack.id);
    const want = { attack, action: of.action, until: null, comment: '', reply: null };
    return drive.mitigate(world.ledger, want, world.at);
  },
  release: (world, which) => {
    const id = attacks[which % attacks.length]?.id;
    if (id === undefined || !world.ongoing.delete(id)) return [];
    return drive.release(world.ledger, id, world.at);
  },
  explain: (world, which) => {
    const attack = attacks[which % attacks.length];
    if (attack === undefined || !world.ongoing.has(attack.id)) return [];
    const rules = [6, 17, 1].slice(0, which % 4).map((protocol) => ruleOn(attack.subject, protocol));
    return drive.explain(world.ledger, { attack, report: '', rules }, world.at);
  },
  grow: (world, which) => {
    const attack = attacks[which % attacks.length];
    if (attack === undefined || !world.ongoing.has(attack.id)) return [];
    return drive.revise(world.ledger, { ...attack, peak: { pps: 1e6, bps: 11e9 } }, world.at);
  },
  ineffective: (world, which) => {
    const id = attacks[which % attacks.length]?.id;
    if (id === undefined || !world.ongoing.has(id)) return [];
    const effect = anEffect({ state: 'ineffective', since: world.at });
    return drive.judge(world.ledger, id, effect, world.at);
  },
  writeWorks: (world) => answerWrite(world, true),
  writeFails: (world) => answerWrite(world, false),
  script: (world) => {
    const job = world.handed.shift();
    return job === undefined ? [] : drive.told(world.ledger, job.attack.id, job.action, 'started', world.at);
  },
  firstActs: (world) => world.speakers.slice(0, 1).flatMap((speaker) => act(world, speaker)),
  secondActs: (world) => world.speakers.slice(1).flatMap((speaker) => act(world, speaker)),
  refuses: (world) => world.speakers.slice(0, 1).flatMap((speaker) => act(world, speaker, true)),
  announcerCrashes: (world, which) => {
    const speaker = world.speakers[which % 2];
    if (speaker === undefined) return [];
    speaker.orders = [];
    return drive.announcerStarted(world.ledger, speaker.name, world.at);
  },
  late: (world) => {
    world.at += 60_000;
    runOutOfPatience(world);
    return drive.overdue(world.ledger, world.at);
  },
  second: (world) => {
    world.at += 1_000_000;
    runOutOfPatience(world);
    return [...drive.overdue(world.ledger, world.at), ...drive.retry(world.ledger, world.at)];
  },
  crash: (world) => {
    crash(world);
    return [];
  },
  reload: (world, which, limits) => {
    const other = others[which % others.length];
    return other === undefined ? [] : reconfigure(world, other(base(limits)));
  },
  /** All goes its way for a while. */
  flow: (world) => {
    for (let left = 8; left > 0; left -= 1) {
      for (const name of ['writeWorks', 'script', 'firstActs', 'secondActs'] as const) {
        carryOut(world, steps[name](world));
      }
    }
    return [];
  },
  stop: (world) =>
    drive.stopAll(world.ledger, world.at, (result) => {
      if (result.ok && result.value !== null) world.stopDurable = true;
    }),
  start: (world) => {
    world.stopDurable = false;
    return drive.startAll(world.ledger, world.at);
  },
} as const satisfies { readonly [name: string]: Step };
type StepName = keyof typeof steps;

/** Everything works from here on, as it was configured first. */
function settle(world: World, limits: Limits): void {
  carryOut(world, reconfigure(world, base(limits)));
  carryOut(world, steps.start(world));
  const untilQuiet = (limit: number): void => {
    for (let left = limit; left > 0; left -= 1) {
      const busy =
        world.writes.length + world.handed.length + world.speakers.flatMap((one) => one.orders).length;
      if (busy === 0) return;
      for (const name of ['writeWorks', 'script', 'firstActs', 'secondActs'] as const) {
        carryOut(world, steps[name](world));
      }
    }
    assert.fail('it does not come to rest');
  };
  for (let minute = 0; minute < 40; minute += 1) {
    untilQuiet(1000);
    world.at += 63_000_000;
    carryOut(world, drive.retry(world.ledger, world.at));
  }
  untilQuiet(1000);
}

/** No speaker has more changes within a minute than are allowed, but for those that a power cut made the journal forget. */
function judgeChanges(world: World, limits: Limits): void {
  for (const { name } of world.speakers) {
    const changes = world.changes.filter(({ speaker }) => speaker === name);
    let first = 0;
    for (const [index, { at }] of changes.entries()) {
      while ((changes[first]?.at ?? at) <= at - 60_000_000) first += 1;
      const within = index - first + 1;
      assert.ok(within <= limits.changes + world.forgotten, `${within} changes within a minute at ${name}`);
    }
  }
}

function judgeHoldings(world: World, limits: Limits): void {
  for (const { state } of drive.records(world.ledger))
    assert.equal(state, 'wanted', 'what is over is forgotten');
  const announced = new Set<string>();
  const wanted = new Set<string>();
  for (const speaker of world.speakers) {
    const should = wantedAt(world, speaker.name);
    for (const key of should.keys()) wanted.add(key);
    for (const key of speaker.holds.keys()) announced.add(key);
    const left = [...speaker.holds.keys()].filter((key) => !should.has(key));
    const forgiven = left.filter((key) => world.blind.has(`${speaker.name} ${key}`));
    assert.deepEqual(left, forgiven, `left over at ${speaker.name}`);
    if (limits.announcements < 50 || limits.rules < 50) continue;
    const texts = (map: Iterable<readonly [string, Parameters<typeof announcementText>[0]]>): string[] =>
      [...map]
        .filter(([key]) => should.has(key))
        .map(([, one]) => announcementText(one))
        .sort();
    assert.deepEqual(texts(speaker.holds), texts(should), `what ${speaker.name} holds`);
  }
  if (world.blind.size > 0) return;
  const report = drive.reportAt(world.ledger, world.at);
  assert.equal(report.announced, announced.size);
  assert.ok(announced.size <= limits.announcements, `${announced.size} announcements`);
  if (limits.rules >= 50) assert.equal(announced.size, Math.min(wanted.size, limits.announcements));
  const rules = [...announced].filter((key) => key.startsWith('flowspec'));
  assert.ok(rules.length <= limits.rules, `${rules.length} rules`);
}

const often = [
  'attack',
  'attack',
  'release',
  'writeWorks',
  'writeWorks',
  'explain',
  'flow',
  'second',
] as const;
const anyStep = fc.record({
  name: fc.constantFrom(...(Object.keys(steps) as StepName[]), ...often),
  which: fc.nat(23),
  /** Effects carried out before the power goes; mostly all. */
  budget: fc.oneof({ weight: 12, arbitrary: fc.constant(999) }, { weight: 1, arbitrary: fc.nat(3) }),
}) as fc.Arbitrary<{ readonly name: StepName; readonly which: number; readonly budget: number }>;

const anyLimits: fc.Arbitrary<Limits> = fc.record({
  changes: fc.constantFrom(1, 3, 50),
  announcements: fc.constantFrom(2, 50, 50),
  rules: fc.constantFrom(2, 50, 50),
});

test('nothing is told that must not be, nothing wanted is missing in the end, nothing is left over', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), anyLimits, (script, limits) => {
      const world = newWorld(base(limits));
      for (const { name, which, budget } of script) {
        const step: Step = steps[name];
        carryOut(world, step(world, which, limits), budget);
      }
      settle(world, limits);
      judgeHoldings(world, limits);
      for (const { id } of attacks) {
        if (world.ongoing.delete(id)) carryOut(world, drive.release(world.ledger, id, world.at));
      }
      settle(world, limits);
      judgeHoldings(world, limits);
      judgeChanges(world, limits);
      assert.equal(world.ledger.held.size, 0, 'nothing is held when all is over');
      assert.equal(world.ledger.announcing.routes.size, 0, 'nothing is remembered when all is over');
      for (const { state, notified, holdings } of world.disk.values()) {
        assert.deepEqual(
          [state, notified, holdings.length],
          ['released', 'unban', 0],
          'the journal knows it',
        );
      }
    }),
    { numRuns: 1000 },
  );
});
