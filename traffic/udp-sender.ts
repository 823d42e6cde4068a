/**
 * Sends the sFlow datagrams of a scenario as they fall due, in real time. For demonstrations and tests of a listener.
 *
 * Clock and wait come in as dependencies. Errors: ADDRESS_INVALID for a name, SOURCE_UNAVAILABLE when the system
 * gives no socket to there; a datagram that it refuses later is counted and left out.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { failure, type Result, success } from '../domain/result.js';
import type { PreparedScenario } from './prepare.js';
import { type SflowOptions, type SflowTotals, sflowExporter } from './sflow.js';
import { frames } from './stream.js';

export type Collector = { readonly address: string; readonly port: number };

export type Pace = {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Resolves after that time, or at once when `signal` is aborted. Never rejects. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

export type SendOutcome = SflowTotals & {
  /** Datagrams that the system or the collector's host refused. */
  readonly refused: number;
  /** The most that sending was behind the scenario's time. */
  readonly latestMs: number;
  readonly aborted: boolean;
};

type Due = { readonly bytes: Uint8Array; readonly atMs: number };

/** Runs until the scenario has been sent or `signal` is aborted. */
export async function sendSflow(
  prepared: PreparedScenario,
  options: SflowOptions,
  collector: Collector,
  pace: Pace,
  signal: AbortSignal,
): Promise<Result<SendOutcome>> {
  if (isIP(collector.address) === 0) {
    return failure('ADDRESS_INVALID', `'${collector.address}' is not an address`);
  }
  const opened = await openSocket(collector);
  if (!opened.ok) return opened;
  const socket = opened.value;
  const exporter = sflowExporter(options);
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

function openSocket({ address, port }: Collector): Promise<Result<Socket>> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const refuse = (error: Error): void => {
      socket.close();
      resolve(failure('SOURCE_UNAVAILABLE', `udp to ${address} port ${port}: ${error.message}`));
    };
    socket.once('error', refuse);
    // Connected, so that a listener that is not there is noticed. The callback gets what failed, if anything.
    socket.connect(port, address, (error?: Error) => {
      socket.off('error', refuse);
      if (error instanceof Error) {
        refuse(error);
        return;
      }
      resolve(success(socket));
    });
  });
}

const sendOne = (socket: Socket, bytes: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => socket.send(bytes, (error) => resolve(!error)));
