/** Protocol of an attack actor: one actor a subject and direction under attack. */
import type { Attack } from '../../domain/attack.js';
import type { Standing } from '../../domain/ports.js';
import type { UnixMicros } from '../../domain/units.js';
import type { Outcome } from '../../domain/work.js';
import type { Explained } from './explaining.js';

/** How the explaining of all attacks stands (desk.ts). */
export type DeskReport = {
  /** Attacks that gather packets, and those that wait to. */
  readonly seated: number;
  readonly waiting: number;
  /** Attacks that never had a seat: explained by what was remembered of them. */
  readonly unseated: number;
  /** Explanations that wait, the one under way among them; made; refused for want of room. */
  readonly queued: number;
  readonly explained: number;
  readonly refused: number;
};

export type AttackMessage =
  /** How the subject stands, at most once a second unless `over` changed. */
  | { readonly kind: 'standing'; readonly standing: Standing; readonly at: UnixMicros }
  /** There is a seat at the desk now. */
  | { readonly kind: 'seated' }
  /** What the desk made of it. */
  | { readonly kind: 'explained'; readonly outcome: Outcome<Explained> }
  /** Look into the tap, and at the clock. */
  | { readonly kind: 'collect' }
  /** Evidence files are on disk. */
  | { readonly kind: 'stored'; readonly files: readonly string[] }
  | { readonly kind: 'check_end' }
  /** An operator ends it. */
  | { readonly kind: 'release' }
  | { readonly kind: 'report'; readonly reply: (attack: Attack) => void };
