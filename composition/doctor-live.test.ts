/** What a capture cannot show: datagrams that came to a socket of ours and were of no use, told by the real listener. */
import { createSocket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { diagnose } from '../actors/control/diagnosis/diagnose.js';
import { emptyHistory, factsSince, sampleOf } from '../actors/control/diagnosis/history.js';
import { diagnosesOf } from '../domain/diagnosis.js';
import type { FlowFamily } from '../domain/flow.js';
import type { FlowListenerOptions } from '../native/door/contract.js';
import { type ListenerSource, openEngine } from '../native/door/engine.js';
import { usualFlowReading } from '../native/door/flow-options.js';
import { loadDoor } from '../native/door/load.js';
import { groupOf, settingsOf } from './detection-rehearsal.js';
import { datagramsOf, type FixtureProtocol, fixtureNetwork, healthyFixtures } from './doctor-fixtures.js';

let source: ListenerSource | null = null;
const socket = createSocket('udp4');
beforeAll(() => new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve)));
afterAll(() => void socket.close());
afterEach(() => {
  source?.close();
  source = null;
});

const settings = settingsOf([fixtureNetwork], [groupOf('global', [], {})]);

function listen(accepts: readonly FlowFamily[], change: Partial<FlowListenerOptions> = {}): ListenerSource {
  const { networks, hostgroups } = settings;
  const sizes = { tickMs: 100, ipv6Hosts: 1_024, countFlows: false, flowSlots: 1_024, sampleBytes: 0 };
  const engine = openEngine(loadDoor(), { networks, hostgroups, ...sizes, seed: 1n });
  const opened = engine.openFlows({
    ...usualFlowReading,
    accepts,
    address: '127.0.0.1',
    port: 0,
    transport: 'udp',
    workers: 1,
    receiveBufferBytes: 2 ** 20,
    allow: [],
    refuseUnknown: false,
    ...change,
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  source = opened.value;
  return opened.value;
}

function datagrams(protocol: FixtureProtocol): readonly Uint8Array[] {
  const fixture = healthyFixtures.find(({ name }) => name === `healthy ${protocol}`);
  if (fixture === undefined) throw new Error(`no fixture of ${protocol}`);
  return datagramsOf(fixture);
}

const send = (bytes: Uint8Array, port: number): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(bytes, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))),
  );

function codesOf({ flow, exporters }: ListenerSource, accepts: readonly FlowFamily[]): readonly string[] {
  // before the listener's own counts: what it says it dropped is then never older than what they miss
  const exported = exporters();
  const stats = flow();
  if (stats === null) throw new Error('no listener');
  const setting = {
    name: 'it',
    address: '127.0.0.1',
    port: 1,
    transport: 'udp',
    accepts,
    spread: true,
  } as const;
  const now = Date.now() * 1_000;
  const seen = exported.map((one) => ({ listener: 'it', stats: one }));
  const facts = factsSince(emptyHistory, sampleOf(now, seen, [['it', stats]]), [setting], now);
  const report = diagnose({ ...facts, windowMs: 1_000, machine: null, wire: null }, []);
  return diagnosesOf(report).map(({ code }) => code);
}

const eventually = (claim: () => void): Promise<void> =>
  expect.poll(() => attempt(claim), { timeout: 20_000 }).toBe('');
function attempt(claim: () => void): string {
  try {
    claim();
    return '';
  } catch (error) {
    return String(error);
  }
}

test('sFlow at a port of NetFlow is named', { timeout: 30_000 }, async () => {
  const listener = listen(['netflow', 'ipfix']);
  for (const bytes of datagrams('sflow').slice(0, 20)) await send(bytes, listener.port);
  await eventually(() => expect(codesOf(listener, ['netflow', 'ipfix'])).toEqual(['wrong_protocol']));
  // named before the last of them is read
  await eventually(() =>
    expect(listener.flow()?.strays).toMatchObject([
      { protocol: 'sflow5', datagrams: 20, lastFrom: '127.0.0.1' },
    ]),
  );
});

test('what is not on the list of allowed exporters is a hint', { timeout: 30_000 }, async () => {
  const listener = listen(['sflow'], { allow: ['192.0.2.0/24'], refuseUnknown: true });
  for (const bytes of datagrams('sflow').slice(0, 20)) await send(bytes, listener.port);
  await eventually(() => expect(codesOf(listener, ['sflow'])).toEqual(['refused']));
});

test('a buffer that is too small drops, and the network is not accused', { timeout: 30_000 }, async () => {
  const listener = listen(['netflow', 'ipfix'], { receiveBufferBytes: 4_096 });
  // all at once: one by one, a listener with a core to itself has each out of the buffer before the next comes
  await Promise.all(datagrams('netflow5').map((bytes) => send(bytes, listener.port)));
  await eventually(() => expect(codesOf(listener, ['netflow', 'ipfix'])).toContain('socket_drops'));
  expect(codesOf(listener, ['netflow', 'ipfix'])).not.toContain('sequence_loss');
});

test('a healthy exporter has none', { timeout: 30_000 }, async () => {
  const listener = listen(['sflow']);
  const all = datagrams('sflow').slice(0, 200);
  for (const bytes of all) await send(bytes, listener.port);
  await eventually(() => expect(listener.flow()?.datagrams).toBe(all.length));
  expect(codesOf(listener, ['sflow'])).toEqual([]);
});
