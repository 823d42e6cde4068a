/**
 * The life of one attack, from the decision to its release: gathering → explained → calm → released.
 *
 * Pure: no clock, no I/O. `actor.ts` feeds it and carries out the effects. Times are Unix microseconds, durations
 * milliseconds. The mitigation is announced before this life begins, so nothing here can delay it.
 *
 * - `gathering`: packets are taken until there are enough or the time is up; then `explain`, once. What they show comes
 *   later, as `explained`, whatever phase the life is in by then; it is told if the attack is over, too.
 * - `explained`: the subject is still over its limits. `calm`: it is at or below them since `calmSince`.
 * - `released`: by the ban policy, or by hand at any time. Nothing follows.
 */
import type { Attack, Fingerprint } from '../../domain/attack.js';
import type { BanPolicy, ProbePolicy } from '../../domain/hostgroup.js';
import type { Standing } from '../../domain/ports.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';

export type Phase = 'gathering' | 'explained' | 'calm' | 'released';

/** 'restored': the attack is known from before a restart; it is not announced again. */
export type AttackMode = 'new' | 'restored';

export type LifePolicy = {
  readonly ban: Pick<BanPolicy, 'timeMs' | 'onlyIfFinished' | 'calmMs' | 'probe'>;
  readonly evidence: { readonly packets: number; readonly timeLimitMs: Milliseconds };
  /** After a restart the meter is empty: for this long a low rate is not yet calm. */
  readonly settleMs: Milliseconds;
};

export type Life = {
  readonly phase: Phase;
  readonly attack: Attack;
  readonly gatheringSince: UnixMicros;
  readonly calmSince: UnixMicros | null;
  readonly calmNotBefore: UnixMicros;
  readonly revised: { readonly at: UnixMicros; readonly pps: number; readonly bps: number };
};

export type Input =
  | { readonly kind: 'standing'; readonly standing: Standing; readonly at: UnixMicros }
  /** `packets`: how many there are by now. */
  | { readonly kind: 'collected'; readonly packets: number; readonly at: UnixMicros }
  | { readonly kind: 'explained'; readonly fingerprint: Fingerprint; readonly at: UnixMicros }
  | { readonly kind: 'stored'; readonly files: readonly string[]; readonly at: UnixMicros }
  | { readonly kind: 'clock'; readonly at: UnixMicros }
  | { readonly kind: 'release'; readonly at: UnixMicros };

export type Effect =
  /** The evidence is complete: report what it shows, write its files. */
  | { readonly kind: 'explain'; readonly attack: Attack }
  /** The record has changed. */
  | { readonly kind: 'revise'; readonly attack: Attack }
  | { readonly kind: 'release'; readonly attack: Attack; readonly at: UnixMicros };

export type Step = { readonly life: Life; readonly effects: readonly Effect[] };

/** A higher peak is told when it has grown by this share, and not more often than `reviseEveryMicros`. */
const reviseGrowth = 0.1;
const reviseEveryMicros = 5_000_000;

const stay = (life: Life): Step => ({ life, effects: [] });
const micros = (ms: Milliseconds): number => ms * 1000;

export function born(attack: Attack, mode: AttackMode, at: UnixMicros, policy: LifePolicy): Life {
  return {
    phase: attack.evidence === 'gathering' ? 'gathering' : 'explained',
    attack,
    gatheringSince: mode === 'new' ? attack.startedAt : at,
    calmSince: null,
    calmNotBefore: mode === 'new' ? attack.startedAt : at + micros(policy.settleMs),
    revised: { at, pps: attack.peak.pps, bps: attack.peak.bps },
  };
}

export function advance(life: Life, input: Input, policy: LifePolicy): Step {
  if (life.phase === 'released') return afterRelease(life, input);
  switch (input.kind) {
    case 'standing':
      return endIfDue(stand(life, input.standing, input.at), input.at, policy);
    case 'collected':
      return gather(life, input.packets, input.at, policy);
    case 'explained':
    case 'stored':
      return learn(life, input);
    case 'clock': {
      const gathered = gather(life, 0, input.at, policy);
      return followedBy(gathered, endIfDue(stay(gathered.life), input.at, policy));
    }
    case 'release':
      return end(life, input.at);
  }
}

