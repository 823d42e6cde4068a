/** Protocol of the ledger: what should be, durably. Sent by hostgroup and attack actors and by control. */
import type { Attack } from '../../domain/attack.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { ScriptAction } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';
import type { NotifyOutcome } from '../script/messages.js';

export type LedgerMessage =
  /** An attack was found: want its mitigation. Idempotent by id. */
  | { readonly kind: 'mitigate'; readonly attack: Attack; readonly until: UnixMicros | null }
  /** The evidence or the peak of an attack has changed. */
  | { readonly kind: 'revise'; readonly attack: Attack }
  /** The evidence is complete: tell the script `attack_details` with this report on its stdin. */
  | { readonly kind: 'explain'; readonly attack: Attack; readonly report: string }
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
  /** What the journal says is still on; null: it did not answer, ask again. */
  | { readonly kind: 'restored'; readonly mitigations: readonly Mitigation[] | null }
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
  | { readonly kind: 'list'; readonly reply: (mitigations: readonly Mitigation[]) => void };
