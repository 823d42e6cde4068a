/**
 * The ledger of mitigations: what should be, what is written down of it, and what script and announcers were told.
 *
 * Pure decisions on a table that the actor owns: each function changes it in place and names the effects, in order; `settle` adds
 * what follows from the changes. Times are Unix microseconds. Why intent → script → mark: docs/decisions/0003-script-once.md; how
 * announcements come and go: docs/decisions/0008-desired-state.md.
 *
 * - A change is written before the script hears of it. When the journal is slow or broken the script waits no longer
 *   than `journalPatienceMs` (`overdue`, or a failed write), and the record is written as soon as it can be.
 * - For one mitigation at most one write and one script hand-over are under way. The script hears `ban` once, then
 *   `unban` once; each is marked when the program has been started.
 * - A mitigation leaves the table when it is released, its `unban` told, nothing of it held by any speaker, and all that written.
 *   The journal keeps it.
 * - The table is bounded: a mitigation beyond `maxMitigations` is refused, loudly.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import { callsForRules, type MitigationAction } from '../../domain/bgp.js';
import type { FlowspecRule } from '../../domain/flowspec.js';
import { type Mitigation, type MitigationEffect, notAnnounced } from '../../domain/mitigation.js';
import type { ScriptRun } from '../../domain/ports.js';
import { failure } from '../../domain/result.js';
import type { AttackId, UnixMicros } from '../../domain/units.js';
import { escalate, replan } from './claims.js';
import {
  add,
  changed,
  type Effect,
  type Held,
  type Ledger,
  log,
  maxLoose,
  maxMitigations,
  type Reply,
  tell,
} from './table.js';

export type Want = {
  readonly attack: Attack;
  /** What is announced for it. */
  readonly action: MitigationAction;
  readonly until: UnixMicros | null;
  readonly comment: string;
  readonly reply: Reply | null;
};

/** Idempotent by the attack's id. A whitelisted attack is written down and no more. */
export function mitigate(ledger: Ledger, want: Want, at: UnixMicros): Effect[] {
  const { attack, action, until, comment, reply } = want;
  if (ledger.held.has(attack.id)) return [];
  if (attack.whitelisted) return record(ledger, attack, at);
  if (ledger.held.size >= maxMitigations) {
    ledger.refused++;
    const result = failure<Mitigation>('LEDGER_FULL', `${maxMitigations} mitigations are held already`);
    return [
      log('error', 'ledger full: mitigation refused', { attack: attack.id, bound: maxMitigations }),
      ...(reply === null ? [] : [{ kind: 'reply' as const, reply, result }]),
    ];
  }
  const held = add(ledger, {
    id: attack.id,
    attack,
    state: 'wanted',
    since: at,
    until,
    comment,
    notified: 'nothing',
    ...notAnnounced,
    action,
  });
  if (reply !== null) held.replies.push(reply);
  ledger.waiting.set(attack.id, at);
  changed(ledger, held);
  replan(ledger, held);
  return [
    ...escalate(ledger, held),
    log('info', 'mitigation wanted', { attack: attack.id, subject: subjectText(attack.subject), until }),
  ];
}

/** Idempotent. `reply` hears when the release is durable. */
export function release(ledger: Ledger, id: AttackId, at: UnixMicros, reply: Reply | null = null): Effect[] {
  const held = ledger.held.get(id);
  if (held === undefined) {
    if (!ledger.restored && ledger.earlyReleases.size < maxMitigations) ledger.earlyReleases.set(id, at);
    return [];
  }
  const { mitigation } = held;
  if (mitigation.state === 'released') return [];
  held.mitigation = {
    ...mitigation,
    state: 'released',
    attack: { ...mitigation.attack, endedAt: mitigation.attack.endedAt ?? at },
  };
  held.cleared = false;
  held.details = null;
  if (reply !== null) held.replies.push(reply);
  ledger.waiting.delete(id);
  ledger.waiting.set(id, at);
  changed(ledger, held);
  return [
    ...tell(ledger, held),
    log('info', 'mitigation released', { attack: id, subject: subjectText(mitigation.attack.subject) }),
  ];
}

