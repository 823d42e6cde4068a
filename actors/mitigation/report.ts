/** How announcing stands, for `status` and metrics. Pure. */
import type { UnixMicros } from '../../domain/units.js';
import { changesWithin } from './admission.js';
import type { LedgerReport } from './messages.js';
import type { Ledger } from './table.js';

export function reportOf(ledger: Ledger, at: UnixMicros): LedgerReport {
  const { announcing } = ledger;
  const count = { wanted: 0, announced: 0, held: 0, leaving: 0, refusedBySpeakers: 0 };
  for (const { spots } of announcing.routes.values()) {
    const all = [...spots.values()];
    if (all.some(({ claims }) => claims.size > 0)) count.wanted += 1;
    if (all.some(({ told }) => told !== null)) count.announced += 1;
    if (all.some(({ told, confirmed }) => told !== null && confirmed)) count.held += 1;
    if (all.some(({ told, out }) => told === null && out)) count.leaving += 1;
    count.refusedBySpeakers += all.filter(({ refusal }) => refusal !== null).length;
  }
  const heldBack: { [guard: string]: number } = {};
  let mitigations = 0;
  for (const { mitigation } of ledger.held.values()) {
    if (mitigation.state !== 'wanted') continue;
    mitigations += 1;
    if (mitigation.heldBack !== null)
      heldBack[mitigation.heldBack] = (heldBack[mitigation.heldBack] ?? 0) + 1;
  }
  return {
    mitigations,
    ...count,
    heldBack,
    changesLastMinute: changesWithin(announcing.admission, at),
    stopped: announcing.stopped,
    dryRun: announcing.terms.policy.guard.dryRun,
    refused: ledger.refused,
  };
}
