/**
 * Flow specification rules, as far as a detector has use for them (RFC 8955 section 4, RFC 8956 section 3).
 *
 * A component that is empty or null is absent: it matches everything. Within a component the values are alternatives;
 * all components must match. Lists are sorted and without repeats, ranges do not touch, so the text is canonical.
 */
import type { Family } from './address.js';
import type { HostKey, PrefixKey } from './units.js';

/** Both ends included. */
export type NumberRange = { readonly low: number; readonly high: number };

/** TCP flags (RFC 8955 section 4.2.2.9): of the bits in `mask`, exactly those in `set` are on. */
export type TcpFlagMatch = { readonly set: number; readonly mask: number };

export const fragmentKinds = ['dont_fragment', 'is_fragment', 'first_fragment', 'last_fragment'] as const;
/** RFC 8955 section 4.2.2.12; IPv6 has no `dont_fragment` (RFC 8956 section 3.6). */
export type FragmentKind = (typeof fragmentKinds)[number];

export type FlowspecRule = {
  readonly family: Family;
  readonly destination: PrefixKey | null;
  readonly source: PrefixKey | null;
  /** Of IPv6, the upper-layer protocol. */
  readonly protocols: readonly number[];
  readonly destinationPorts: readonly NumberRange[];
  readonly sourcePorts: readonly NumberRange[];
  readonly icmpTypes: readonly number[];
  readonly tcpFlags: TcpFlagMatch | null;
  /** Total length of the IP packet, bytes. */
  readonly lengths: readonly NumberRange[];
  readonly fragments: readonly FragmentKind[];
};

/** Every packet of the family. */
export const emptyRule = (family: Family): FlowspecRule => ({
  family,
  destination: null,
  source: null,
  protocols: [],
  destinationPorts: [],
  sourcePorts: [],
  icmpTypes: [],
  tcpFlags: null,
  lengths: [],
  fragments: [],
});

/**
 * RFC 8955 section 7. `rate_limit` 0 is never made: that is `discard`. A rate travels as a float of 32 bits, and reads back
 * as one: rates that are the same there are the same.
 */
export type FlowspecAction =
  | { readonly kind: 'discard' }
  | { readonly kind: 'rate_limit'; readonly bytesPerSecond: number }
  /** To the VRF with this route target; one of the two numbers has 16 bits, the other 32. */
  | { readonly kind: 'redirect'; readonly asn: number; readonly value: number }
  /** The same for a route target of an IPv4 address and 16 bits. */
  | { readonly kind: 'redirect_ipv4'; readonly address: HostKey; readonly value: number }
  | { readonly kind: 'mark'; readonly dscp: number };

const rangeText = ({ low, high }: NumberRange): string => (low === high ? String(low) : `${low}-${high}`);
const hex = (bits: number): string => `0x${bits.toString(16).padStart(2, '0')}`;

/** 'destination 192.0.2.7/32 protocol 17 source-port 53,123-124'; '' matches every packet. */
export function flowspecRuleText(rule: FlowspecRule): string {
  const part = (name: string, values: readonly (string | number)[]): string[] =>
    values.length === 0 ? [] : [`${name} ${values.join(',')}`];
  return [
    ...part('destination', rule.destination === null ? [] : [rule.destination]),
    ...part('source', rule.source === null ? [] : [rule.source]),
    ...part('protocol', rule.protocols),
    ...part('destination-port', rule.destinationPorts.map(rangeText)),
    ...part('source-port', rule.sourcePorts.map(rangeText)),
    ...part('icmp-type', rule.icmpTypes),
    ...part(
      'tcp-flags',
      rule.tcpFlags === null ? [] : [`${hex(rule.tcpFlags.set)}/${hex(rule.tcpFlags.mask)}`],
    ),
    ...part('packet-length', rule.lengths.map(rangeText)),
    ...part('fragment', rule.fragments),
  ].join(' ');
}

/** 'discard', 'rate-limit 125000', 'redirect 65001:100', 'redirect 192.0.2.1:100', 'mark 8'. */
export function flowspecActionText(action: FlowspecAction): string {
  switch (action.kind) {
    case 'discard':
      return 'discard';
    case 'rate_limit':
      return `rate-limit ${Math.fround(action.bytesPerSecond)}`;
    case 'redirect':
      return `redirect ${action.asn}:${action.value}`;
    case 'redirect_ipv4':
      return `redirect ${action.address}:${action.value}`;
    case 'mark':
      return `mark ${action.dscp}`;
  }
}
