/**
 * A TCP session from SYN to the last ACK: handshake, requests with their answers, acknowledgements every
 * second segment, and an end by FIN or now and then by RST. Sequence numbers are exact. RFC 9293, timestamps: RFC 7323.
 *
 * Data on TLS ports is TLS application data, a record a segment; on port 80 it is HTTP.
 */
import { put16, put32 } from '../frames/checksum.js';
import { noBytes, type Packet, protocols, tcpFlags } from '../frames/packet.js';
import type { Payload } from '../frames/payload.js';
import type { Random } from '../random.js';
import { type Ends, reset, roomBetween, type Session } from './session.js';

export const tlsPorts = [443, 443, 443, 443, 993, 8443] as const;
const maxSegments = 20_000;
const maxRounds = 4;
const ackEvery = 2;
const resetShare = 0.04;
const tcpWithTimestamps = 32;

const request = evenBytes('GET /index.html HTTP/1.1\r\nHost: www.example\r\nAccept: */*\r\n\r\n');
const answer = evenBytes('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n');
const timestamps = new Uint8Array(12);
timestamps.set([1, 1, 8, 10]);
const record = new Uint8Array(6);
record.set([0x17, 3, 3]);

type Stage = 'syn' | 'syn_ack' | 'established' | 'request' | 'answer' | 'fin' | 'fin_ack' | 'last_ack';

export function tcpSession(ends: Ends, random: Random, pool: Payload): Session {
  const isHttp = ends.serverPort === 80;
  const mss = roomBetween(ends) - tcpWithTimestamps;
  const handshake = synOptions(mss + 12);
  const roundTripMicros = random.between(2_000, 120_000);
  const clockOffset = random.u32() | 0;
  const upload = random.chance(0.15);
  let rounds = isHttp ? 1 : random.between(1, maxRounds);
  let segments = 0;
  let unacknowledged = 0;
  let answered = false;
  let stage: Stage = 'syn';
  // Signed, like all words that are counted up here: V8 keeps those unboxed.
  let clientNext = random.u32() | 0;
  let serverNext = random.u32() | 0;

  const send = (packet: Packet, fromClient: boolean, flags: number, length: number): void => {
    session.fromClient = fromClient;
    packet.flags = flags;
    packet.sequence = fromClient ? clientNext : serverNext;
    packet.acknowledgement = flags & tcpFlags.ack ? (fromClient ? serverNext : clientNext) : 0;
    packet.payloadLength = length;
    const used = length + (flags & (tcpFlags.syn | tcpFlags.fin) ? 1 : 0);
    if (fromClient) clientNext = (clientNext + used) | 0;
    else serverNext = (serverNext + used) | 0;
  };
  const data = (packet: Packet, fromClient: boolean, length: number, text: Uint8Array): void => {
    packet.payloadAt = random.below((pool.bytes.length - length) >> 1) * 2;
    if (isHttp) packet.head = text;
    else {
      packet.head = record;
      put16(record, 3, length - 5);
      record[5] = packet.payloadAt;
    }
    send(packet, fromClient, tcpFlags.ack | tcpFlags.psh, length);
  };

  const session: Session = {
    ends,
    fromClient: true,
    done: false,
    step: (packet, micros) => {
      reset(packet);
      packet.protocol = protocols.tcp;
      packet.payload = pool;
      packet.head = noBytes;
      packet.window = 64_240;
      packet.tcpOptions = timestamps;
      const now = (clockOffset + Math.floor(micros / 1000)) | 0;
      put32(timestamps, 4, now);
      put32(timestamps, 8, now - Math.floor(roundTripMicros / 1000));
      switch (stage) {
        case 'syn':
          packet.tcpOptions = handshake;
          put32(handshake, 8, now);
          put32(handshake, 12, 0);
          send(packet, true, tcpFlags.syn, 0);
          stage = 'syn_ack';
          break;
        case 'syn_ack':
          packet.tcpOptions = handshake;
          put32(handshake, 8, now);
          put32(handshake, 12, now - Math.floor(roundTripMicros / 1000));
          send(packet, false, tcpFlags.syn | tcpFlags.ack, 0);
          stage = 'established';
          break;
        case 'established':
          send(packet, true, tcpFlags.ack, 0);
          stage = 'request';
          break;
        case 'request':
          data(packet, true, isHttp ? request.length : random.between(120, 700), request);
          segments = random.pareto(1, maxSegments);
          unacknowledged = 0;
          stage = 'answer';
          break;
        case 'answer': {
          // The side that sends the bulk: the server, or the client of an upload.
          const bulk = upload && !isHttp;
          if (unacknowledged >= ackEvery || (segments === 0 && unacknowledged > 0)) {
            send(packet, !bulk, tcpFlags.ack, 0);
            unacknowledged = 0;
          } else {
            segments--;
            unacknowledged++;
            const length = segments > 0 ? mss : random.between(answer.length, mss);
            data(packet, bulk, length, answered ? noBytes : answer);
            answered = true;
          }
          if (segments > 0 || unacknowledged > 0) break;
          rounds--;
          stage = rounds > 0 ? 'request' : 'fin';
          break;
        }
        case 'fin':
          if (random.chance(resetShare)) {
            send(packet, true, tcpFlags.rst | tcpFlags.ack, 0);
            session.done = true;
          } else {
            send(packet, true, tcpFlags.fin | tcpFlags.ack, 0);
            stage = 'fin_ack';
          }
          break;
        case 'fin_ack':
          send(packet, false, tcpFlags.fin | tcpFlags.ack, 0);
          stage = 'last_ack';
          break;
        case 'last_ack':
          send(packet, true, tcpFlags.ack, 0);
          session.done = true;
          break;
      }
    },
  };
  return session;
}

/** MSS, SACK permitted, timestamps, window scale 7: 20 bytes. */
function synOptions(mss: number): Uint8Array {
  return Uint8Array.of(2, 4, mss >> 8, mss & 0xff, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7);
}

function evenBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length % 2 !== 0) throw new RangeError('a head has an even number of bytes');
  return Uint8Array.from(bytes);
}
