/**
 * A flowspec rule and its action in ExaBGP's one-line form, the same for versions 4 and 5:
 * 'destination 192.0.2.7/32 protocol [ =17 ] source-port [ =53 >=123&<=124 ] discard'.
 *
 * Numbers only, never names. 4 keeps only the first of two extended-community attributes, and an action is one: so
 * where a rule carries extended communities, its action is written among them (RFC 8955 section 7).
 */
import { familyOf } from '../../domain/address.js';
import type { FlowspecAction, FlowspecRule, NumberRange, TcpFlagMatch } from '../../domain/flowspec.js';
import { failure, type Result, success } from '../../domain/result.js';
import { fits } from './wire/bytes.js';
import { encodeAction } from './wire/flowspec-action.js';

const maxRate = 1e12; // ExaBGP's own limit, bytes per second

/** SPEAKER_REFUSED for what ExaBGP cannot be told exactly. */
export function flowRuleText(rule: FlowspecRule): Result<string> {
  const refused = refusedRule(rule);
  if (refused !== null) return failure('SPEAKER_REFUSED', refused);
  // An IPv6 prefix may begin behind an offset (RFC 8956 section 3.1); ours begin at 0.
  const offset = rule.family === 6 ? '/0' : '';
  const prefix = (name: string, key: string | null): string[] => (key === null ? [] : [name, key + offset]);
  return success(
    [
      ...prefix('destination', rule.destination),
      ...prefix('source', rule.source),
      ...listText(rule.family === 4 ? 'protocol' : 'next-header', rule.protocols.map(equal)),
      ...listText('destination-port', rule.destinationPorts.map(rangeText)),
      ...listText('source-port', rule.sourcePorts.map(rangeText)),
      ...listText('icmp-type', rule.icmpTypes.map(equal)),
      ...listText('tcp-flags', rule.tcpFlags === null ? [] : [flagText(rule.tcpFlags)]),
      ...listText('packet-length', rule.lengths.map(rangeText)),
      ...listText(
        'fragment',
        rule.fragments.map((kind) => fragmentWords[kind]),
      ),
    ].join(' '),
  );
}

export const fragmentWords = {
  dont_fragment: 'dont-fragment',
  is_fragment: 'is-fragment',
  first_fragment: 'first-fragment',
  last_fragment: 'last-fragment',
} as const;

/** 'discard', or the action among the extended communities: 'extended-community [ 0x8006000000000000 0x… ]'. */
export function flowActionText(action: FlowspecAction, extended: readonly string[]): Result<string> {
  const refused = refusedAction(action);
  if (refused !== null) return failure('SPEAKER_REFUSED', refused);
  if (extended.length > 0 && action.kind === 'redirect' && !fits(action.asn, 16)) {
    // Told in digits it is announced, and 4.2 then recurses for ever where it would be listed.
    return failure(
      'SPEAKER_REFUSED',
      'ExaBGP 4 lists no redirect to a four-byte AS beside extended communities',
    );
  }
  // It has no words for an address in a route target.
  if (extended.length > 0 || action.kind === 'redirect_ipv4') {
    const own = encodeAction(action);
    if (!own.ok) return own;
    const all = [own.value, ...extended].map((digits) => `0x${digits}`);
    return success(`extended-community [ ${all.join(' ')} ]`);
  }
  switch (action.kind) {
    case 'discard':
      return success('discard');
    case 'rate_limit':
      return success(`rate-limit ${action.bytesPerSecond}`);
    case 'redirect':
      return success(`redirect ${action.asn}:${action.value}`);
    case 'mark':
      return success(`mark ${action.dscp}`);
  }
}

const equal = (value: number): string => `=${value}`;
const rangeText = ({ low, high }: NumberRange): string => (low === high ? `=${low}` : `>=${low}&<=${high}`);
const listText = (name: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [name, `[ ${items.join(' ')} ]`];

/** All of `set` are on ('=': match), and none of the others in the mask ('!': not any). */
function flagText({ set, mask }: TcpFlagMatch): string {
  const off = mask & ~set;
  const parts = [
    ...(set === 0 ? [] : [`=0x${set.toString(16)}`]),
    ...(off === 0 ? [] : [`!0x${off.toString(16)}`]),
  ];
  return parts.join('&');
}

const isWhole = (value: number, most: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= most;
const isRange = ({ low, high }: NumberRange): boolean =>
  isWhole(low, 0xffff) && isWhole(high, 0xffff) && low <= high;

function refusedRule(rule: FlowspecRule): string | null {
  if (rule.destination === null && rule.source === null)
    return 'a rule without a prefix would match everybody';
  const strange = [rule.destination, rule.source].find(
    (key) => key !== null && familyOf(key) !== rule.family,
  );
  if (strange !== undefined) return `${strange} is not of the rule's family`;
  if (![...rule.protocols, ...rule.icmpTypes].every((value) => isWhole(value, 255))) {
    return 'a protocol or ICMP type is 0 to 255';
  }
  if (![...rule.destinationPorts, ...rule.sourcePorts, ...rule.lengths].every(isRange)) {
    return 'a port or length is 0 to 65535, the lower end first';
  }
  const flags = rule.tcpFlags;
  if (flags !== null && !(isWhole(flags.mask, 0xff) && flags.mask > 0 && (flags.set & ~flags.mask) === 0)) {
    return 'TCP flags are 8 bits, those to be set among those looked at';
  }
  if (rule.family === 6 && rule.fragments.includes('dont_fragment')) return 'IPv6 has no dont_fragment';
  return null;
}

function refusedAction(action: FlowspecAction): string | null {
  switch (action.kind) {
    case 'discard':
      return null;
    case 'rate_limit':
      return isWhole(action.bytesPerSecond, maxRate) && action.bytesPerSecond > 0
        ? null
        : `a rate is whole bytes per second, 1 to ${maxRate}`;
    case 'redirect':
    case 'redirect_ipv4': {
      const encoded = encodeAction(action);
      return encoded.ok ? null : encoded.error.detail;
    }
    case 'mark':
      return isWhole(action.dscp, 63) ? null : 'a DSCP is 0 to 63';
  }
}
