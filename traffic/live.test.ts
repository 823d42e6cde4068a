import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { SendOptions } from '../native/door/contract.js';
import { sendLive } from './live.js';
import { type PreparedScenario, prepareScenario } from './prepare.js';
import { readCapture } from './reading.js';
import { attackPart } from './scenario.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-live-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'live.pcap');

const prepared = (): PreparedScenario => {
  const ready = prepareScenario({
    name: 'live',
    seed: 1,
    startMicros: 0,
    networks: ['203.0.113.0/24'],
    parts: [
      attackPart({ name: 'in', vector: 'syn', targets: ['203.0.113.1'], pps: 1_000, durationMicros: 1e6 }),
    ],
  });
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
};

test('the door is given the capture that was written, and its count comes back', async () => {
  const asked: SendOptions[] = [];
  const door = {
    sendFrames: async (options: SendOptions) => {
      asked.push(options);
      const sent = readCapture(readFileSync(options.path)).frames.length * options.loops;
      return { sent, seconds: 1, firstAt: 5 };
    },
  };
  const options = { interface: 'veth-test', path, packetsPerSecond: null, loops: 2 };
  const outcome = await sendLive(door, prepared(), options);
  expect(outcome).toMatchObject({
    ok: true,
    value: { sent: 2_000, firstAt: 5, manifest: { packets: 1_000 } },
  });
  expect(asked).toEqual([options]);
});

test('an interface that is not there is a failure, anything else is thrown', async () => {
  const failing = (error: Error) => ({ sendFrames: () => Promise.reject(error) });
  const options = { interface: 'none', path, packetsPerSecond: 10, loops: 1 };
  const gone = Object.assign(new Error('no such interface'), { code: 'SOURCE_UNAVAILABLE' });
  expect(await sendLive(failing(gone), prepared(), options)).toMatchObject({
    ok: false,
    error: { code: 'SOURCE_UNAVAILABLE' },
  });
  await expect(sendLive(failing(new TypeError('a bug')), prepared(), options)).rejects.toThrow('a bug');
});
