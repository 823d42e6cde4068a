/**
 * The values that components of rules can have, drawn from an attack's packets: single values that are frequent,
 * ranges that hold what is scattered, and what is left of these beside where the host's normal packets gather (gaps.ts). Pure; the
 * order of the packets makes no difference.
 *
 * A choice's `volume` is the share of ordinary traffic that it lets through, 0..1, as a guess from before any packet of
 * the host has been seen: with it the narrower of two rules wins where neither is known to hit anything.
 */
import { addressBits, type Family, formatAddress } from '../../../domain/address.js';
import {
  type FragmentKind,
  fragmentKinds,
  type NumberRange,
  type TcpFlagMatch,
} from '../../../domain/flowspec.js';
import { contains, masked } from '../../../domain/prefix.js';
import type { PrefixKey } from '../../../domain/units.js';
import { fragmentBit, type PacketFacts, protocol } from './facts.js';
import { gapsBetween } from './gaps.js';
import { insideOf, within } from './matching.js';
import { type Measured, rangesIn, total, weigh } from './ranges.js';

export const dimensions = [
  'protocol',
  'fragment',
  'sourcePort',
  'destinationPort',
  'length',
  'tcpFlags',
  'icmpType',
  'source',
] as const;
export type Dimension = (typeof dimensions)[number];

export type Choice = { readonly volume: number; readonly test: (facts: PacketFacts) => boolean } & (
  | { readonly of: 'protocol' | 'icmpType'; readonly values: readonly number[] }
  | { readonly of: 'sourcePort' | 'destinationPort' | 'length'; readonly ranges: readonly NumberRange[] }
  | { readonly of: 'tcpFlags'; readonly flags: TcpFlagMatch }
  | { readonly of: 'fragment'; readonly kind: FragmentKind }
  | { readonly of: 'source'; readonly prefix: PrefixKey }
);

/** Choices are bits of a 32-bit number. */
export const mostChoices = 30;
/**
 * A value is frequent from this share of all packets on, and from so many packets: of many values that are about as
 * frequent as each other, a sample would name some by accident and miss the rest.
 */
const frequentShare = 0.04;
const frequentPackets = 4;
const mostFrequent = 12;
/** Packets that are alike in protocol, kind of fragment and a frequent port: their ports and lengths are judged apart. */
const mostKinds = 8;
const kindShare = 0.02;
/** A source prefix concentrates when so much of all packets comes from it. */
const sourceShare = 0.2;
const widestSource = { 4: 16, 6: 32 } as const;
const clearlyMore = 1.05;

/** Of ordinary traffic at the edge of a network, roughly. */
const protocolVolumes: { readonly [number: number]: number } = { 1: 0.01, 6: 0.75, 17: 0.2, 58: 0.01 };
const rareVolume = 0.003;
const flagVolumes: { readonly [flags: number]: number } = {
  2: 0.05,
  4: 0.02,
  16: 0.5,
  17: 0.04,
  18: 0.05,
  24: 0.3,
};
const frequentIcmpTypes = [0, 3, 8, 11, 128, 129, 135, 136];
const ordinaryLength = 1500;
const ports = 65_536;

/** `normal`: packets that the rules should spare. */
export function choicesOf(
  packets: readonly PacketFacts[],
  normal: readonly PacketFacts[],
): readonly (readonly Choice[])[] {
  const whole = total(packets.map(({ weight }) => weight));
  const kinds = kindsOf(packets, whole);
  const numeric = (of: 'sourcePort' | 'destinationPort' | 'length'): readonly Choice[] => [
    ...frequent(packets, (facts) => facts[of], whole).map((value) =>
      ranged(of, [{ low: value, high: value }]),
    ),
    ...between(gapsBetween(packets, normal, of)).map((ranges) => ranged(of, ranges)),
    ...kinds.flatMap((kind) =>
      rangesIn(
        measure(kind, (facts) => facts[of]),
        of === 'length' ? 'length' : 'port',
      ).map((range) => ranged(of, [range])),
    ),
  ];
  const lists: { readonly [D in Dimension]: readonly Choice[] } = {
    protocol: protocolChoices(packets, whole),
    fragment: (['is_fragment', 'first_fragment'] as const)
      .filter((kind) => packets.some(({ fragments }) => (fragments & fragmentBit(kind)) !== 0))
      .map(fragmentChoice),
    sourcePort: numeric('sourcePort'),
    destinationPort: numeric('destinationPort'),
    length: numeric('length'),
    tcpFlags: flagChoices(packets, whole),
    icmpType: frequent(packets, ({ icmpType }) => icmpType, whole).map(icmpChoice),
    source: sourceChoices(packets, whole),
  };
  return dimensions.map((dimension) => distinct(lists[dimension]).slice(0, mostChoices));
}

