/**
 * The control socket: a unix socket in the state directory, for its owner alone (mode 0600).
 *
 * A slow or silent client costs a connection, and those are bounded and timed out; it delays nobody.
 * DAEMON_RUNNING: another daemon answers on the same state directory. A socket that nobody listens on
 * is what a crash left, and is taken over.
 */
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ControlAnswer, ControlRequest } from '../../actors/control/messages.js';
import type { Log } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import { asLine, lineSplitter, maxRequestBytes } from './lines.js';
import { readRequest } from './requests.js';

export type Answerer = (request: ControlRequest) => Promise<Result<ControlAnswer>>;
export type ControlServer = { readonly path: string; readonly close: () => Promise<void> };

export const maxClients = 64;
/** A client that sends nothing and reads nothing for so long is cut off. */
const silenceMs = 30_000;
const probeMs = 1_000;

/** Listens at `path`. DAEMON_RUNNING, or CONTROL_UNAVAILABLE when the socket cannot be made. */
export async function serveControl(path: string, answer: Answerer, log: Log): Promise<Result<ControlServer>> {
  const first = await listen(path, answer, log);
  if (first.ok || first.error !== 'EADDRINUSE') return opened(first, path);
  if (await answers(path)) {
    return failure(
      'DAEMON_RUNNING',
      `another daemon listens at ${path}; stop it, or give this one its own state.dir`,
    );
  }
  log.info('stale control socket taken over', { path });
  try {
    unlinkSync(path);
  } catch (error) {
    return failure('CONTROL_UNAVAILABLE', `${path} is stale and cannot be removed: ${String(error)}`);
  }
  return opened(await listen(path, answer, log), path);
}

type Listening =
  | { readonly ok: true; readonly server: ControlServer }
  | { readonly ok: false; readonly error: string };

const opened = (listening: Listening, path: string): Result<ControlServer> =>
  listening.ok
    ? success(listening.server)
    : failure('CONTROL_UNAVAILABLE', `the control socket ${path} cannot be made: ${listening.error}`);

function listen(path: string, answer: Answerer, log: Log): Promise<Listening> {
  const clients = new Set<Socket>();
  const server: Server = createServer((socket) => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    converse(socket, answer);
  });
  server.maxConnections = maxClients;
  server.on('drop', () => log.warn('control client refused', { bound: maxClients }));
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, error: error.code ?? error.message }),
    );
    // Nobody may connect between bind and chmod.
    const before = process.umask(0o177);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      server.on('error', (error) => log.error('control socket failed', { error: error.message }));
      resolve({ ok: true, server: { path, close: () => close(server, clients) } });
    });
    process.umask(before);
  });
}

/** One request at a time and client; the next lines wait in the kernel's buffer. */
function converse(socket: Socket, answer: Answerer): void {
  const lines = lineSplitter(maxRequestBytes);
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const requests = lines.push(chunk);
    if (requests === 'too long') {
      socket.end(asLine(failure('REQUEST_INVALID', `a request has at most ${maxRequestBytes} bytes`)));
      return;
    }
    if (requests.length === 0) return;
    socket.pause();
    respond(socket, requests, answer).then(
      () => socket.resume(),
      () => socket.destroy(),
    );
  });
}

async function respond(socket: Socket, requests: readonly string[], answer: Answerer): Promise<void> {
  for (const line of requests) {
    if (socket.destroyed) return;
    const read = readRequest(line);
    const result = read.ok ? await answer(read.request) : failure<ControlAnswer>('REQUEST_INVALID', read.why);
    // A client that does not read is waited for until its silence ends it: answers never pile up.
    if (!socket.write(asLine(result))) await drained(socket);
  }
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
  });

/** Whether somebody accepts connections at `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const finish = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.setTimeout(probeMs, () => finish(true));
    socket.on('connect', () => finish(true));
    // Refused or gone: a socket file without a listener. Anything else may be a live daemon.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function close(server: Server, clients: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const client of clients) client.destroy();
  });
}
