/**
 * Compiles what an attack's packets show into flowspec rules: the smallest set that covers the wanted share of them and
 * hits no more of the host's normal packets than is allowed (docs/operations/flowspec.md).
 *
 * Every rule has the attacked host or prefix as its destination. The same packets in any order give the same
 * rules. The work is bounded: `mostPackets` of either kind are looked at, evenly out of all; see candidates.ts and
 * cover.ts for the rest. Pure; `compiling` in steps, `compileRules` at once, which takes up to 50 ms for five vectors.
 */
import { familyOf } from '../../../domain/address.js';
import type { SampledPacket, Subject } from '../../../domain/attack.js';
import type { FlowspecPolicy } from '../../../domain/bgp.js';
import { type FlowspecRule, flowspecRuleText, type NumberRange } from '../../../domain/flowspec.js';
import { hostPrefix } from '../../../domain/prefix.js';
import type { PrefixKey } from '../../../domain/units.js';
import { finished, type Work } from '../../../domain/work.js';
import { type Candidate, candidatesOf, type Ground, rowsOf } from './candidates.js';
import { type Choice, choicesOf, dimensions, fragmentOrder } from './components.js';
import { type Covering, coverOf } from './cover.js';
import { factsOf, type PacketFacts, protocol } from './facts.js';
import { insideOf, type Matcher, matcherOf } from './matching.js';
import { mended } from './mending.js';
import { total } from './ranges.js';

export const mostPackets = 10_000;

export type Compiled = {
  /** Those that cover most first. */
  readonly rules: readonly FlowspecRule[];
  /** Shares of the packets' weight, 0..1, of all rules together. `collateral` null: no normal packet is known. */
  readonly coverage: number;
  readonly collateral: number | null;
  /** Of each rule alone. */
  readonly each: readonly { readonly coverage: number; readonly collateral: number | null }[];
  /** Packets that this rests on. */
  readonly attackPackets: number;
  readonly normalPackets: number;
  /** Why there are no rules; null: there are. */
  readonly reason: string | null;
};

export const subjectPrefix = (subject: Subject): PrefixKey =>
  subject.kind === 'host' ? hostPrefix(subject.host) : subject.prefix;

type CompilePolicy = Pick<FlowspecPolicy, 'coverage' | 'maxRules' | 'maxCollateral'>;

export const compileRules = (
  attackPackets: readonly SampledPacket[],
  normalPackets: readonly SampledPacket[],
  subject: Subject,
  policy: CompilePolicy,
): Compiled => finished(compiling(attackPackets, normalPackets, subject, policy));

export function* compiling(
  attackPackets: readonly SampledPacket[],
  normalPackets: readonly SampledPacket[],
  subject: Subject,
  policy: CompilePolicy,
): Work<Compiled> {
  const destination = subjectPrefix(subject);
  const attack = yield* factsTo(destination, evenly(attackPackets, mostPackets));
  const icmpType = attack.find((facts) => facts.icmpType !== null)?.icmpType ?? null;
  const normal = (yield* factsTo(destination, evenly(normalPackets, mostPackets))).map((facts) =>
    atWorst(facts, icmpType),
  );
  const none = (reason: string): Compiled => ({
    rules: [],
    coverage: 0,
    collateral: normal.length === 0 ? null : 0,
    each: [],
    attackPackets: attack.length,
    normalPackets: normal.length,
    reason,
  });
  if (attack.length === 0) return none('there are no packets of the attack to compile from');
  yield;
  const choices = choicesOf(attack, normal);
  yield;
  const ground: Ground = {
    choices,
    attack: yield* rowsOf(attack, choices),
    normal: yield* rowsOf(normal, choices),
  };
  const candidates = yield* candidatesOf(ground);
  yield;
  const covering = yield* coverOf(ground, candidates, policy, (cover) => mended(ground, cover));
  if (!covering.ok) return none(reasonOf(covering, policy));
  const counted = covering.cover.chosen.map((one) => {
    const rule = ruleOf(one, choices, destination);
    const matcher = matcherOf(rule);
    return { rule, matcher, text: flowspecRuleText(rule), coverage: shareOf(attack, [matcher]) ?? 0 };
  });
  counted.sort((a, b) => b.coverage - a.coverage || (a.text < b.text ? -1 : 1));
  const matchers = counted.map(({ matcher }) => matcher);
  return {
    rules: counted.map(({ rule }) => rule),
    coverage: shareOf(attack, matchers) ?? 0,
    collateral: shareOf(normal, matchers),
    each: counted.map(({ matcher, coverage }) => ({ coverage, collateral: shareOf(normal, [matcher]) })),
    attackPackets: attack.length,
    normalPackets: normal.length,
    reason: null,
  };
}