const keyOf = ({ test: _, volume: __, ...choice }: Choice): string => JSON.stringify(choice);
const distinct = (choices: readonly Choice[]): readonly Choice[] => [
  ...new Map(choices.map((choice) => [keyOf(choice), choice])).values(),
];

function measure(packets: readonly PacketFacts[], of: (facts: PacketFacts) => number | null): Measured[] {
  const values: Measured[] = [];
  for (const facts of packets) {
    const value = of(facts);
    if (value !== null) values.push({ value, weight: facts.weight });
  }
  return values;
}

/** Frequent values, the most frequent first. */
function frequent(
  packets: readonly PacketFacts[],
  of: (facts: PacketFacts) => number | null,
  whole: number,
): readonly number[] {
  const least = Math.min(frequentPackets, Math.ceil(packets.length / 2));
  return weigh(measure(packets, of))
    .filter(({ weight, packets: count }) => weight >= frequentShare * whole && count >= least)
    .sort((a, b) => b.weight - a.weight || a.value - b.value)
    .slice(0, mostFrequent)
    .map(({ value }) => value);
}

function kindsOf(packets: readonly PacketFacts[], whole: number): readonly (readonly PacketFacts[])[] {
  const fragmentMask = fragmentBit('is_fragment') | fragmentBit('first_fragment');
  const split = (
    some: readonly PacketFacts[],
    of: (facts: PacketFacts) => number | null,
  ): PacketFacts[][] => {
    const parts = new Map<number, PacketFacts[]>();
    for (const facts of some) {
      const key = of(facts);
      if (key === null) continue;
      const part = parts.get(key);
      if (part === undefined) parts.set(key, [facts]);
      else part.push(facts);
    }
    return [...parts]
      .map(([key, part]) => ({ key, part, weight: total(part.map(({ weight }) => weight)) }))
      .filter(({ weight }) => weight >= kindShare * whole)
      .sort((a, b) => b.weight - a.weight || a.key - b.key)
      .slice(0, mostKinds)
      .map(({ part }) => part);
  };
  const classes = split(packets, (facts) => facts.protocol * 16 + (facts.fragments & fragmentMask));
  const often = (of: (facts: PacketFacts) => number | null): ReadonlySet<number> =>
    new Set(frequent(packets, of, whole));
  const bySource = often(({ sourcePort }) => sourcePort);
  const byFlags = often(({ tcpFlags }) => tcpFlags);
  return [
    packets,
    ...classes,
    ...classes.flatMap((part) => [
      ...split(part, ({ sourcePort }) =>
        sourcePort !== null && bySource.has(sourcePort) ? sourcePort : null,
      ),
      ...split(part, ({ tcpFlags }) => (tcpFlags !== null && byFlags.has(tcpFlags) ? tcpFlags : null)),
    ]),
  ];
}

/** All of them, and each. */
const between = (gaps: readonly NumberRange[]): readonly (readonly NumberRange[])[] =>
  gaps.length < 2 ? [] : [gaps, ...gaps.map((gap) => [gap])];

function ranged(of: 'sourcePort' | 'destinationPort' | 'length', ranges: readonly NumberRange[]): Choice {
  const values = total(ranges.map(({ low, high }) => high - low + 1));
  const volume = Math.min(1, values / (of === 'length' ? ordinaryLength : ports));
  return {
    of,
    ranges,
    volume,
    test: (facts) => within(ranges, facts[of]),
  };
}

const volumeOfProtocol = (number: number): number => protocolVolumes[number] ?? rareVolume;

function protocolChoices(packets: readonly PacketFacts[], whole: number): readonly Choice[] {
  const of = (values: readonly number[]): Choice => ({
    of: 'protocol',
    values,
    volume: Math.min(1, total(values.map(volumeOfProtocol))),
    test: ({ protocol: number }) => values.includes(number),
  });
  const values = measure(packets, ({ protocol: number }) => number);
  const often = frequent(packets, ({ protocol: number }) => number, whole);
  // Numbers at random: a run of them, without those that much else depends on.
  const needed: readonly number[] = [...Object.values(protocol), 47, 50];
  const rare = values.filter(({ value }) => !often.includes(value) && !needed.includes(value));
  const runs = rangesIn(rare, 'protocol').map(({ low, high }) =>
    Array.from({ length: high - low + 1 }, (_, index) => low + index).filter(
      (value) => !needed.includes(value),
    ),
  );
  return [...often.map((value) => of([value])), ...runs.map(of)];
}

