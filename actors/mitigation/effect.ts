/**
 * Whether a mitigation does what it is for, judged by what still comes to its subject. Pure.
 *
 * - `effective`: what comes is at most `effectiveBelow` of the attack's peak, in packets and in bits.
 * - Else a source (an interface, an exporter) is free when it sees at most that share of its own highest rate, and of the
 *   attack had seen enough to matter. Some free: `partial`, which names the others. None: `ineffective`.
 * - First judged `settleMs` after the announcement; a new announcement begins anew. From then on a verdict changes when
 *   another has held for `holdMs`, and `effective` ends only well above its bound: it does not flap.
 *
 * While a source that saw the attack is closed or broken, nothing is judged: who sees nothing because he is blind proves nothing.
 * A flow record speaks of the time before it came, so an exporter is free only when the records of its flows are overdue:
 * its listener plays them on until then.
 */
import type { ProofPolicy } from '../../domain/bgp.js';
import type { MitigationEffect, StillSeen } from '../../domain/mitigation.js';
import type { IngressCount } from '../../domain/ports.js';
import type { UnixMicros } from '../../domain/units.js';

/** Rates are over this time. */
export const judgedMicros = 3_000_000;
export const holdMicros = 5_000_000;
/** What is seen is told again, though the verdict stands, this often. */
const refreshMicros = 30_000_000;
/** `effective` ends above so many times its bound. */
const slack = 1.5;
/** Of the attack's peak; a source that sees less is not worth a name. */
const noise = 0.01;
/** Sources that are named, the heaviest. */
export const maxNamed = 16;
/** Sources whose highest rates are kept; more than an attack has. */
const maxSources = 1024;

type Peak = { readonly pps: number; readonly bps: number };
type Verdict = Pick<MitigationEffect, 'state' | 'seen'>;
type Counted = { readonly packets: number; readonly bytes: number };

export type Proof = {
  peak: Peak;
  /** When the youngest of its announcements was confirmed; null: none has been. */
  announcedAt: UnixMicros | null;
  /** Of the last `judgedMicros`, and one older. */
  readings: { readonly at: UnixMicros; readonly counts: ReadonlyMap<string, Counted> }[];
  /** Packets per second, by source. */
  readonly highest: Map<string, number>;
  /** As last told; of an earlier life, if it was told then. */
  effect: MitigationEffect | null;
  toldAt: UnixMicros;
  /** Another verdict, since when. */
  other: { readonly state: MitigationEffect['state']; readonly since: UnixMicros } | null;
};

/** `effect`: what is known of it already; it stands until it is judged again. */
export const newProof = (peak: Peak, effect: MitigationEffect | null, at: UnixMicros): Proof => ({
  peak,
  announcedAt: null,
  readings: [],
  highest: new Map(),
  effect,
  toldAt: at,
  other: null,
});

/** An announcement has been confirmed. What is known stays as it is, if it is known from `before` this life. */
export function announced(proof: Proof, at: UnixMicros, before: boolean): MitigationEffect | null {
  proof.announcedAt = at;
  proof.other = null;
  return before && proof.effect !== null ? null : tell(proof, { state: 'watching', seen: [] }, at);
}

/** What is to be told of it, if anything. Readings come about once a second, their counts as `Ingress.read` gives them. */
export function observe(
  proof: Proof,
  reading: readonly IngressCount[],
  at: UnixMicros,
  policy: ProofPolicy,
): MitigationEffect | null {
  const rates = take(proof, reading, at);
  if (rates === null || proof.announcedAt === null || isBlind(proof, reading, policy.effectiveBelow))
    return null;
  if (at < proof.announcedAt + policy.settleMs * 1000) return null;
  const verdict = judge(proof, rates, policy.effectiveBelow);
  const now = proof.effect;
  if (now === null || now.state === 'watching') return tell(proof, verdict, at);
  if (verdict.state !== now.state) {
    if (proof.other?.state !== verdict.state) proof.other = { state: verdict.state, since: at };
    return at - proof.other.since >= holdMicros ? tell(proof, verdict, at) : null;
  }
  proof.other = null;
  const named = ({ seen }: Verdict): string =>
    seen
      .map(({ source }) => source)
      .sort()
      .join();
  const old = at - proof.toldAt;
  const due = named(verdict) === named(now) ? refreshMicros : holdMicros;
  if (verdict.seen.length + now.seen.length === 0 || old < due) return null;
  return tell(proof, verdict, at);
}

