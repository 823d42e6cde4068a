/** SIGHUP while it runs: what changes, what goes on, and what a bad file does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { freePort } from '../../traffic/loopback.js';
import { flood, flowSettings, networks, sendFlows, usual } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon, tidegate } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

const victim = '203.0.113.66';

/** How often the log has `phrase`. */
const said = (one: Home, phrase: string): number => one.log().split(`"msg":"${phrase}"`).length - 1;

async function hangUp(one: Home, of: Daemon, settings: string, outcome: string): Promise<void> {
  const before = said(one, outcome);
  one.rewrite(settings);
  process.kill(of.program.pid, 'SIGHUP');
  expect(await until(() => said(one, outcome) > before, 10_000), one.log()).toBe(true);
}
const applied = 'configuration applied';

test('a bad file changes nothing; the log and `reload` name file, line and remedy', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port));
  daemon = await startDaemon(home);
  const before = (await daemon.status()).flow.listeners;
  await hangUp(home, daemon, `${flowSettings(await freePort())}window: soon\n`, 'configuration not applied');
  expect(home.log()).toContain(`${home.config}:3: 'soon'`);
  expect((await daemon.status()).flow.listeners.map(({ address }) => address)).toEqual(
    before.map(({ address }) => address),
  );
  const asked = await tidegate(home, ['reload']);
  expect(asked.code).toBe(1);
  expect(asked.err).toContain(`CONFIG_INVALID: ${home.config}:3: `);
  // and the next good one is taken
  await hangUp(home, daemon, `${flowSettings(port)}window: 2s\n`, applied);
  expect(said(home, 'actor crashed')).toBe(0);
});

test('lower thresholds find the attack that was below before', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'thresholds: { incoming: { pps: 500kpps } }'));
  daemon = await startDaemon(home);
  const { script } = home;
  const sending = sendFlows(port, [usual(5_000, 12), flood(victim, 100_000, 0.2, 10)]);
  await sleep(2_500);
  expect(script.calls()).toEqual([]);
  await hangUp(home, daemon, flowSettings(port, 'thresholds: { incoming: { pps: 20kpps } }'), applied);
  expect(await until(() => script.of('ban').length === 1, 4_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect(script.of('ban')[0]?.args[0]).toBe(victim);
});

test('a listener that is added receives, and one that is taken away is gone', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const listening = (...ports: readonly number[]): string =>
    `networks: [${networks.join(', ')}]\ncapture: { sflow: [${ports.map((port) => `"127.0.0.1:${port}"`).join(', ')}] }\n`;
  home = makeHome(listening(first));
  daemon = await startDaemon(home);
  await hangUp(home, daemon, listening(first, second), applied);
  const sending = sendFlows(second, [usual(20_000, 8)]);
  const running = daemon;
  const received = async (): Promise<readonly (readonly [string, boolean])[]> =>
    (await running.status()).flow.listeners.map(
      ({ address, datagrams }) => [address, datagrams > 0] as const,
    );
  await expect.poll(received, { timeout: 20_000 }).toEqual([
    [`127.0.0.1:${first}`, false],
    [`127.0.0.1:${second}`, true],
  ]);
  await hangUp(home, daemon, listening(second), applied);
  await expect.poll(received, { timeout: 20_000 }).toEqual([[`127.0.0.1:${second}`, true]]);
  // whoever waits for the port gets it
  const other = sendFlows(first, [usual(1_000, 1)]);
  await other.done;
  sending.stop();
  await sending.done;
  expect((await tidegate(home, ['status'])).out).not.toContain(`127.0.0.1:${first}`);
});

test('a network added in the middle of an attack: it goes on, with one ban and one unban', async () => {
  const port = await freePort();
  const ban = 'ban: { time: 2s, calm: 1s }';
  home = makeHome(flowSettings(port, ban));
  daemon = await startDaemon(home);
  const { script } = home;
  const sending = sendFlows(port, [usual(5_000, 9), flood(victim, 100_000, 0.2, 7)]);
  expect(await until(() => script.of('ban').length === 1, 6_000)).toBe(true);
  const before = (await daemon.attacks()).active[0]?.attack;
  const wider = flowSettings(port, ban).replace('networks: [', 'networks: [198.51.100.0/24, ');
  await hangUp(home, daemon, wider, applied);
  const after = (await daemon.attacks()).active[0]?.attack;
  expect([after?.id, after?.startedAt]).toEqual([before?.id, before?.startedAt]);
  expect(await until(() => script.of('unban').length === 1, 15_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect(script.of('ban').length).toBe(1);
  // it leaves once its script is known to have begun, which comes after the script's own line
  const running = daemon;
  await expect.poll(async () => (await running.attacks()).active, { timeout: 15_000 }).toEqual([]);
});

test('many SIGHUPs in a row with the file changing: the last one holds, nothing crashes', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port));
  daemon = await startDaemon(home);
  for (let round = 1; round <= 20; round += 1) {
    home.rewrite(flowSettings(port, `thresholds: { incoming: { pps: ${round}000 } }`));
    process.kill(daemon.program.pid, 'SIGHUP');
  }
  await hangUp(home, daemon, flowSettings(port, 'window: 3s'), applied);
  expect((await tidegate(home, ['reload'])).out).toBe('nothing changed\n');
  expect(said(home, 'actor crashed')).toBe(0);
});
