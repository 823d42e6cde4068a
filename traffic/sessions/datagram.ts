/**
 * Sessions over UDP and ICMP: DNS, NTP, QUIC, echo, and media whose datagrams need fragments.
 */
import { cut } from '../frames/fragmenter.js';
import { noBytes, type Packet, protocols } from '../frames/packet.js';
import { type Payload, payloadOf } from '../frames/payload.js';
import type { Random } from '../random.js';
import { ntpPacket } from '../services/binary.js';
import { dnsAddresses, dnsQuestion, word } from '../services/naming.js';
import { type Ends, reset, roomBetween, type Session } from './session.js';

/** Payloads that all sessions of one background share, made once. */
export type Library = {
  readonly random: Payload;
  readonly dns: readonly { readonly question: Payload; readonly answer: Payload }[];
  readonly ntp: { readonly request: Payload; readonly answer: Payload };
};

const poolBytes = 65_534;
const dnsNames = 256;

export function makeLibrary(random: Random): Library {
  return {
    random: payloadOf(random.fill(new Uint8Array(poolBytes))),
    dns: Array.from({ length: dnsNames }, () => {
      const name = `${word(random, random.between(3, 12))}.${word(random, random.between(4, 14))}.example`;
      return {
        question: payloadOf(dnsQuestion(name)),
        answer: payloadOf(dnsAddresses(name, random, random.between(1, 4))),
      };
    }),
    ntp: { request: payloadOf(ntpPacket(random, 3)), answer: payloadOf(ntpPacket(random, 4)) },
  };
}

/** What each packet of a datagram session is: who sends it, and what. Returns false when it was the last. */
type Turn = (packet: Packet, number: number) => { readonly fromClient: boolean; readonly last: boolean };

function turns(ends: Ends, turn: Turn): Session {
  let number = 0;
  const session: Session = {
    ends,
    fromClient: true,
    done: false,
    step: (packet) => {
      reset(packet);
      packet.head = noBytes;
      const { fromClient, last } = turn(packet, number++);
      session.fromClient = fromClient;
      session.done = last;
    },
  };
  return session;
}

const whole = (packet: Packet, payload: Payload): void => {
  packet.payload = payload;
  packet.payloadLength = payload.bytes.length;
};

/** One question, one answer, the same id. */
export function dnsSession(ends: Ends, random: Random, library: Library): Session {
  const { question, answer } = random.pick(library.dns);
  const id = random.fill(new Uint8Array(4)).subarray(0, 2);
  return turns(ends, (packet, number) => {
    packet.protocol = protocols.udp;
    whole(packet, number === 0 ? question : answer);
    packet.head = id;
    return { fromClient: number === 0, last: number === 1 };
  });
}

export const ntpSession = (ends: Ends, library: Library): Session =>
  turns(ends, (packet, number) => {
    packet.protocol = protocols.udp;
    whole(packet, number === 0 ? library.ntp.request : library.ntp.answer);
    return { fromClient: number === 0, last: number === 1 };
  });

const quicMaxPackets = 20_000;
const quicAckBytes = 40;

/** Protected packets with a short header (RFC 9000 section 17.3): what is seen once the handshake is done. */
export function quicSession(ends: Ends, random: Random, library: Library): Session {
  const count = random.pareto(3, quicMaxPackets);
  const clientHead = random.fill(new Uint8Array(8));
  const serverHead = random.fill(new Uint8Array(8));
  for (const head of [clientHead, serverHead]) head[0] = 0x40 | ((head[0] ?? 0) & 0x3f);
  return turns(ends, (packet, number) => {
    const fromClient = number === 0 || number % 3 === 2;
    packet.protocol = protocols.udp;
    packet.payload = library.random;
    packet.payloadLength = fromClient ? random.between(quicAckBytes, 200) : random.between(1100, 1250);
    packet.payloadAt = random.below(30_000) * 2;
    packet.head = fromClient ? clientHead : serverHead;
    return { fromClient, last: number + 1 >= count };
  });
}

/** Requests and answers of ping, 56 bytes each. */
export function echoSession(ends: Ends, random: Random, library: Library): Session {
  const pings = random.between(1, 10);
  const identifier = random.u32() & 0xffff;
  const isIpv6 = ends.client.length === 16;
  const at = random.below(30_000) * 2;
  return turns(ends, (packet, number) => {
    const fromClient = number % 2 === 0;
    packet.protocol = isIpv6 ? protocols.icmpv6 : protocols.icmp;
    packet.icmpType = isIpv6 ? (fromClient ? 128 : 129) : fromClient ? 8 : 0;
    packet.icmpCode = 0;
    packet.icmpRest = ((identifier << 16) | (number >> 1)) >>> 0;
    packet.payload = library.random;
    packet.payloadAt = at;
    packet.payloadLength = 56;
    return { fromClient, last: number + 1 >= pings * 2 };
  });
}

const mediaMaxDatagrams = 200;

/** Datagrams beyond the MTU, one way: each is a first and some later fragments. */
export function fragmentedSession(ends: Ends, random: Random, library: Library): Session {
  let datagrams = random.pareto(2, mediaMaxDatagrams);
  let offset = 0;
  let length = 0;
  let at = 0;
  let identification = 0;
  return turns(ends, (packet) => {
    if (offset === 0) {
      length = random.between(roomBetween(ends) + 200, 5000);
      at = random.below(28_000) * 2;
      identification = random.u32();
      datagrams--;
    }
    packet.protocol = protocols.udp;
    packet.payload = library.random;
    packet.payloadAt = at;
    packet.payloadLength = length;
    packet.identification = identification;
    offset = cut(packet, offset);
    return { fromClient: false, last: offset === 0 && datagrams <= 0 };
  });
}
