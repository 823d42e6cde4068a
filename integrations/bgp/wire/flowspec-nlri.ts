/**
 * Flow specification NLRI: a length, then components in the order of their types (RFC 8955 section 4, RFC 8956 section 3).
 *
 *   length: one byte below 240, else two with 0xf in the first four bits; it does not count itself
 *   1 destination prefix   3 protocol   5 destination port   6 source port   7 ICMP type
 *   2 source prefix        9 TCP flags  10 packet length     12 fragment
 *
 * Prefixes of IPv6 have an offset after the length (RFC 8956 section 3.1); ours is 0, since a prefix begins at its
 * first bit. The decoder takes what the encoder writes: any other rule is somebody else's.
 */
import type { Family } from '../../../domain/address.js';
import {
  emptyRule,
  type FlowspecRule,
  type FragmentKind,
  type NumberRange,
} from '../../../domain/flowspec.js';
import { failure, type Result, success } from '../../../domain/result.js';
import type { PrefixKey } from '../../../domain/units.js';
import { fits, type Reader, readBytes, u16 } from './bytes.js';
import {
  decodeBits,
  decodeFlagMatch,
  decodeRanges,
  encodeBits,
  encodeFlagMatch,
  encodeRanges,
} from './flowspec-operators.js';
import { readPrefixBytes, wirePrefix } from './prefix.js';

const types = {
  destination: 1,
  source: 2,
  protocol: 3,
  destinationPort: 5,
  sourcePort: 6,
  icmpType: 7,
  tcpFlags: 9,
  packetLength: 10,
  fragment: 12,
} as const;

/** RFC 8955 section 4.2.2.12. */
const fragmentBits: { readonly [K in FragmentKind]: number } = {
  dont_fragment: 0x01,
  is_fragment: 0x02,
  first_fragment: 0x04,
  last_fragment: 0x08,
};

const longestNlri = 0x0fff;
const refused = (detail: string): Result<never> => failure('SPEAKER_REFUSED', detail);

/** One rule. SPEAKER_REFUSED: it matches everybody's traffic, or cannot be written down as it stands. */
export function encodeFlowspecNlri(rule: FlowspecRule): Result<Uint8Array> {
  const fault = faultOf(rule);
  if (fault !== null) return refused(fault);
  const destination = prefixComponent(types.destination, rule.destination, rule.family);
  if (!destination.ok) return destination;
  const source = prefixComponent(types.source, rule.source, rule.family);
  if (!source.ok) return source;
  const list = (type: number, encoded: readonly number[]): readonly number[] =>
    encoded.length === 0 ? [] : [type, ...encoded];
  const components = [
    ...destination.value,
    ...source.value,
    ...list(types.protocol, encodeRanges(rule.protocols.map(single))),
    ...list(types.destinationPort, encodeRanges(rule.destinationPorts)),
    ...list(types.sourcePort, encodeRanges(rule.sourcePorts)),
    ...list(types.icmpType, encodeRanges(rule.icmpTypes.map(single))),
    ...list(types.tcpFlags, rule.tcpFlags === null ? [] : encodeFlagMatch(rule.tcpFlags)),
    ...list(types.packetLength, encodeRanges(rule.lengths)),
    ...list(types.fragment, encodeBits(rule.fragments.map((kind) => fragmentBits[kind]))),
  ];
  if (components.length > longestNlri) return refused(`a rule of ${components.length} bytes is too long`);
  const length = components.length < 0xf0 ? [components.length] : u16(0xf000 | components.length);
  return success(Uint8Array.from([...length, ...components]));
}

/** One rule and nothing after it; null for what is damaged, and for rules that we do not make. */
export function decodeFlowspecNlri(reader: Reader, family: Family): FlowspecRule | null {
  const first = reader.u8();
  const length = first < 0xf0 ? first : ((first & 0x0f) << 8) | reader.u8();
  const body = reader.take(length);
  if (!reader.ok() || reader.left() !== 0) return null;
  const inner = readBytes(body);
  let rule = emptyRule(family);
  let previous = 0;
  while (inner.left() > 0) {
    const type = inner.u8();
    if (type <= previous) return null; // each once, in their order (RFC 8955 section 4.2)
    previous = type;
    const next = withComponent(rule, type, inner);
    if (next === null || !inner.ok()) return null;
    rule = next;
  }
  return faultOf(rule) === null ? rule : null;
}

