/** A mitigation: a durable statement of what must be announced or run for an attack. */
import type { Announcement } from './announcement.js';
import type { Attack } from './attack.js';
import type { MitigationAction } from './bgp.js';
import type { FlowspecRule } from './flowspec.js';
import type { AttackId, UnixMicros } from './units.js';

/** How far the notify script has been told: each step is written down before the next is taken. */
export type Notified = 'nothing' | 'ban' | 'unban';

/**
 * What one speaker holds of a mitigation, or may. Written down before it is announced, and taken out only when the
 * speaker has confirmed the withdrawal: so nothing that was ever announced is forgotten.
 */
export type Holding = {
  readonly speaker: string;
  readonly announcement: Announcement;
  /** `wanted`: on its way. `held`: confirmed. `leaving`: to be withdrawn, or on its way out. */
  readonly state: 'wanted' | 'held' | 'leaving';
};

/** What one exporter or capture interface still sees of the attack. Bits and packets per second, to the subject. */
export type StillSeen = {
  /** 'eth1'; 'netflow 0.0.0.0:2055 198.51.100.1'. */
  readonly source: string;
  readonly pps: number;
  readonly bps: number;
};

/** Whether the announcement does what it is for, judged by what still comes in. */
export type MitigationEffect = {
  /**
   * `watching`: too early to say. `partial`: gone at some sources, not at those in `seen`, or less of it comes everywhere. `unproven`:
   * nobody can say, for the `reason`.
   */
  readonly state: 'watching' | 'effective' | 'partial' | 'ineffective' | 'unproven';
  readonly since: UnixMicros;
  readonly seen: readonly StillSeen[];
  /** Sources that had seen it and see it no more, while others do. */
  readonly goneAt: readonly string[];
  /** What still comes, relative to `comparedWith`, in packets or in bits, whichever is more; null: not judged. */
  readonly remaining: number | null;
  /** The attack's peak; of a ban by hand what came just before it was announced, in packets alone. */
  readonly comparedWith: { readonly pps: number; readonly bps: number | null } | null;
  /** Of `unproven`. */
  readonly reason: string | null;
};

export type Mitigation = {
  /** One mitigation an attack, so the attack's id is its own. */
  readonly id: AttackId;
  readonly attack: Attack;
  readonly state: 'wanted' | 'released';
  readonly since: UnixMicros;
  /** null: until released by hand or by the end of the attack. */
  readonly until: UnixMicros | null;
  readonly comment: string;
  readonly notified: Notified;
  /** As its hostgroup had it when it began. */
  readonly action: MitigationAction;
  /** From the evidence; empty before it is complete, and when none can be made. */
  readonly rules: readonly FlowspecRule[];
  /** Why none are made, though its action calls for them; null: they are, or the evidence is not complete. */
  readonly noRules: string | null;
  /** Why a blackhole was added to the rules, or took their place; null: it was not. */
  readonly escalated: string | null;
  readonly holdings: readonly Holding[];
  /** The guard that keeps all or part of it from being announced; null: none does. */
  readonly heldBack: string | null;
  readonly effect: MitigationEffect | null;
};

/** What a mitigation is before anything has been announced for it. */
export const notAnnounced = {
  action: 'none',
  rules: [],
  noRules: null,
  escalated: null,
  holdings: [],
  heldBack: null,
  effect: null,
} as const satisfies Partial<Mitigation>;
