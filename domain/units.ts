/**
 * Units and identifiers that all rooms share.
 *
 * Durations and rates are plain numbers; their unit is in their name (`windowMs`, `bitsPerSecond`).
 * Identifiers are branded strings, so that one cannot be handed over for another.
 */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A duration, or a point on a monotonic clock. */
export type Milliseconds = number;

/** Microseconds since the Unix epoch: exact in a float64 until the year 2255. */
export type UnixMicros = number;

/** One address as text: IPv4 dotted, IPv6 as in RFC 5952. Made by `address.ts` alone. */
export type HostKey = Brand<string, 'HostKey'>;

/** One prefix as text, host bits clear: '192.0.2.0/24', '2001:db8::/32'. Made by `prefix.ts` alone. */
export type PrefixKey = Brand<string, 'PrefixKey'>;

/** Sorts by time of birth; see `attack.ts` for its form. */
export type AttackId = Brand<string, 'AttackId'>;

/** RFC 3339 in UTC with microseconds: '2026-11-23T00:39:40.123456Z'. */
export function rfc3339(at: UnixMicros): string {
  const millis = Math.floor(at / 1000);
  const micros = String(at - millis * 1000).padStart(3, '0');
  return `${new Date(millis).toISOString().slice(0, -1)}${micros}Z`;
}
