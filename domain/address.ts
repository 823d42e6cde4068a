/**
 * IPv4 and IPv6 addresses: text to 32-bit words and back.
 *
 * The text of a HostKey is canonical: dotted decimal for IPv4 (no leading zeros, no short forms),
 * RFC 5952 for IPv6, the IPv4-mapped block ::ffff:0:0/96 in mixed notation (its section 5).
 * Zone ids ('fe80::1%eth0') are refused: a host of ours has no interface.
 */
import { failure, type Result, success } from './result.js';
import type { HostKey, PrefixKey } from './units.js';

export type Family = 4 | 6;

/** Big-endian unsigned 32-bit words: one for IPv4, four for IPv6. */
export type Address = { readonly family: Family; readonly words: readonly number[] };

/** Bits of an address of the family. */
export const addressBits = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

const longestAddressText = 45; // 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'
const groupsOfIpv6 = 8;
const [dot, zero, nine] = [0x2e, 0x30, 0x39];

/** The address in `text`, or null when it is none. Takes every form of RFC 4291 section 2.2. */
export function parseAddress(text: string): Address | null {
  if (text.length > longestAddressText) return null;
  if (!text.includes(':')) {
    const word = parseIpv4(text);
    return word === null ? null : { family: 4, words: [word] };
  }
  const groups = parseIpv6Groups(text);
  if (groups === null) return null;
  const words = [0, 2, 4, 6].map((at) => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0);
  return { family: 6, words };
}

/** The canonical text of one address. */
export const formatAddress = (address: Address): HostKey =>
  (address.family === 4 ? formatIpv4(address.words[0] ?? 0) : formatIpv6(address.words)) as HostKey;

/** `text` as a HostKey; ADDRESS_INVALID says what is wrong with it. */
export function parseHost(text: string): Result<HostKey> {
  const address = parseAddress(text);
  return address === null
    ? failure('ADDRESS_INVALID', `'${text}' is not an IPv4 or IPv6 address`)
    : success(formatAddress(address));
}

/** The address behind a key. A key is made here alone, so one that does not parse is a bug. */
export function addressOf(host: HostKey): Address {
  const address = parseAddress(host);
  if (address === null) throw new TypeError(`not a host key: '${host}'`);
  return address;
}

export const familyOf = (key: HostKey | PrefixKey): Family => (key.includes(':') ? 6 : 4);

/** Network byte order: 4 or 16 bytes. */
export function addressBytes(host: HostKey): Uint8Array {
  const { words } = addressOf(host);
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word);
  });
  return bytes;
}

/** 4 or 16 bytes in network order; ADDRESS_INVALID for any other length. */
export function hostOfBytes(bytes: Uint8Array): Result<HostKey> {
  if (bytes.length !== 4 && bytes.length !== 16) {
    return failure('ADDRESS_INVALID', `an address has 4 or 16 bytes, not ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4));
  return success(formatAddress({ family: bytes.length === 4 ? 4 : 6, words }));
}

/** Order: IPv4 before IPv6, then by number. Negative, zero or positive. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  for (let index = 0; index < a.words.length; index += 1) {
    const step = (a.words[index] ?? 0) - (b.words[index] ?? 0);
    if (step !== 0) return step;
  }
  return 0;
}

export const compareHosts = (a: HostKey, b: HostKey): number =>
  a === b ? 0 : compareAddresses(addressOf(a), addressOf(b));

/** Digit by digit: lists have many thousands of addresses, and splitting takes five times as long. */
function parseIpv4(text: string): number | null {
  let word = 0;
  let byte = -1; // none begun
  let dots = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === dot) {
      if (byte < 0 || dots === 3) return null;
      word = word * 256 + byte;
      byte = -1;
      dots += 1;
      continue;
    }
    // '010' is 10 to some programs and 8 to others: refused, like all that is no digit.
    if (code < zero || code > nine || byte === 0) return null;
    byte = (byte < 0 ? 0 : byte * 10) + code - zero;
    if (byte > 255) return null;
  }
  return dots === 3 && byte >= 0 ? word * 256 + byte : null;
}

function parseIpv6Groups(text: string): readonly number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  if (head === null) return null;
  if (halves.length === 1) return head.length === groupsOfIpv6 ? head : null;
  const tail = parseGroups(halves[1] ?? '', true);
  if (tail === null) return null;
  const zeros = groupsOfIpv6 - head.length - tail.length;
  // '::' stands for at least one group.
  return zeros < 1 ? null : [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/** The 16-bit groups of one side of '::'. `last`: the side ends the address, so IPv4 may end it. */
function parseGroups(text: string, last: boolean): readonly number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  if (parts.length > groupsOfIpv6) return null;
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const word = last && index === parts.length - 1 ? parseIpv4(part) : null;
    if (word === null) return null;
    groups.push(word >>> 16, word & 0xffff);
  }
  return groups;
}

const formatIpv4 = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;

function formatIpv6(words: readonly number[]): string {
  const [first = 0, second = 0, third = 0, fourth = 0] = words;
  if (first === 0 && second === 0 && third === 0xffff) return `::ffff:${formatIpv4(fourth)}`;
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** RFC 5952 section 4.2: the longest run of zero groups, the first of equals, is shortened. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let run = 0;
  for (const [index, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0;
    if (run > best.length) best = { start: index - run + 1, length: run };
  }
  return best;
}
