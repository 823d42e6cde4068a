/**
 * What is to be said of a mitigation, of the rates at which its subject is still reached. Pure.
 *
 * Compared is with the attack's peak, or, where nobody measured an attack, with what came before the announcement.
 *
 * - `effective`: what comes is at most `effectiveBelow` of that, in packets and in bits.
 * - Else a source (an interface, an exporter) is free when it sees at most that share of its own highest rate in packets, and of the
 *   peak in bits, and of the attack had seen enough to matter. Some free: `partial`, which names the others.
 * - No source free, and what comes is at most `partialBelow`: `partial` too; a rule that matches a part of the attack cuts
 *   everywhere alike. More: `ineffective`.
 *
 * A verdict that holds ends only well above its bound: it does not flap.
 */
import type { ProofPolicy } from '../../domain/bgp.js';
import type { MitigationEffect, StillSeen } from '../../domain/mitigation.js';

export type Peak = NonNullable<MitigationEffect['comparedWith']>;
export type Verdict = Pick<MitigationEffect, 'state' | 'seen' | 'goneAt' | 'remaining' | 'reason'>;

/** `effective`, and `partial` by rate, end above so many times their bounds. */
const effectiveSlack = 1.5;
const partialSlack = 1.2;
/** Of the peak; a source that sees less is not worth a name. */
const noise = 0.01;
/** Sources that are named, the heaviest. */
export const maxNamed = 16;
/** Packets per second. That less than this is gone proves nothing. */
export const leastProvable = 100;

const open: Omit<Verdict, 'state'> = { seen: [], goneAt: [], remaining: null, reason: null };
export const watching: Verdict = { ...open, state: 'watching' };
export const unproven = (reason: string): Verdict => ({ ...open, state: 'unproven', reason });
export const nothingBefore = `less than ${leastProvable} packets/s came before it was announced`;

/** `highest`: packets per second by source, of all that is known. `effect`: as it stands. */
export function judge(
  rates: readonly StillSeen[],
  peak: Peak,
  highest: ReadonlyMap<string, number>,
  effect: MitigationEffect | null,
  { effectiveBelow, partialBelow }: ProofPolicy,
): Verdict {
  const sum = rates.reduce((a, b) => ({ pps: a.pps + b.pps, bps: a.bps + b.bps }), { pps: 0, bps: 0 });
  if (peak.pps < leastProvable) {
    return sum.pps < leastProvable
      ? unproven(nothingBefore)
      : { ...open, state: 'ineffective', seen: named(rates) };
  }
  const remaining = Math.max(sum.pps / peak.pps, shareOf(sum.bps, peak.bps));
  const effective: Verdict = { ...open, state: 'effective', remaining };
  if (remaining <= effectiveBelow * (effect?.state === 'effective' ? effectiveSlack : 1)) return effective;
  const isGone = ({ source, pps, bps }: StillSeen): boolean => {
    const bits = shareOf(bps, peak.bps); // a source's own highest is known in packets alone
    const free = pps <= effectiveBelow * (highest.get(source) ?? 0) && bits <= effectiveBelow;
    return free || (pps <= noise * peak.pps && bits <= noise);
  };
  const still = rates.filter((rate) => !isGone(rate));
  if (still.length === 0) return effective;
  const goneAt = rates
    .filter((rate) => isGone(rate) && (highest.get(rate.source) ?? 0) >= effectiveBelow * peak.pps)
    .map(({ source }) => source);
  // What was free before this life began is not known by its highest rate.
  for (const source of effect?.goneAt ?? []) {
    if (!goneAt.includes(source) && !still.some((rate) => rate.source === source)) goneAt.push(source);
  }
  const isLess = remaining <= partialBelow * (effect?.state === 'partial' ? partialSlack : 1);
  return {
    state: goneAt.length > 0 || isLess ? 'partial' : 'ineffective',
    seen: named(still),
    goneAt: goneAt.sort().slice(0, maxNamed),
    remaining,
    reason: null,
  };
}

/** Of what is not known, nothing remains. */
const shareOf = (rate: number, peak: number | null): number => (peak === null ? 0 : rate / Math.max(1, peak));

const named = (rates: readonly StillSeen[]): readonly StillSeen[] =>
  [...rates]
    .sort((a, b) => b.bps - a.bps)
    .slice(0, maxNamed)
    .map(({ source, pps, bps }) => ({ source, pps: Math.round(pps), bps: Math.round(bps) }));
