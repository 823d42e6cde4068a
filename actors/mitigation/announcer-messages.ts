/**
 * Protocol of an announcer: keeps what one speaker holds equal to what the ledger wants of it.
 *
 * The ledger sends deltas, and everything when asked (`announcer_started`). What was announced or withdrawn comes
 * back to it as `spoken`. Until the first `all` an announcer announces what it is told to and withdraws nothing.
 */
import type { Announcement } from '../../domain/announcement.js';
import type { Result } from '../../domain/result.js';
import type { SpeakerEvent, SpeakerHoldings } from '../../domain/speaker.js';
import type { UnixMicros } from '../../domain/units.js';

/** `connecting`: not heard of yet. `reconciling`: up, and what it holds is not known yet. */
export type AnnouncerState = 'connecting' | 'up' | 'down' | 'reconciling';

export type AnnouncerReport = {
  readonly name: string;
  readonly state: AnnouncerState;
  /** As the speaker states it; null: it states none, or has not been heard of. */
  readonly version: string | null;
  readonly wanted: number;
  /** Wanted, and confirmed since the speaker was last up. */
  readonly held: number;
  /** To be announced or withdrawn, on its way or not; those refused apart. */
  readonly pending: number;
  /** Changes the speaker said no to; tried again after a long while. */
  readonly refused: number;
  /** Routes of somebody else's that the last reading found; null: none yet, or this speaker cannot be read. */
  readonly foreign: number | null;
  readonly lastReconciledAt: UnixMicros | null;
  /** What readings have found amiss since the start. */
  readonly repaired: { readonly announced: number; readonly withdrawn: number };
  /** Changes and readings that were tried again after a failure. */
  readonly retries: number;
  readonly lastError: string | null;
};

/**
 * One result of `spoken`. `held`: confirmed. `gone`: its withdrawal is confirmed. `lost`: a reading found it missing, it
 * is being announced again. `refused`: the speaker said no (to its announcement, or to its withdrawal).
 */
export type Spoken = {
  readonly key: string;
  readonly outcome: 'held' | 'gone' | 'lost' | 'refused';
  readonly detail: string | null;
};

export type AnnouncerMessage =
  /** New, or other attributes for a known key. What is held already is confirmed again. */
  | { readonly kind: 'want'; readonly announcements: readonly Announcement[] }
  /** Withdraw it, if the speaker holds it; confirmed as `gone` either way. */
  | { readonly kind: 'unwant'; readonly announcements: readonly Announcement[] }
  /** Everything there is: what is in neither list is no longer wanted. */
  | {
      readonly kind: 'all';
      readonly wanted: readonly Announcement[];
      readonly leaving: readonly Announcement[];
    }
  | { readonly kind: 'report'; readonly reply: (report: AnnouncerReport) => void }
  /** From the speaker. */
  | { readonly kind: 'event'; readonly event: SpeakerEvent }
  /** An answer to the request of that number; one that was given up is not heard any more. */
  | {
      readonly kind: 'listed';
      readonly turn: number;
      readonly result: Result<SpeakerHoldings | null>;
    }
  | { readonly kind: 'changed'; readonly turn: number; readonly results: readonly Result<void>[] }
  /** Something is due. */
  | { readonly kind: 'wake' };
