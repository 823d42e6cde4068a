/**
 * Devices that watch one and the same traffic and tell a collector of it, each by its own protocol; written as a
 * capture of their datagrams, for `replay --flows`. Errors: CAPTURE_UNWRITABLE.
 *
 * Faults that lie between device and collector are settings here: datagrams that are lost, two devices that tell of
 * the same traffic, a port meant for another protocol. Those of the device itself are in options.ts and sflow.ts.
 */
import { type Result, success } from '../../domain/result.js';
import { composeFrame, maxFrameBytes } from '../frames/compose.js';
import { buildLink } from '../frames/link.js';
import { newPacket, type Packet } from '../frames/packet.js';
import { payloadOf } from '../frames/payload.js';
import { pcapWriter, writePieces } from '../pcap.js';
import type { PreparedScenario } from '../prepare.js';
import { createRandom } from '../random.js';
import { type SendDatagram, type SflowOptions, sflowExporter } from '../sflow.js';
import { type FrameBatch, frames } from '../stream.js';
import { flowExporter } from './exporter.js';
import type { FlowExporterOptions, FlowExportProtocol } from './options.js';

export type Telemetry =
  | { readonly kind: 'flow'; readonly options: FlowExporterOptions }
  | { readonly kind: 'sflow'; readonly options: SflowOptions };

/** What was told, lost datagrams included: flow records or flow samples; sampling not undone. */
export type TelemetryTotals = {
  readonly datagrams: number;
  readonly records: number;
  readonly packets: number;
  /** Of IP packets; of sFlow, of frames without their check sequence. */
  readonly bytes: number;
};

export type TelemetryExporter = {
  readonly add: (batch: FrameBatch, send: SendDatagram) => void;
  readonly flush: (micros: number, send: SendDatagram) => void;
  readonly totals: () => TelemetryTotals;
};

export function telemetryExporter(telemetry: Telemetry): TelemetryExporter {
  if (telemetry.kind === 'flow') return flowExporter(telemetry.options);
  const { add, flush, totals } = sflowExporter(telemetry.options);
  return {
    add,
    flush,
    totals: () => {
      const { datagrams, flowSamples, frames: packets, frameBytes } = totals();
      return { datagrams, records: flowSamples, packets, bytes: frameBytes };
    },
  };
}

/** Ports by custom: of NetFlow, of IPFIX (RFC 7011 section 10.3.4) and of sFlow. */
export const usualPorts: { readonly [P in FlowExportProtocol | 'sflow']: number } = {
  netflow1: 2055,
  netflow5: 2055,
  netflow7: 2055,
  netflow9: 2055,
  ipfix: 4739,
  sflow: 6343,
};
export const usualPort = (telemetry: Telemetry): number =>
  usualPorts[telemetry.kind === 'flow' ? telemetry.options.protocol : 'sflow'];

export type TelemetryDevice = {
  readonly telemetry: Telemetry;
  /** 4 or 16 bytes: where its datagrams come from. */
  readonly address: Uint8Array;
  readonly sourcePort: number;
  /** Its datagrams come from this many ports, in turn. */
  readonly sourcePorts: number;
  readonly collectorPort: number;
  /** Every so-many-th datagram never arrives; 0: all do. */
  readonly loseEvery: number;
};

/** A device without faults. */
export const telemetryDevice = (
  telemetry: Telemetry,
  address: Uint8Array,
  change: Partial<TelemetryDevice> = {},
): TelemetryDevice => ({
  telemetry,
  address,
  sourcePort: 50_343,
  sourcePorts: 1,
  collectorPort: usualPort(telemetry),
  loseEvery: 0,
  ...change,
});

export type DeviceOutcome = TelemetryTotals & { readonly lost: number };

/** Calls `send` for each datagram that arrives, in the order of their times. */
export function tellAll(
  prepared: PreparedScenario,
  devices: readonly TelemetryDevice[],
  send: (device: TelemetryDevice, datagram: Uint8Array, micros: number, serial: number) => void,
): readonly DeviceOutcome[] {
  type Arrival = { device: TelemetryDevice; bytes: Uint8Array; micros: number; serial: number };
  const arrivals: Arrival[] = [];
  const running = devices.map((device) => {
    const state = { device, exporter: telemetryExporter(device.telemetry), serial: 0, lost: 0 };
    const keep: SendDatagram = (datagram, micros) => {
      const serial = state.serial++;
      if (device.loseEvery > 0 && state.serial % device.loseEvery === 0) state.lost++;
      else arrivals.push({ device, bytes: datagram.slice(), micros, serial });
    };
    return { state, keep };
  });
  const deliver = (): void => {
    arrivals.sort((a, b) => a.micros - b.micros);
    for (const { device, bytes, micros, serial } of arrivals.splice(0)) send(device, bytes, micros, serial);
  };
  let last = 0;
  for (const batch of frames(prepared)) {
    for (const { state, keep } of running) state.exporter.add(batch, keep);
    deliver();
    last = batch.micros[batch.count - 1] ?? last;
  }
  for (const { state, keep } of running) state.exporter.flush(last, keep);
  deliver();
  return running.map(({ state }) => ({ ...state.exporter.totals(), lost: state.lost }));
}

/** `collector`: 4 or 16 bytes, of the devices' family. The outcomes are in the order of `devices`. */
export function writeTelemetryCapture(
  path: string,
  prepared: PreparedScenario,
  devices: readonly TelemetryDevice[],
  collector: Uint8Array,
): Result<readonly DeviceOutcome[]> {
  const packet = newPacket(buildLink('plain', createRandom(prepared.scenario.seed)));
  packet.destination = collector;
  const frame = new Uint8Array(maxFrameBytes);
  let outcomes: readonly DeviceOutcome[] = [];
  const written = writePieces(path, (sink) => {
    const writer = pcapWriter(prepared.scenario.startMicros, 'micro', sink);
    outcomes = tellAll(prepared, devices, (device, datagram, micros, serial) => {
      address(packet, device, serial);
      packet.payload = payloadOf(datagram);
      packet.payloadLength = datagram.length;
      writer.frame(frame, 0, composeFrame(frame, 0, packet), micros);
    });
    writer.finish();
  });
  return written.ok ? success(outcomes) : written;
}

function address(packet: Packet, device: TelemetryDevice, serial: number): void {
  packet.source = device.address;
  packet.sourcePort = device.sourcePort + (serial % device.sourcePorts);
  packet.destinationPort = device.collectorPort;
  packet.identification = (packet.identification + 1) & 0xffff;
}
