/**
 * What an operator decides about mitigation: what is announced to which speaker, and the guards around it.
 * config/ makes these values; actors/mitigation and actors/attack act by them.
 */
import type { Communities } from './announcement.js';
import type { FlowspecAction } from './flowspec.js';
import type { HostKey } from './units.js';

/**
 * What is done about an attack on a host of a group. `flowspec_then_blackhole`: rules first; the blackhole when the attack
 * endangers the uplink, or when no rules can be made or they prove ineffective.
 */
export const mitigationActions = ['none', 'blackhole', 'flowspec', 'flowspec_then_blackhole'] as const;
export type MitigationAction = (typeof mitigationActions)[number];

export const callsForRules = (action: MitigationAction): boolean =>
  action === 'flowspec' || action === 'flowspec_then_blackhole';

/** How a blackhole of one kind of subject is announced; null: it is not. */
export type RoutePolicy = { readonly nextHop: HostKey; readonly communities: Communities } | null;

/** `subnet`: the longest of our networks around the host, or the attacked prefix itself. */
export type FamilyRoutes = { readonly host: RoutePolicy; readonly subnet: RoutePolicy };

export type SpeakerPolicy = {
  /** Unique among all speakers: 'gobgp', 'edge-1'. */
  readonly name: string;
  readonly ipv4: FamilyRoutes;
  readonly ipv6: FamilyRoutes;
  /** null: it gets no flowspec rules. */
  readonly flowspec: { readonly communities: Communities; readonly maxRules: number } | null;
  /** How often what it holds is compared with what it should. */
  readonly reconcileMs: number;
  /** A request without an answer for this long has failed. */
  readonly deadlineMs: number;
};

export type GuardPolicy = {
  /** Mitigations announced at once, over all speakers each counted once. */
  readonly maxAnnouncements: number;
  /** Announcements that may newly come or go within any minute; repairs of what a speaker lost do not count. */
  readonly maxChangesPerMinute: number;
  /** Prefixes with fewer bits than this are never announced. */
  readonly shortestIpv4: number;
  readonly shortestIpv6: number;
  /** Everything but the announcing. */
  readonly dryRun: boolean;
};

export type FlowspecPolicy = {
  /** Share of the attack's packets that the rules must cover, 0.5 … 1. */
  readonly coverage: number;
  /** Rules for one attack. */
  readonly maxRules: number;
  readonly action: FlowspecAction;
  /** Share of the host's normal packets that rules may hit; a rule set beyond it is not made. */
  readonly maxCollateral: number;
};

/** When `flowspec_then_blackhole` blackholes: the attack's highest rate exceeds this. null: never by its size. */
export type UplinkPolicy = { readonly bitsPerSecond: number | null };

export type ProofPolicy = {
  /** After the announcement, for routers to act on it; then the host's ingress is judged. */
  readonly settleMs: number;
  /** What still comes, relative to the attack's peak, for `effective` at the most. */
  readonly effectiveBelow: number;
  /** The same for `partial`, where no source is free of it. */
  readonly partialBelow: number;
  /** `ineffective`: what to add. */
  readonly escalate: 'none' | 'blackhole';
};

export type MitigationPolicy = {
  readonly speakers: readonly SpeakerPolicy[];
  readonly guard: GuardPolicy;
  readonly flowspec: FlowspecPolicy;
  readonly uplink: UplinkPolicy;
  readonly proof: ProofPolicy;
};
