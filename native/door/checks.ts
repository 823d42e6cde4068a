/** Ranges and types of what is passed on to C++: each failure throws, naming the field. */

/** A whole number in least … most. */
export function whole(field: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number') throw new TypeError(`${field} must be a number, is ${typeof value}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${field} must be a whole number in ${least} … ${most}, is ${value}`);
  }
  return value;
}

/** A power of two in least … most. */
export function powerOfTwo(field: string, value: number, least: number, most: number): number {
  whole(field, value, least, most);
  if ((value & (value - 1)) !== 0) throw new RangeError(`${field} must be a power of two, is ${value}`);
  return value;
}

export function text(field: string, value: string): string {
  if (typeof value !== 'string') throw new TypeError(`${field} must be a string, is ${typeof value}`);
  if (value === '') throw new RangeError(`${field} must not be empty`);
  return value;
}

export function oneOf<T extends string>(field: string, value: T, values: readonly T[]): T {
  if (!values.includes(value))
    throw new RangeError(`${field} must be one of ${values.join(', ')}, is '${value}'`);
  return value;
}

/** Microseconds since the Unix epoch; a clock may give fractions, C++ takes whole ones. */
export function micros(field: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${field} must be a number, is ${typeof value}`);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${field} must be a time in microseconds, is ${value}`);
  }
  return Math.round(value);
}
