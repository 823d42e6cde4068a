/** How an announcer stands, for people. */
import type { AnnouncerReport } from './announcer-messages.js';
import { type Announcer, settled } from './announcer-table.js';

export function reportOf(announcer: Announcer): AnnouncerReport {
  const { name, link, version, complete, awaiting, foreign, lastReconciledAt, repaired } = announcer;
  const count = { wanted: 0, held: 0, pending: 0, refused: 0 };
  for (const row of announcer.rows.values()) {
    if (row.do === 'announce') count.wanted++;
    if (settled(row))
      count.held++; // a row that is to be withdrawn leaves the table instead
    else if (row.refusal !== null) count.refused++;
    else count.pending++;
  }
  return {
    name,
    state: link === 'up' && (!complete || awaiting) ? 'reconciling' : link,
    version,
    ...count,
    foreign,
    lastReconciledAt,
    repaired: { ...repaired },
    retries: announcer.retries,
    lastError: announcer.lastError,
  };
}
