/**
 * What a speaker holds of ours against what it should: pure, and blind to everything that is not ours.
 *
 * A key that is wanted is never among those to withdraw, whatever its attributes.
 */
import { type Announcement, announcementKey, sameAttributes } from '../../domain/announcement.js';

/** What should become of one key: announced like this, or withdrawn. */
export type Desired = { readonly do: 'announce' | 'withdraw'; readonly announcement: Announcement };

export type Difference = {
  /** Held as wanted. */
  readonly confirmed: readonly string[];
  /** Wanted, and not held. */
  readonly missing: readonly string[];
  /** Wanted, and held with other attributes. */
  readonly differing: readonly string[];
  /** To be withdrawn, and still held. */
  readonly lingering: readonly string[];
  /** To be withdrawn, and not held. */
  readonly gone: readonly string[];
  /** Held, ours by their marking, and nobody's: to be withdrawn. One a key. */
  readonly orphans: readonly Announcement[];
};

/** `touched`: keys that changed while the speaker was being read; what the reading says of them may be old. */
export function compare(
  desired: ReadonlyMap<string, Desired>,
  holds: readonly Announcement[],
  touched: ReadonlySet<string>,
): Difference {
  /** Whether it is held as wanted. */
  const held = new Map<string, boolean>();
  const orphans = new Map<string, Announcement>();
  for (const announcement of holds) {
    const key = announcementKey(announcement);
    if (touched.has(key)) continue;
    const wanted = desired.get(key);
    if (wanted === undefined) orphans.set(key, announcement);
    // A key held twice is as wanted when one of the two is.
    else if (held.get(key) !== true) held.set(key, sameAttributes(announcement, wanted.announcement));
  }
  const difference = {
    confirmed: [] as string[],
    missing: [] as string[],
    differing: [] as string[],
    lingering: [] as string[],
    gone: [] as string[],
  };
  for (const [key, wanted] of desired) {
    if (touched.has(key)) continue;
    const asWanted = held.get(key);
    if (wanted.do === 'withdraw') difference[asWanted === undefined ? 'gone' : 'lingering'].push(key);
    else if (asWanted === undefined) difference.missing.push(key);
    else difference[asWanted ? 'confirmed' : 'differing'].push(key);
  }
  return { ...difference, orphans: [...orphans.values()] };
}
