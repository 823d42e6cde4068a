/** Which attacks an operator asks for. Pure. */

import { addressBits, familyOf } from './address.js';
import { type Attack, type AttackOrigin, type Subject, subjectText } from './attack.js';
import type { Mitigation } from './mitigation.js';
import { overlaps, prefixOf } from './prefix.js';
import type { HostKey, PrefixKey } from './units.js';

/**
 * How a mitigation stands. `announced`: every speaker holds what is meant for it. `held_back`: by a guard, all or part. `released`: over, and a
 * speaker may still hold something of it. The rest is what the proof found.
 */
export const listStates = [
  'wanted',
  'announced',
  'held_back',
  'released',
  'watching',
  'effective',
  'partial',
  'ineffective',
  'unproven',
] as const;
export type ListState = (typeof listStates)[number];

/** null: any. A state asks for no ended ones. */
export type AttackFilter = {
  /** What lies in this prefix, or has it in it. */
  readonly prefix: PrefixKey | null;
  readonly hostgroup: string | null;
  readonly origin: AttackOrigin | null;
  readonly state: ListState | null;
};

export const anyAttack: AttackFilter = { prefix: null, hostgroup: null, origin: null, state: null };

/** Whether it asks for anything less than all. */
export const isNarrow = (filter: AttackFilter): boolean =>
  Object.values(filter).some((field) => field !== null);

export const asksFor = (filter: AttackFilter, attack: Attack): boolean =>
  (filter.hostgroup === null || attack.hostgroup === filter.hostgroup) &&
  (filter.origin === null || attack.origin === filter.origin) &&
  (filter.prefix === null || overlaps(filter.prefix, prefixAround(attack.subject)));

export function stands({ state, holdings, heldBack, effect }: Mitigation, as: ListState | null): boolean {
  switch (as) {
    case null:
      return true;
    case 'wanted':
    case 'released':
      return state === as;
    case 'announced':
      return (
        holdings.length > 0 && heldBack === null && holdings.every((holding) => holding.state === 'held')
      );
    case 'held_back':
      return heldBack !== null;
    default:
      return effect?.state === as;
  }
}

function prefixAround(subject: Subject): PrefixKey {
  const text = subjectText(subject) as HostKey | PrefixKey;
  return subject.kind === 'prefix' ? subject.prefix : prefixOf(text, addressBits(familyOf(text)));
}
