/**
 * `tidegate replay --explain`: for each attack of a capture the flowspec rules that its evidence compiles to, counted over
 * all packets of the capture to that host.
 *
 * Two more passes over the capture. The first finds when the attack really was and takes normal packets from outside that
 * time; the second counts what the rules match, in the attack's time and outside. Rules are compiled from the
 * same evidence as the daemon's; what a budget of 1, 5 and 10 rules gives is told beside those of the policy.
 */

import { compileRules, subjectPrefix } from '../actors/attack/flowspec/compile.js';
import { outgoing, partedEvidence } from '../actors/attack/flowspec/evidence.js';
import { factsOf } from '../actors/attack/flowspec/facts.js';
import { insideOf, type Matcher, matcherOf } from '../actors/attack/flowspec/matching.js';
import { parseAddress } from '../domain/address.js';
import { type SampledPacket, type Subject, subjectText } from '../domain/attack.js';
import { callsForRules, type FlowspecPolicy } from '../domain/bgp.js';
import { type FlowspecRule, flowspecActionText, flowspecRuleText } from '../domain/flowspec.js';
import { type Result, success } from '../domain/result.js';
import { rfc3339 } from '../domain/units.js';
import { attackTimes, type Spans, trafficOver } from './attack-times.js';
import { passOver, type Watched } from './capture-pass.js';
import type { SolvedCase } from './replay-cases.js';
import type { ReplayCapture, ReplaySettings } from './replay-source.js';

export type ExplainPolicy = FlowspecPolicy;

/** Shares of packets, 0..1. `collateral` null: the capture has no packet to the host outside the attack. */
export type Counted = { readonly coverage: number; readonly collateral: number | null };
export type ExplainedRule = Counted & { readonly text: string; readonly action: string };
export type BudgetExplained = Counted & { readonly rules: readonly string[]; readonly reason: string | null };

export type ExplainedEvent = {
  readonly event: 'attack_explained';
  readonly at: string;
  readonly host: string;
  readonly rules: readonly ExplainedRule[];
  /** All rules together, at the budget of the policy. */
  readonly coverage: number;
  readonly collateral: number | null;
  /** Why there are no rules. */
  readonly reason: string | null;
  /** What the attack's hostgroup announces in the place of rules that it calls for; null: there are, or it calls for none. */
  readonly instead: 'blackhole' | 'nothing' | null;
  /** Packets to the host in the attack's time, and outside. */
  readonly packets: { readonly attack: number; readonly outside: number };
  readonly budgets: { readonly [budget: string]: BudgetExplained };
};

/** `rules`: every one that was compiled for any budget, once. */
export type Explanations = {
  readonly events: readonly ExplainedEvent[];
  readonly rules: readonly FlowspecRule[];
};

export const explainedBudgets = [1, 5, 10] as const;
/** A decision may be so late. */
const decisionMs = 200;
/** Attacks that are watched in one pass. */
const mostAtOnce = 256;

export async function explainCases(
  settings: ReplaySettings,
  capture: ReplayCapture,
  cases: readonly SolvedCase[],
  policy: ExplainPolicy,
): Promise<Result<Explanations>> {
  const sorted = [...cases].sort(
    (a, b) => a.attack.startedAt - b.attack.startedAt || (a.attack.id < b.attack.id ? -1 : 1),
  );
  const events: ExplainedEvent[] = [];
  const rules = new Map<string, FlowspecRule>();
  for (let from = 0; from < sorted.length; from += mostAtOnce) {
    const part = sorted.slice(from, from + mostAtOnce);
    const some = await explainSome(settings, capture, part, policy, (rule) =>
      rules.set(flowspecRuleText(rule), rule),
    );
    if (!some.ok) return some;
    events.push(...some.value);
  }
  return success({ events, rules: [...rules.values()] });
}

const tooMany = 'more packets came at once than can be counted';

