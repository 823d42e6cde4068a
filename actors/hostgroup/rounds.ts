/**
 * What a judgement calls for: which attacks begin, whose standing is told, who is let be.
 *
 * A host is banned once: over in its second direction, it is the same attack seen from another side,
 * watched and logged. A whitelisted subject, or one whose family is not banned, is counted and
 * watched too, so that it is said once and not at every judgement.
 *
 * Pure but for `rounds`, which belongs to the caller alone and is changed in place: copying tables of
 * 10,000 attacks ten times a second would cost more than all decisions. No clock, no I/O, no actor.
 * Times are microseconds since the Unix epoch. Never throws.
 */
import { type Attack, attackId, type Subject, subjectText } from '../../domain/attack.js';
import type { BanPolicy } from '../../domain/hostgroup.js';
import type { Exceeded, Judgement, Standing } from '../../domain/ports.js';
import type { Direction } from '../../domain/traffic.js';
import type { AttackId, UnixMicros } from '../../domain/units.js';
import { type Releases, remember, returnsOf } from './returns.js';

/** Attacks that one hostgroup holds at once, and as many subjects that it lets be. */
export const maxAttacks = 10_000;
export const maxSuppressed = 10_000;
/** An attack is told how its subject stands this often, and at once when `over` flips. */
export const tellEveryMicros = 1_000_000;

export type SuppressedBy = 'whitelist' | 'ban_disabled';

export type Held = {
  attack: Attack;
  /** Each watched direction, and whether it is over a threshold now. */
  readonly ways: Map<Direction, boolean>;
  told: { readonly over: boolean; readonly at: UnixMicros } | null;
};
type Suppressed = {
  readonly subject: Subject;
  readonly direction: Direction;
  readonly by: SuppressedBy;
  calmSince: UnixMicros | null;
};

export type Rounds = {
  readonly held: Map<string, Held>;
  readonly subjects: Map<AttackId, string>;
  readonly suppressed: Map<string, Suppressed>;
  /** Whose release may prove to have been too early. */
  readonly releases: Releases;
  refused: number;
};

export const emptyRounds = (): Rounds => ({
  held: new Map(),
  subjects: new Map(),
  suppressed: new Map(),
  releases: new Map(),
  refused: 0,
});

export type Policy = {
  readonly hostgroup: string;
  readonly ban: BanPolicy;
  readonly whitelisted: (subject: Subject) => boolean;
  /** Before this the meter has not seen a whole window: that a subject is calm cannot be known yet. */
  readonly calmKnownFrom: UnixMicros;
  readonly serial: () => number;
};

/** What the shell does, in this order. The core only names it. */
export type Effect =
  | { readonly kind: 'mitigate'; readonly attack: Attack }
  | { readonly kind: 'watch'; readonly subject: Subject; readonly direction: Direction }
  | { readonly kind: 'unwatch'; readonly subject: Subject; readonly direction: Direction }
  | { readonly kind: 'start'; readonly attack: Attack; readonly mode: 'new' | 'restored' }
  | {
      readonly kind: 'tell';
      readonly attack: AttackId;
      readonly standing: Standing;
      readonly at: UnixMicros;
    }
  | { readonly kind: 'release'; readonly attack: AttackId }
  | { readonly kind: 'end'; readonly attack: AttackId }
  | { readonly kind: 'widened'; readonly attack: Attack; readonly by: Exceeded }
  | { readonly kind: 'suppressed'; readonly by: SuppressedBy; readonly exceeded: Exceeded }
  | { readonly kind: 'refused'; readonly count: number };

const nothing: readonly Effect[] = [];
const sideKey = (subject: Subject, direction: Direction): string => `${subjectText(subject)} ${direction}`;

/** All decisions come before all explanations, over the whole judgement. */
export function judged(rounds: Rounds, judgement: Judgement, policy: Policy): readonly Effect[] {
  if (judgement.exceeded.length === 0 && judgement.watched.length === 0) return nothing;
  const decisions: Effect[] = [];
  const rest: Effect[] = [];
  const refusedBefore = rounds.refused;
  for (const exceeded of judgement.exceeded) {
    exceed(rounds, exceeded, judgement.at, policy, decisions, rest);
  }
  for (const standing of judgement.watched) stand(rounds, standing, judgement.at, policy, rest);
  const refused = rounds.refused - refusedBefore;
  if (refused > 0) rest.push({ kind: 'refused', count: refused });
  return decisions.length === 0 ? rest : decisions.concat(rest);
}

function exceed(
  rounds: Rounds,
  exceeded: Exceeded,
  at: UnixMicros,
  policy: Policy,
  decisions: Effect[],
  rest: Effect[],
): void {
  const { subject, direction } = exceeded;
  const key = subjectText(subject);
  const held = rounds.held.get(key);
  if (held !== undefined) {
    if (!held.ways.has(direction)) rest.push({ kind: 'widened', attack: held.attack, by: exceeded });
    held.ways.set(direction, true);
    rest.push({ kind: 'watch', subject, direction });
    return;
  }
  const by = suppression(subject, policy);
  if (by !== null) {
    if (rounds.suppressed.size >= maxSuppressed) {
      rounds.refused += 1;
      return;
    }
    const side = sideKey(subject, direction);
    if (!rounds.suppressed.has(side)) rest.push({ kind: 'suppressed', by, exceeded });
    rounds.suppressed.set(side, { subject, direction, by, calmSince: null });
    rest.push({ kind: 'watch', subject, direction });
    return;
  }
  if (rounds.held.size >= maxAttacks) {
    rounds.refused += 1;
    return;
  }
  const returns = returnsOf(rounds.releases, subject, at, policy.ban.probe);
  const attack = born(exceeded, at, returns, policy);
  hold(rounds, attack, direction);
  decisions.push({ kind: 'mitigate', attack });
  rest.push({ kind: 'watch', subject, direction }, { kind: 'start', attack, mode: 'new' });
}

