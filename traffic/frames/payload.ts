/**
 * Payload bytes with their running checksum, so that the checksum of any slice costs two look-ups and not a loop.
 */
import type { Random } from '../random.js';
import { sumWords } from './checksum.js';

/** The most one datagram can hold; also keeps every running sum below 2^31. */
export const maxPayloadBytes = 65_535;

export type Payload = {
  readonly bytes: Uint8Array;
  /** `sums[i]`: sum of the first i big-endian words. */
  readonly sums: Uint32Array;
};

/** Throws RangeError beyond `maxPayloadBytes`. */
export function payloadOf(bytes: Uint8Array): Payload {
  if (bytes.length > maxPayloadBytes) throw new RangeError(`a payload of ${bytes.length} bytes`);
  const words = bytes.length >> 1;
  const sums = new Uint32Array(words + 1);
  for (let word = 0; word < words; word++) sums[word + 1] = (sums[word] ?? 0) + sumWords(bytes, word * 2, 2);
  return { bytes, sums };
}

/** Random bytes to cut payloads from. */
export const randomPayload = (random: Random, length: number): Payload =>
  payloadOf(random.fill(new Uint8Array(length)));

export const emptyPayload: Payload = payloadOf(new Uint8Array(0));

/** Checksum sum of `length` bytes from `at`, which must be even. */
export function payloadSum(payload: Payload, at: number, length: number): number {
  const end = at + length;
  const sum = (payload.sums[end >> 1] ?? 0) - (payload.sums[at >> 1] ?? 0);
  return length & 1 ? sum + ((payload.bytes[end - 1] ?? 0) << 8) : sum;
}
