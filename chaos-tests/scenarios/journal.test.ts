/** A disk that is full, and a folder that cannot be written: attacks are found and the script is called all the same. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { freePort } from '../../traffic/loopback.js';
import { fill, type SmallDisk, smallDisk } from '../faults/disk.js';
import { flood, flowSettings, sendFlows, usual } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon, tidegate } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
let disk: SmallDisk | null = null;
afterEach(async () => {
  await daemon?.stop();
  disk?.remove();
  home?.remove();
  disk = null;
  daemon = null;
  home = null;
});

const root = process.getuid?.() === 0;
const [first, second] = ['203.0.113.10', '203.0.113.20'] as const;

describe.skipIf(!root)('the disk under the state directory is full (needs root for a small disk)', () => {
  test('attacks are found, told and shown; when there is room again the journal has all of it', async () => {
    const port = await freePort();
    const one = makeHome(flowSettings(port, 'ban: { time: 60s }'));
    home = one;
    disk = smallDisk(one.stateDir, 4);
    daemon = await startDaemon(one);
    const { script } = one;
    const sending = sendFlows(port, [
      usual(5_000, 40),
      flood(first, 100_000, 0.2, 39),
      flood(second, 100_000, 5, 34),
    ]);
    expect(await until(() => script.of('ban').length === 1, 4_500)).toBe(true);
    const free = fill(one.stateDir);
    expect(await until(() => script.of('ban').length === 2, 10_000)).toBe(true);
    expect(await until(() => one.log().includes('"code":"JOURNAL_UNWRITABLE"'), 5_000)).toBe(true);
    expect((await tidegate(one, ['status'])).code).toBe(0);
    expect((await daemon.attacks()).active.length).toBe(2);
    // it says so at a pace, not at every attempt
    expect(one.log().split('JOURNAL_UNWRITABLE').length).toBeLessThan(12);

    free();
    // the record is written as soon as the journal works again
    await sleep(8_000);
    await daemon.kill();
    daemon = await startDaemon(one);
    const hosts = (await daemon.attacks()).active.map(({ attack }) => attack.subject);
    expect(hosts).toContainEqual({ kind: 'host', host: first });
    expect(hosts).toContainEqual({ kind: 'host', host: second });
    await sleep(3_000); // both floods go on: no second ban of either
    sending.stop();
    await sending.done;
    expect(script.of('ban').map(({ args }) => args[0])).toEqual([first, second]);
    expect(one.log()).not.toContain('actor crashed');
  });

  test('a start on a full disk is refused by name, and works when there is room', async () => {
    const one = makeHome(flowSettings(await freePort()));
    home = one;
    disk = smallDisk(one.stateDir, 1);
    const free = fill(one.stateDir);
    const ended = await tidegate(one, ['run', '--config', one.config]);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(/^error: (JOURNAL_UNWRITABLE|CONTROL_UNAVAILABLE): /);
    expect(ended.err).toContain(one.stateDir);
    free();
    daemon = await startDaemon(one);
  });
});

test('an evidence folder that is a file in the way: the script is told all, the log says it once an attack', async () => {
  const port = await freePort();
  const one = makeHome(flowSettings(port, ''));
  home = one;
  const folder = join(one.directory, 'evidence');
  one.rewrite(flowSettings(port, `evidence: { directory: ${folder}, time_limit: 2s }\nban: { time: 60s }`));
  daemon = await startDaemon(one);
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(folder, 'in the way');
  const sending = sendFlows(port, [
    usual(5_000, 8),
    flood(first, 100_000, 0.2, 7),
    flood(second, 100_000, 0.2, 7),
  ]);
  const { script } = one;
  expect(await until(() => script.of('attack_details').length === 2, 8_000)).toBe(true);
  sending.stop();
  await sending.done;
  expect(script.of('ban').length).toBe(2);
  // a thread writes it, and nobody waits for that
  const said = (): number => one.log().split('"msg":"evidence not written"').length - 1;
  expect(await until(() => said() >= 2, 5_000), one.log()).toBe(true);
  expect(said()).toBe(2);
  expect(one.log()).not.toContain('actor crashed');
  expect(readdirSync(one.directory)).toContain('evidence');
});
