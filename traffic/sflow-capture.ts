/**
 * A capture of sFlow datagrams: what a collector would have received while a scenario ran. For `replay --flows`.
 * The datagrams go from the agent to the collector over UDP port 6343. Errors: CAPTURE_UNWRITABLE.
 */
import { type Result, success } from '../domain/result.js';
import { composeFrame } from './frames/compose.js';
import { buildLink } from './frames/link.js';
import { newPacket } from './frames/packet.js';
import { payloadOf } from './frames/payload.js';
import { pcapWriter, writePieces } from './pcap.js';
import type { PreparedScenario } from './prepare.js';
import { createRandom } from './random.js';
import { type SflowOptions, type SflowTotals, sflowExporter } from './sflow.js';
import { frames } from './stream.js';

export const sflowPort = 6343;
const exporterPort = 50_343;

/** `collector`: 4 or 16 bytes, of the agent's family. */
export function writeSflowCapture(
  path: string,
  prepared: PreparedScenario,
  options: SflowOptions,
  collector: Uint8Array,
): Result<SflowTotals> {
  const exporter = sflowExporter(options);
  const packet = newPacket(buildLink('plain', createRandom(options.seed)));
  packet.source = options.agent;
  packet.destination = collector;
  packet.sourcePort = exporterPort;
  packet.destinationPort = sflowPort;
  const frame = new Uint8Array(options.datagramBytes + 1024);
  const written = writePieces(path, (sink) => {
    const writer = pcapWriter(prepared.scenario.startMicros, 'micro', sink);
    const send = (datagram: Uint8Array, micros: number): void => {
      packet.payload = payloadOf(datagram);
      packet.payloadLength = datagram.length;
      packet.identification++;
      writer.frame(frame, 0, composeFrame(frame, 0, packet), micros);
    };
    let last = 0;
    for (const batch of frames(prepared)) {
      exporter.add(batch, send);
      last = batch.micros[batch.count - 1] ?? last;
    }
    exporter.flush(last, send);
    writer.finish();
  });
  return written.ok ? success(exporter.totals()) : written;
}
