/** What was seen on the wire beside what the listeners received in the same time. Pure. */
import type { FlowListenerStats } from '../../../domain/flow.js';
import type { Witnessed } from '../../../domain/ports.js';
import { listenerSince, senderKey, type WireFacts } from './facts.js';
import type { Sample } from './history.js';

/** `before` and `after`: samples around the time of `seen`, `after` late enough for all to be counted. */
export function wireFactsOf(
  seen: Witnessed,
  before: Sample,
  after: Sample,
  rpFilterDrops: number,
): WireFacts {
  const received = new Map<string, number>();
  const sorted = new Map<string, number>();
  for (const [key, { listener, stats }] of after.exporters) {
    const earlier = before.exporters.get(key)?.stats.datagrams ?? 0;
    const grown = stats.datagrams - (stats.datagrams < earlier ? 0 : earlier);
    const sender = senderKey(listener, stats.address);
    received.set(sender, (received.get(sender) ?? 0) + grown);
    sorted.set(listener, (sorted.get(listener) ?? 0) + grown);
  }
  const unattributed = new Map(
    [...after.listeners].map(([name, now]) => {
      const all = receivedBy(now, before.listeners.get(name));
      return [name, Math.max(0, all - (sorted.get(name) ?? 0)) + seen.unsorted] as const;
    }),
  );
  return { seconds: seen.seconds, sights: seen.sights, received, unattributed, rpFilterDrops };
}

/** Strays and refused datagrams reached the socket, too. */
function receivedBy(now: FlowListenerStats, before: FlowListenerStats | undefined): number {
  const since = listenerSince(now, before);
  return since.strays.reduce((sum, stray) => sum + stray.datagrams, since.datagrams + since.refused);
}
