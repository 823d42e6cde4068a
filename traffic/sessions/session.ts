/**
 * A session: two ends that exchange packets in order. It sets the packet; the pool writes it.
 */
import { type Extension, extensionsLength } from '../frames/ip.js';
import type { Link } from '../frames/link.js';
import type { Packet } from '../frames/packet.js';

export type Ends = {
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly link: Link;
  readonly extensions: readonly Extension[];
};

export type Session = {
  readonly ends: Ends;
  /** Of the packet set last. */
  fromClient: boolean;
  /** No packet follows the one set last. */
  done: boolean;
  /** Sets the next packet; addresses, ports and link are the pool's work. `micros`: since the scenario's start. */
  readonly step: (packet: Packet, micros: number) => void;
};

/** What a packet of a session sets by default, so that nothing is left from another session. */
export function reset(packet: Packet): void {
  packet.fragment = null;
  packet.payloadLength = 0;
  packet.payloadAt = 0;
  packet.flags = 0;
  packet.urgent = 0;
}

/** Bytes above IP that one packet between these ends can carry within an MTU of 1500. */
export const roomBetween = (ends: Ends): number =>
  1500 - (ends.client.length === 4 ? 20 : 40 + extensionsLength(ends.extensions));
