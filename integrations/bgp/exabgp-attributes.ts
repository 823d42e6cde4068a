/**
 * The attributes of a route as ExaBGP prints them: 'next-hop 192.0.2.1 community [ 65001:666 blackhole ] …'.
 *
 * Names are turned back into numbers. What has no exact way back (an encapsulation's name) is kept as text in `opaque`.
 * Attributes that our announcements cannot carry (as-path, med, …) are left out.
 */
import { addressBytes, parseHost } from '../../domain/address.js';
import type { Communities } from '../../domain/announcement.js';
import type { FlowspecAction } from '../../domain/flowspec.js';
import type { HostKey } from '../../domain/units.js';
import { communityNames } from './exabgp-names.js';
import { decodeAction } from './wire/flowspec-action.js';

export type PrintedAttributes = {
  readonly nextHop: HostKey | null;
  /** Without the action. */
  readonly communities: Communities;
  readonly action: FlowspecAction | null;
  readonly opaque: readonly string[];
};

/** The words of a value: those between brackets, or the one. */
export type Field = { readonly name: string; readonly words: readonly string[] };

/** Words that follow a name without brackets and belong to it. */
const wordsOfBareItem: { readonly [first: string]: number } = {
  mark: 2,
  action: 2,
  'redirect-to-nexthop-ietf': 2,
};

/**
 * 'name value' and 'name [ value value ]', in their order. A word of a bare value may be followed by more of it
 * ('extended-community mark 8'); 4 says 'unknown protocol type 200' for a number without a name.
 */
export function fieldsOf(text: string): readonly Field[] {
  const words = text
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  const fields: Field[] = [];
  for (let at = 0; at < words.length; ) {
    const name = words[at++] ?? '';
    if (words[at] === '[') {
      const end = words.indexOf(']', at);
      const last = end < 0 ? words.length : end;
      fields.push({ name, words: words.slice(at + 1, last) });
      at = last + 1;
      continue;
    }
    const length = bareLength(words, at);
    fields.push({ name, words: words.slice(at, at + length) });
    at += length;
  }
  return fields;
}

function bareLength(words: readonly string[], at: number): number {
  const first = words[at] ?? '';
  // '=unknown protocol type 200', '=unknown icmp type type 77'
  if (first.endsWith('unknown')) {
    const number = words.slice(at, at + 5).findIndex((word) => /^\d+$/.test(word));
    if (number > 0) return number + 1;
  }
  return wordsOfBareItem[first] ?? 1;
}

export function readAttributes(fields: readonly Field[]): PrintedAttributes {
  let nextHop: HostKey | null = null;
  const standard: (readonly [number, number])[] = [];
  const large: (readonly [number, number, number])[] = [];
  const extended: string[] = [];
  const opaque: string[] = [];
  let action: FlowspecAction | null = null;
  for (const { name, words } of fields) {
    if (name === 'next-hop') {
      const host = parseHost(words[0] ?? '');
      if (host.ok) nextHop = host.value;
    } else if (name === 'community') {
      for (const word of words) {
        const one = communityNames[word] ?? numbers(word, 2);
        if (one === null) opaque.push(word);
        else standard.push([one[0] ?? 0, one[1] ?? 0]);
      }
    } else if (name === 'large-community') {
      for (const word of words) {
        const one = numbers(word, 3);
        if (one === null) opaque.push(word);
        else large.push([one[0] ?? 0, one[1] ?? 0, one[2] ?? 0]);
      }
    } else if (name === 'extended-community') {
      for (const item of extendedItems(words)) {
        const then = actionOf(item);
        const digits = then === null ? extendedDigits(item) : null;
        if (then !== null) action ??= then;
        else if (digits !== null) extended.push(digits);
        else opaque.push(item);
      }
    }
  }
  const communities = {
    standard: standard.sort(byNumbers),
    large: large.sort(byNumbers),
    extended: extended.sort(),
  };
  return { nextHop, communities, action, opaque };
}

