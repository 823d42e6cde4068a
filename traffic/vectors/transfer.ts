/** One long transfer: full segments of a single TCP connection, at a constant rate. What flow exporters cut into records. */
import { protocols, tcpFlags } from '../frames/packet.js';
import { randomPayload } from '../frames/payload.js';
import { type Shape, shapedWriter, type Vector } from './vector.js';

const segmentBytes = 1448;
const poolBytes = 32_768;

const segments: Shape = (packet, { random, port, direction }) => {
  const service = port ?? 443;
  const client = random.between(49_152, 65_535);
  packet.protocol = protocols.tcp;
  packet.flags = tcpFlags.ack;
  // Downloads: the sender is the service.
  packet.sourcePort = direction === 'incoming' ? service : client;
  packet.destinationPort = direction === 'incoming' ? client : service;
  packet.sequence = random.u32();
  packet.acknowledgement = random.u32();
  packet.window = 501;
  packet.payload = randomPayload(random, poolBytes);
  packet.payloadLength = segmentBytes;
  return () => {
    packet.sequence = (packet.sequence + segmentBytes) >>> 0;
    packet.payloadAt = random.below((poolBytes - segmentBytes) >> 1) * 2;
  };
};

export const transfer: Vector = {
  name: 'transfer',
  summary: 'one TCP connection that carries much for long',
  shows: null,
  families: [4, 6],
  sources: 1,
  fragments: false,
  open: (context) => shapedWriter(context, segments),
};
