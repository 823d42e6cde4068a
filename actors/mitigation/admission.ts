/**
 * The guards that count: how much is announced, how many rules each speaker has, how many changes a minute has seen.
 *
 * A change is one announcement (one NLRI, over all speakers) that comes, goes or gets other attributes. What a speaker lost and
 * gets again is none, nor is what an operator's stop withdraws. Changes are counted by whole seconds and over a little more than a minute,
 * for an announcement goes out up to a second after it was let out, and no minute on the wire may have more than is allowed.
 *
 * The counts of changes are handed to the journal (`changesNote`), so that a daemon that restarts again and again is no way around them.
 */
import type { UnixMicros } from '../../domain/units.js';

export type Admission = {
  /** Announcements let out now. */
  announced: number;
  /** Flowspec rules let out, by speaker. */
  readonly rules: Map<string, number>;
  /** Changes by second since the epoch, the earliest first; never more than `rememberedSeconds` of them. */
  changes: { second: number; count: number }[];
  changesInAll: number;
  /** The counts have changed since they were last noted. */
  toNote: boolean;
};

export const noAdmissions = (): Admission => ({
  announced: 0,
  rules: new Map(),
  changes: [],
  changesInAll: 0,
  toNote: false,
});

/** A minute, and a second for what was let out and has not been told yet. */
const rememberedSeconds = 61;

const secondOf = (at: UnixMicros): number => Math.floor(at / 1e6);

/** Changes of the last minute. */
export function changesWithin(admission: Admission, at: UnixMicros): number {
  const oldest = secondOf(at) - rememberedSeconds;
  while ((admission.changes[0]?.second ?? oldest) < oldest) {
    admission.changesInAll -= admission.changes.shift()?.count ?? 0;
  }
  return admission.changesInAll;
}

export function countChange(admission: Admission, at: UnixMicros): void {
  const second = secondOf(at);
  const last = admission.changes.at(-1);
  // A clock does not step back; an entry of the journal may be ahead of a machine whose clock was set back.
  if (last !== undefined && last.second >= second) last.count += 1;
  else admission.changes.push({ second, count: 1 });
  admission.changesInAll += 1;
  admission.toNote = true;
}

export function countRules(admission: Admission, speaker: string, by: 1 | -1): void {
  admission.rules.set(speaker, (admission.rules.get(speaker) ?? 0) + by);
}

/** As one line of text: 'second:count second:count'. */
export const changesNote = ({ changes }: Admission): string =>
  changes.map(({ second, count }) => `${second}:${count}`).join(' ');

/** What a journal kept. Entries of a future that cannot be, after a clock was set back, count as now. */
export function recallChanges(admission: Admission, note: string, at: UnixMicros): void {
  const now = secondOf(at);
  const read = note.split(' ').flatMap((part) => {
    const [second = 0, count = 0] = part.split(':').map(Number);
    return Number.isSafeInteger(second) && Number.isSafeInteger(count) && count > 0
      ? [{ second: Math.min(second, now), count }]
      : [];
  });
  const own = admission.changes;
  admission.changes = [...read, ...own].sort((a, b) => a.second - b.second).slice(-2 * rememberedSeconds);
  admission.changesInAll = admission.changes.reduce((sum, { count }) => sum + count, 0);
}