function stand(rounds: Rounds, standing: Standing, at: UnixMicros, policy: Policy, effects: Effect[]): void {
  const held = rounds.held.get(subjectText(standing.subject));
  if (held === undefined) {
    standSuppressed(rounds, standing, at, policy, effects);
    return;
  }
  if (!held.ways.has(standing.direction)) {
    // Nobody asked for this side: the meter is told so, and the attack hears nothing of it.
    effects.push({ kind: 'unwatch', subject: standing.subject, direction: standing.direction });
    return;
  }
  if (!standing.over && at < policy.calmKnownFrom) return;
  held.ways.set(standing.direction, standing.over);
  if (standing.direction !== wayOf(held.attack)) return;
  let over = false;
  for (const way of held.ways.values()) over ||= way;
  if (held.told !== null && held.told.over === over && at - held.told.at < tellEveryMicros) return;
  held.told = { over, at };
  effects.push({
    kind: 'tell',
    attack: held.attack.id,
    standing: over === standing.over ? standing : { ...standing, over },
    at,
  });
}

function standSuppressed(
  rounds: Rounds,
  { subject, direction, over }: Standing,
  at: UnixMicros,
  policy: Policy,
  effects: Effect[],
): void {
  const side = sideKey(subject, direction);
  const entry = rounds.suppressed.get(side);
  if (entry !== undefined) {
    if (over) {
      entry.calmSince = null;
      return;
    }
    entry.calmSince ??= at;
    if (at - entry.calmSince < policy.ban.calmMs * 1000) return;
    rounds.suppressed.delete(side);
  }
  effects.push({ kind: 'unwatch', subject, direction });
}

/** The journal says that these are still on: they go on, without a second ban. */
export function restored(rounds: Rounds, attacks: readonly Attack[], policy: Policy): readonly Effect[] {
  const effects: Effect[] = [];
  for (const attack of attacks) {
    const key = subjectText(attack.subject);
    if (rounds.held.has(key)) continue;
    // Beyond the bound too: a mitigation that is announced must have an actor that ends it.
    const direction = wayOf(attack);
    hold(rounds, attack, direction);
    effects.push({ kind: 'watch', subject: attack.subject, direction });
    effects.push({ kind: 'start', attack, mode: 'restored' });
    if (policy.whitelisted(attack.subject)) effects.push({ kind: 'release', attack: attack.id });
  }
  return effects;
}

/** An attack is over: its subject may be found again, and may prove not to be over. */
export function ended(rounds: Rounds, id: AttackId, at: UnixMicros): readonly Effect[] {
  const held = heldBy(rounds, id);
  if (held === null) return nothing;
  rounds.held.delete(subjectText(held.attack.subject));
  rounds.subjects.delete(id);
  remember(rounds.releases, held.attack, held.attack.endedAt ?? at);
  const { subject } = held.attack;
  const effects: Effect[] = [...held.ways.keys()].map((direction) => ({
    kind: 'unwatch',
    subject,
    direction,
  }));
  return [...effects, { kind: 'end', attack: id }];
}

export function revised(rounds: Rounds, attack: Attack): void {
  const held = heldBy(rounds, attack.id);
  if (held !== null) held.attack = attack;
}

/** New thresholds or a new whitelist: who was let be is judged anew, who is now whitelisted is released. */
export function reconfigured(rounds: Rounds, policy: Policy): readonly Effect[] {
  const effects: Effect[] = [];
  for (const [side, { subject, direction, by }] of rounds.suppressed) {
    if (suppression(subject, policy) === by) continue;
    rounds.suppressed.delete(side);
    effects.push({ kind: 'unwatch', subject, direction });
  }
  for (const { attack } of rounds.held.values()) {
    if (policy.whitelisted(attack.subject)) effects.push({ kind: 'release', attack: attack.id });
  }
  return effects;
}

/** Everything a fresh meter has to watch. */
export function* watchedBy(rounds: Rounds): Generator<{ subject: Subject; direction: Direction }> {
  for (const { attack, ways } of rounds.held.values()) {
    for (const direction of ways.keys()) yield { subject: attack.subject, direction };
  }
  for (const { subject, direction } of rounds.suppressed.values()) yield { subject, direction };
}

export function heldBy(rounds: Rounds, id: AttackId): Held | null {
  const key = rounds.subjects.get(id);
  return key === undefined ? null : (rounds.held.get(key) ?? null);
}

const wayOf = (attack: Attack): Direction => (attack.direction === 'outgoing' ? 'outgoing' : 'incoming');

function hold(rounds: Rounds, attack: Attack, direction: Direction): void {
  const key = subjectText(attack.subject);
  rounds.held.set(key, { attack, ways: new Map([[direction, true]]), told: null });
  rounds.subjects.set(attack.id, key);
}

function suppression(subject: Subject, { ban, whitelisted }: Policy): SuppressedBy | null {
  if (whitelisted(subject)) return 'whitelist';
  const ipv6 = subjectText(subject).includes(':');
  return (ipv6 ? ban.enabledIpv6 : ban.enabled) ? null : 'ban_disabled';
}

function born(
  { subject, direction, cause, rates }: Exceeded,
  at: UnixMicros,
  returns: number,
  policy: Policy,
): Attack {
  return {
    id: attackId(at, policy.serial()),
    origin: 'detected',
    subject,
    direction,
    hostgroup: policy.hostgroup,
    cause,
    startedAt: at,
    endedAt: null,
    ratesAtStart: rates,
    peak: rates[direction].total,
    fingerprint: null,
    files: [],
    evidence: 'gathering',
    whitelisted: false,
    returns,
  };
}
