/**
 * BGP communities and flowspec actions as operators write them.
 *
 * '65001:666' is a standard community (RFC 1997), '65001:1:2' a large one (RFC 8092), 'rt:65001:100' and 'ro:65001:100' extended
 * ones (RFC 4360 sections 4 and 5; RFC 5668 for a 4-octet AS), '0x0002fde900000064' any extended one, byte by byte.
 */
import { parseHost } from '../domain/address.js';
import type { Communities } from '../domain/announcement.js';
import type { FlowspecAction } from '../domain/flowspec.js';
import { misread, quoted, type Reading, read, readRate } from './quantities.js';

const maxUint16 = 0xffff;
const maxUint32 = 0xffff_ffff;

export type Community =
  | { readonly kind: 'standard'; readonly value: readonly [number, number] }
  | { readonly kind: 'large'; readonly value: readonly [number, number, number] }
  | { readonly kind: 'extended'; readonly value: string };

/** RFC 1997 and the registry of well-known communities: those that mean something to every router. */
const wellKnown: { readonly [name: string]: readonly [number, number] } = {
  blackhole: [65_535, 666], // RFC 7999
  'no-export': [65_535, 65_281],
  'no-advertise': [65_535, 65_282],
};

const remedy =
  'write 65001:666, 65001:1:2 for a large one, rt:65001:100 for a route target, blackhole, no-export or no-advertise';

const hex = (value: number, bytes: number): string => value.toString(16).padStart(bytes * 2, '0');

export function readCommunity(value: unknown): Reading<Community> {
  const text = String(value);
  const known = Object.hasOwn(wellKnown, text) ? wellKnown[text] : undefined;
  if (known !== undefined) return read({ kind: 'standard', value: known });
  const raw = /^0x([0-9a-f]{16})$/i.exec(text);
  if (raw !== null) return read({ kind: 'extended', value: (raw[1] ?? '').toLowerCase() });
  const target = /^(rt|ro):(\d{1,10}):(\d{1,10})$/.exec(text);
  if (target !== null)
    return readExtended(target[1] === 'rt' ? 2 : 3, Number(target[2]), Number(target[3]), value);
  if (typeof value !== 'string' || !/^\d{1,10}(:\d{1,10}){1,2}$/.test(text)) {
    return misread(`${quoted(value)} is not a community`, remedy);
  }
  const parts = text.split(':').map(Number);
  const [first = 0, second = 0, third] = parts;
  if (third !== undefined) {
    return parts.some((part) => part > maxUint32)
      ? misread(`${quoted(value)} has a part above ${maxUint32}`, remedy)
      : read({ kind: 'large', value: [first, second, third] });
  }
  if (first > maxUint16 || second > maxUint16) {
    return misread(
      `${quoted(value)} has a part above ${maxUint16}`,
      'a standard community has two parts of 16 bits; write a large one, such as 4200000001:1:666',
    );
  }
  return read({ kind: 'standard', value: [first, second] });
}

function readExtended(subtype: number, asn: number, number: number, value: unknown): Reading<Community> {
  if (asn <= maxUint16 && number <= maxUint32) {
    return read({ kind: 'extended', value: `00${hex(subtype, 1)}${hex(asn, 2)}${hex(number, 4)}` });
  }
  if (asn <= maxUint32 && number <= maxUint16) {
    return read({ kind: 'extended', value: `02${hex(subtype, 1)}${hex(asn, 4)}${hex(number, 2)}` });
  }
  return misread(
    `${quoted(value)} does not fit into an extended community`,
    'one of its two numbers has 16 bits and the other 32',
  );
}

const byNumbers = (a: readonly number[], b: readonly number[]): number => {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
};

/** Sorted, each once. */
export function communitiesOf(list: readonly Community[]): Communities {
  const once = <T>(values: readonly T[], key: (value: T) => string): readonly T[] => [
    ...new Map(values.map((value) => [key(value), value])).values(),
  ];
  const joined = (parts: readonly number[]): string => parts.join(':');
  const standard = list.flatMap((one) => (one.kind === 'standard' ? [one.value] : []));
  const large = list.flatMap((one) => (one.kind === 'large' ? [one.value] : []));
  const extended = list.flatMap((one) => (one.kind === 'extended' ? [one.value] : []));
  return {
    standard: [...once(standard, joined)].sort(byNumbers),
    large: [...once(large, joined)].sort(byNumbers),
    extended: [...new Set(extended)].sort(),
  };
}

const actionRemedy = 'write discard, rate-limit 10Mbit, redirect 65001:100, redirect 192.0.2.1:100 or mark 8';
const maxDscp = 63;

/** 'discard', 'rate-limit 10Mbit', 'redirect 65001:100', 'redirect 192.0.2.1:100', 'mark 8'. */
export function readFlowspecAction(value: unknown): Reading<FlowspecAction> {
  const [, word = '', argument = ''] = /^(\S+)(?: +(\S+))?$/.exec(String(value)) ?? [];
  const wrong = misread(`${quoted(value)} is not a flowspec action`, actionRemedy);
  if (word === 'discard' && argument === '') return read({ kind: 'discard' });
  if (word === 'rate-limit') {
    const rate = readRate(argument, 'bits');
    if (!rate.ok) return rate;
    if (rate.value === null) return wrong;
    return read({ kind: 'rate_limit', bytesPerSecond: Math.max(1, Math.round((rate.value * 1e6) / 8)) });
  }
  if (word === 'redirect') {
    const [, address = '', port = ''] = /^(\d+(?:\.\d+){3}):(\d{1,5})$/.exec(argument) ?? [];
    if (address !== '') {
      const host = parseHost(address);
      return host.ok && Number(port) <= maxUint16
        ? read({ kind: 'redirect_ipv4', address: host.value, value: Number(port) })
        : wrong;
    }
    const target = readCommunity(`rt:${argument}`);
    if (!target.ok) {
      // What is a route target but for its size says so; anything else is no action at all.
      return /^\d{1,10}:\d{1,10}$/.test(argument) ? target : wrong;
    }
    const [asn = 0, number = 0] = argument.split(':').map(Number);
    return read({ kind: 'redirect', asn, value: number });
  }
  if (word === 'mark' && /^\d{1,2}$/.test(argument)) {
    return Number(argument) <= maxDscp
      ? read({ kind: 'mark', dscp: Number(argument) })
      : misread(`${quoted(argument)} is not a DSCP`, `a DSCP is a number from 0 to ${maxDscp}`);
  }
  return wrong;
}
