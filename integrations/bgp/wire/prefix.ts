/**
 * Prefixes in NLRI: a length in bits, then as many bytes of the address as the length needs (RFC 4271 section 4.3).
 *
 * Strict in both directions: a length beyond the family's and bits set beyond the length are no prefix. Some speakers
 * take them, and announce something else, or stop.
 */
import { addressBits, addressBytes, type Family, hostOfBytes } from '../../../domain/address.js';
import { parsePrefix } from '../../../domain/prefix.js';
import { failure, type Result, success } from '../../../domain/result.js';
import type { HostKey, PrefixKey } from '../../../domain/units.js';
import type { Reader } from './bytes.js';

export type WirePrefix = {
  readonly family: Family;
  readonly length: number;
  readonly bytes: readonly number[];
};

const bytesFor = (length: number): number => Math.ceil(length / 8);

/** The parts of a prefix as they stand on the wire; SPEAKER_REFUSED for a text that is no canonical prefix. */
export function wirePrefix(key: PrefixKey): Result<WirePrefix> {
  const parsed = parsePrefix(key);
  if (!parsed.ok) return failure('SPEAKER_REFUSED', parsed.error.detail);
  if (parsed.value !== key) return failure('SPEAKER_REFUSED', `'${key}' is not in its shortest form`);
  const slash = key.indexOf('/');
  const address = addressBytes(key.slice(0, slash) as HostKey);
  const length = Number(key.slice(slash + 1));
  return success({
    family: address.length === 4 ? 4 : 6,
    length,
    bytes: Array.from(address.subarray(0, bytesFor(length))),
  });
}

/** The address bytes of a prefix of `length` bits, or null when they are not there or have bits beyond it. */
export function readPrefixBytes(reader: Reader, family: Family, length: number): PrefixKey | null {
  if (length > addressBits(family)) return null;
  const address = new Uint8Array(addressBits(family) / 8);
  address.set(reader.take(bytesFor(length)));
  if (!reader.ok()) return null;
  const host = hostOfBytes(address);
  const prefix = host.ok ? parsePrefix(`${host.value}/${length}`) : host;
  return prefix.ok ? prefix.value : null;
}

/** Unicast NLRI of one prefix; SPEAKER_REFUSED for what is no prefix, and for a default route, which nobody bans. */
export function encodeUnicastNlri(key: PrefixKey): Result<Uint8Array> {
  const prefix = wirePrefix(key);
  if (!prefix.ok) return prefix;
  const { length, bytes } = prefix.value;
  if (length === 0) return failure('SPEAKER_REFUSED', `${key} is the default route, and is never announced`);
  return success(Uint8Array.from([length, ...bytes]));
}

/** One prefix and nothing after it, or null. */
export function decodeUnicastNlri(reader: Reader, family: Family): PrefixKey | null {
  const prefix = readPrefixBytes(reader, family, reader.u8());
  return prefix !== null && reader.left() === 0 ? prefix : null;
}
