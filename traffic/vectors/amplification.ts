/** Amplification: answers of services to questions that were asked in the target's name. */
import { protocols } from '../frames/packet.js';
import { payloadOf } from '../frames/payload.js';
import { type ReflectedService, reflectedServices } from '../services/table.js';
import { type Shape, shapedWriter, type Vector } from './vector.js';

/** Different answers that one attack sends. */
const answersPerAttack = 32;
/** Reflectors that one attack uses, unless the scenario says otherwise. */
const reflectors = 2000;
/** The detector names a service once, whatever its port. */
const sameService: Readonly<Record<string, string>> = { isakmp_nat: 'isakmp' };

const answering =
  (service: ReflectedService): Shape =>
  (packet, { random, port }) => {
    packet.protocol = protocols.udp;
    packet.sourcePort = service.port;
    const answers = Array.from({ length: answersPerAttack }, () => payloadOf(service.answer(random)));
    packet.head = new Uint8Array(service.idBytes);
    return () => {
      packet.destinationPort = port ?? random.between(49_152, 65_535);
      packet.payload = random.pick(answers);
      packet.payloadLength = packet.payload.bytes.length;
      for (let at = 0; at < service.idBytes; at++) packet.head[at] = random.u32();
    };
  };

export const amplifications: readonly Vector[] = reflectedServices.map((service) => ({
  name: service.name,
  summary: `answers of ${service.name}, from UDP port ${service.port}`,
  shows: `${sameService[service.name] ?? service.name}_amplification`,
  families: service.families,
  sources: reflectors,
  fragments: service.fragments,
  open: (context) => shapedWriter(context, answering(service)),
}));
