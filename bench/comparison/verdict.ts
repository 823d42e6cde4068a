/** Whether readers agree on a capture, and why one of them may not. Pure. */
import type { Told, Totals } from './sets.js';

export type Reading = {
  readonly ours: Totals;
  readonly expected: Told | null;
  readonly tshark: Told | null;
  readonly nfcapd: Told | null;
};
export type Claimant = 'expected.json' | 'tshark' | 'nfcapd';

export type Verdict =
  | { readonly kind: 'equal'; readonly to: readonly Claimant[] }
  /** Equal but for columns that a claimant is known to count otherwise. */
  | { readonly kind: 'known'; readonly to: readonly Claimant[]; readonly why: string }
  | { readonly kind: 'unreadable'; readonly to: readonly Claimant[]; readonly who: string }
  | { readonly kind: 'differs'; readonly from: readonly Claimant[] };

/** A column that a claimant counts otherwise in captures whose name ends so. */
export type Fault = {
  readonly ending: string;
  readonly claimant: Claimant;
  readonly column: keyof Totals;
  readonly why: string;
};

const columns = ['datagrams', 'records', 'packets', 'bytes'] as const;

type Claim = {
  readonly claimant: Claimant;
  readonly outcome: 'agrees' | 'excused' | 'blind' | 'differs';
  /** Of the columns that differ and are excused. */
  readonly why: readonly string[];
};

function claimOf(claimant: Claimant, told: Told, ours: Totals, faults: readonly Fault[]): Claim {
  const off = columns.filter((column) => told[column] !== null && told[column] !== ours[column]);
  if (off.length === 0) return { claimant, outcome: 'agrees', why: [] };
  const excuses = off.flatMap((column) =>
    faults.filter((fault) => fault.claimant === claimant && fault.column === column).slice(0, 1),
  );
  if (excuses.length === off.length) {
    return { claimant, outcome: 'excused', why: excuses.map(({ why }) => `${claimant}: ${why}`) };
  }
  const isBlind = columns.every((column) => (told[column] ?? 0) === 0);
  return { claimant, outcome: isBlind ? 'blind' : 'differs', why: [] };
}

/**
 * What is written beside a capture must be met. Then one other reader that agrees is enough; where none does, each
 * must be excused by a known fault, or see nothing at all where there are known values.
 */
export function judge(name: string, reading: Reading, faults: readonly Fault[]): Verdict {
  const own = faults.filter((fault) => name.endsWith(fault.ending));
  const told = { 'expected.json': reading.expected, tshark: reading.tshark, nfcapd: reading.nfcapd };
  const claims = (['expected.json', 'tshark', 'nfcapd'] as const).flatMap((claimant) => {
    const values = told[claimant];
    return values === null ? [] : [claimOf(claimant, values, reading.ours, own)];
  });
  const written = claims.find(({ claimant }) => claimant === 'expected.json');
  if (written?.outcome === 'differs' || written?.outcome === 'blind') {
    return { kind: 'differs', from: ['expected.json'] };
  }
  const to = claims.filter(({ outcome }) => outcome === 'agrees').map(({ claimant }) => claimant);
  const excused = claims.filter(({ outcome }) => outcome === 'excused');
  const why = [...new Set(excused.flatMap((claim) => claim.why))].join('; ');
  const isSeconded = to.some((claimant) => claimant !== 'expected.json');
  const against = claims.filter(({ outcome }) => outcome === 'differs' || outcome === 'blind');
  if (against.length === 0 || isSeconded) {
    if (excused.length > 0) return { kind: 'known', to, why };
    return to.length > 0 ? { kind: 'equal', to } : { kind: 'unreadable', to, who: 'every other reader' };
  }
  const names = against.map(({ claimant }) => claimant);
  const areBlind = against.every(({ outcome }) => outcome === 'blind');
  if (written !== undefined && areBlind) return { kind: 'unreadable', to, who: names.join(' and ') };
  return { kind: 'differs', from: names };
}
