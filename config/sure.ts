/** Values come validated, so a quantity that cannot be read is a bug of the formats. */
import type { Reading } from './quantities.js';

export function sure<T>(reading: Reading<T>): T {
  if (!reading.ok) throw new TypeError(`validated, yet ${reading.fault.message}`);
  return reading.value;
}
