/**
 * The attacks of a replay: each lives as it would under its actor, stepped by the capture's clock.
 *
 * An event is spoken when all that came before it can be: the vector of an attack is known only when its evidence is
 * complete, its place in the output is that of the decision. Pure but for the taps it reads and the lines it emits.
 */

import { fingerprint } from '../actors/attack/fingerprint.js';
import { advance, born, type Effect, type Life, type LifePolicy } from '../actors/attack/lifecycle.js';
import { type Attack, type Cause, type Interval, type SampledPacket, subjectText } from '../domain/attack.js';
import type { BanPolicy } from '../domain/hostgroup.js';
import type { Standing, Tap, TapOpener } from '../domain/ports.js';
import { type AttackId, rfc3339, type UnixMicros } from '../domain/units.js';

export type StartedEvent = {
  readonly event: 'attack_started';
  readonly at: string;
  readonly host: string;
  readonly direction: string;
  readonly hostgroup: string;
  readonly cause: {
    readonly metric: string;
    readonly rate: number;
    readonly threshold: number;
    /** Only of sampled traffic. */
    readonly samples?: number;
    readonly interval?: Interval;
  };
  readonly vector: string;
};
export type EndedEvent = {
  readonly event: 'attack_ended';
  readonly at: string;
  readonly host: string;
  readonly duration_s: number;
};
export type AttackEvent = StartedEvent | EndedEvent;

/** An attack with what was seen of it. */
export type SolvedCase = {
  readonly attack: Attack;
  readonly packets: readonly SampledPacket[];
  /** null: it was on when the capture ended. */
  readonly endedAt: UnixMicros | null;
};

type Case = {
  life: Life;
  tap: Tap | null;
  packets: readonly SampledPacket[];
  readonly line: Line;
  readonly policy: LifePolicy;
};
type Line = { event: AttackEvent | null };

export type Cases = {
  readonly open: (attack: Attack, ban: BanPolicy) => void;
  readonly stand: (attack: AttackId, standing: Standing, at: UnixMicros) => void;
  /** Reads the taps and lets time pass; gives the attacks that are over. */
  readonly step: (at: UnixMicros) => readonly AttackId[];
  /** The capture has ended: what was gathered is all there will be. */
  readonly close: () => void;
  readonly count: () => number;
};

/** Three decimals are more than a rate over a second can mean. */
const rounded = (value: number): number => Math.round(value * 1000) / 1000;

const certaintyOf = (cause: Cause | null): Pick<StartedEvent['cause'], 'samples' | 'interval'> => {
  if (!cause?.samples) return {};
  const { samples, interval } = cause;
  return interval
    ? { samples, interval: { low: rounded(interval.low), high: rounded(interval.high) } }
    : { samples };
};

export function replayCases(
  openTap: TapOpener,
  evidence: LifePolicy['evidence'],
  emit: (event: AttackEvent) => void,
  solved: (one: SolvedCase) => void = () => undefined,
): Cases {
  const cases = new Map<AttackId, Case>();
  const lines: Line[] = [];
  let opened = 0;

  function speak(): void {
    for (let head = lines[0]; head?.event; head = lines[0]) {
      emit(head.event);
      lines.shift();
    }
  }

  function started(attack: Attack): StartedEvent {
    const { cause } = attack;
    return {
      event: 'attack_started',
      at: rfc3339(attack.startedAt),
      host: subjectText(attack.subject),
      direction: attack.direction,
      hostgroup: attack.hostgroup,
      cause: {
        metric: cause?.metric ?? 'pps',
        rate: rounded(cause?.rate ?? 0),
        threshold: cause?.threshold ?? 0,
        ...certaintyOf(cause),
      },
      vector: attack.fingerprint?.vector ?? 'unknown',
    };
  }

  function carryOut(one: Case, effects: readonly Effect[], at: UnixMicros, over: AttackId[]): void {
    for (const effect of effects) {
      if (effect.kind === 'explain') {
        one.packets = one.tap?.read() ?? [];
        one.tap?.close();
        one.tap = null;
        const { direction, startedAt } = effect.attack;
        const shown = fingerprint(one.packets, direction, startedAt);
        one.life = advance(one.life, { kind: 'explained', fingerprint: shown, at }, one.policy).life;
        one.line.event = started(one.life.attack);
      }
      if (effect.kind === 'release') {
        const { id, startedAt, subject } = effect.attack;
        const ended: EndedEvent = {
          event: 'attack_ended',
          at: rfc3339(effect.at),
          host: subjectText(subject),
          duration_s: rounded((effect.at - startedAt) / 1e6),
        };
        lines.push({ event: ended });
        over.push(id);
        solved({ attack: one.life.attack, packets: one.packets, endedAt: effect.at });
      }
    }
  }

  function feed(one: Case, input: Parameters<typeof advance>[1], over: AttackId[]): void {
    const { life, effects } = advance(one.life, input, one.policy);
    one.life = life;
    carryOut(one, effects, input.at, over);
  }

  const ends: AttackId[] = [];
  return {
    open(attack, ban) {
      opened += 1;
      const policy: LifePolicy = { ban, evidence, settleMs: 0 };
      const tap = evidence.packets > 0 ? openTap(attack.subject, evidence.packets) : null;
      const line: Line = { event: null };
      lines.push(line);
      const life = born(attack, 'new', attack.startedAt, policy);
      cases.set(attack.id, { life, tap, packets: [], line, policy });
    },
    stand(id, standing, at) {
      const one = cases.get(id);
      if (one !== undefined) feed(one, { kind: 'standing', standing, at }, ends);
    },
    step(at) {
      for (const one of cases.values()) {
        const packets = one.tap?.gathered() ?? 0;
        if (packets > 0) feed(one, { kind: 'collected', packets, at }, ends);
        feed(one, { kind: 'clock', at }, ends);
      }
      const over = ends.splice(0);
      for (const id of over) cases.delete(id);
      speak();
      return over;
    },
    close() {
      for (const one of cases.values()) {
        const { attack, phase } = one.life;
        if (phase !== 'gathering') {
          solved({ attack, packets: one.packets, endedAt: null });
          continue;
        }
        const seen = one.tap?.read() ?? [];
        one.tap?.close();
        const told = { ...attack, fingerprint: fingerprint(seen, attack.direction, attack.startedAt) };
        one.line.event = started(told);
        solved({ attack: told, packets: seen, endedAt: null });
      }
      speak();
    },
    count: () => opened,
  };
}
