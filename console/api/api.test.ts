/** Both ends of the control socket, over a real one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import type { ControlAnswer } from '../../actors/control/messages.js';
import type { Log } from '../../domain/ports.js';
import { failure, success } from '../../domain/result.js';
import { ask } from './client.js';
import { maxRequestBytes } from './lines.js';
import { type Answerer, type ControlServer, maxClients, serveControl } from './server.js';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const answer: ControlAnswer = { kind: 'reloaded', report: { changes: ['networks'] } };
let dir = '';
let path = '';
let servers: ControlServer[] = [];
let sockets: Socket[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tidegate-api-'));
  path = join(dir, 'control.sock');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  sockets = [];
  rmSync(dir, { recursive: true });
});

async function serve(answerer: Answerer = async () => success(answer)): Promise<ControlServer> {
  const server = await serveControl(path, answerer, quiet);
  assert.ok(server.ok, JSON.stringify(server));
  servers.push(server.value);
  return server.value;
}

function client(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
    sockets.push(socket);
  });
}

const lineOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
    socket.on('close', () => resolve('closed'));
  });

test('a request is answered, and an error comes over with its code', async () => {
  await serve(async (request) =>
    request.kind === 'reload' ? success(answer) : failure('NOT_MITIGATED', `${request.kind}`),
  );
  assert.deepEqual(await ask(path, { kind: 'reload' }), success(answer));
  assert.deepEqual(await ask(path, { kind: 'unban', host: '192.0.2.1' }), failure('NOT_MITIGATED', 'unban'));
});

test('the socket is for its owner alone', async () => {
  await serve();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('no daemon is said with what to do', async () => {
  const result = await ask(path, { kind: 'status' });
  assert.ok(!result.ok && result.error.code === 'DAEMON_UNREACHABLE');
  assert.match(result.error.detail, /tidegate run/);
});

test('a second daemon on the same state directory is refused, the first goes on', async () => {
  await serve();
  const second = await serveControl(path, async () => success(answer), quiet);
  assert.ok(!second.ok && second.error.code === 'DAEMON_RUNNING');
  assert.ok((await ask(path, { kind: 'reload' })).ok);
});

test('a socket that a crash left behind is taken over', async () => {
  leaveStaleSocket(path);
  await serve();
  assert.ok((await ask(path, { kind: 'reload' })).ok);
});

test('a file of the same name that is no socket is not taken for a daemon', async () => {
  writeFileSync(path, 'not a socket');
  await serve();
  assert.ok((await ask(path, { kind: 'reload' })).ok);
});

test('a daemon that accepts and never answers costs the limit', async () => {
  await serve(() => new Promise(() => {}));
  const result = await ask(path, { kind: 'status' }, 100);
  assert.ok(!result.ok && result.error.code === 'TIMEOUT');
});

const bad = [
  { claim: 'what is no JSON', line: 'hello' },
  { claim: 'an unknown kind', line: '{"kind":"format_disk"}' },
  { claim: 'a ban without a host', line: '{"kind":"ban","comment":"","forMs":null}' },
  { claim: 'a ban for a negative time', line: '{"kind":"ban","host":"192.0.2.1","comment":"","forMs":-1}' },
  { claim: 'a top by nothing known', line: '{"kind":"top","by":"colour","direction":"incoming","count":1}' },
  { claim: 'null', line: 'null' },
];
for (const { claim, line } of bad) {
  test(`${claim} is refused, and the connection goes on`, async () => {
    await serve();
    const socket = await client();
    socket.write(`${line}\n{"kind":"reload"}\n`);
    let text = '';
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        text += chunk.toString();
        if (text.split('\n').length > 2) resolve();
      });
    });
    const [first, second] = text.split('\n');
    assert.match(first ?? '', /REQUEST_INVALID/);
    assert.match(second ?? '', /reloaded/);
  });
}

test('a request without an end is cut off at its bound', async () => {
  await serve();
  const socket = await client();
  const reply = lineOf(socket);
  socket.write('x'.repeat(maxRequestBytes + 1));
  assert.match(await reply, /REQUEST_INVALID/);
  await new Promise((resolve) => socket.once('close', resolve));
});

test('a request in many pieces is one request', async () => {
  await serve();
  const socket = await client();
  const reply = lineOf(socket);
  for (const piece of ['{"ki', 'nd":"re', 'load"}', '\n']) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.match(await reply, /reloaded/);
});

test('clients beyond the bound are turned away, and the others are still served', async () => {
  await serve();
  const first = await client();
  for (let count = 1; count < maxClients; count += 1) await client();
  const beyond = await client();
  assert.equal(await lineOf(beyond), 'closed');
  const reply = lineOf(first);
  first.write('{"kind":"reload"}\n');
  assert.match(await reply, /reloaded/);
});

test('a client that does not read holds up nobody else', async () => {
  const long = { kind: 'reloaded', report: { changes: ['x'.repeat(4_000_000)] } } as const;
  await serve(async (request) => success(request.kind === 'status' ? long : answer));
  const slow = await client();
  slow.pause();
  for (let count = 0; count < 8; count += 1) slow.write('{"kind":"status"}\n');
  assert.ok((await ask(path, { kind: 'reload' }, 20_000)).ok);
});

/** Leaves a socket file as a killed process does: bound by a child that exits without closing. */
function leaveStaleSocket(at: string): void {
  const program = `require('net').createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  assert.ok(statSync(at).isSocket());
}
