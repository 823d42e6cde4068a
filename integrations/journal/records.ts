/**
 * Records as this release knows them, of records as any release has written them.
 *
 * What an older one did not know is completed where the answer is certain: an attack without `returns` is new, a cause without
 * `samples` rests on every packet, a mitigation without holdings has never been announced, an effect says no more than it did. What was to be announced for a record from
 * before announcing (schema 2 and older) the journal cannot know: its `action` is null, and the ledger asks its hostgroup.
 */
import type { Attack, Cause } from '../../domain/attack.js';
import { type Mitigation, type MitigationEffect, notAnnounced } from '../../domain/mitigation.js';
import type { KeptMitigation } from '../../domain/ports.js';

type Sampling = Pick<Cause, 'samples' | 'interval'>;
/** `returns` came with the first release that announces, sampling with the one before. */
export type WrittenAttack = Omit<Attack, 'cause' | 'returns'> &
  Partial<Pick<Attack, 'returns'>> & {
    readonly cause: (Omit<Cause, keyof Sampling> & Partial<Sampling>) | null;
  };
type Announcing = keyof typeof notAnnounced;
const noDetails = { goneAt: [], remaining: null, comparedWith: null, reason: null } as const;
type WrittenEffect = Pick<MitigationEffect, 'state' | 'since' | 'seen'> & Partial<MitigationEffect>;
export type WrittenMitigation = Omit<Mitigation, 'attack' | Announcing> &
  Partial<Pick<Mitigation, Exclude<Announcing, 'effect'>>> & {
    readonly attack: WrittenAttack;
    readonly effect?: WrittenEffect | null;
  };

export const keptAttack = (written: WrittenAttack): Attack => ({
  ...written,
  returns: written.returns ?? 0,
  cause:
    written.cause === null
      ? null
      : {
          ...written.cause,
          samples: written.cause.samples ?? null,
          interval: written.cause.interval ?? null,
        },
});

export const keptMitigation = (written: WrittenMitigation): KeptMitigation => ({
  ...notAnnounced,
  ...written,
  action: written.action ?? null,
  attack: keptAttack(written.attack),
  effect: written.effect == null ? null : { ...noDetails, ...written.effect },
});
