/**
 * Records as this release knows them, of records as any release has written them.
 *
 * What an older one did not know is completed where the answer is certain: an attack without `returns` is new, a cause without
 * `samples` rests on every packet, a mitigation without holdings has never been announced. What was to be announced for a record from
 * before announcing (schema 2 and older) the journal cannot know: its `action` is null, and the ledger asks its hostgroup.
 */
import type { Attack, Cause } from '../../domain/attack.js';
import { type Mitigation, notAnnounced } from '../../domain/mitigation.js';
import type { KeptMitigation } from '../../domain/ports.js';

type Sampling = Pick<Cause, 'samples' | 'interval'>;
/** `returns` came with the first release that announces, sampling with the one before. */
export type WrittenAttack = Omit<Attack, 'cause' | 'returns'> &
  Partial<Pick<Attack, 'returns'>> & {
    readonly cause: (Omit<Cause, keyof Sampling> & Partial<Sampling>) | null;
  };
type Announcing = keyof typeof notAnnounced;
export type WrittenMitigation = Omit<Mitigation, 'attack' | Announcing> &
  Partial<Pick<Mitigation, Announcing>> & { readonly attack: WrittenAttack };

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
});
