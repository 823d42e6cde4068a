/**
 * Normal use: what runs over a healthy network, between hosts of ours and the rest of the internet.
 *
 * Whole TCP sessions of heavy-tailed size, DNS, QUIC, NTP, pings, datagrams in fragments, in both directions.
 *
 * It raises nothing. A session has at most `sessionPps` packets per second on average, and at most
 * `maxSessionsPerHost` sessions touch a host of ours at a time: 2,000 packets per second, expected. With what chance adds, a
 * host stays below `hostBound` in any second, in each direction; a test measures that.
 */
import type { Family } from '../domain/address.js';
import { failure, type Result, success } from '../domain/result.js';
import { addressCount, addressLength, type Block, drawInside, outsideOf } from './addresses.js';
import type { Extension } from './frames/ip.js';
import { buildLink, type Encapsulation, type Link } from './frames/link.js';
import type { PacketWriter } from './packet-writer.js';
import type { Random } from './random.js';
import {
  dnsSession,
  echoSession,
  fragmentedSession,
  type Library,
  makeLibrary,
  ntpSession,
  quicSession,
} from './sessions/datagram.js';
import { type PooledSession, sessionPool } from './sessions/pool.js';
import type { Ends, Session } from './sessions/session.js';
import { tcpSession, tlsPorts } from './sessions/tcp.js';

/** What a host of ours never passes in any second, in each direction. */
export const hostBound = { packetsPerSecond: 4_000, bitsPerSecond: 50e6 } as const;

export const sessionPps = 20;
export const maxSessionsPerHost = 100;
const minSessions = 256;
export const maxSessions = 65_536;
/** Hosts of ours that take part, at most. */
const maxHosts = 65_536;
const defaultHosts = 2_000;

/** Shares of sessions, 0..1. */
export type BackgroundMix = {
  readonly ipv6: number;
  readonly vlan: number;
  readonly mpls: number;
  /** Of IPv6 sessions: those with extension headers. */
  readonly extensionHeaders: number;
  readonly fragments: number;
};

export const plainMix: BackgroundMix = { ipv6: 0.2, vlan: 0, mpls: 0, extensionHeaders: 0, fragments: 0.002 };

export type BackgroundOptions = {
  readonly random: Random;
  readonly networks: readonly Block[];
  readonly pps: number;
  readonly mix: BackgroundMix;
  /** null: as many as `pps` calls for. */
  readonly sessions: number | null;
};

/** Sessions that run at a time for a rate. */
export const sessionsFor = (pps: number): number => Math.max(minSessions, Math.ceil(pps / sessionPps));

/** CONFIG_INVALID when so few hosts cannot carry so many packets within the bound. */
export function background(options: BackgroundOptions): Result<PacketWriter> {
  const { random, networks, pps, mix } = options;
  const size = options.sessions ?? sessionsFor(pps);
  const hosts = drawHosts(networks, random.fork('hosts'));
  if (size > maxSessions) {
    return failure('CONFIG_INVALID', `background of ${pps} pps: at most ${maxSessions * sessionPps}`);
  }
  // Twice the room, so that a free host is always found soon.
  const usable = hosts.filter((list) => list.length > 0);
  const smallest = Math.min(...usable.map((list) => list.length));
  if (smallest * maxSessionsPerHost < size * 2) {
    return failure(
      'CONFIG_INVALID',
      `background of ${pps} pps over ${smallest} hosts: a host would pass ${hostBound.packetsPerSecond} pps; give larger networks`,
    );
  }
  const draw = sessionMaker(random, networks, hosts, mix);
  return success(sessionPool({ random: random.fork('order'), size, link: draw.firstLink, open: draw.open }));
}

type Host = { readonly address: Uint8Array; sessions: number };

/** IPv4 hosts, then IPv6 hosts. */
function drawHosts(networks: readonly Block[], random: Random): readonly [Host[], Host[]] {
  const ofFamily = (family: Family): Host[] => {
    const blocks = networks.filter((block) => block.family === family);
    if (blocks.length === 0) return [];
    const total = blocks.reduce((sum, block) => sum + addressCount(block), 0);
    const wanted = Math.min(maxHosts, total, Math.max(defaultHosts, blocks.length));
    const seen = new Map<string, Host>();
    // Blocks in turn; small ones repeat themselves, so give up after a fixed number of draws.
    for (let draw = 0; draw < wanted * 8 && seen.size < wanted; draw++) {
      const address = new Uint8Array(addressLength(family));
      const block = blocks[draw % blocks.length];
      if (block !== undefined) drawInside(block, random, address);
      seen.set(address.join('.'), { address, sessions: 0 });
    }
    return [...seen.values()];
  };
  return [ofFamily(4), ofFamily(6)];
}

const linkChoices = 8;
const extensionChoices: readonly (readonly Extension[])[] = [
  ['hop_by_hop'],
  ['destination'],
  ['routing'],
  ['hop_by_hop', 'destination'],
  ['hop_by_hop', 'destination', 'routing'],
  ['destination', 'ah'],
];
/** What a datagram in fragments may carry besides its fragment header. */
const fragmentExtensions: readonly (readonly Extension[])[] = [['hop_by_hop'], ['destination'], ['routing']];
const internalShare = 0.01;

