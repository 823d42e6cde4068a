/** A flash crowd: very many real clients at one service. It looks like an attack and is none. */
import { addressLength, drawInside } from '../addresses.js';
import { payloadOf } from '../frames/payload.js';
import { sessionPool } from '../sessions/pool.js';
import { tcpSession } from '../sessions/tcp.js';
import type { AttackContext, Vector } from './vector.js';

/** Sessions at a time: at 20 packets per second each, a crowd of 80,000 packets per second. */
const crowdSessions = 4_000;
const poolBytes = 65_534;

const open = (context: AttackContext): ReturnType<typeof sessionPool> => {
  const { random, family, targets, outside, links } = context;
  const pool = payloadOf(random.fill(new Uint8Array(poolBytes)));
  return sessionPool({
    random: random.fork('order'),
    size: context.sources ?? crowdSessions,
    link: links[0],
    open: () => {
      const client = new Uint8Array(addressLength(family));
      const server = new Uint8Array(addressLength(family));
      outside.draw(random, client);
      drawInside(random.pick(targets), random, server);
      const isIncoming = context.direction === 'incoming';
      const ends = {
        client: isIncoming ? client : server,
        server: isIncoming ? server : client,
        clientPort: random.between(49_152, 65_535),
        serverPort: context.port ?? 443,
        link: random.pick(links),
        extensions: context.extensions,
      };
      return {
        session: tcpSession(ends, random, pool),
        clientSends: context.direction,
        close: () => {},
      };
    },
  });
};

export const flashCrowd: Vector = {
  name: 'flash_crowd',
  summary: 'many whole TCP sessions to one host',
  shows: null,
  families: [4, 6],
  sources: null,
  fragments: false,
  open,
};