function tell(proof: Proof, verdict: Verdict, at: UnixMicros): MitigationEffect {
  const since = proof.effect?.state === verdict.state ? proof.effect.since : at;
  proof.effect = { ...verdict, since };
  proof.toldAt = at;
  proof.other = null;
  return proof.effect;
}

/** Rates by source over the time that is judged; null while there is none. Highest rates are kept of each second. */
function take(proof: Proof, reading: readonly IngressCount[], at: UnixMicros): readonly StillSeen[] | null {
  const { readings, highest } = proof;
  const counts = new Map<string, Counted>(reading.map((count) => [count.source, count]));
  const last = readings.at(-1);
  if (last !== undefined && at <= last.at) return null;
  for (const { source, ppsBefore } of reading) {
    const now = last === undefined ? 0 : since(source, last, { at, counts }).pps;
    const most = Math.max(highest.get(source) ?? 0, ppsBefore, now);
    if (highest.has(source) || highest.size < maxSources) highest.set(source, most);
  }
  readings.push({ at, counts });
  while ((readings[1]?.at ?? at) <= at - judgedMicros) readings.shift();
  const oldest = readings[0];
  if (oldest === undefined || oldest.at >= at) return null;
  return [...counts.keys()].map((source) => since(source, oldest, { at, counts }));
}

/** An exporter is told of under the name of its listener, which is there as long as that is open. */
function isBlind({ highest, peak }: Proof, reading: readonly IngressCount[], share: number): boolean {
  const open = reading.map(({ source }) => source);
  const sees = (source: string): boolean =>
    open.some((one) => source === one || source.startsWith(`${one} `));
  return open.length === 0 || [...highest].some(([source, pps]) => pps >= share * peak.pps && !sees(source));
}

type Reading = Proof['readings'][number];
const none: Counted = { packets: 0, bytes: 0 };

/** A source that was opened again counts from zero. */
function since(source: string, from: Reading, to: Reading): StillSeen {
  const seconds = (to.at - from.at) / 1e6;
  const now = to.counts.get(source) ?? none;
  const before = from.counts.get(source) ?? none;
  const over = now.packets < before.packets ? none : before;
  return {
    source,
    pps: (now.packets - over.packets) / seconds,
    bps: (Math.max(0, now.bytes - over.bytes) * 8) / seconds,
  };
}

function judge(proof: Proof, rates: readonly StillSeen[], share: number): Verdict {
  const { peak, highest, effect } = proof;
  const sum = rates.reduce((a, b) => ({ pps: a.pps + b.pps, bps: a.bps + b.bps }), { pps: 0, bps: 0 });
  const bound = share * (effect?.state === 'effective' ? slack : 1);
  if (sum.pps <= bound * peak.pps && sum.bps <= bound * peak.bps) return { state: 'effective', seen: [] };
  const isFree = ({ source, pps }: StillSeen): boolean => pps <= share * (highest.get(source) ?? 0);
  const quiet = ({ pps, bps }: StillSeen): boolean => pps <= noise * peak.pps && bps <= noise * peak.bps;
  const still = rates.filter((rate) => !isFree(rate) && !quiet(rate)).sort((a, b) => b.bps - a.bps);
  if (still.length === 0) return { state: 'effective', seen: [] };
  const attacked = (source: string): boolean => (highest.get(source) ?? 0) >= share * peak.pps;
  const freed = rates.some((rate) => attacked(rate.source) && (isFree(rate) || quiet(rate)));
  // What was free before this life began is not known by its highest rate.
  const known = effect?.state === 'partial' ? new Set(effect.seen.map(({ source }) => source)) : null;
  const asBefore = known !== null && still.every(({ source }) => known.has(source));
  const seen = still.slice(0, maxNamed).map(({ source, pps, bps }) => ({
    source,
    pps: Math.round(pps),
    bps: Math.round(bps),
  }));
  return { state: freed || asBefore ? 'partial' : 'ineffective', seen };
}
