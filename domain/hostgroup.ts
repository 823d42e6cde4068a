/** Hostgroups: named sets of prefixes with thresholds of their own. The longest matching prefix wins; `global` takes the rest. */
import type { MitigationAction } from './bgp.js';
import type { Limits } from './traffic.js';
import type { Milliseconds, PrefixKey } from './units.js';

export const globalGroup = 'global';

/**
 * `incoming` and `outgoing` judge each host of the group; `total` judges the sum over all its hosts and
 * `network` the sum over each network in it, both in either direction.
 */
export type Thresholds = {
  readonly incoming: Limits;
  readonly outgoing: Limits;
  readonly total: Limits;
  readonly network: Limits;
};

/** How an attack on a host of the group ends. `timeMs` 0: as soon as it is over; null: by hand alone. */
export type BanPolicy = {
  readonly enabled: boolean;
  readonly enabledIpv6: boolean;
  readonly timeMs: Milliseconds | null;
  readonly onlyIfFinished: boolean;
  /** How long the rate must stay at or below the threshold to count as finished. */
  readonly calmMs: Milliseconds;
  /** For drops upstream, which hide the attack from us; null: a release is final. */
  readonly probe: ProbePolicy | null;
};

/**
 * A release is a probe: for `watchMs` after it the subject is watched, and an attack that is found then is a return of the
 * same one, mitigated for `growth` times as long as before, `maxTimeMs` at the most.
 */
export type ProbePolicy = {
  readonly watchMs: Milliseconds;
  readonly growth: number;
  readonly maxTimeMs: Milliseconds;
};

export type Hostgroup = {
  readonly name: string;
  readonly networks: readonly PrefixKey[];
  readonly windowMs: Milliseconds;
  readonly thresholds: Thresholds;
  /** How sure a decision on sampled traffic has to be, 0.5 … 0.9999; null: an estimate counts as the rate. */
  readonly confidence: number | null;
  readonly ban: BanPolicy;
  /** What is announced for an attack on it. */
  readonly action: MitigationAction;
};
