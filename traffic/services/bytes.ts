/** How the answers of services are put together from text and numbers. Big-endian throughout. */

export type Part = string | readonly number[] | Uint8Array;

/** Text is taken as Latin-1. */
export const join = (...parts: readonly Part[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [...part])),
  );

export const u16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
export const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
export const zeros = (length: number): number[] => new Array<number>(length).fill(0);

/** One BER element with a definite length below 65536 (X.690 section 8.1.3). */
export function ber(tag: number, ...parts: readonly Part[]): Uint8Array {
  const content = join(...parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, ...u16(length)];
  return join([tag], size, content);
}
