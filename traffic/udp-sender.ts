/**
 * Sends the datagrams in which a device tells of a scenario as they fall due, in real time: sFlow, NetFlow, IPFIX.
 * For demonstrations and tests of a listener.
 *
 * Clock and wait come in as dependencies. Errors: ADDRESS_INVALID for a name, SOURCE_UNAVAILABLE when the system
 * gives no socket to there; a datagram that it refuses later is counted and left out.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { failure, type Result, success } from '../domain/result.js';
import type { PreparedScenario } from './prepare.js';
import { type SendDatagram, type SflowOptions, type SflowTotals, sflowExporter } from './sflow.js';
import { type FrameBatch, frames } from './stream.js';

export type Collector = { readonly address: string; readonly port: number };

export type Pace = {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Resolves after that time, or at once when `signal` is aborted. Never rejects. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/** An exporter of any protocol; `totals` as it counts them. */
export type Exporter<T> = {
  readonly add: (batch: FrameBatch, send: SendDatagram) => void;
  readonly flush: (micros: number, send: SendDatagram) => void;
  readonly totals: () => T;
};

/** Where the socket is bound; `port` 0: any. Several devices on one machine have an address each, as 127.0.0.2. */
export type Origin = { readonly address: string; readonly port: number };

export type SendOutcome<T = SflowTotals> = T & {
  /** Datagrams that the system or the collector's host refused. */
  readonly refused: number;
  /** The most that sending was behind the scenario's time. */
  readonly latestMs: number;
  readonly aborted: boolean;
};

type Due = { readonly bytes: Uint8Array; readonly atMs: number };

/** Runs until the scenario has been sent or `signal` is aborted. */
export const sendSflow = (
  prepared: PreparedScenario,
  options: SflowOptions,
  collector: Collector,
  pace: Pace,
  signal: AbortSignal,
): Promise<Result<SendOutcome<SflowTotals>>> =>
  sendTelemetry(prepared, sflowExporter(options), collector, pace, signal);

/** The same for any exporter, from `origin` when one is given. */
export async function sendTelemetry<T>(
  prepared: PreparedScenario,
  exporter: Exporter<T>,
  collector: Collector,
  pace: Pace,
  signal: AbortSignal,
  origin: Origin | null = null,
): Promise<Result<SendOutcome<T>>> {
  if (isIP(collector.address) === 0) {
    return failure('ADDRESS_INVALID', `'${collector.address}' is not an address`);
  }
  const opened = await openSocket(collector, origin);
  if (!opened.ok) return opened;
  const socket = opened.value;
  const startedMs = pace.now();
  let refused = 0;
  // A port that nobody listens on answers late, to the socket and not to the datagram.
  socket.on('error', () => refused++);
  let latestMs = 0;

  const sendAll = async (waiting: readonly Due[]): Promise<void> => {
    for (const { bytes, atMs } of waiting) {
      const early = atMs - (pace.now() - startedMs);
      if (early > 0) await pace.wait(early, signal);
      if (signal.aborted) return;
      latestMs = Math.max(latestMs, -early);
      if (!(await sendOne(socket, bytes))) refused++;
    }
  };

  // At most the datagrams of one batch wait at a time.
  const waiting: Due[] = [];
  const keep = (datagram: Uint8Array, micros: number): void => {
    waiting.push({ bytes: datagram.slice(), atMs: micros / 1000 });
  };
  let last = 0;
  try {
    for (const batch of frames(prepared)) {
      if (signal.aborted) break;
      exporter.add(batch, keep);
      last = batch.micros[batch.count - 1] ?? last;
      await sendAll(waiting.splice(0));
    }
    exporter.flush(last, keep);
    if (!signal.aborted) await sendAll(waiting.splice(0));
  } finally {
    socket.close();
  }
  return success({ ...exporter.totals(), refused, latestMs, aborted: signal.aborted });
}

function openSocket({ address, port }: Collector, origin: Origin | null): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const refuse = (error: Error): void => {
      socket.close();
      resolve(failure('SOURCE_UNAVAILABLE', `udp to ${address} port ${port}: ${error.message}`));
    };
    socket.once('error', refuse);
    const connect = (): void => {
      // Connected, so that a listener that is not there is noticed. The callback gets what failed, if anything.
      socket.connect(port, address, (error?: Error) => {
        socket.off('error', refuse);
        if (error instanceof Error) {
          refuse(error);
          return;
        }
        resolve(success(socket));
      });
    };
    if (origin === null) connect();
    else socket.bind(origin.port, origin.address, connect);
  });
}

const sendOne = (socket: Socket, bytes: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => socket.send(bytes, (error) => resolve(!error)));