const fragmentChoice = (kind: FragmentKind): Choice => {
  const bit = fragmentBit(kind);
  return { of: 'fragment', kind, volume: 0.005, test: ({ fragments }) => (fragments & bit) !== 0 };
};

const icmpChoice = (type: number): Choice => ({
  of: 'icmpType',
  values: [type],
  volume: frequentIcmpTypes.includes(type) ? 0.2 : 0.02,
  test: ({ icmpType }) => icmpType === type,
});

/** Without and with the two bits of explicit congestion notification (RFC 3168 section 6.1). */
const plainFlags = 0x3f;
const allFlags = 0xff;
/** Two kinds of packets have in common what neither has other than the other. */
const mostMerged = 4;

function flagChoices(packets: readonly PacketFacts[], whole: number): readonly Choice[] {
  const often = frequent(packets, ({ tcpFlags }) => tcpFlags, whole);
  const plain = frequent(
    packets,
    ({ tcpFlags }) => (tcpFlags === null ? null : tcpFlags & plainFlags),
    whole,
  );
  const exact = plain.map((set) => flagChoice({ set, mask: plainFlags }));
  const withEcn = often
    .filter((set) => (set & ~plainFlags) !== 0)
    .map((set) => flagChoice({ set, mask: allFlags }));
  const few = plain.slice(0, mostMerged);
  const pairs = few.flatMap((first, index) =>
    few.slice(index + 1).map((second) => {
      const mask = plainFlags & ~(first ^ second);
      return flagChoice({ set: first & mask, mask });
    }),
  );
  return [...exact, ...withEcn, ...pairs.filter(({ volume }) => volume < 1)];
}

function flagChoice(flags: TcpFlagMatch): Choice {
  const { set, mask } = flags;
  const known = Object.entries(flagVolumes).filter(([bits]) => (Number(bits) & mask) === set);
  const volume = Math.min(1, rareVolume + total(known.map(([, share]) => share)));
  return {
    of: 'tcpFlags',
    flags,
    volume: mask === 0 ? 1 : mask === allFlags ? volume / 4 : volume,
    test: ({ tcpFlags }) => tcpFlags !== null && (tcpFlags & mask) === set,
  };
}

/** The longest prefixes that hold enough; a shorter one only where it holds clearly more. */
function sourceChoices(packets: readonly PacketFacts[], whole: number): readonly Choice[] {
  const [family] = packets.map(({ source }) => source.family);
  if (family === undefined) return [];
  const found: { readonly prefix: PrefixKey; readonly weight: number }[] = [];
  const bits = addressBits(family);
  const dense = concentrated(packets, widestSource[family], whole);
  for (let length = bits; length >= widestSource[family]; length -= bits / 16) {
    const weights = new Map<PrefixKey, number>();
    for (const { source, weight } of dense) {
      const prefix = `${formatAddress(masked(source, length))}/${length}` as PrefixKey;
      weights.set(prefix, (weights.get(prefix) ?? 0) + weight);
    }
    for (const [prefix, weight] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isSame = found.some(
        (longer) => contains(prefix, longer.prefix) && weight < longer.weight * clearlyMore,
      );
      if (weight >= sourceShare * whole && !isSame) found.push({ prefix, weight });
    }
  }
  return found.slice(0, mostFrequent).map(({ prefix }) => sourceChoice(prefix, family));
}

/** Packets from prefixes of that length that hold enough: sources at random have none. */
function concentrated(
  packets: readonly PacketFacts[],
  length: number,
  whole: number,
): readonly PacketFacts[] {
  const weights = new Map<string, number>();
  const keys = packets.map(({ source }) => masked(source, length).words.join());
  for (const [index, { weight }] of packets.entries()) {
    const key = keys[index] ?? '';
    weights.set(key, (weights.get(key) ?? 0) + weight);
  }
  return packets.filter((_, index) => (weights.get(keys[index] ?? '') ?? 0) >= sourceShare * whole);
}

function sourceChoice(prefix: PrefixKey, family: Family): Choice {
  const inside = insideOf(prefix);
  const length = Number(prefix.slice(prefix.indexOf('/') + 1));
  return {
    of: 'source',
    prefix,
    volume: 2 ** -(family === 4 ? length : length / 2),
    test: ({ source }) => inside(source),
  };
}

export const fragmentOrder = (kinds: Iterable<FragmentKind>): readonly FragmentKind[] => {
  const wanted = new Set(kinds);
  return fragmentKinds.filter((kind) => wanted.has(kind));
};