async function explainSome(
  settings: ReplaySettings,
  capture: ReplayCapture,
  cases: readonly SolvedCase[],
  policy: ExplainPolicy,
  made: (rule: FlowspecRule) => void,
): Promise<Result<readonly ExplainedEvent[]>> {
  const windowOf = ({ attack }: SolvedCase): number =>
    settings.hostgroups.find(({ name }) => name === attack.hostgroup)?.windowMs ?? 0;
  const seen = await passOver(settings, capture, () => {
    const traffic = cases.map(trafficOver);
    return { watched: traffic.map((one) => toSubject(one.subject, one.add)), result: traffic };
  });
  if (!seen.ok) return seen;
  const uncounted = (): Result<readonly ExplainedEvent[]> =>
    success(cases.map((one) => unexplained(settings, one, tooMany)));
  if (seen.value === null) return uncounted();
  const times = attackTimes(
    cases.map((one, index) => ({
      ...one,
      traffic: seen.value?.[index] ?? trafficOver(one),
      windowMs: windowOf(one),
    })),
  );
  const compiled = cases.map((one, index) => {
    const { during, normal } = times[index] ?? { during: [], normal: [] };
    const packets = partedEvidence(one.attack, one.packets, [], windowOf(one) + decisionMs).attack.filter(
      ({ at }) => isWithin(during, at),
    );
    const compile = (maxRules: number): Made =>
      one.attack.direction === 'outgoing'
        ? { rules: [], reason: outgoing }
        : compileRules(packets, normal, one.attack.subject, { ...policy, maxRules });
    const own = compile(policy.maxRules);
    const budgets = explainedBudgets.map((budget) => (budget === policy.maxRules ? own : compile(budget)));
    for (const { rules } of [own, ...budgets]) for (const rule of rules) made(rule);
    return { during, own, budgets };
  });
  const counted = await passOver(settings, capture, () => {
    const tallies = compiled.map(({ during, own, budgets }) =>
      tallyOf(
        during,
        [own, ...budgets].map(({ rules }) => rules),
        own.rules,
      ),
    );
    const watched = cases.map(({ attack }, index) =>
      toSubject(attack.subject, (packet) => tallies[index]?.add(packet)),
    );
    return { watched, result: tallies };
  });
  if (!counted.ok) return counted;
  if (counted.value === null) return uncounted();
  const tallies = counted.value;
  return success(
    cases.flatMap((one, index) => {
      const [{ own, budgets } = {}, tally] = [compiled[index], tallies[index]];
      if (own === undefined || budgets === undefined || tally === undefined) return [];
      const [ofOwn = nothing, ...ofBudgets] = tally.sets();
      const each = tally.rules();
      return {
        ...headOf(one),
        rules: own.rules.map((rule, at) => ({
          text: flowspecRuleText(rule),
          action: flowspecActionText(policy.action),
          ...(each[at] ?? nothing),
        })),
        ...ofOwn,
        reason: own.reason,
        instead: insteadOf(settings, one, own),
        packets: tally.packets(),
        budgets: Object.fromEntries(
          explainedBudgets.map((budget, at) => [
            budget,
            {
              ...(ofBudgets[at] ?? nothing),
              rules: (budgets[at]?.rules ?? []).map(flowspecRuleText),
              reason: budgets[at]?.reason ?? null,
            },
          ]),
        ),
      };
    }),
  );
}

type Made = { readonly rules: readonly FlowspecRule[]; readonly reason: string | null };

const nothing: Counted = { coverage: 0, collateral: null };

const headOf = ({ attack }: SolvedCase): Pick<ExplainedEvent, 'event' | 'at' | 'host'> => ({
  event: 'attack_explained',
  at: rfc3339(attack.startedAt),
  host: subjectText(attack.subject),
});

function insteadOf(
  settings: ReplaySettings,
  { attack }: SolvedCase,
  { rules }: Pick<Made, 'rules'>,
): ExplainedEvent['instead'] {
  const action = settings.hostgroups.find(({ name }) => name === attack.hostgroup)?.action ?? 'none';
  if (rules.length > 0 || !callsForRules(action)) return null;
  return action === 'flowspec' ? 'nothing' : 'blackhole';
}

const unexplained = (settings: ReplaySettings, one: SolvedCase, reason: string): ExplainedEvent => ({
  ...headOf(one),
  rules: [],
  ...nothing,
  reason,
  instead: insteadOf(settings, one, { rules: [] }),
  packets: { attack: 0, outside: 0 },
  budgets: {},
});

const isWithin = (spans: Spans, at: number): boolean =>
  spans.some(([from, until]) => from <= at && at < until);

/** A tap also shows what the subject sends. */
function toSubject(subject: Subject, see: (packet: SampledPacket) => void): Watched {
  const inside = insideOf(subjectPrefix(subject));
  const isTo = ({ direction, destination }: SampledPacket): boolean => {
    if (direction !== 'internal') return direction === 'incoming';
    const address = parseAddress(destination);
    return address !== null && inside(address);
  };
  return { subject, see: (packet) => (isTo(packet) ? see(packet) : undefined) };
}

type Tally = {
  readonly add: (packet: SampledPacket) => void;
  readonly sets: () => readonly Counted[];
  readonly rules: () => readonly Counted[];
  readonly packets: () => { readonly attack: number; readonly outside: number };
};

/** Counts each packet once for every set of rules, and for each rule of `alone`. */
function tallyOf(
  during: Spans,
  sets: readonly (readonly FlowspecRule[])[],
  alone: readonly FlowspecRule[],
): Tally {
  const known = new Map<string, Matcher>();
  const matcher = (rule: FlowspecRule): Matcher => {
    const text = flowspecRuleText(rule);
    const made = known.get(text) ?? matcherOf(rule);
    known.set(text, made);
    return made;
  };
  const all = [...sets, ...alone.map((rule) => [rule])].map((rules) => rules.map(matcher));
  const hits = all.map(() => ({ attack: 0, outside: 0 }));
  const packets = { attack: 0, outside: 0 };
  const counted = (from: number, until: number): readonly Counted[] =>
    hits.slice(from, until).map(({ attack, outside }) => ({
      coverage: packets.attack === 0 ? 0 : attack / packets.attack,
      collateral: packets.outside === 0 ? null : outside / packets.outside,
    }));
  return {
    add(packet) {
      const facts = factsOf(packet);
      if (facts === null) return;
      const when = isWithin(during, packet.at) ? 'attack' : 'outside';
      packets[when] += facts.weight;
      const matched = new Map([...known.values()].map((one) => [one, one(facts)]));
      for (const [index, matchers] of all.entries()) {
        const hit = hits[index];
        if (hit !== undefined && matchers.some((one) => matched.get(one))) hit[when] += facts.weight;
      }
    },
    sets: () => counted(0, sets.length),
    rules: () => counted(sets.length, all.length),
    packets: () => packets,
  };
}
