/**
 * What should be announced for one mitigation, and to whom: a pure function of its record, our networks and the operator's policy.
 *
 * - A blackhole of a host is its host route, and the longest of our networks around it under `subnet`; of a prefix it is the prefix
 *   itself under `subnet`. Each where the speaker has a policy for it.
 * - Flowspec is one announcement a rule, for speakers that take rules.
 * - `flowspec_then_blackhole` is the rules, and the blackhole beside them from when the record says `escalated`.
 *
 * Nothing here is a guard: what of it is let out, fence.ts and grants.ts decide.
 */
import { familyOf } from '../../domain/address.js';
import type { Announcement } from '../../domain/announcement.js';
import { type Attack, subjectText } from '../../domain/attack.js';
import {
  callsForRules,
  type FamilyRoutes,
  type MitigationPolicy,
  type RoutePolicy,
  type SpeakerPolicy,
} from '../../domain/bgp.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { hostPrefix } from '../../domain/prefix.js';
import type { PrefixSet } from '../../domain/prefix-table.js';
import type { PrefixKey } from '../../domain/units.js';

export type Planned = { readonly speaker: string; readonly announcement: Announcement };

/** What of a mitigation's record the plan depends on. */
export type Planning = Pick<Mitigation, 'attack' | 'action' | 'rules' | 'escalated'>;

export const plan = (mitigation: Planning, policy: MitigationPolicy, networks: PrefixSet): Planned[] => {
  const { attack, action } = mitigation;
  const rules = callsForRules(action);
  const blackhole =
    action === 'blackhole' || (action === 'flowspec_then_blackhole' && mitigation.escalated !== null);
  return policy.speakers.flatMap((speaker) => [
    ...(blackhole ? routes(attack, speaker, networks) : []),
    ...(rules ? flowspec(mitigation, policy, speaker) : []),
  ]);
};

function routes(attack: Attack, speaker: SpeakerPolicy, networks: PrefixSet): Planned[] {
  const { subject } = attack;
  const policy: FamilyRoutes =
    familyOf(subject.kind === 'host' ? subject.host : subject.prefix) === 4 ? speaker.ipv4 : speaker.ipv6;
  if (subject.kind === 'prefix') return unicast(speaker, subject.prefix, policy.subnet);
  const host = hostPrefix(subject.host);
  const subnet = networks.longest(subject.host);
  const own = unicast(speaker, host, policy.host);
  if (subnet === null || (subnet === host && own.length > 0)) return own;
  return [...own, ...unicast(speaker, subnet, policy.subnet)];
}

const unicast = ({ name }: SpeakerPolicy, prefix: PrefixKey, policy: RoutePolicy): Planned[] =>
  policy === null ? [] : [{ speaker: name, announcement: { kind: 'unicast', prefix, ...policy } }];

function flowspec({ rules }: Planning, policy: MitigationPolicy, speaker: SpeakerPolicy): Planned[] {
  if (speaker.flowspec === null) return [];
  const { communities } = speaker.flowspec;
  return rules.map((rule) => ({
    speaker: speaker.name,
    announcement: { kind: 'flowspec', rule, action: policy.flowspec.action, communities },
  }));
}

/**
 * Why a blackhole has to be added to a mitigation's rules, or take their place; null: it has not. What was decided once stands.
 * `explained`: the evidence is complete, so that no rules means that none can be made.
 */
export function escalation(
  mitigation: Mitigation,
  { uplink, proof }: Pick<MitigationPolicy, 'uplink' | 'proof'>,
  explained: boolean,
): string | null {
  const { attack, action, rules, noRules, escalated, effect } = mitigation;
  if (action !== 'flowspec_then_blackhole' || escalated !== null) return escalated;
  if (uplink.bitsPerSecond !== null && attack.peak.bps > uplink.bitsPerSecond) {
    return `${megabits(attack.peak.bps)} on ${subjectText(attack.subject)} exceed the uplink's ${megabits(uplink.bitsPerSecond)}`;
  }
  if (explained && rules.length === 0) {
    const why = noRules === null ? '' : `: ${noRules}`;
    return `no rules can be made of the evidence${why}`;
  }
  if (effect?.state === 'ineffective' && proof.escalate === 'blackhole') return 'the rules are ineffective';
  return null;
}

const megabits = (bps: number): string => `${Math.round(bps / 1e6)} Mbit/s`;
