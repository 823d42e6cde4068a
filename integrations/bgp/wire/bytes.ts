/**
 * Bytes in network order: put together for a message, and read from one that others wrote.
 *
 * A reader fails for good at the first short read: that read and all later ones yield zero, so that a decoder reads a
 * whole structure and asks `ok()` once.
 */
export type Reader = {
  readonly ok: () => boolean;
  readonly left: () => number;
  readonly u8: () => number;
  readonly u16: () => number;
  readonly u32: () => number;
  /** Unsigned, of 1, 2 or 4 bytes; any other width fails. */
  readonly number: (width: number) => number;
  /** The next `count` bytes; none when there are not as many. */
  readonly take: (count: number) => Uint8Array;
};

export function readBytes(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let sound = true;
  const claim = (count: number): number | null => {
    if (!sound || count > bytes.length - at) {
      sound = false;
      return null;
    }
    at += count;
    return at - count;
  };
  const number = (width: number): number => {
    if (width !== 1 && width !== 2 && width !== 4) sound = false;
    const from = claim(width);
    if (from === null) return 0;
    if (width === 1) return view.getUint8(from);
    return width === 2 ? view.getUint16(from) : view.getUint32(from);
  };
  return {
    ok: () => sound,
    left: () => (sound ? bytes.length - at : 0),
    u8: () => number(1),
    u16: () => number(2),
    u32: () => number(4),
    number,
    take: (count) => {
      const from = claim(count);
      return from === null ? new Uint8Array(0) : bytes.subarray(from, from + count);
    },
  };
}

export const u8 = (value: number): readonly number[] => [value & 0xff];
export const u16 = (value: number): readonly number[] => [(value >>> 8) & 0xff, value & 0xff];
export const u32 = (value: number): readonly number[] => [...u16(value >>> 16), ...u16(value)];

/** 16 lower-case digits for 8 bytes. */
export const hexOf = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** An even number of hexadecimal digits as bytes; null for any other text. */
export const bytesOfHex = (digits: string): readonly number[] | null =>
  /^([0-9a-f]{2})*$/.test(digits)
    ? (digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
    : null;

/** Whether `value` is a whole number of `bits` bits. */
export const fits = (value: number, bits: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 2 ** bits;
