/**
 * What an attack vector is, and the writer that turns one into frames: it draws the addresses, cuts datagrams
 * that do not fit, and leaves to the vector what is the vector's own.
 */
import type { Family } from '../../domain/address.js';
import type { Direction } from '../../domain/traffic.js';
import { addressLength, type Block, drawInside, type Outside } from '../addresses.js';
import { composeFrame } from '../frames/compose.js';
import { cut } from '../frames/fragmenter.js';
import type { Extension } from '../frames/ip.js';
import type { Link } from '../frames/link.js';
import { newPacket, type Packet } from '../frames/packet.js';
import { incoming, outgoing, type PacketWriter } from '../packet-writer.js';
import type { Random } from '../random.js';

/** One attack's surroundings. */
export type AttackContext = {
  readonly random: Random;
  readonly family: Family;
  /** One of these for each packet. */
  readonly links: readonly [Link, ...Link[]];
  readonly extensions: readonly Extension[];
  readonly ipOptions: Uint8Array;
  /** 'outgoing': a host of ours attacks an address outside. */
  readonly direction: Direction;
  /** Addresses of ours that take part; each packet draws one. */
  readonly targets: readonly Block[];
  readonly outside: Outside;
  /** How many addresses outside take part; null: a fresh one for each packet. */
  readonly sources: number | null;
  /** The service under attack; null: the vector's own choice. */
  readonly port: number | null;
};

export type Vector = {
  readonly name: string;
  readonly summary: string;
  /** The detector's word for it (actors/attack/vectors.ts); null for what is no attack. */
  readonly shows: string | null;
  readonly families: readonly Family[];
  /** AttackContext.sources unless the scenario says otherwise. */
  readonly sources: number | null;
  /** Datagrams are cut into fragments, which rules out some extension headers. */
  readonly fragments: boolean;
  readonly open: (context: AttackContext) => PacketWriter;
};

/** Sets in `packet` what stays, and returns what to do for each datagram. */
export type Shape = (packet: Packet, context: AttackContext) => () => void;

/** The writer of packets that have nothing to do with each other. */
export function shapedWriter(context: AttackContext, shape: Shape): PacketWriter {
  const { random, links, outside, targets } = context;
  const packet = newPacket(links[0]);
  const ours = new Uint8Array(addressLength(context.family));
  const peer = new Uint8Array(addressLength(context.family));
  const isIncoming = context.direction === 'incoming';
  packet.source = isIncoming ? peer : ours;
  packet.destination = isIncoming ? ours : peer;
  packet.extensions = context.extensions;
  packet.ipOptions = context.ipOptions;
  const peers = addressPool(context);
  const vary = shape(packet, context);
  let offset = 0;

  const renew = (): void => {
    drawInside(random.pick(targets), random, ours);
    if (peers === null) outside.draw(random, peer);
    else peer.set(random.pick(peers));
    packet.identification = random.u32();
    packet.hopLimit = 48 + (random.u32() & 15);
    if (links.length > 1) packet.link = random.pick(links);
    vary();
  };
  return {
    direction: isIncoming ? incoming : outgoing,
    write: (out, start) => {
      if (offset === 0) renew();
      offset = cut(packet, offset);
      return composeFrame(out, start, packet);
    },
  };
}

function addressPool({ sources, random, outside, family }: AttackContext): Uint8Array[] | null {
  if (sources === null) return null;
  return Array.from({ length: sources }, () => {
    const address = new Uint8Array(addressLength(family));
    outside.draw(random, address);
    return address;
  });
}
