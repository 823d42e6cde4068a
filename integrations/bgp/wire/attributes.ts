/**
 * Path attributes: flags, type, length of one or two bytes, value (RFC 4271 section 4.3, RFC 4760 section 3).
 *
 *   0               8               16              24
 *  +---------------+---------------+---------------+-- ...
 *  |O T P E 0 0 0 0|     type      |    length (one byte, two with E)
 *  +---------------+---------------+---------------+-- ...
 *   O optional  T transitive  P partial  E extended length
 */
import { readBytes, u16 } from './bytes.js';

export const attributeTypes = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  localPreference: 5,
  communities: 8,
  mpReach: 14,
  extendedCommunities: 16,
  largeCommunities: 32,
} as const;

const optional = 0x80;
const transitive = 0x40;
const partial = 0x20;
const extendedLength = 0x10;

const flagsOf: { readonly [type: number]: number } = {
  [attributeTypes.origin]: transitive,
  [attributeTypes.asPath]: transitive,
  [attributeTypes.nextHop]: transitive,
  [attributeTypes.localPreference]: transitive,
  [attributeTypes.communities]: optional | transitive,
  [attributeTypes.mpReach]: optional,
  [attributeTypes.extendedCommunities]: optional | transitive,
  [attributeTypes.largeCommunities]: optional | transitive,
};

export type AttributeType = (typeof attributeTypes)[keyof typeof attributeTypes];
export type Attribute = { readonly type: number; readonly value: Uint8Array };

/** RangeError beyond 65,535 bytes: a list of communities that long passed no configuration. */
export function encodeAttribute(type: AttributeType, value: Iterable<number>): Uint8Array {
  const bytes = Uint8Array.from(value);
  if (bytes.length > 0xffff) throw new RangeError(`an attribute of ${bytes.length} bytes`);
  const flags = (flagsOf[type] ?? 0) | (bytes.length > 0xff ? extendedLength : 0);
  const length = bytes.length > 0xff ? u16(bytes.length) : [bytes.length];
  return Uint8Array.from([flags, type, ...length, ...bytes]);
}

/** One attribute and nothing after it. null: damaged, or flags that its type must not have (RFC 4271 section 6.3). */
export function decodeAttribute(bytes: Uint8Array): Attribute | null {
  const reader = readBytes(bytes);
  const flags = reader.u8();
  const type = reader.u8();
  const value = reader.take((flags & extendedLength) === 0 ? reader.u8() : reader.u16());
  if (!reader.ok() || reader.left() !== 0) return null;
  const known = flagsOf[type];
  return known !== undefined && (flags & ~(extendedLength | partial)) !== known ? null : { type, value };
}

/** Codes of ORIGIN (RFC 4271 section 4.3). INCOMPLETE: learned by other means than routing. */
export const originIncomplete = 2;

/** Address and subsequent address families (RFC 4760, RFC 8955 section 4). */
export type WireFamily = { readonly afi: 1 | 2; readonly safi: 1 | 133 };

/** MP_REACH_NLRI; `nextHop` has no bytes for flow specifications. */
export const encodeMpReach = ({ afi, safi }: WireFamily, nextHop: Uint8Array, nlri: Uint8Array): Uint8Array =>
  encodeAttribute(attributeTypes.mpReach, [...u16(afi), safi, nextHop.length, ...nextHop, 0, ...nlri]);

export type MpReach = {
  readonly afi: number;
  readonly safi: number;
  readonly nextHop: Uint8Array;
  readonly nlri: Uint8Array;
};

/** The value of MP_REACH_NLRI in its parts, or null. */
export function decodeMpReach(value: Uint8Array): MpReach | null {
  const reader = readBytes(value);
  const [afi, safi] = [reader.u16(), reader.u8()];
  const nextHop = reader.take(reader.u8());
  reader.u8(); // reserved, once the number of SNPAs
  const nlri = reader.take(reader.left());
  return reader.ok() ? { afi, safi, nextHop, nlri } : null;
}
