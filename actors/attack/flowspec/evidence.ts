/**
 * Parts an attack's evidence into packets of the attack and normal packets of its host, as far as that can be known.
 *
 * An attack that passes its threshold within a window began within that window before the decision. So what came earlier is
 * normal, and what came later is the attack's where it looks like most of the evidence. What is left: early packets that look
 * like the attack, of one that grew slowly or of normal use that looks like it. Nobody can tell, and they count as
 * neither. Pure.
 */
import type { Attack, SampledPacket } from '../../../domain/attack.js';
import type { FlowspecPolicy } from '../../../domain/bgp.js';
import type { Milliseconds } from '../../../domain/units.js';
import type { Work } from '../../../domain/work.js';
import { dominant, inDirection } from '../fingerprint.js';
import { type Compiled, compileRules, compiling, evenly } from './compile.js';

/** Packets that are compiled while others wait. */
const mostPackets = 1000;

export type PartedEvidence = {
  readonly attack: readonly SampledPacket[];
  readonly normal: readonly SampledPacket[];
};

/** `before`: packets to the subject from long before; `reachMs`: the window, and the ticks that a decision takes. */
export function partedEvidence(
  attack: Attack,
  packets: readonly SampledPacket[],
  before: readonly SampledPacket[],
  reachMs: Milliseconds,
): PartedEvidence {
  const onset = attack.startedAt - reachMs * 1000;
  const own = inDirection(packets, attack.direction);
  const isLike = dominant(own.filter(({ at }) => at >= onset));
  return {
    attack: own.filter((packet) => packet.at >= onset && isLike(packet)),
    normal: [...before.filter(({ at }) => at < onset), ...own.filter((packet) => !isLike(packet))],
  };
}

/** The rules for an attack, from its evidence, in steps. */
export function* rulesFor(
  attack: Attack,
  packets: readonly SampledPacket[],
  before: readonly SampledPacket[],
  reachMs: Milliseconds,
  policy: FlowspecPolicy,
): Work<Compiled> {
  const parted = partedEvidence(attack, packets, before, reachMs);
  yield;
  if (attack.direction === 'outgoing') {
    return { ...compileRules([], [], attack.subject, policy), reason: outgoing };
  }
  return yield* compiling(
    evenly(parted.attack, mostPackets),
    evenly(parted.normal, mostPackets),
    attack.subject,
    policy,
  );
}

export const outgoing = 'rules have a host of ours as destination, and this attack comes from one';