type Maker = { readonly firstLink: Link; readonly open: () => PooledSession };

function sessionMaker(
  parent: Random,
  networks: readonly Block[],
  hosts: readonly [Host[], Host[]],
  mix: BackgroundMix,
): Maker {
  const random = parent.fork('sessions');
  const library = makeLibrary(parent.fork('library'));
  const links = linkTable(parent.fork('links'));
  const outside = { 4: outsideOf(networks, 4), 6: outsideOf(networks, 6) };
  const has = { 4: hosts[0].length > 0, 6: hosts[1].length > 0 };
  /** Servers outside are few and popular; clients outside are many. */
  const popular = { 4: popularServers(outside[4], 4, random), 6: popularServers(outside[6], 6, random) };

  const take = (family: Family): Host => {
    const list = hosts[family === 4 ? 0 : 1];
    // Some hosts are more popular than others: the square of an even draw.
    const drawn = random.unit();
    let index = Math.floor(drawn * drawn * list.length);
    for (let tried = 0; tried < list.length; tried++, index++) {
      const host = list[index % list.length];
      if (host !== undefined && host.sessions < maxSessionsPerHost) {
        host.sessions++;
        return host;
      }
    }
    throw new RangeError('no host has a session free');
  };

  const open = (): PooledSession => {
    const family: Family = !has[6] || (has[4] && !random.chance(mix.ipv6)) ? 4 : 6;
    const isInternal = random.chance(internalShare);
    const fragmented = random.chance(mix.fragments);
    const oursIsClient = random.chance(0.6);
    const our = take(family);
    const second = isInternal ? take(family) : null;
    const peer = second?.address ?? outsidePeer(family, oursIsClient);
    const kind = pickKind(random, fragmented);
    const ends: Ends = {
      client: oursIsClient ? our.address : peer,
      server: oursIsClient ? peer : our.address,
      clientPort: kind.port === 123 ? 123 : random.between(49_152, 65_535),
      serverPort: kind.port,
      link: pickLink(random, links, mix),
      extensions:
        family === 6 && random.chance(mix.extensionHeaders)
          ? random.pick(fragmented ? fragmentExtensions : extensionChoices)
          : [],
    };
    return {
      session: kind.start(ends, random, library),
      clientSends: isInternal ? 'internal' : oursIsClient ? 'outgoing' : 'incoming',
      close: () => {
        our.sessions--;
        if (second !== null) second.sessions--;
      },
    };
  };

  const outsidePeer = (family: Family, isServer: boolean): Uint8Array => {
    if (isServer && random.chance(0.7)) return random.pick(popular[family]);
    const address = new Uint8Array(addressLength(family));
    outside[family].draw(random, address);
    return address;
  };
  return { firstLink: links.plain, open };
}

const popularCount = 300;

function popularServers(outside: ReturnType<typeof outsideOf>, family: Family, random: Random): Uint8Array[] {
  return Array.from({ length: popularCount }, () => {
    const address = new Uint8Array(addressLength(family));
    outside.draw(random, address);
    return address;
  });
}

type Kind = {
  readonly port: number;
  readonly start: (ends: Ends, random: Random, library: Library) => Session;
};

const tcpKind = (port: number): Kind => ({
  port,
  start: (ends, random, library) => tcpSession(ends, random, library.random),
});
const mediaKind: Kind = { port: 40_000, start: fragmentedSession };

/** Kinds of sessions, by the upper end of their share. */
const kinds: readonly { readonly upTo: number; readonly pick: (random: Random) => Kind }[] = [
  { upTo: 0.42, pick: (random) => tcpKind(random.pick(tlsPorts)) },
  { upTo: 0.5, pick: () => tcpKind(80) },
  { upTo: 0.78, pick: () => ({ port: 53, start: dnsSession }) },
  { upTo: 0.92, pick: () => ({ port: 443, start: quicSession }) },
  { upTo: 0.96, pick: () => ({ port: 123, start: (ends, _random, library) => ntpSession(ends, library) }) },
  { upTo: 1, pick: () => ({ port: 0, start: echoSession }) },
];

function pickKind(random: Random, fragmented: boolean): Kind {
  if (fragmented) return mediaKind;
  const drawn = random.unit();
  return kinds.find((kind) => drawn < kind.upTo)?.pick(random) ?? mediaKind;
}

type LinkTable = { readonly plain: Link; readonly vlan: readonly Link[]; readonly mpls: readonly Link[] };

function linkTable(random: Random): LinkTable {
  const several = (kind: readonly Encapsulation[]): Link[] =>
    Array.from({ length: linkChoices }, () => buildLink(random.pick(kind), random));
  return {
    plain: buildLink('plain', random),
    vlan: several(['vlan', 'vlan', 'qinq', 'qinq_9100']),
    mpls: several(['mpls', 'mpls', 'vlan_mpls']),
  };
}

function pickLink(random: Random, links: LinkTable, mix: BackgroundMix): Link {
  const drawn = random.unit();
  if (drawn < mix.vlan) return random.pick(links.vlan);
  return drawn < mix.vlan + mix.mpls ? random.pick(links.mpls) : links.plain;
}
