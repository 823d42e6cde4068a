/**
 * Composition root of `tidegate replay`: the whole detection on a capture's own clock, as fast as it can.
 *
 * The same engine, meters and pure cores as the daemon's, stepped tick by tick in place of actors and timers, with
 * keyed tables under a fixed key: the same file gives the same output, byte for byte (docs/decisions/0005).
 */
import { emptyRounds, ended, judged, type Policy, type Rounds } from '../actors/hostgroup/rounds.js';
import type { FlowspecRule } from '../domain/flowspec.js';
import type { BanPolicy, Hostgroup } from '../domain/hostgroup.js';
import type { Judgement, Meter, Source, SourceStats } from '../domain/ports.js';
import { prefixSet } from '../domain/prefix-table.js';
import { failure, type Result, success } from '../domain/result.js';
import type { AttackId, UnixMicros } from '../domain/units.js';
import type { ReplayFlowTotals } from '../native/door/contract.js';
import type { ReplaySource } from '../native/door/engine.js';
import { type AttackEvent, type Cases, replayCases, type SolvedCase } from './replay-cases.js';
import { type ExplainedEvent, type ExplainPolicy, explainCases } from './replay-explain.js';
import { openReplaySource, type ReplayCapture, type ReplaySettings } from './replay-source.js';

export type { ReplaySettings } from './replay-source.js';

export type ReplaySummary = {
  readonly event: 'summary';
  readonly packets: number;
  readonly bytes: number;
  readonly hosts: number;
  readonly unparsed: number;
  readonly attacks: number;
  readonly flow?: ReplayFlowTotals;
};
export type ReplayEvent = AttackEvent | ExplainedEvent | ReplaySummary;

export type ReplayRequest = ReplayCapture & {
  /** After the capture, rules are compiled for each attack and counted over all its packets; null: they are not. */
  readonly explain: ExplainPolicy | null;
  readonly emit: (event: ReplayEvent) => void;
  /** Bytes of the file read so far, and in all. */
  readonly progress: (done: number, size: number) => void;
};
/** What a capture also said: which packets could not be read, by name. */
export type ReplayOutcome = {
  readonly summary: ReplaySummary;
  readonly stats: SourceStats;
  /** Every rule that was compiled, for any attack and budget, once. */
  readonly rules: readonly FlowspecRule[];
};

type Group = {
  readonly group: Hostgroup;
  readonly meter: Meter;
  readonly rounds: Rounds;
  readonly policy: Policy;
};

export async function replay(
  settings: ReplaySettings,
  request: ReplayRequest,
): Promise<Result<ReplayOutcome>> {
  const opened = openReplaySource(settings, request, settings.capture.tickMs);
  if (!opened.ok) return opened;
  const { engine, source } = opened.value;
  const whitelist = prefixSet(settings.whitelist);
  let serial = 0;
  const groups = settings.hostgroups.map((group): Group => {
    const policy: Policy = {
      hostgroup: group.name,
      ban: group.ban,
      whitelisted: (subject) => whitelist.covers(subject.kind === 'host' ? subject.host : subject.prefix),
      calmKnownFrom: Number.NEGATIVE_INFINITY,
      serial: () => serial++,
    };
    return { group, meter: engine.openMeter(group), rounds: emptyRounds(), policy };
  });
  const limits = { packets: settings.evidence.packets, timeLimitMs: settings.evidence.timeLimitMs };
  const solved: SolvedCase[] = [];
  const cases = replayCases(engine.openTap, limits, request.emit, (one) => solved.push(one));
  try {
    await run(source, groups, cases, request);
    const stats = source.stats();
    const summary: ReplaySummary = {
      event: 'summary',
      packets: stats.packets,
      bytes: stats.bytes,
      hosts: stats.hosts,
      unparsed: stats.unparsed,
      attacks: cases.count(),
      ...(request.flows ? { flow: source.flowTotals() } : {}),
    };
    let rules: readonly FlowspecRule[] = [];
    if (request.explain !== null) {
      const explained = await explainCases(settings, request, solved, request.explain);
      if (!explained.ok) return explained;
      for (const event of explained.value.events) request.emit(event);
      rules = explained.value.rules;
    }
    request.emit(summary);
    return success({ summary, stats, rules });
  } catch (error) {
    return failure('CAPTURE_UNREADABLE', error instanceof Error ? error.message : String(error));
  } finally {
    for (const { meter } of groups) meter.close();
    source.close();
  }
}

async function run(
  source: ReplaySource,
  groups: readonly Group[],
  cases: Cases,
  request: ReplayRequest,
): Promise<void> {
  const meters = new Map(groups.map(({ group, meter }) => [group.name, meter]));
  for (let done = false; !done; ) {
    const step = source.step();
    done = step.done;
    await absorb(source, meters, step.at);
    for (const one of groups) decide(one, await one.meter.judge(step.at), cases);
    finish(groups, cases.step(step.at), step.at);
    request.progress(step.offset, step.size);
  }
  cases.close();
}

async function absorb(source: Source, meters: ReadonlyMap<string, Meter>, at: UnixMicros): Promise<void> {
  for (const { hostgroup, batch } of await source.drain(at)) await meters.get(hostgroup)?.absorb(batch);
}

function decide({ meter, rounds, policy }: Group, judgement: Judgement, cases: Cases): void {
  for (const effect of judged(rounds, judgement, policy)) {
    switch (effect.kind) {
      case 'start':
        cases.open(effect.attack, policy.ban satisfies BanPolicy);
        break;
      case 'watch':
        meter.watch(effect.subject, effect.direction);
        break;
      case 'unwatch':
        meter.unwatch(effect.subject, effect.direction);
        break;
      case 'tell':
        cases.stand(effect.attack, effect.standing, effect.at);
        break;
      case 'mitigate': // nobody is told in a replay
      case 'release':
      case 'end':
      case 'widened':
      case 'suppressed':
      case 'refused':
        break;
    }
  }
}

function finish(groups: readonly Group[], over: readonly AttackId[], at: UnixMicros): void {
  for (const id of over) {
    for (const { meter, rounds } of groups) {
      for (const effect of ended(rounds, id, at)) {
        if (effect.kind === 'unwatch') meter.unwatch(effect.subject, effect.direction);
      }
    }
  }
}
