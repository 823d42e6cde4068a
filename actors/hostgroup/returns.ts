/**
 * Attacks that come back: behind an upstream's drop an attack cannot be seen, so a release is a probe (`ProbePolicy`).
 *
 * A subject that was released is remembered for `watchMs`; an attack on it within that time is a return of the same one, and is mitigated
 * longer than before (`banTimeMs` in actors/attack/lifecycle.ts). The table is bounded: the one released longest ago goes first.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { ProbePolicy } from '../../domain/hostgroup.js';
import type { UnixMicros } from '../../domain/units.js';

export const maxRemembered = 10_000;

type Release = { readonly at: UnixMicros; readonly returns: number };
/** By subject, the one released first first. */
export type Releases = Map<string, Release>;

/** `at`: of the release. What is known of a later release of the subject stays. */
export function remember(releases: Releases, { subject, returns }: Attack, at: UnixMicros): void {
  const key = subjectText(subject);
  if ((releases.get(key)?.at ?? at) > at) return;
  releases.delete(key);
  releases.set(key, { at, returns });
  if (releases.size <= maxRemembered) return;
  for (const oldest of releases.keys()) {
    releases.delete(oldest);
    break;
  }
}

/** How often an attack on the subject that begins now has come back; 0: it is new. The memory of it is used up. */
export function returnsOf(
  releases: Releases,
  subject: Attack['subject'],
  at: UnixMicros,
  probe: ProbePolicy | null,
): number {
  const key = subjectText(subject);
  const before = releases.get(key);
  releases.delete(key);
  return probe === null || before === undefined || at - before.at > probe.watchMs * 1000
    ? 0
    : before.returns + 1;
}

/** What a journal knows of before a restart. */
export function recall(
  releases: Releases,
  history: readonly Attack[],
  at: UnixMicros,
  probe: ProbePolicy,
): void {
  const recent = history.filter(
    ({ origin, endedAt }) =>
      origin === 'detected' && endedAt !== null && at - endedAt <= probe.watchMs * 1000,
  );
  for (const attack of recent.sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))) {
    remember(releases, attack, attack.endedAt ?? 0);
  }
}
