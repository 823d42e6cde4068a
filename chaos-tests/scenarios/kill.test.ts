import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { keptMitigations } from '../../composition/kept-journal.js';
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

const victim = '203.0.113.66';
const actions = (one: Home) => one.script.calls().map((call) => call.args[3]);

test('kill -9 in the middle of an attack: the same attack goes on, one ban and one unban in all', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'ban: { time: 3s, calm: 1s }'));
  daemon = await startDaemon(home);
  const sending = sendFlows(port, [usual(5_000, 12), flood(victim, 100_000, 0.5, 6)]);
  const script = home.script;
  expect(await until(() => script.of('attack_details').length === 1, 8_000)).toBe(true);
  const before = (await daemon.attacks()).active[0]?.attack;
  await daemon.kill();

  daemon = await startDaemon(home);
  const after = (await daemon.attacks()).active[0]?.attack;
  expect(after?.id).toBe(before?.id);
  expect(after?.startedAt).toBe(before?.startedAt);
  expect(await until(() => script.of('unban').length === 1, 15_000)).toBe(true);
  sending.stop();
  await sending.done;
  // killed before the journal knew that the details were told, it tells them again (decision 0003)
  expect(actions(home).filter((action) => action !== 'attack_details')).toEqual(['ban', 'unban']);
  // it leaves once its script is known to have begun, which comes after the script's own line
  const last = daemon;
  await expect.poll(async () => (await last.attacks()).active, { timeout: 15_000 }).toEqual([]);
});

test('killed again and again while attacks come and go: a ban and an unban each, never two', {
  timeout: 240_000,
}, async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'ban: { time: 2s, calm: 1s }'));
  daemon = await startDaemon(home);
  // on a busy machine the daemon may be starting all through one that ends, and not through one that goes on
  const longestSeconds = 120;
  const victims = Array.from({ length: 6 }, (_, i) => `203.0.113.${10 + i}`);
  const sending = sendFlows(port, [
    usual(5_000, longestSeconds),
    ...victims.map((host, i) => flood(host, 80_000, 0.5 + i, i < 3 ? 8 : longestSeconds - 10)),
  ]);
  const { script } = home;
  const told = (action: 'ban' | 'unban') => new Set(script.of(action).map(({ args }) => args[0]));
  /** What a kill kept from the journal comes again (decision 0003): so many of each may. */
  const again: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    // other moments of the attacks' lives at every round
    await sleep(700 + round * 130);
    await daemon.kill();
    const kept = await keptMitigations(home.stateDir);
    for (const host of victims) {
      const record = kept.get(host);
      const [banned, unbanned] = [told('ban').has(host), told('unban').has(host)];
      const isUnmarked = record === undefined ? banned && !unbanned : record.notified === 'nothing';
      if (isUnmarked) again.push(`ban ${host}`);
      if (record?.state === 'released' || (record !== undefined && unbanned)) again.push(`unban ${host}`);
    }
    daemon = await startDaemon(home);
  }
  expect(await until(() => victims.slice(3).every((host) => told('ban').has(host)), 10_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect(await until(() => told('unban').size >= told('ban').size, 20_000)).toBe(true);
  for (const host of told('ban')) {
    const calls = script.calls().filter(({ args }) => args[0] === host && args[3] !== 'attack_details');
    expect([...new Set(calls.map(({ args }) => args[3]))], host).toEqual(['ban', 'unban']);
    for (const action of ['ban', 'unban']) {
      const most = 1 + again.filter((one) => one === `${action} ${host}`).length;
      expect(calls.filter(({ args }) => args[3] === action).length, `${action} ${host}`).toBeLessThanOrEqual(
        most,
      );
    }
  }
});

test('SIGTERM in the middle of an attack: the end comes in time, and the next start goes on', async () => {
  const port = await freePort();
  home = makeHome(flowSettings(port, 'ban: { time: 3s, calm: 1s }'));
  daemon = await startDaemon(home);
  const sending = sendFlows(port, [usual(5_000, 10), flood(victim, 100_000, 0.2, 5)]);
  const script = home.script;
  expect(await until(() => script.of('ban').length === 1, 8_000)).toBe(true);
  await daemon.stop();
  // by its own clock: else it says that not everything was
  expect(home.log()).toContain('"msg":"stopped"');
  expect(script.of('unban')).toEqual([]);
  daemon = await startDaemon(home);
  expect(await until(() => script.of('unban').length === 1, 15_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect(script.of('ban').length).toBe(1);
});
