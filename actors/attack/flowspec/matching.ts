/**
 * Whether a router that follows RFC 8955 and RFC 8956 would match a packet by a rule: what coverage and collateral are
 * counted by. A packet that lacks what a component looks at (ports of a later fragment, flags of UDP) does not match it
 * (RFC 8955 section 4.2.2.4 and on). Pure.
 */
import { type Address, compareAddresses } from '../../../domain/address.js';
import type { SampledPacket } from '../../../domain/attack.js';
import type { FlowspecRule, NumberRange } from '../../../domain/flowspec.js';
import { masked, prefixParts } from '../../../domain/prefix.js';
import type { PrefixKey } from '../../../domain/units.js';
import { factsOf, fragmentBit, type PacketFacts } from './facts.js';

export type Matcher = (facts: PacketFacts) => boolean;

export const matches = (rule: FlowspecRule, packet: SampledPacket): boolean => {
  const facts = factsOf(packet);
  return facts !== null && matcherOf(rule)(facts);
};

/** The rule made ready for many packets. */
export function matcherOf(rule: FlowspecRule): Matcher {
  const tests: Matcher[] = [({ destination }) => destination.family === rule.family];
  if (rule.destination !== null) tests.push(after(insideOf(rule.destination), (facts) => facts.destination));
  if (rule.source !== null) tests.push(after(insideOf(rule.source), (facts) => facts.source));
  if (rule.protocols.length > 0) tests.push(({ protocol }) => rule.protocols.includes(protocol));
  const { destinationPorts, sourcePorts, icmpTypes, lengths, tcpFlags } = rule;
  if (destinationPorts.length > 0) tests.push((facts) => within(destinationPorts, facts.destinationPort));
  if (sourcePorts.length > 0) tests.push((facts) => within(sourcePorts, facts.sourcePort));
  if (icmpTypes.length > 0) {
    tests.push(({ icmpType }) => icmpType !== null && icmpTypes.includes(icmpType));
  }
  if (tcpFlags !== null) {
    tests.push((facts) => facts.tcpFlags !== null && (facts.tcpFlags & tcpFlags.mask) === tcpFlags.set);
  }
  if (lengths.length > 0) tests.push((facts) => within(lengths, facts.length));
  const kinds = rule.fragments.reduce((bits, kind) => bits | fragmentBit(kind), 0);
  if (kinds !== 0) tests.push(({ fragments }) => (fragments & kinds) !== 0);
  return (facts) => tests.every((test) => test(facts));
}

export const within = (ranges: readonly NumberRange[], value: number | null): boolean =>
  value !== null && ranges.some(({ low, high }) => low <= value && value <= high);

const after =
  <T>(test: (value: T) => boolean, of: (facts: PacketFacts) => T): Matcher =>
  (facts) =>
    test(of(facts));

/** A prefix made ready for many addresses. */
export function insideOf(prefix: PrefixKey): (address: Address) => boolean {
  const { address: network, length } = prefixParts(prefix);
  return (address) =>
    address.family === network.family && compareAddresses(masked(address, length), network) === 0;
}
