/**
 * What is done with a flow, as an extended community (RFC 8955 section 7), in 16 hexadecimal digits.
 *
 *   0x8006  traffic-rate-bytes: an informative AS of two bytes, then the rate as an IEEE 754 float of 32 bits; 0 discards
 *   0x8008  rt-redirect, AS of two bytes and a value of four      0x8208  AS of four bytes and a value of two
 *   0x8108  the same with an IPv4 address and a value of two
 *   0x8009  traffic-marking: the DSCP in the last six bits
 */
import { addressBytes, formatAddress, parseHost } from '../../../domain/address.js';
import type { FlowspecAction } from '../../../domain/flowspec.js';
import { failure, type Result, success } from '../../../domain/result.js';
import { bytesOfHex, fits, hexOf, readBytes, u16, u32 } from './bytes.js';

const rate = 0x8006;
const redirect = 0x8008;
const redirectWide = 0x8208;
const redirectIpv4 = 0x8108;
const marking = 0x8009;

/** All that say what is done with a flow, also those that we never ask for (RFC 8955 section 7, table 7). */
const actionTypes: readonly number[] = [rate, 0x8007, redirect, redirectIpv4, redirectWide, marking, 0x800c];

/** Whether an extended community is an action, which no operator may add to a rule on the side. */
export const isActionCommunity = (digits: string): boolean =>
  actionTypes.includes(Number.parseInt(digits.slice(0, 4), 16));

export function encodeAction(action: FlowspecAction): Result<string> {
  switch (action.kind) {
    case 'discard':
      return success(digits(rate, [...u16(0), ...float(0)]));
    case 'rate_limit': {
      const { bytesPerSecond } = action;
      return Number.isFinite(bytesPerSecond) && Math.fround(bytesPerSecond) > 0 && bytesPerSecond < 2 ** 127
        ? success(digits(rate, [...u16(0), ...float(bytesPerSecond)]))
        : failure('SPEAKER_REFUSED', `${bytesPerSecond} bytes per second are no rate limit`);
    }
    case 'redirect': {
      const { asn, value } = action;
      if (fits(asn, 16) && fits(value, 32)) return success(digits(redirect, [...u16(asn), ...u32(value)]));
      return fits(asn, 32) && fits(value, 16)
        ? success(digits(redirectWide, [...u32(asn), ...u16(value)]))
        : failure('SPEAKER_REFUSED', `'${asn}:${value}' is not a route target`);
    }
    case 'redirect_ipv4': {
      const { address, value } = action;
      return isIpv4(address) && fits(value, 16)
        ? success(digits(redirectIpv4, [...addressBytes(address), ...u16(value)]))
        : failure('SPEAKER_REFUSED', `'${address}:${value}' is not a route target`);
    }
    case 'mark':
      return fits(action.dscp, 6)
        ? success(digits(marking, [0, 0, 0, 0, 0, action.dscp]))
        : failure('SPEAKER_REFUSED', `${action.dscp} is not a DSCP`);
  }
}

/** null: none that `encodeAction` writes. */
export function decodeAction(text: string): FlowspecAction | null {
  const bytes = bytesOfHex(text);
  if (bytes?.length !== 8) return null;
  const reader = readBytes(Uint8Array.from(bytes));
  const action = actionOf(reader.u16(), reader.take(6));
  const again = action === null ? null : encodeAction(action);
  return again?.ok === true && again.value === text ? action : null;
}

function actionOf(type: number, value: Uint8Array): FlowspecAction | null {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  switch (type) {
    case rate: {
      const bytesPerSecond = view.getFloat32(2);
      return bytesPerSecond === 0 ? { kind: 'discard' } : { kind: 'rate_limit', bytesPerSecond };
    }
    case redirect:
      return { kind: 'redirect', asn: view.getUint16(0), value: view.getUint32(2) };
    case redirectWide:
      return { kind: 'redirect', asn: view.getUint32(0), value: view.getUint16(4) };
    case redirectIpv4:
      return {
        kind: 'redirect_ipv4',
        address: formatAddress({ family: 4, words: [view.getUint32(0)] }),
        value: view.getUint16(4),
      };
    case marking:
      return { kind: 'mark', dscp: view.getUint8(5) };
    default:
      return null;
  }
}

/** As text it is nobody's word but the configuration's; a speaker must not see more of it than four numbers. */
const isIpv4 = (host: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(host) && parseHost(host).ok;

const digits = (type: number, value: readonly number[]): string => hexOf([...u16(type), ...value]);

function float(value: number): readonly number[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value);
  return Array.from(bytes);
}
