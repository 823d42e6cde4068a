/**
 * When the attacks of a capture really were, and what came to their hosts otherwise.
 *
 * A decision comes when a window's worth has passed a threshold, and the end some calm seconds late. So a host's packets are
 * counted in slots of a tenth of a second; the attack is from the first to the last slot, between one window before the
 * decision and the end, that holds a twentieth of the busiest one's, and the slots beside these, in which it may begin and end. Normal packets are those of all other slots
 * that belong to no other attack on the same subject, some of each slot, evenly.
 */
import { type SampledPacket, type Subject, subjectText } from '../domain/attack.js';
import type { UnixMicros } from '../domain/units.js';
import type { SolvedCase } from './replay-cases.js';

/** From the first moment on, up to the second. */
export type Spans = readonly (readonly [from: UnixMicros, until: UnixMicros])[];

const slotMicros = 100_000;
const busyShare = 0.05;
/** Ticks between a crossing and the decision. */
const slotsLate = 2;
/** Packets kept of a slot, at first; halved whenever more than `mostKept` are kept in all. */
const keptOfSlot = 64;
const mostKept = 20_000;

type Slot = { packets: number; readonly kept: SampledPacket[] };
export type Traffic = {
  readonly subject: Subject;
  readonly slots: ReadonlyMap<number, Slot>;
  readonly add: (packet: SampledPacket) => void;
};

export function trafficOver({ attack }: Pick<SolvedCase, 'attack'>): Traffic {
  const slots = new Map<number, Slot>();
  let keep = keptOfSlot;
  let kept = 0;
  const thin = (): void => {
    keep = Math.max(1, Math.floor(keep / 2));
    kept = 0;
    for (const slot of slots.values()) {
      slot.kept.length = Math.min(slot.kept.length, keep);
      kept += slot.kept.length;
    }
  };
  return {
    subject: attack.subject,
    slots,
    add(packet) {
      const at = Math.floor(packet.at / slotMicros);
      let slot = slots.get(at);
      if (slot === undefined) {
        slot = { packets: 0, kept: [] };
        slots.set(at, slot);
      }
      slot.packets += Math.max(1, packet.sampling);
      if (slot.kept.length >= keep || kept >= mostKept) return;
      slot.kept.push(packet);
      kept += 1;
      if (kept >= mostKept && keep > 1) thin();
    },
  };
}

type Timed = Pick<SolvedCase, 'attack' | 'endedAt'> & {
  readonly traffic: Traffic;
  readonly windowMs: number;
};
export type AttackTime = { readonly during: Spans; readonly normal: readonly SampledPacket[] };

export function attackTimes(cases: readonly Timed[]): readonly AttackTime[] {
  const spans = cases.map(slotsOf);
  return cases.map((one, index) => {
    const own = spans[index];
    if (own === undefined) return { during: [], normal: [] };
    const taken = spans.filter(
      (_, at) =>
        subjectText(cases[at]?.attack.subject ?? one.attack.subject) === subjectText(one.attack.subject),
    );
    const normal = [...one.traffic.slots]
      .filter(([slot]) => taken.every(([from, until]) => slot < from || slot > until))
      .sort(([a], [b]) => a - b)
      .flatMap(([, { packets, kept }]) =>
        kept.map((packet) => ({ ...packet, sampling: Math.max(1, Math.round(packets / kept.length)) })),
      );
    return { during: [[own[0] * slotMicros, (own[1] + 1) * slotMicros]], normal };
  });
}

/** First and last slot of the attack. */
function slotsOf({ attack, endedAt, traffic, windowMs }: Timed): readonly [number, number] {
  const decided = Math.floor(attack.startedAt / slotMicros);
  const earliest = decided - Math.ceil((windowMs * 1000) / slotMicros) - slotsLate;
  const latest = endedAt === null ? Number.POSITIVE_INFINITY : Math.floor(endedAt / slotMicros);
  const inside = [...traffic.slots].filter(([slot]) => earliest <= slot && slot <= latest);
  const busiest = inside.reduce((most, [, { packets }]) => Math.max(most, packets), 0);
  const busy = inside.filter(([, { packets }]) => packets >= busyShare * busiest).map(([slot]) => slot);
  const first = busy.reduce((least, slot) => Math.min(least, slot), decided);
  const last = busy.reduce((most, slot) => Math.max(most, slot), first);
  return [first - 1, last + 1];
}
