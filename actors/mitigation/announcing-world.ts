/**
 * The ledger among announcers, a journal and a power switch, for tests: what each speaker holds, what is on disk, what was said.
 *
 * `edge-1` can be read by its announcer, takes subnets and rules; `edge-2` cannot be read: what nobody remembers stays there.
 */
import { type Announcement, announcementKey, announcementText } from '../../domain/announcement.js';
import type { Attack } from '../../domain/attack.js';
import type { MitigationPolicy, SpeakerPolicy } from '../../domain/bgp.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { contains, overlaps, prefixLength } from '../../domain/prefix.js';
import { prefixSet } from '../../domain/prefix-table.js';
import { aMitigationPolicy, rehearsalStart } from '../../domain/rehearsal.js';
import type { AttackId, PrefixKey } from '../../domain/units.js';
import type { AnnouncerMessage, Spoken } from './announcer-messages.js';
import type { Guarded } from './fence.js';
import * as drive from './ledger-rehearsal.js';
import { plan } from './plan.js';
import { changesKey } from './settle.js';
import type { Effect, Ledger } from './table.js';

export type Configuration = { readonly policy: MitigationPolicy; readonly guarded: Guarded };

export type Limits = { readonly changes: number; readonly announcements: number; readonly rules: number };

type Order = { readonly do: 'announce' | 'withdraw'; readonly announcement: Announcement };
type SpeakerDouble = {
  readonly name: string;
  readonly readable: boolean;
  readonly holds: Map<string, Announcement>;
  /** On their way. */
  orders: Order[];
  /** What its announcer believes that it should hold. */
  readonly wanted: Map<string, Announcement>;
};

export type World = {
  ledger: Ledger;
  at: number;
  configuration: Configuration;
  readonly disk: Map<AttackId, Mitigation>;
  readonly notes: Map<string, string>;
  writes: Extract<Effect, { kind: 'write' | 'note' }>[];
  handed: { readonly attack: Attack; readonly action: 'ban' | 'unban' }[];
  readonly speakers: readonly SpeakerDouble[];
  /** Keys at a speaker that were told while the journal did not know of them: it was late or broken. */
  readonly blind: Set<string>;
  /** Since when it is, or was, late or broken. */
  journalFailed: boolean;
  /** An operator's stop has been acknowledged as durable. */
  stopDurable: boolean;
  /** Changes told, by time; those of a stop left out. */
  readonly changes: { readonly at: number; readonly speaker: string }[];
  /** Changes of which no note was durable when the power went. */
  forgotten: number;
  readonly ongoing: Set<AttackId>;
};

export const speakersOf = ({ rules }: Limits): readonly SpeakerPolicy[] => {
  const base = aMitigationPolicy().speakers[0];
  must(base !== undefined, 'a policy without a speaker');
  const [host4, host6] = [base.ipv4.host, base.ipv6.host];
  const flowspec = base.flowspec === null ? null : { ...base.flowspec, maxRules: rules };
  return [
    { ...base, ipv4: { host: host4, subnet: host4 }, ipv6: { host: host6, subnet: host6 }, flowspec },
    { ...base, name: 'edge-2', ipv4: { host: host4, subnet: host4 }, flowspec: null },
  ];
};

export const newWorld = (configuration: Configuration): World => {
  const { policy, guarded } = configuration;
  const world: World = {
    ledger: drive.unread(policy, guarded),
    at: rehearsalStart,
    configuration,
    disk: new Map(),
    notes: new Map(),
    writes: [],
    handed: [],
    speakers: ['edge-1', 'edge-2'].map((name) => ({
      name,
      readable: name === 'edge-1',
      holds: new Map(),
      orders: [],
      wanted: new Map(),
    })),
    blind: new Set(),
    journalFailed: false,
    stopDurable: false,
    changes: [],
    forgotten: 0,
    ongoing: new Set(),
  };
  begin(world);
  return world;
};

const unsettledRecord = ({ state, notified, holdings }: Mitigation): boolean =>
  state === 'wanted' || notified !== 'unban' || holdings.length > 0;

