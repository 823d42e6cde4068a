/**
 * Cuts a datagram that does not fit the link's MTU (1500) into fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
 */
import { datagramLength } from './compose.js';
import { extensionsLength } from './ip.js';
import type { Packet } from './packet.js';

export const mtuBytes = 1500;

/** Bytes above IP that one packet of this shape can carry. */
export function roomAboveIp(packet: Packet): number {
  return packet.source.length === 4
    ? mtuBytes - 20 - packet.ipOptions.length
    : mtuBytes - 40 - extensionsLength(packet.extensions);
}

/**
 * Sets `packet.fragment` for the bytes from `offset` on and returns the offset after them;
 * returns 0 when the datagram is done. Begin with offset 0.
 */
export function cut(packet: Packet, offset: number): number {
  const whole = datagramLength(packet);
  const room = roomAboveIp(packet);
  if (offset === 0 && whole <= room) {
    packet.fragment = null;
    return 0;
  }
  const step = (packet.source.length === 4 ? room : room - 8) & ~7;
  const left = whole - offset;
  const more = left > step;
  packet.fragment = { offset, length: more ? step : left, more };
  return more ? offset + step : 0;
}
