/**
 * The port of a BGP speaker (GoBGP, ExaBGP): the one way in which routes leave this program.
 *
 * What a speaker holds is read back, never assumed. `ours` are the routes that carry this program's marking, or that
 * the caller names as known; all others are somebody else's, are counted and never touched.
 */
import type { Announcement } from './announcement.js';
import type { Result } from './result.js';

export type SpeakerChange = {
  readonly do: 'announce' | 'withdraw';
  readonly announcement: Announcement;
};

export type SpeakerHoldings = {
  readonly ours: readonly Announcement[];
  /** Routes of the same families that are not ours. */
  readonly foreign: number;
};

/** `up`: it answers (again): whatever it held before may be gone. `version` as it states it; null: it states none. */
export type SpeakerEvent =
  | { readonly kind: 'up'; readonly version: string | null }
  | { readonly kind: 'down'; readonly reason: string };

export type Speaker = {
  /**
   * What it holds of ours. `known`: keys (`announcementKey`) that are ours by the ledger, marked or not. A success of null: this
   * speaker cannot be read, only told. Errors: SPEAKER_UNREACHABLE, SPEAKER_REFUSED, TIMEOUT.
   */
  readonly list: (known: ReadonlySet<string>, signal: AbortSignal) => Promise<Result<SpeakerHoldings | null>>;
  /**
   * Carries the changes out in their order; one result each, in the same order. A success: the speaker has taken it. Announcing
   * what it holds, or withdrawing what it does not, is a success. Errors as in `list`. Never rejects.
   */
  readonly change: (
    changes: readonly SpeakerChange[],
    signal: AbortSignal,
  ) => Promise<readonly Result<void>[]>;
  readonly close: () => void;
};

/** Opens at once and connects in the background; `tell` hears of each change, from the first connection on. */
export type SpeakerOpener = (tell: (event: SpeakerEvent) => void) => Speaker;