function begin(world: World): void {
  const { policy, guarded } = world.configuration;
  world.ledger = drive.unread(policy, guarded);
  const active = [...world.disk.values()].filter(unsettledRecord);
  carryOut(world, drive.restore(world.ledger, active, world.at, world.notes));
  for (const { name } of world.speakers)
    carryOut(world, drive.announcerStarted(world.ledger, name, world.at));
}

/** The power goes: only the disk and the speakers remain. */
export function crash(world: World): void {
  const noted = (world.notes.get(changesKey) ?? '')
    .split(' ')
    .reduce((sum, part) => sum + Number(part.split(':')[1] ?? 0), 0);
  world.forgotten += Math.max(0, world.ledger.announcing.admission.changesInAll - noted);
  world.writes = [];
  world.handed = [];
  for (const speaker of world.speakers) {
    speaker.orders = [];
    speaker.wanted.clear();
  }
  begin(world);
  world.ongoing.clear();
  for (const { id, state } of drive.records(world.ledger)) if (state === 'wanted') world.ongoing.add(id);
}

/** Stops after `budget` effects: there the power goes. */
export function carryOut(world: World, effects: readonly Effect[], budget = Number.POSITIVE_INFINITY): void {
  let left = budget;
  for (const effect of effects) {
    if (effect.kind === 'log' || effect.kind === 'reply' || effect.kind === 'end_attack') continue;
    if (left-- <= 0) {
      crash(world);
      return;
    }
    if (effect.kind === 'write' || effect.kind === 'note') world.writes.push(effect);
    if (effect.kind === 'call') effect.call();
    if (effect.kind === 'notify' && effect.action !== 'attack_details') {
      world.handed.push({ attack: effect.attack, action: effect.action });
    }
    if (effect.kind === 'speak') hear(world, effect.speaker, effect.message);
  }
}

function hear(world: World, name: string, message: AnnouncerMessage): void {
  const speaker = world.speakers.find((one) => one.name === name);
  must(speaker !== undefined, name);
  if (message.kind === 'want') {
    for (const announcement of message.announcements) {
      mayBeAnnounced(world, announcement);
      const key = announcementKey(announcement);
      if (!onDisk(world, name, key)) {
        must(world.journalFailed, `${key} was told to ${name} before the journal knew of it`);
        world.blind.add(`${name} ${key}`);
      }
      world.changes.push({ at: world.at, speaker: name });
      speaker.wanted.set(key, announcement);
      speaker.orders.push({ do: 'announce', announcement });
    }
  } else if (message.kind === 'unwant') {
    for (const announcement of message.announcements) {
      mayBeWithdrawn(world, name, announcement);
      const key = announcementKey(announcement);
      if (world.ledger.announcing.stopped === null) world.changes.push({ at: world.at, speaker: name });
      speaker.wanted.delete(key);
      speaker.orders.push({ do: 'withdraw', announcement });
    }
  } else if (message.kind === 'all') {
    for (const announcement of message.leaving) mayBeWithdrawn(world, name, announcement);
    speaker.orders = message.leaving.map((announcement) => ({ do: 'withdraw', announcement }));
    speaker.wanted.clear();
    for (const announcement of message.wanted) {
      speaker.wanted.set(announcementKey(announcement), announcement);
      speaker.orders.push({ do: 'announce', announcement });
    }
    if (!speaker.readable) return;
    const known = new Set([...message.wanted, ...message.leaving].map(announcementKey));
    for (const [key, announcement] of speaker.holds) {
      if (!known.has(key)) speaker.orders.push({ do: 'withdraw', announcement });
    }
  }
}

const onDisk = (world: World, name: string, key: string): boolean =>
  [...world.disk.values()].some(({ holdings }) =>
    holdings.some(({ speaker, announcement }) => speaker === name && announcementKey(announcement) === key),
  );

