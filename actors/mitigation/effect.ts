/**
 * Whether a mitigation does what it is for: follows what comes to its subject, second by second, and says what has changed. Pure.
 * What is said of the rates of a moment: verdict.ts.
 *
 * First judged `settleMs` after the announcement; a new announcement begins anew. From then on a verdict changes when
 * another has held for `holdMs`.
 *
 * While a source that saw the attack is closed or broken, nothing is judged: who sees nothing because he is blind proves nothing.
 * A flow record speaks of the time before it came, so an exporter is free only when the records of its flows are overdue:
 * its listener plays them on until then.
 *
 * Where nobody has measured an attack (a ban by hand), what came before the announcement is learned from the sources, until the first
 * reading after it.
 */
import type { ProofPolicy } from '../../domain/bgp.js';
import type { MitigationEffect, StillSeen } from '../../domain/mitigation.js';
import type { IngressCount } from '../../domain/ports.js';
import type { UnixMicros } from '../../domain/units.js';
import { judge, type Peak, unproven, type Verdict, watching } from './verdict.js';

/** Rates are over this time. */
export const judgedMicros = 3_000_000;
export const holdMicros = 5_000_000;
/** What is seen is told again, though the verdict stands, this often. */
const refreshMicros = 30_000_000;
/** Sources whose highest rates are kept; more than an attack has. */
const maxSources = 1024;

type Counted = { readonly packets: number; readonly bytes: number };

export type Proof = {
  /** What is compared with; null: nobody knows, it is learned. */
  peak: Peak | null;
  learns: boolean;
  /** When the youngest of its announcements was confirmed; null: none has been. */
  announcedAt: UnixMicros | null;
  /** Of the last `judgedMicros`, and one older. */
  readings: { readonly at: UnixMicros; readonly counts: ReadonlyMap<string, Counted> }[];
  /** Of sources that were there and are not now: one whose fault heals goes on counting where it was. */
  readonly lost: Map<string, Counted>;
  /** Packets per second, by source. */
  readonly highest: Map<string, number>;
  /** As last told; of an earlier life, if it was told then. */
  effect: MitigationEffect | null;
  toldAt: UnixMicros;
  /** Another verdict, since when. */
  other: { readonly state: MitigationEffect['state']; readonly since: UnixMicros } | null;
};

/** `peak` null: it has to be learned. `effect`: what is known of it already; it stands until it is judged again. */
export const newProof = (peak: Peak | null, effect: MitigationEffect | null, at: UnixMicros): Proof => ({
  peak: peak ?? effect?.comparedWith ?? null,
  learns: peak === null && (effect?.comparedWith ?? null) === null,
  announcedAt: null,
  readings: [],
  lost: new Map(),
  highest: new Map(),
  effect,
  toldAt: at,
  other: null,
});

/** An announcement has been confirmed. What is known stays as it is, if it is known from `before` this life. */
export function announced(proof: Proof, at: UnixMicros, before: boolean): MitigationEffect | null {
  proof.announcedAt = at;
  proof.other = null;
  return before && proof.effect !== null ? null : tell(proof, watching, at);
}

/** What is to be told of it, if anything. Readings come about once a second, their counts as `Ingress.read` gives them. */
export function observe(
  proof: Proof,
  reading: readonly IngressCount[],
  at: UnixMicros,
  policy: ProofPolicy,
): MitigationEffect | null {
  const rates = take(proof, reading, at);
  if (proof.learns) learn(proof);
  const { peak, announcedAt, highest } = proof;
  if (rates === null || peak === null || announcedAt === null) return null;
  if (at < announcedAt + policy.settleMs * 1000) return null;
  const blind = blindOf(proof, peak, reading, policy.effectiveBelow);
  if (blind !== null) return isOpen(proof) ? retell(proof, unproven(blind), at) : null;
  const verdict = judge(rates, peak, highest, proof.effect, policy);
  const now = proof.effect;
  if (now === null || isOpen(proof)) return retell(proof, verdict, at);
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

/** What came before: the highest rate of each source so far. It is known when the announcement is. */
function learn(proof: Proof): void {
  let pps = 0;
  for (const rate of proof.highest.values()) pps += rate;
  proof.peak = { pps: Math.round(pps), bps: null };
  proof.learns = proof.announcedAt === null;
}

/** Nothing has been found yet that another verdict would have to outlast. */
const isOpen = ({ effect }: Proof): boolean =>
  effect === null || effect.state === 'watching' || effect.state === 'unproven';

/** Not again what is said already. */
const retell = (proof: Proof, verdict: Verdict, at: UnixMicros): MitigationEffect | null =>
  proof.effect?.state === verdict.state && proof.effect.reason === verdict.reason
    ? null
    : tell(proof, verdict, at);

function tell(proof: Proof, verdict: Verdict, at: UnixMicros): MitigationEffect {
  const since = proof.effect?.state === verdict.state ? proof.effect.since : at;
  proof.effect = { ...verdict, comparedWith: proof.peak, since };
  proof.toldAt = at;
  proof.other = null;
  return proof.effect;
}

/** Rates by source over the time that is judged; null while there is none. Highest rates are kept of each second. */
function take(proof: Proof, reading: readonly IngressCount[], at: UnixMicros): readonly StillSeen[] | null {
  const { readings, highest, lost } = proof;
  const counts = new Map<string, Counted>(reading.map((count) => [count.source, count]));
  const last = readings.at(-1);
  if (last !== undefined && at <= last.at) return null;
  for (const [source, count] of last?.counts ?? []) {
    if (!counts.has(source) && lost.size < maxSources) lost.set(source, count);
  }
  for (const { source, ppsBefore } of reading) {
    const now = last === undefined ? 0 : since(source, last, { at, counts }, lost).pps;
    const most = Math.max(highest.get(source) ?? 0, ppsBefore, now);
    if (highest.has(source) || highest.size < maxSources) highest.set(source, most);
  }
  readings.push({ at, counts });
  while ((readings[1]?.at ?? at) <= at - judgedMicros) readings.shift();
  const oldest = readings[0];
  if (oldest === undefined || oldest.at >= at) return null;
  return [...counts.keys()].map((source) => since(source, oldest, { at, counts }, lost));
}

/** Who saw the attack and cannot see now; null: nobody. An exporter is told of under the name of its listener, which is there as long as that is open. */
function blindOf(
  { highest }: Proof,
  peak: Peak,
  reading: readonly IngressCount[],
  share: number,
): string | null {
  const open = reading.map(({ source }) => source);
  if (open.length === 0) return 'no source is open that could see it';
  const sees = (source: string): boolean =>
    open.some((one) => source === one || source.startsWith(`${one} `));
  const [blind] = [...highest].find(([source, pps]) => pps >= share * peak.pps && !sees(source)) ?? [];
  return blind === undefined ? null : `${blind} saw it, and is not open`;
}

type Reading = Proof['readings'][number];
const none: Counted = { packets: 0, bytes: 0 };

/** A source that was opened again counts from zero. */
function since(source: string, from: Reading, to: Reading, lost: Proof['lost']): StillSeen {
  const seconds = (to.at - from.at) / 1e6;
  const now = to.counts.get(source) ?? none;
  const before = from.counts.get(source) ?? lost.get(source) ?? none;
  const over = now.packets < before.packets ? none : before;
  return {
    source,
    pps: (now.packets - over.packets) / seconds,
    bps: (Math.max(0, now.bytes - over.bytes) * 8) / seconds,
  };
}
