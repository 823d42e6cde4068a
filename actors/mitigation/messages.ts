/** Protocol of the ledger: what should be, durably. Sent by hostgroup and attack actors and by control. */
import type { Attack } from '../../domain/attack.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, Milliseconds, UnixMicros } from '../../domain/units.js';

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
  | { readonly kind: 'list'; readonly reply: (mitigations: readonly Mitigation[]) => void };