/** Never what is foreign, whitelisted or wider than policy, and nothing while all is stopped. */
function mayBeAnnounced(world: World, announcement: Announcement): void {
  const { policy, guarded } = world.configuration;
  const text = announcementText(announcement);
  must(!world.stopDurable, `${text} after an acknowledged stop`);
  must(world.ledger.announcing.stopped === null, `${text} while stopped`);
  must(!policy.guard.dryRun, `${text} in a dry run`);
  const prefix = announcement.kind === 'unicast' ? announcement.prefix : announcement.rule.destination;
  must(prefix !== null, text);
  must(
    guarded.networks.some((network) => contains(network, prefix)),
    `${text} is not ours`,
  );
  must(!guarded.whitelist.some((one) => overlaps(one, prefix)), `${text} is whitelisted`);
  const shortest = prefix.includes(':') ? policy.guard.shortestIpv6 : policy.guard.shortestIpv4;
  must(prefixLength(prefix) >= shortest, `${text} is too wide`);
}

/** Nothing that is wanted by a mitigation as configured now, unless all is stopped, or a guard keeps it from coming back. */
function mayBeWithdrawn(world: World, name: string, announcement: Announcement): void {
  const { policy } = world.configuration;
  if (world.ledger.announcing.stopped !== null || policy.guard.dryRun) return;
  const key = announcementKey(announcement);
  const heldBack = world.ledger.announcing.routes.get(key)?.spots.get(name)?.heldBack ?? null;
  if (heldBack !== null) return;
  must(!wantedAt(world, name).has(key), `${key} is withdrawn from ${name} though it is wanted`);
  if (world.journalFailed) return;
  const remembered = plannedFor(world, name, world.disk.values());
  must(!remembered.has(key), `${key} is withdrawn from ${name} though a restart would want it`);
}

/** What a speaker should hold in the end, by key, guards that count left out. */
export const wantedAt = (world: World, name: string): ReadonlyMap<string, Announcement> =>
  plannedFor(
    world,
    name,
    [...world.ledger.held.values()].map(({ mitigation }) => mitigation),
  );

function plannedFor(
  { ledger, configuration }: World,
  name: string,
  mitigations: Iterable<Mitigation>,
): ReadonlyMap<string, Announcement> {
  const { policy, guarded } = configuration;
  const networks = prefixSet(guarded.networks);
  const wanted = new Map<string, Announcement>();
  for (const mitigation of mitigations) {
    if (mitigation.state !== 'wanted') continue;
    for (const { speaker, announcement } of plan(mitigation, policy, networks)) {
      const never = ledger.announcing.terms.fence.refusal(announcement) !== null;
      if (speaker === name && !never) wanted.set(announcementKey(announcement), announcement);
    }
  }
  return wanted;
}

/** The speaker takes one order, and its announcer says what came of it. */
export function act(world: World, speaker: SpeakerDouble, refuses = false): Effect[] {
  const order = speaker.orders.shift();
  if (order === undefined) return [];
  const key = announcementKey(order.announcement);
  const say = (outcome: Spoken['outcome']): Effect[] =>
    drive.spoken(world.ledger, speaker.name, [{ key, outcome, detail: null }], world.at);
  if (refuses) {
    speaker.orders.push(order);
    return say('refused');
  }
  if (order.do === 'announce') {
    if (!speaker.wanted.has(key)) return [];
    speaker.holds.set(key, order.announcement);
    return say('held');
  }
  if (speaker.wanted.has(key)) return []; // wanted again before it was withdrawn
  speaker.holds.delete(key);
  return say('gone');
}

export function answerWrite(world: World, works: boolean): Effect[] {
  const write = world.writes.shift();
  if (write === undefined) return [];
  if (write.kind === 'note') {
    if (works && write.value !== null) world.notes.set(write.key, write.value);
    if (works && write.value === null) world.notes.delete(write.key);
    return write.isOrder ? drive.stopWritten(world.ledger, works ? null : 'disk full', world.at) : [];
  }
  if (works) {
    for (const entry of write.entries) {
      // as the journal gives it back
      if (entry.kind === 'mitigation') world.disk.set(write.id, JSON.parse(JSON.stringify(entry.mitigation)));
    }
  } else world.journalFailed = true;
  return drive.written(world.ledger, write.id, works ? null : 'disk full', world.at);
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

export const prefix = (text: string): PrefixKey => text as PrefixKey;