const single = (value: number): NumberRange => ({ low: value, high: value });

function prefixComponent(type: number, key: PrefixKey | null, family: Family): Result<readonly number[]> {
  if (key === null) return success([]);
  const prefix = wirePrefix(key);
  if (!prefix.ok) return prefix;
  if (prefix.value.family !== family) return refused(`${key} in a rule of IPv${family}`);
  const { length, bytes } = prefix.value;
  return success(family === 4 ? [type, length, ...bytes] : [type, length, 0, ...bytes]);
}

function withComponent(rule: FlowspecRule, type: number, reader: Reader): FlowspecRule | null {
  switch (type) {
    case types.destination:
    case types.source: {
      const length = reader.u8();
      if (rule.family === 6 && reader.u8() !== 0) return null;
      const prefix = readPrefixBytes(reader, rule.family, length);
      if (prefix === null) return null;
      return type === types.destination ? { ...rule, destination: prefix } : { ...rule, source: prefix };
    }
    case types.protocol:
      return optional(singles(decodeRanges(reader)), (protocols) => ({ ...rule, protocols }));
    case types.destinationPort:
      return optional(decodeRanges(reader), (destinationPorts) => ({ ...rule, destinationPorts }));
    case types.sourcePort:
      return optional(decodeRanges(reader), (sourcePorts) => ({ ...rule, sourcePorts }));
    case types.icmpType:
      return optional(singles(decodeRanges(reader)), (icmpTypes) => ({ ...rule, icmpTypes }));
    case types.tcpFlags:
      return optional(decodeFlagMatch(reader), (tcpFlags) => ({ ...rule, tcpFlags }));
    case types.packetLength:
      return optional(decodeRanges(reader), (lengths) => ({ ...rule, lengths }));
    case types.fragment:
      return optional(fragmentsOf(decodeBits(reader)), (fragments) => ({ ...rule, fragments }));
    default:
      return null;
  }
}

const optional = <T>(value: T | null, put: (value: T) => FlowspecRule): FlowspecRule | null =>
  value === null ? null : put(value);

const singles = (ranges: readonly NumberRange[] | null): readonly number[] | null =>
  ranges?.every(({ low, high }) => low === high) === true ? ranges.map(({ low }) => low) : null;

function fragmentsOf(bits: readonly number[] | null): readonly FragmentKind[] | null {
  if (bits === null) return null;
  const kinds = Object.entries(fragmentBits) as readonly (readonly [FragmentKind, number])[];
  const named = bits.flatMap((bit) => kinds.filter(([, value]) => value === bit).map(([kind]) => kind));
  return named.length === bits.length ? named : null;
}

/** What keeps a rule from being announced, whoever made it; null: nothing. */
function faultOf(rule: FlowspecRule): string | null {
  const around = [rule.destination, rule.source].filter((key) => key !== null && !key.endsWith('/0'));
  if (around.length === 0) return "a rule without destination and source matches everybody's traffic";
  if (rule.tcpFlags !== null) {
    const { set, mask } = rule.tcpFlags;
    if (!fits(mask, 12) || mask === 0 || !fits(set, 12) || (set & ~mask) !== 0) {
      return `TCP flags ${set}/${mask} match nothing that can be written`;
    }
  }
  if (rule.family === 6 && rule.fragments.includes('dont_fragment')) {
    return 'IPv6 has no flag against fragmenting (RFC 8956 section 3.6)';
  }
  return (
    faultOfRanges('protocol', rule.protocols.map(single), 8) ??
    faultOfRanges('destination port', rule.destinationPorts, 16) ??
    faultOfRanges('source port', rule.sourcePorts, 16) ??
    faultOfRanges('ICMP type', rule.icmpTypes.map(single), 8) ??
    faultOfRanges('packet length', rule.lengths, 16) ??
    (new Set(rule.fragments).size === rule.fragments.length ? null : 'a kind of fragment stands twice')
  );
}

/** Canonical lists only: rising, and no two that touch where they are ranges. */
function faultOfRanges(what: string, ranges: readonly NumberRange[], bits: number): string | null {
  let above = -1;
  for (const { low, high } of ranges) {
    if (!fits(low, bits) || !fits(high, bits) || high < low) return `${what} ${low}-${high} is none`;
    if (low <= above) return `${what} ${low}-${high} is not in order`;
    above = high;
  }
  return null;
}