const packetsAStep = 64;

function* factsTo(destination: PrefixKey, packets: readonly SampledPacket[]): Work<readonly PacketFacts[]> {
  const inside = insideOf(destination);
  const found: PacketFacts[] = [];
  for (const [index, packet] of packets.entries()) {
    if (index % packetsAStep === packetsAStep - 1) yield;
    const facts = factsOf(packet);
    if (facts !== null && inside(facts.destination)) found.push(facts);
  }
  return found;
}

/** A remembered packet has no bytes to read an ICMP type from: it counts as what the rules are made against. */
const atWorst = (facts: PacketFacts, icmpType: number | null): PacketFacts =>
  facts.icmpType === null && (facts.protocol === protocol.icmp || facts.protocol === protocol.icmpv6)
    ? { ...facts, icmpType }
    : facts;

/** At most `most`, spread over all. */
export const evenly = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most
    ? all
    : all.filter(
        (_, index) =>
          Math.floor((index * most) / all.length) !== Math.floor(((index - 1) * most) / all.length),
      );

/** Share of the packets' weight that any of the rules matches; null without packets. */
function shareOf(packets: readonly PacketFacts[], matchers: readonly Matcher[]): number | null {
  const all = total(packets.map(({ weight }) => weight));
  if (all === 0) return null;
  const hit = packets.filter((facts) => matchers.some((matcher) => matcher(facts)));
  return total(hit.map(({ weight }) => weight)) / all;
}

function ruleOf(
  { wants }: Candidate,
  choices: readonly (readonly Choice[])[],
  destination: PrefixKey,
): FlowspecRule {
  const chosen = dimensions.flatMap((_, at) =>
    (choices[at] ?? []).filter((__, index) => ((wants[at] ?? 0) & (1 << index)) !== 0),
  );
  const numbers = (of: 'protocol' | 'icmpType'): readonly number[] =>
    [...new Set(chosen.flatMap((choice) => (choice.of === of ? choice.values : [])))].sort((a, b) => a - b);
  const ranges = (of: 'sourcePort' | 'destinationPort' | 'length'): readonly NumberRange[] =>
    joined(chosen.flatMap((choice) => (choice.of === of ? choice.ranges : [])));
  return {
    family: familyOf(destination),
    destination,
    source: chosen.find((choice) => choice.of === 'source')?.prefix ?? null,
    protocols: numbers('protocol'),
    destinationPorts: ranges('destinationPort'),
    sourcePorts: ranges('sourcePort'),
    icmpTypes: numbers('icmpType'),
    tcpFlags: chosen.find((choice) => choice.of === 'tcpFlags')?.flags ?? null,
    lengths: ranges('length'),
    fragments: fragmentOrder(chosen.flatMap((choice) => (choice.of === 'fragment' ? [choice.kind] : []))),
  };
}

/** The same numbers in ranges that are in order and do not touch. */
export function joined(ranges: readonly NumberRange[]): readonly NumberRange[] {
  const out: { low: number; high: number }[] = [];
  for (const { low, high } of [...ranges].sort((a, b) => a.low - b.low || a.high - b.high)) {
    const last = out.at(-1);
    if (last !== undefined && low <= last.high + 1) last.high = Math.max(last.high, high);
    else out.push({ low, high });
  }
  return out;
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

function reasonOf({ nearest, coverage }: Extract<Covering, { ok: false }>, policy: CompilePolicy): string {
  if (nearest !== null && nearest.collateral !== null) {
    return `rules that cover ${percent(nearest.coverage)} of the attack would hit ${percent(nearest.collateral)} of the normal packets, ${percent(policy.maxCollateral)} are allowed`;
  }
  return `no ${policy.maxRules} rules that cover ${percent(policy.coverage)} of the attack were found, ${percent(coverage)} at most`;
}
