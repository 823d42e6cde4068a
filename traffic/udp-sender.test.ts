import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { backgroundPart } from './scenario.js';
import { usualSflow } from './sflow.js';
import { type Pace, sendSflow } from './udp-sender.js';

const prepared = (): PreparedScenario => {
  const ready = prepareScenario({
    name: 'live',
    seed: 1,
    startMicros: 0,
    networks: ['203.0.113.0/24'],
    parts: [backgroundPart({ name: 'use', pps: 2_000, durationMicros: 2e6 })],
  });
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
};
const options = { ...usualSflow, agent: Uint8Array.of(127, 0, 0, 1), samplingRate: 20 };

/** Time that passes only while someone waits for it. */
function steppedPace(): Pace & { readonly waits: number[] } {
  const waits: number[] = [];
  let now = 5_000;
  return {
    waits,
    now: () => now,
    wait: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
      // Lets the receiver run.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

async function receiver(): Promise<{ port: number; received: Buffer[]; close: () => void }> {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (message) => received.push(message));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, received, close: () => socket.close() };
}

test('every datagram arrives, at the pace of the scenario', async () => {
  const listener = await receiver();
  const pace = steppedPace();
  const sent = await sendSflow(
    prepared(),
    options,
    { address: '127.0.0.1', port: listener.port },
    pace,
    new AbortController().signal,
  );
  if (!sent.ok) throw new Error(sent.error.detail);
  await expect.poll(() => listener.received.length, { timeout: 20_000 }).toBe(sent.value.datagrams);
  listener.close();
  expect(sent.value).toMatchObject({ refused: 0, aborted: false });
  expect(sent.value.datagrams).toBeGreaterThan(20);
  expect(listener.received.length).toBe(sent.value.datagrams);
  expect(listener.received.every((message) => message.readUInt32BE(0) === 5)).toBe(true);
  const waited = pace.waits.reduce((sum, wait) => sum + wait, 0);
  expect(waited).toBeGreaterThan(1_800);
  expect(waited).toBeLessThanOrEqual(2_000);
});

test('it stops when told', async () => {
  const listener = await receiver();
  const abort = new AbortController();
  const pace = steppedPace();
  const stopping: Pace = {
    now: pace.now,
    wait: async (milliseconds) => {
      await pace.wait(milliseconds, abort.signal);
      if (pace.waits.length === 5) abort.abort();
    },
  };
  const sent = await sendSflow(
    prepared(),
    options,
    { address: '127.0.0.1', port: listener.port },
    stopping,
    abort.signal,
  );
  listener.close();
  expect(sent).toMatchObject({ ok: true, value: { aborted: true } });
  expect(pace.waits.length).toBe(5);
});

test('a name is refused: nothing is looked up', async () => {
  const signal = new AbortController().signal;
  const named = await sendSflow(
    prepared(),
    options,
    { address: 'collector.example', port: 6343 },
    steppedPace(),
    signal,
  );
  expect(named).toMatchObject({ ok: false, error: { code: 'ADDRESS_INVALID' } });
});

test('an address that leads nowhere is said', async () => {
  // The limited broadcast address is refused to a socket that has not asked for it.
  const collector = { address: '255.255.255.255', port: 6343 };
  const sent = await sendSflow(prepared(), options, collector, steppedPace(), new AbortController().signal);
  expect(sent).toMatchObject({ ok: false, error: { code: 'SOURCE_UNAVAILABLE' } });
});

test('a listener that is not there costs datagrams, which are counted', async () => {
  const listener = await receiver();
  listener.close();
  const collector = { address: '127.0.0.1', port: listener.port };
  const sent = await sendSflow(prepared(), options, collector, steppedPace(), new AbortController().signal);
  if (!sent.ok) throw new Error(sent.error.detail);
  expect(sent.value.refused).toBeGreaterThan(0);
  expect(sent.value.refused).toBeLessThanOrEqual(sent.value.datagrams);
});
