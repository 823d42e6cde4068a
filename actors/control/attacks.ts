/** The answer to `attacks`: what is on, by the ledger, and what was, by the journal. */
import type { Attack } from '../../domain/attack.js';
import { type AttackFilter, asksFor, isNarrow, stands } from '../../domain/attack-filter.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { type Result, success } from '../../domain/result.js';
import type { Milliseconds } from '../../domain/units.js';
import { ask } from '../../supervision/ask.js';
import type { Ref } from '../../supervision/behaviour.js';
import type { JournalMessage } from '../journal/messages.js';
import type { LedgerMessage } from '../mitigation/messages.js';
import type { AttackList } from './messages.js';

export type AttackRooms = { readonly ledger: Ref<LedgerMessage>; readonly journal: Ref<JournalMessage> };

/** So many of the last that ended are looked through for those that a filter asks for. */
export const searchedHistory = 1_000;

/** `history`: ended ones, at most. */
export async function attackList(
  rooms: AttackRooms,
  filter: AttackFilter,
  history: number,
  deadlineMs: Milliseconds,
): Promise<Result<AttackList>> {
  const [mitigations, ended] = await Promise.all([
    mitigationList(rooms.ledger, deadlineMs),
    past(rooms.journal, filter, history, deadlineMs),
  ]);
  if (!mitigations.ok) return mitigations;
  if (!ended.ok) return ended;
  const asked = mitigations.value.filter((one) => asksFor(filter, one.attack) && stands(one, filter.state));
  return success({
    active: asked.filter(({ state }) => state === 'wanted'),
    leaving: asked.filter(({ state, holdings }) => state === 'released' && holdings.length > 0),
    ended: ended.value,
  });
}

export const mitigationList = (
  ledger: Ref<LedgerMessage>,
  deadlineMs: Milliseconds,
): Promise<Result<readonly Mitigation[]>> =>
  ask<LedgerMessage, readonly Mitigation[]>(ledger, (reply) => ({ kind: 'list', reply }), deadlineMs);

async function past(
  journal: Ref<JournalMessage>,
  filter: AttackFilter,
  limit: number,
  deadlineMs: Milliseconds,
): Promise<Result<readonly Attack[]>> {
  if (limit <= 0 || filter.state !== null) return success([]);
  const history = await ask<JournalMessage, Result<readonly Attack[]>>(
    journal,
    (reply) => ({
      kind: 'history',
      limit: isNarrow(filter) ? Math.max(limit, searchedHistory) : limit,
      reply,
    }),
    deadlineMs,
  );
  if (!history.ok) return history;
  if (!history.value.ok) return history.value;
  const ended = history.value.value.filter((one) => one.endedAt !== null && asksFor(filter, one));
  return success(ended.slice(0, limit));
}