/** The record of an attack as it is now. An end that is known stays. */
export function revise(ledger: Ledger, attack: Attack, at: UnixMicros): Effect[] {
  const held = ledger.held.get(attack.id);
  if (held === undefined) return record(ledger, attack, at);
  const endedAt = attack.endedAt ?? held.mitigation.attack.endedAt;
  held.mitigation = { ...held.mitigation, attack: { ...attack, endedAt } };
  changed(ledger, held);
  return escalate(ledger, held);
}

/** An attack without a mitigation: its record alone. */
function record(ledger: Ledger, attack: Attack, at: UnixMicros): Effect[] {
  const loose = ledger.loose.get(attack.id);
  if (loose !== undefined) {
    loose.attack = attack;
  } else {
    const oldest = ledger.loose.size >= maxLoose ? ledger.loose.keys().next().value : undefined;
    if (oldest !== undefined) ledger.loose.delete(oldest);
    ledger.loose.set(attack.id, { attack, writing: at });
  }
  return [{ kind: 'write', id: attack.id, entries: [{ kind: 'attack', attack }] }];
}

export type Explanation = {
  readonly attack: Attack;
  readonly report: ScriptRun['stdin'];
  readonly rules: readonly FlowspecRule[];
  /** Why there are none; null: there are. */
  readonly noRules: string | null;
};

export function explain(ledger: Ledger, { attack, report, rules, noRules }: Explanation): Effect[] {
  const held = ledger.held.get(attack.id);
  if (held === undefined || held.mitigation.state === 'released') return [];
  held.explained = true;
  const effects: Effect[] = [];
  if (rules.length > 0) {
    held.mitigation = { ...held.mitigation, rules, noRules: null };
    changed(ledger, held);
    replan(ledger, held);
  } else if (callsForRules(held.mitigation.action)) {
    effects.push(...withoutRules(ledger, held, noRules ?? 'none were compiled'));
  }
  effects.push(...escalate(ledger, held));
  if (held.mitigation.notified === 'ban') {
    return [...effects, { kind: 'notify', action: 'attack_details', attack, report }];
  }
  held.details = report;
  return effects;
}

/** It calls for rules and gets none: what is announced in their place is for its action to say. */
function withoutRules(ledger: Ledger, held: Held, why: string): Effect[] {
  const { id, attack, action, rules } = held.mitigation;
  if (rules.length > 0) return []; // those of before stand
  held.mitigation = { ...held.mitigation, noRules: why };
  changed(ledger, held);
  const instead = action === 'flowspec_then_blackhole' ? 'blackhole' : 'nothing';
  return [
    log('warn', 'no flowspec rules', { attack: id, subject: subjectText(attack.subject), why, instead }),
  ];
}

/** What the proof found. */
export function judge(ledger: Ledger, id: AttackId, effect: MitigationEffect): Effect[] {
  const held = ledger.held.get(id);
  if (held === undefined) return [];
  held.mitigation = { ...held.mitigation, effect };
  changed(ledger, held);
  return escalate(ledger, held);
}

/** By hand: every mitigation of `subject` ends. NOT_MITIGATED when there is none. */
export function unban(ledger: Ledger, subject: string, at: UnixMicros, reply: Reply): Effect[] {
  const found = wanted(ledger).filter(({ attack }) => subjectText(attack.subject) === subject);
  if (found.length === 0) {
    return [{ kind: 'reply', reply, result: failure('NOT_MITIGATED', `${subject} is not mitigated`) }];
  }
  return found.flatMap((mitigation, index) => end(ledger, mitigation, at, index === 0 ? reply : null));
}

/** What has run out. */
export const expire = (ledger: Ledger, at: UnixMicros): Effect[] =>
  wanted(ledger)
    .filter(({ until }) => until !== null && until <= at)
    .flatMap((mitigation) => end(ledger, mitigation, at, null));

function end(ledger: Ledger, { id, attack }: Mitigation, at: UnixMicros, reply: Reply | null): Effect[] {
  const released = release(ledger, id, at, reply);
  return attack.origin === 'detected' ? [...released, { kind: 'end_attack', attack }] : released;
}

export const wanted = (ledger: Ledger): Mitigation[] =>
  [...ledger.held.values()].flatMap(({ mitigation }) => (mitigation.state === 'wanted' ? [mitigation] : []));
