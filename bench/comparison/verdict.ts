/** Whether readers agree on a capture, and why one of them may not. Pure. */
import type { Told, Totals } from './sets.js';

export type Reading = {
  readonly ours: Totals;
  readonly expected: Told | null;
  readonly tshark: Told | null;
  readonly nfcapd: Told | null;
};

export type Verdict =
  | { readonly kind: 'equal'; readonly to: readonly string[] }
  /** Another reader says otherwise, for a reason that is known. */
  | { readonly kind: 'known'; readonly to: readonly string[]; readonly why: string }
  | { readonly kind: 'unreadable'; readonly to: readonly string[]; readonly who: string }
  | { readonly kind: 'differs'; readonly from: readonly string[] };

/** Readers' faults, by the ending of a capture's name. `reader`: who is wrong. */
export type Fault = {
  readonly ending: string;
  readonly reader: 'tshark' | 'nfcapd';
  readonly why: string;
};

const columns = ['datagrams', 'records', 'packets', 'bytes'] as const;

const agrees = (ours: Totals, told: Told): boolean =>
  columns.every((column) => told[column] === null || told[column] === ours[column]);

const isNothing = (told: Told): boolean => columns.every((column) => (told[column] ?? 0) === 0);

/**
 * What is written beside a capture must be met. Then one other reader that agrees is enough, unless there are known
 * values; the others may fail for a known reason, or see nothing at all.
 */
export function judge(name: string, reading: Reading, faults: readonly Fault[]): Verdict {
  const { ours, expected } = reading;
  if (expected !== null && !agrees(ours, expected)) return { kind: 'differs', from: ['expected.json'] };
  const others = (['tshark', 'nfcapd'] as const).flatMap((reader) => {
    const told = reading[reader];
    return told === null ? [] : [{ reader, told }];
  });
  const to = [
    ...(expected === null ? [] : ['expected.json']),
    ...others.filter(({ told }) => agrees(ours, told)).map(({ reader }) => reader),
  ];
  const against = others.filter(({ told }) => !agrees(ours, told));
  const [first] = against;
  if (first === undefined || to.some((reader) => reader !== 'expected.json')) {
    return to.length > 0 ? { kind: 'equal', to } : { kind: 'unreadable', to, who: 'every other reader' };
  }
  const known = against.flatMap(({ reader }) =>
    faults.filter((fault) => fault.reader === reader && name.endsWith(fault.ending)),
  );
  const explained = against.every(({ reader }) => known.some((fault) => fault.reader === reader));
  if (explained)
    return { kind: 'known', to, why: known.map((fault) => `${fault.reader}: ${fault.why}`).join('; ') };
  const blind = against.filter(({ told }) => isNothing(told));
  if (expected !== null && blind.length === against.length) {
    return { kind: 'unreadable', to, who: blind.map(({ reader }) => reader).join(' and ') };
  }
  return { kind: 'differs', from: against.map(({ reader }) => reader) };
}
