/**
 * Many sessions at once: each frame belongs to one of them, drawn evenly, so that no session is
 * ever faster than its share. A session that is done gives its place to a new one.
 */
import type { Direction } from '../../domain/traffic.js';
import { composeFrame } from '../frames/compose.js';
import type { Link } from '../frames/link.js';
import { newPacket } from '../frames/packet.js';
import { incoming, internal, outgoing, type PacketWriter } from '../packet-writer.js';
import type { Random } from '../random.js';
import type { Session } from './session.js';

export type PooledSession = {
  readonly session: Session;
  /** Where the client's packets go; 'internal': both ends are ours. */
  readonly clientSends: Direction | 'internal';
  /** Called when the session is done. */
  readonly close: () => void;
};

export type PoolOptions = {
  readonly random: Random;
  readonly size: number;
  readonly link: Link;
  readonly open: () => PooledSession;
};

export function sessionPool({ random, size, link, open }: PoolOptions): PacketWriter {
  const packet = newPacket(link);
  const pool: PooledSession[] = Array.from({ length: size }, () => open());
  let identification = random.u32() | 0;

  const writer: PacketWriter = {
    direction: incoming,
    write: (out, start, micros) => {
      const index = random.below(size);
      const entry = pool[index] ?? open();
      const { session, clientSends } = entry;
      const { ends } = session;
      packet.source = ends.client;
      packet.link = ends.link;
      packet.extensions = ends.extensions;
      packet.hopLimit = 56;
      identification = (identification + 1) | 0;
      packet.identification = identification;
      session.step(packet, micros);
      const { fromClient } = session;
      packet.source = fromClient ? ends.client : ends.server;
      packet.destination = fromClient ? ends.server : ends.client;
      packet.sourcePort = fromClient ? ends.clientPort : ends.serverPort;
      packet.destinationPort = fromClient ? ends.serverPort : ends.clientPort;
      writer.direction =
        clientSends === 'internal'
          ? internal
          : (clientSends === 'outgoing') === fromClient
            ? outgoing
            : incoming;
      if (session.done) {
        entry.close();
        pool[index] = open();
      }
      return composeFrame(out, start, packet);
    },
  };
  return writer;
}
