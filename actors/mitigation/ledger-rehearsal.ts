/** The ledger as its actor drives it, for tests: each decision is settled at once. */
import type { MitigationAction, MitigationPolicy } from '../../domain/bgp.js';
import type { Mitigation, MitigationEffect } from '../../domain/mitigation.js';
import type { KeptMitigation, ScriptAction } from '../../domain/ports.js';
import { aMitigationPolicy } from '../../domain/rehearsal.js';
import type { AttackId, PrefixKey, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';
import type { Spoken } from './announcer-messages.js';
import * as back from './answers.js';
import { replanSome, setTerms } from './claims.js';
import type { Guarded } from './fence.js';
import { sweep } from './grants.js';
import * as core from './ledger.js';
import type { LedgerReport } from './messages.js';
import { reportOf } from './report.js';
import { termsOf } from './routes.js';
import { refreshAll, settle, unsettled } from './settle.js';
import * as voices from './spoken.js';
import * as order from './stop.js';
import { type Effect, emptyLedger, type Ledger } from './table.js';

export const ours: Guarded = {
  networks: ['192.0.2.0/24' as PrefixKey, '2001:db8::/32' as PrefixKey],
  whitelist: ['192.0.2.53/32' as PrefixKey],
};

/** A ledger that has read an empty journal. `speakers` of the policy: none unless told otherwise. */
export function aLedger(
  policy: Partial<MitigationPolicy> = { speakers: [] },
  guarded: Guarded = ours,
): Ledger {
  const ledger = unread(policy, guarded);
  restore(ledger, [], 0);
  return ledger;
}

/** One that has not. */
export const unread = (
  policy: Partial<MitigationPolicy> = { speakers: [] },
  guarded: Guarded = ours,
): Ledger => emptyLedger(termsOf(aMitigationPolicy(policy), guarded));

type At = UnixMicros;

/** What a message calls for, and all that follows without another message from outside. */
function settled(ledger: Ledger, effects: readonly Effect[], at: At): Effect[] {
  const all = settle(ledger, effects, at);
  while (unsettled(ledger)) {
    const more = replanSome(ledger);
    sweep(ledger, at);
    all.push(...settle(ledger, more, at));
  }
  return all;
}

export const mitigate = (
  ledger: Ledger,
  want: Omit<core.Want, 'action'> & Partial<core.Want>,
  at: At,
): Effect[] => settled(ledger, core.mitigate(ledger, { action: 'blackhole', ...want }, at), at);
export const release = (ledger: Ledger, id: AttackId, at: At): Effect[] =>
  settled(ledger, core.release(ledger, id, at), at);
export const revise = (ledger: Ledger, attack: Mitigation['attack'], at: At): Effect[] =>
  settled(ledger, core.revise(ledger, attack, at), at);
export const explain = (
  ledger: Ledger,
  explanation: Omit<core.Explanation, 'noRules'> & Partial<core.Explanation>,
  at: At,
): Effect[] => settled(ledger, core.explain(ledger, { noRules: null, ...explanation }), at);
export const judge = (ledger: Ledger, id: AttackId, effect: MitigationEffect, at: At): Effect[] =>
  settled(ledger, core.judge(ledger, id, effect), at);
export const unban = (
  ledger: Ledger,
  subject: string,
  at: At,
  reply: Parameters<typeof core.unban>[3],
): Effect[] => settled(ledger, core.unban(ledger, subject, at, reply), at);
export const expire = (ledger: Ledger, at: At): Effect[] => settled(ledger, core.expire(ledger, at), at);
export const written = (ledger: Ledger, id: AttackId, error: string | null, at: At): Effect[] =>
  settled(ledger, back.written(ledger, id, error), at);
export const overdue = (ledger: Ledger, at: At): Effect[] => settled(ledger, back.overdue(ledger, at), at);
export const told = (
  ledger: Ledger,
  id: AttackId,
  action: ScriptAction,
  outcome: NotifyOutcome,
  at: At,
): Effect[] => settled(ledger, back.told(ledger, id, action, outcome), at);
export const scriptRestarted = (ledger: Ledger, at: At): Effect[] =>
  settled(ledger, back.scriptRestarted(ledger), at);
export const restore = (
  ledger: Ledger,
  mitigations: readonly KeptMitigation[],
  at: At,
  notes: ReadonlyMap<string, string> = new Map(),
  action: MitigationAction = 'none',
): Effect[] => {
  const effects = back.restore(ledger, { mitigations, notes }, at, () => action);
  return settled(ledger, effects, at);
};
export const retry = (ledger: Ledger, at: At): Effect[] => settled(ledger, back.retry(ledger, at), at);
export const announcerStarted = (ledger: Ledger, speaker: string, at: At): Effect[] =>
  settled(ledger, voices.announcerStarted(ledger, speaker), at);
export const spoken = (ledger: Ledger, speaker: string, results: readonly Spoken[], at: At): Effect[] =>
  settled(ledger, voices.spoken(ledger, speaker, results), at);
export const stopAll = (ledger: Ledger, at: At, reply: order.StopReply = () => {}): Effect[] =>
  settled(ledger, order.stopAll(ledger, 'by a test', at, reply), at);
export const startAll = (ledger: Ledger, at: At, reply: order.StopReply = () => {}): Effect[] =>
  settled(ledger, order.startAll(ledger, reply), at);
export const stopWritten = (ledger: Ledger, error: string | null, at: At): Effect[] =>
  settled(ledger, order.stopWritten(ledger, error), at);
export const reconfigure = (
  ledger: Ledger,
  policy: Partial<MitigationPolicy>,
  guarded: Guarded,
  at: At,
): Effect[] => settled(ledger, setTerms(ledger, termsOf(aMitigationPolicy(policy), guarded)), at);

/** All records as they are now. */
export function records(ledger: Ledger): readonly Mitigation[] {
  refreshAll(ledger, []);
  return [...ledger.held.values()].map(({ mitigation }) => mitigation);
}

export const reportAt = (ledger: Ledger, at: At): LedgerReport => {
  refreshAll(ledger, []);
  return reportOf(ledger, at);
};