/** What the packets show and where they lie can come after the release; nothing else matters then. */
const afterRelease = (life: Life, input: Input): Step =>
  input.kind === 'stored' || input.kind === 'explained' ? learn(life, input) : stay(life);

function learn(life: Life, input: Extract<Input, { kind: 'stored' | 'explained' }>): Step {
  const { attack } = life;
  const known: Attack =
    input.kind === 'stored'
      ? { ...attack, files: input.files }
      : { ...attack, evidence: 'complete', fingerprint: input.fingerprint };
  return revise({ ...life, attack: known }, input.at);
}

const followedBy = (first: Step, then: Step): Step => ({
  life: then.life,
  effects: [...first.effects, ...then.effects],
});

function revise(life: Life, at: UnixMicros): Step {
  const { pps, bps } = life.attack.peak;
  return {
    life: { ...life, revised: { at, pps, bps } },
    effects: [{ kind: 'revise', attack: life.attack }],
  };
}

/** Peaks and calm, by one standing. */
function stand(life: Life, standing: Standing, at: UnixMicros): Step {
  const { pps, bps } = standing.rates[standing.direction].total;
  const peak = { pps: Math.max(life.attack.peak.pps, pps), bps: Math.max(life.attack.peak.bps, bps) };
  const calmSince = standing.over || at < life.calmNotBefore ? null : (life.calmSince ?? at);
  const next: Life = {
    ...withCalm(life, calmSince),
    attack: { ...life.attack, peak },
  };
  const grown =
    peak.pps > life.revised.pps * (1 + reviseGrowth) || peak.bps > life.revised.bps * (1 + reviseGrowth);
  return grown && at - life.revised.at >= reviseEveryMicros ? revise(next, at) : stay(next);
}

function withCalm(life: Life, calmSince: UnixMicros | null): Life {
  const phase = life.phase === 'gathering' ? life.phase : calmSince === null ? 'explained' : 'calm';
  return { ...life, calmSince, phase };
}

function gather(life: Life, packets: number, at: UnixMicros, policy: LifePolicy): Step {
  if (life.phase !== 'gathering') return stay(life);
  const enough = packets >= policy.evidence.packets;
  const late = at - life.gatheringSince >= micros(policy.evidence.timeLimitMs);
  return enough || late ? explain(life) : stay(life);
}

function explain(life: Life): Step {
  const explained = withCalm({ ...life, phase: 'explained' }, life.calmSince);
  return { life: explained, effects: [{ kind: 'explain', attack: life.attack }] };
}

/**
 * When the clock alone could end this life, by the policy as it is now: null when it cannot. What has to come first (calm,
 * say) comes as a standing.
 */
export function endsAt(life: Life, ban: LifePolicy['ban']): UnixMicros | null {
  if (life.phase === 'released' || ban.timeMs === null) return null;
  const calmAt = life.calmSince === null ? null : life.calmSince + micros(ban.calmMs);
  if (ban.timeMs === 0) return calmAt;
  const timeAt = life.attack.startedAt + micros(banTimeMs(ban.timeMs, life.attack.returns, ban.probe));
  if (!ban.onlyIfFinished) return timeAt;
  return calmAt === null ? null : Math.max(timeAt, calmAt);
}

/** Longer with each return: `timeMs` · `growth` ^ returns, `maxTimeMs` at the most, and never less than `timeMs`. */
export function banTimeMs(timeMs: Milliseconds, returns: number, probe: ProbePolicy | null): Milliseconds {
  if (probe === null) return timeMs;
  return Math.max(timeMs, Math.min(timeMs * probe.growth ** returns, probe.maxTimeMs));
}

function isDue(life: Life, at: UnixMicros, ban: LifePolicy['ban']): boolean {
  const due = endsAt(life, ban);
  return due !== null && at >= due;
}

const endIfDue = (step: Step, at: UnixMicros, policy: LifePolicy): Step =>
  isDue(step.life, at, policy.ban) ? followedBy(step, end(step.life, at)) : step;

/** What was gathered so far is explained before the end. */
function end(life: Life, at: UnixMicros): Step {
  const told = life.phase === 'gathering' ? explain(life) : stay(life);
  const attack: Attack = { ...told.life.attack, endedAt: at };
  const released: Life = { ...told.life, attack, phase: 'released' };
  return {
    life: released,
    effects: [...told.effects, { kind: 'revise', attack }, { kind: 'release', attack, at }],
  };
}
