/** What a daemon that does not run has left in its journal: the next life knows this, and nothing else of the last one. */
import type { KeptMitigation } from '../domain/ports.js';
import { openJournal } from '../integrations/journal/journal.js';

/** The mitigations of hosts that are in force, by host. Whose script is not `notified` is told again (decision 0003). */
export async function keptMitigations(stateDir: string): Promise<ReadonlyMap<string, KeptMitigation>> {
  const opened = await openJournal({ dir: stateDir });
  if (!opened.ok) throw new Error(opened.error.detail);
  const active = await opened.value.active();
  await opened.value.close();
  if (!active.ok) throw new Error(active.error.detail);
  return new Map(
    active.value.flatMap((one) =>
      one.attack.subject.kind === 'host' ? [[one.attack.subject.host, one] as const] : [],
    ),
  );
}
