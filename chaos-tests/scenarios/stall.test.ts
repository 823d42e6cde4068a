import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { freePort } from '../../traffic/loopback.js';
import { flood, flowSettings, sendFlows, usual } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

const busy = '203.0.113.30';

test('a process that stood still for three seconds takes what waited for no attack, and finds the next one', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port));
  daemon = await startDaemon(home);
  // busy, and below the threshold of 20,000 packets per second at every moment, even where the sender has to wait for
  // a core; three seconds of it at once are above
  const sending = sendFlows(port, [usual(5_000, 16), flood(busy, 9_000, 0, 9)]);
  await sleep(2_000);
  process.kill(daemon.program.pid, 'SIGSTOP');
  await sleep(3_000);
  process.kill(daemon.program.pid, 'SIGCONT');
  await sleep(3_000);
  expect(home.script.calls()).toEqual([]);
  sending.stop();
  await sending.done;
  const attack = sendFlows(port, [flood('203.0.113.31', 100_000, 0, 5)]);
  const script = home.script;
  expect(await until(() => script.of('ban').length === 1, 6_000)).toBe(true);
  attack.stop();
  await attack.done;
});

test('random bytes and broken sFlow at the port are counted by name; the daemon sees the attack all the same', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port));
  daemon = await startDaemon(home);
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  const sending = sendFlows(port, [usual(5_000, 8), flood(busy, 100_000, 1, 5)]);
  const { createRandom } = await import('../../traffic/random.js');
  const random = createRandom(99, 'rubbish');
  for (let i = 0; i < 20_000; i += 1) {
    const rubbish = Uint8Array.from({ length: 1 + (i % 300) }, () => random.below(256));
    // every other one begins as sFlow version 5 does
    if (i % 2 === 0 && rubbish.length > 8) rubbish.set([0, 0, 0, 5, 0, 0, 0, 1]);
    await new Promise((sent) => socket.send(rubbish, port, '127.0.0.1', sent));
  }
  const script = home.script;
  expect(await until(() => script.of('ban').length === 1, 8_000)).toBe(true);
  sending.stop();
  await sending.done;
  socket.close();
  const [listener] = (await daemon.status()).flow.listeners;
  const errors = Object.values(listener?.errors ?? {}).reduce((sum, count) => sum + count, 0);
  expect(errors + (listener?.dropped ?? 0)).toBeGreaterThan(15_000);
});
