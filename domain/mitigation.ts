/** A mitigation: a durable statement of what must be announced or run for an attack. */
import type { Attack } from './attack.js';
import type { AttackId, UnixMicros } from './units.js';

/** How far the notify script has been told: each step is written down before the next is taken. */
export type Notified = 'nothing' | 'ban' | 'unban';

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
};
