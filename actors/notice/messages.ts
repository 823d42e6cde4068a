/** Protocol of a notice actor: one receiver's notices, in their order, each handed over once. */
import type { Delivery, Notice } from '../../domain/notice.js';

export type NoticeReport = {
  readonly name: string;
  /** `waiting`: for the next attempt, after a failure. */
  readonly state: 'idle' | 'sending' | 'waiting';
  readonly queued: number;
  readonly delivered: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Notices given up: too many attempts, too old, or refused for good. */
  readonly givenUp: number;
  /** Notices dropped because too many waited; the oldest went. */
  readonly dropped: number;
  /** Events that were told again. */
  readonly repeated: number;
  readonly lastError: string | null;
};

export type NoticeMessage =
  | { readonly kind: 'notify'; readonly notices: readonly Notice[] }
  | { readonly kind: 'report'; readonly reply: (report: NoticeReport) => void }
  /** To itself: what came of an attempt; time for the next. */
  | { readonly kind: 'settled'; readonly id: string; readonly delivery: Delivery }
  | { readonly kind: 'due' };