function extendedItems(words: readonly string[]): readonly string[] {
  const items: string[] = [];
  for (let at = 0; at < words.length; ) {
    const length = wordsOfBareItem[words[at] ?? ''] ?? 1;
    items.push(words.slice(at, at + length).join(' '));
    at += length;
  }
  return items;
}

/** RFC 8955 section 7, by name or by digits. */
function actionOf(item: string): FlowspecAction | null {
  const rate = /^rate-limit:(\d+)$/.exec(item);
  if (rate !== null) return rateAction(Number(rate[1]));
  // An AS of four bytes that was told in digits is printed as 'redirect:ASN4(4200000001):8'.
  const redirect = /^redirect:(?:ASN4\((\d+)\)|(\d+)):(\d+)$/.exec(item);
  if (redirect !== null)
    return { kind: 'redirect', asn: Number(redirect[1] ?? redirect[2]), value: Number(redirect[3]) };
  const mark = /^mark (\d+)$/.exec(item);
  if (mark !== null) return { kind: 'mark', dscp: Number(mark[1]) };
  const raw = /^0x([0-9A-Fa-f]{16})$/.exec(item);
  return raw === null ? null : decodeAction((raw[1] ?? '').toLowerCase());
}

const rateAction = (bytesPerSecond: number): FlowspecAction =>
  bytesPerSecond === 0 ? { kind: 'discard' } : { kind: 'rate_limit', bytesPerSecond };

/**
 * 'target:65001:100', 'origin:192.0.2.1:7', '0x4302…' → 16 digits (RFC 4360 section 4 and 5, RFC 5668). An AS number
 * beyond 16 bits is marked 'L' by 4 and by nothing in 5. The value of 'origin:asn:' is printed as an address.
 */
function extendedDigits(item: string): string | null {
  const raw = /^0x([0-9A-Fa-f]{16})$/.exec(item);
  if (raw !== null) return (raw[1] ?? '').toLowerCase();
  const named = /^(target|origin):([^:]+):([^:]+)$/.exec(item);
  if (named === null) return null;
  const subtype = named[1] === 'target' ? 0x02 : 0x03;
  const left = named[2] ?? '';
  const value = decimalOrAddress(named[3] ?? '');
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint8(1, subtype);
  const asn = /^(\d+)(L?)$/.exec(left);
  if (asn === null) {
    const address = addressWord(left);
    if (address === null || value === null || value > 0xffff) return null;
    bytes.setUint8(0, 0x01);
    bytes.setUint32(2, address);
    bytes.setUint16(6, value);
  } else {
    const number = Number(asn[1]);
    const wide = asn[2] === 'L' || number > 0xffff;
    if (value === null || number > 0xffffffff || value > (wide ? 0xffff : 0xffffffff)) return null;
    if (wide) {
      bytes.setUint8(0, 0x02);
      bytes.setUint32(2, number);
      bytes.setUint16(6, value);
    } else {
      bytes.setUint16(2, number);
      bytes.setUint32(4, value);
    }
  }
  return bytes.getBigUint64(0).toString(16).padStart(16, '0');
}

const decimalOrAddress = (text: string): number | null =>
  /^\d+$/.test(text) ? Number(text) : addressWord(text);

function addressWord(text: string): number | null {
  const host = parseHost(text);
  if (!host.ok || host.value.includes(':')) return null;
  const bytes = addressBytes(host.value);
  return new DataView(bytes.buffer).getUint32(0);
}

function numbers(word: string, count: number): readonly number[] | null {
  const parts = word.split(':');
  return parts.length === count && parts.every((part) => /^\d{1,10}$/.test(part)) ? parts.map(Number) : null;
}

function byNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [index, one] of a.entries()) {
    const step = one - (b[index] ?? 0);
    if (step !== 0) return step;
  }
  return 0;
}
