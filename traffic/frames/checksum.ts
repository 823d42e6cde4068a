/**
 * The Internet checksum (RFC 1071). Sums are plain numbers of 16-bit words, not yet folded:
 * they stay below 2^32 for up to 64 KiB, the most one datagram holds.
 */

/** Adds `length` bytes as big-endian words; a last odd byte is the upper half of a word. */
export function sumWords(bytes: Uint8Array, at: number, length: number): number {
  let sum = 0;
  const even = at + (length & ~1);
  let index = at;
  for (; index < even; index += 2) sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  if (length & 1) sum += (bytes[index] ?? 0) << 8;
  return sum;
}

/** Folds the carries in and gives the complement: what goes into a checksum field. */
export function finish(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

export function put16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8;
  out[at + 1] = value;
}

export function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
