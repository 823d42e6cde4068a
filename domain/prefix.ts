/**
 * Prefixes: '192.0.2.0/24', '2001:db8::/32' (RFC 4632 section 3.1, RFC 4291 section 2.3).
 *
 * The text of a PrefixKey is canonical, so two keys are the same prefix exactly when they are the
 * same string. Expected faults are ADDRESS_INVALID with a detail that says what would be right.
 */
import {
  type Address,
  addressBits,
  addressOf,
  compareAddresses,
  type Family,
  formatAddress,
  parseAddress,
} from './address.js';
import { failure, type Result, success } from './result.js';
import type { HostKey, PrefixKey } from './units.js';

export type Prefix = { readonly address: Address; readonly length: number };

/** What the lenient reading had to mend. */
export type LenientPrefix = {
  readonly prefix: PrefixKey;
  /** Host bits were set and have been cleared. */
  readonly hostBitsCleared: boolean;
  /** There was no length: /32 or /128 was taken. */
  readonly bareAddress: boolean;
};

/** 'address/length' with host bits clear, and nothing else. */
export function parsePrefix(text: string): Result<PrefixKey> {
  const lenient = parsePrefixLenient(text);
  if (!lenient.ok) return lenient;
  const { prefix, hostBitsCleared, bareAddress } = lenient.value;
  if (bareAddress) return failure('ADDRESS_INVALID', `'${text}' has no length; write ${prefix}`);
  if (hostBitsCleared) {
    return failure('ADDRESS_INVALID', `'${text}' has bits set beyond its length; write ${prefix}`);
  }
  return success(prefix);
}

/** Also a bare address, and a prefix with host bits, which are cleared. */
export function parsePrefixLenient(text: string): Result<LenientPrefix> {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === null) {
    return failure('ADDRESS_INVALID', `'${addressText}' is not an IPv4 or IPv6 address`);
  }
  const bits = addressBits(address.family);
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const length = Number(lengthText);
  if (!/^(0|[1-9]\d{0,2})$/.test(lengthText) || length > bits) {
    return failure('ADDRESS_INVALID', `'${lengthText}' is not a prefix length; it is 0 to ${bits}`);
  }
  const network = masked(address, length);
  return success({
    prefix: prefixText(network, length),
    hostBitsCleared: compareAddresses(network, address) !== 0,
    bareAddress: slash < 0,
  });
}

/** The prefix behind a key. A key is made here alone, so one that does not parse is a bug. */
export function prefixParts(key: PrefixKey): Prefix {
  const slash = key.indexOf('/');
  const address = slash < 0 ? null : parseAddress(key.slice(0, slash));
  if (address === null) throw new TypeError(`not a prefix key: '${key}'`);
  return { address, length: Number(key.slice(slash + 1)) };
}

export const prefixLength = (key: PrefixKey): number => Number(key.slice(key.indexOf('/') + 1));

/** The first address of the prefix. */
export const networkOf = (key: PrefixKey): HostKey => key.slice(0, key.indexOf('/')) as HostKey;

/** The prefix of `length` around a host or a longer prefix. RangeError when there is none. */
export function prefixOf(inner: HostKey | PrefixKey, length: number): PrefixKey {
  const { address, length: innerLength } = partsOf(inner);
  if (!Number.isInteger(length) || length < 0 || length > innerLength) {
    throw new RangeError(`no prefix of length ${length} around ${inner}`);
  }
  return prefixText(masked(address, length), length);
}

/** The prefix that holds this host alone: /32 or /128. */
export const hostPrefix = (host: HostKey): PrefixKey => prefixOf(host, addressBits(addressOf(host).family));

/** A prefix contains itself; families never contain each other. */
export function contains(outer: PrefixKey, inner: HostKey | PrefixKey): boolean {
  const around = prefixParts(outer);
  const within = partsOf(inner);
  return (
    around.address.family === within.address.family &&
    around.length <= within.length &&
    compareAddresses(masked(within.address, around.length), around.address) === 0
  );
}

export const overlaps = (a: PrefixKey, b: PrefixKey): boolean => contains(a, b) || contains(b, a);

/** Order: by address, then the shorter prefix first. */
export function comparePrefixes(a: PrefixKey, b: PrefixKey): number {
  const first = prefixParts(a);
  const second = prefixParts(b);
  return compareAddresses(first.address, second.address) || first.length - second.length;
}

/** How many addresses a prefix holds: exact up to 2^53, a float beyond. */
export const prefixSize = (key: PrefixKey): number => {
  const { address, length } = prefixParts(key);
  return 2 ** (addressBits(address.family) - length);
};

/** `address` with all bits beyond `length` clear. */
export function masked(address: Address, length: number): Address {
  const words = address.words.map((word, index) => {
    const kept = Math.min(32, Math.max(0, length - index * 32));
    return kept === 0 ? 0 : (word & (-1 << (32 - kept))) >>> 0;
  });
  return { family: address.family, words };
}

/** A host is the prefix of its full length. */
export function partsOf(key: HostKey | PrefixKey): Prefix {
  if (key.includes('/')) return prefixParts(key as PrefixKey);
  const address = addressOf(key as HostKey);
  return { address, length: addressBits(address.family as Family) };
}

const prefixText = (address: Address, length: number): PrefixKey =>
  `${formatAddress(address)}/${length}` as PrefixKey;
