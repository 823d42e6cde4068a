/** What a flow listener has received over all its openings: native counts start at zero with each. Pure. */
import { type FlowListenerStats, unheardListener } from '../../domain/flow.js';

/** `opening` numbers the one that `live` counts; null: none yet. */
export type ListenerTally = {
  readonly past: FlowListenerStats;
  readonly live: FlowListenerStats | null;
  readonly opening: number;
};
export const emptyTally: ListenerTally = { past: unheardListener, live: null, opening: 0 };

export function tallied(tally: ListenerTally, live: FlowListenerStats, opening: number): ListenerTally {
  return { past: opening === tally.opening ? tally.past : receivedBy(tally), live, opening };
}

/** Counts of all openings, levels of the last. */
export function receivedBy({ past, live }: ListenerTally): FlowListenerStats {
  if (live === null) return past;
  return {
    ...live,
    datagrams: past.datagrams + live.datagrams,
    records: past.records + live.records,
    dropped: past.dropped + live.dropped,
    refused: past.refused + live.refused,
    lastRefused: live.lastRefused ?? past.lastRefused,
    exportersRefused: past.exportersRefused + live.exportersRefused,
    heldRefused: past.heldRefused + live.heldRefused,
    strays: straysOf(past.strays, live.strays),
  };
}

type Strays = FlowListenerStats['strays'];

function straysOf(past: Strays, live: Strays): Strays {
  const before = past.filter((one) => !live.some(({ protocol }) => protocol === one.protocol));
  const since = live.map((one) => ({
    ...one,
    datagrams: one.datagrams + (past.find(({ protocol }) => protocol === one.protocol)?.datagrams ?? 0),
  }));
  return [...before, ...since];
}
