/** Protocol of the ledger: what should be, durably. Sent by hostgroup and attack actors and by control. */
import type { Attack } from '../../domain/attack.js';
import type { FlowspecRule } from '../../domain/flowspec.js';
import type { Mitigation, MitigationEffect } from '../../domain/mitigation.js';
import type { KeptMitigation, ScriptAction, ScriptRun } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';
import type { Spoken } from './announcer-messages.js';

/** For rooms that ask announcers how they stand. */
export type { AnnouncerMessage, AnnouncerReport } from './announcer-messages.js';

/** An operator has stopped all announcing. */
export type Stopped = { readonly since: UnixMicros; readonly comment: string };

export type LedgerReport = {
  /** Mitigations that are wanted now. */
  readonly mitigations: number;
  /** Announcements, over all speakers each counted once. `wanted` by mitigations, whether or not a guard lets them out. */
  readonly wanted: number;
  /** Told to a speaker; `held`: confirmed by at least one; `leaving`: not confirmed as withdrawn yet. */
  readonly announced: number;
  readonly held: number;
  readonly leaving: number;
  /** Mitigations that a guard holds back, all or part, by its name; only those that hold something back. */
  readonly heldBack: { readonly [guard: string]: number };
  readonly changesLastMinute: number;
  readonly stopped: Stopped | null;
  readonly dryRun: boolean;
  /** Mitigations refused since the start, for the ledger was full. */
  readonly refused: number;
  /** Announcements that a speaker has refused and that are wanted there still. */
  readonly refusedBySpeakers: number;
};

export type LedgerMessage =
  /** An attack was found: want its mitigation. Idempotent by id. */
  | { readonly kind: 'mitigate'; readonly attack: Attack; readonly until: UnixMicros | null }
  /** The evidence or the peak of an attack has changed. */
  | { readonly kind: 'revise'; readonly attack: Attack }
  /**
   * The evidence is complete: tell the script `attack_details` with this report on its stdin. `rules`: what it compiled to;
   * empty when none can be made, and `noRules` says why.
   */
  | {
      readonly kind: 'explain';
      readonly attack: Attack;
      readonly report: ScriptRun['stdin'];
      readonly rules: readonly FlowspecRule[];
      readonly noRules: string | null;
    }
  | { readonly kind: 'release'; readonly attack: AttackId; readonly at: UnixMicros }
  | {
      readonly kind: 'ban';
      readonly host: string;
      readonly forMs: Milliseconds | null;
      readonly comment: string;
      readonly reply: (result: Result<Mitigation>) => void;
    }
  | { readonly kind: 'unban'; readonly host: string; readonly reply: (result: Result<Mitigation>) => void }
  /** Manual bans that have run out. */
  | { readonly kind: 'expire' }
  | { readonly kind: 'written'; readonly ids: readonly AttackId[]; readonly error: string | null }
  /** What the journal says is still on, and its notes; null: it did not answer, ask again. */
  | {
      readonly kind: 'restored';
      readonly remembered: {
        readonly mitigations: readonly KeptMitigation[];
        readonly notes: ReadonlyMap<string, string>;
      } | null;
    }
  /** Look whose record has been on its way to the journal for too long for the script to wait. */
  | { readonly kind: 'overdue' }
  /** The script actor has begun an action, or had no room for it. */
  | {
      readonly kind: 'told';
      readonly attack: AttackId;
      readonly action: ScriptAction;
      readonly outcome: NotifyOutcome;
    }
  /** The script actor has begun a new life and knows nothing of what it was handed before. */
  | { readonly kind: 'script_restarted' }
  /** Write and tell again what has not come through. */
  | { readonly kind: 'retry' }
  /** A new life of a speaker's announcer, which knows nothing: send it everything. */
  | { readonly kind: 'announcer_started'; readonly speaker: string }
  | { readonly kind: 'spoken'; readonly speaker: string; readonly results: readonly Spoken[] }
  /** What the proof found. */
  | { readonly kind: 'effect'; readonly attack: AttackId; readonly effect: MitigationEffect }
  /** Withdraw all that is announced, and announce nothing until `start_all`. Durable when it is answered. */
  | {
      readonly kind: 'stop_all';
      readonly comment: string;
      readonly reply: (result: Result<Stopped | null>) => void;
    }
  | { readonly kind: 'start_all'; readonly reply: (result: Result<Stopped | null>) => void }
  /** The journal has the last order of those, or could not write it. */
  | { readonly kind: 'stop_written'; readonly error: string | null }
  /** Go on with what was too much for one message. */
  | { readonly kind: 'go_on' }
  | { readonly kind: 'report'; readonly reply: (report: LedgerReport) => void }
  /** All that are wanted, and those released of which a speaker may still hold something. */
  | { readonly kind: 'list'; readonly reply: (mitigations: readonly Mitigation[]) => void };
