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

const slow = '203.0.113.10';
const other = '203.0.113.20';

test('a script that hangs for one host delays the ban of another by nothing that is seen', async () => {
  const port = await freePort();
  home = makeHome(
    flowSettings(port, 'ban: { time: 60s }'),
    `[ "$1" = ${slow} ] && sleep 60; cat > /dev/null`,
  );
  daemon = await startDaemon(home);
  const sending = sendFlows(port, [
    usual(5_000, 12),
    flood(slow, 100_000, 0.2, 8),
    flood(other, 100_000, 2, 8),
  ]);
  const script = home.script;
  expect(await until(() => script.of('ban').length === 2, 10_000)).toBe(true);
  const [, second] = script.of('ban');
  expect(second?.args[0]).toBe(other);
  // long before the script that hangs for the first one ends
  expect((second?.atMicros ?? 0) - (sending.startedMicros + 2_000_000)).toBeLessThan(20_000_000);
  sending.stop();
  await sending.done;
  const { script: report } = await daemon.status();
  expect(report?.running).toBeGreaterThan(0);
});

test('a script that fails at every call is said so and called again for the next attack', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'ban: { time: 1s, calm: 1s }'), 'echo it is broken >&2; exit 7');
  daemon = await startDaemon(home);
  const sending = sendFlows(port, [
    usual(5_000, 14),
    flood(slow, 100_000, 0.2, 2),
    flood(other, 100_000, 4, 2),
  ]);
  const script = home.script;
  expect(await until(() => script.of('unban').length === 2, 16_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect((await daemon.status()).script?.failed).toBeGreaterThanOrEqual(4);
  expect(home.log()).toContain('it is broken');
});

test('a script that is not there is said so; detection and the ledger go on', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'notify: { script: /bin/true }'));
  daemon = await startDaemon(home);
  const sending = sendFlows(port, [usual(5_000, 6), flood(slow, 100_000, 0.2, 4)]);
  const running = daemon;
  let active = 0;
  const look = setInterval(() => {
    running.attacks().then(
      (list) => {
        active = list.active.length;
      },
      () => undefined,
    );
  }, 100);
  expect(await until(() => active === 1, 8_000)).toBe(true);
  clearInterval(look);
  sending.stop();
  await sending.done;
});
