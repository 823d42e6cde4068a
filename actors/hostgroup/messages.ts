/** Protocol of a hostgroup actor. Sent by sources (batches), attack actors, the ledger's restore, control. */
import type { Attack, Subject } from '../../domain/attack.js';
import type { Hostgroup } from '../../domain/hostgroup.js';
import type { Batch, MeterStats, NetworkRates, Talker, TopBy } from '../../domain/ports.js';
import type { Direction, HostRates } from '../../domain/traffic.js';
import type { AttackId, PrefixKey } from '../../domain/units.js';

export type HostgroupReport = {
  readonly name: string;
  readonly total: HostRates;
  readonly networks: readonly NetworkRates[];
  readonly attacks: number;
  /** Over a threshold now, and let be: whitelisted, or banning is off for them. */
  readonly suppressed: number;
  /** Times a subject was over a threshold while as many attacks were on as are held at once. */
  readonly refused: number;
  readonly meter: MeterStats;
};

export type HostgroupMessage =
  | { readonly kind: 'absorb'; readonly batch: Batch }
  /** Nothing was absorbed for a while: windows must still run out. */
  | { readonly kind: 'idle' }
  /** Attacks of this group that the journal says are still on; sent at start and after the ledger's restore. */
  | { readonly kind: 'restored'; readonly attacks: readonly Attack[] }
  /** Attacks that the journal knows to have ended, for those that come back. */
  | { readonly kind: 'remembered'; readonly attacks: readonly Attack[] }
  /** The attack actor has ended: the subject may be found again. */
  | { readonly kind: 'attack_ended'; readonly attack: AttackId }
  /** The record of an attack has changed (fingerprint, files, peak); kept for a restart of its actor. */
  | { readonly kind: 'attack_revised'; readonly attack: Attack }
  /** A ban by hand of a host of this group, or its end. */
  | { readonly kind: 'release'; readonly attack: AttackId }
  /** More attacks were found at once than actors are started at once: the next ones. */
  | { readonly kind: 'start_more' }
  /** The attack actor is gone without a word; it gets a successor. */
  | { readonly kind: 'attack_lost'; readonly attack: AttackId }
  | {
      readonly kind: 'reconfigure';
      readonly group: Hostgroup;
      readonly whitelist: readonly PrefixKey[];
    }
  | { readonly kind: 'report'; readonly reply: (report: HostgroupReport) => void }
  | {
      readonly kind: 'top';
      readonly by: TopBy;
      readonly direction: Direction;
      readonly count: number;
      readonly reply: (talkers: readonly Talker[]) => void;
    }
  | { readonly kind: 'rates'; readonly host: string; readonly reply: (rates: HostRates | null) => void };

export type SubjectInDirection = { readonly subject: Subject; readonly direction: Direction };
