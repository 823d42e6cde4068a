/** Bans by hand over the command line: what the script is told, what is refused, and what survives. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { keptMitigations } from '../../composition/kept-journal.js';
import { freePort } from '../../traffic/loopback.js';
import { flood, flowSettings, sendFlows, usual } from '../flows.js';
import { type Daemon, type Ended, type Home, makeHome, startDaemon, tidegate } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

const host = '203.0.113.7';

async function running(
  more = '',
): Promise<{ one: Home; port: number; cli: (line: string) => Promise<Ended> }> {
  const port = await freePort();
  const one = makeHome(flowSettings(port, more));
  home = one;
  daemon = await startDaemon(one);
  return { one, port, cli: (line) => tidegate(one, line.split(' ')) };
}

test('a ban with --for ends by itself; the script hears of both as FastNetMon would tell it', async () => {
  const { one, cli } = await running();
  const banned = await cli(`ban ${host} --for 20s --comment ticket-7`);
  expect(banned).toMatchObject({ code: 0, err: '' });
  expect(banned.out).toMatch(new RegExp(`^banned ${host} \\(A[0-9a-z]+-[0-9a-z]+\\)\\n$`));
  expect(await until(() => one.script.calls().length === 1, 3_000)).toBe(true);
  expect(one.script.calls()[0]?.args).toEqual([host, 'other', '0', 'ban']);
  const shown = await cli('attacks');
  expect(shown.out).toContain('by hand: ticket-7');
  expect(await until(() => one.script.calls().length === 2, 30_000)).toBe(true);
  const [ban, unban] = one.script.calls();
  expect(unban?.args).toEqual([host, 'other', '0', 'unban']);
  const lasted = ((unban?.atMicros ?? 0) - (ban?.atMicros ?? 0)) / 1e6;
  expect(lasted).toBeGreaterThan(19);
  await expect
    .poll(async () => (await cli('attacks --json')).out, { timeout: 15_000 })
    .toContain('"active": []');
});

test('a ban without an end stays until unban, which ends it once', async () => {
  const { one, cli } = await running();
  expect((await cli(`ban 2001:DB8::7`)).code).toBe(0);
  expect((await cli('attacks')).out).toMatch(/2001:db8::7 .*by hand .*released by hand/);
  const released = await cli('unban 2001:db8:0::7 --json');
  expect(released.code).toBe(0);
  expect(JSON.parse(released.out)).toMatchObject({ state: 'released' });
  expect(await until(() => one.script.of('unban').length === 1, 3_000)).toBe(true);
  const again = await cli('unban 2001:db8::7');
  expect(again.code).toBe(1);
  expect(again.err).toContain('NOT_MITIGATED');
});

test('what cannot be banned is refused with its code, and the script hears nothing of it', async () => {
  const { one, cli } = await running('whitelist: [203.0.113.99/32]');
  const rows: readonly (readonly [string, RegExp])[] = [
    ['ban 198.51.100.1', /^error: PREFIX_NOT_OURS: 198\.51\.100\.1/],
    ['ban 203.0.113.99', /^error: WHITELISTED: 203\.0\.113\.99/],
    ['unban 203.0.113.8', /^error: NOT_MITIGATED: .*203\.0\.113\.8/],
  ];
  for (const [line, why] of rows) {
    const refused = await cli(line);
    expect([line, refused.code, refused.out]).toEqual([line, 1, '']);
    expect(refused.err).toMatch(why);
  }
  expect((await cli(`ban ${host}`)).code).toBe(0);
  const twice = await cli(`ban ${host}`);
  expect(twice.code).toBe(1);
  expect(twice.err).toMatch(/^error: ALREADY_MITIGATED: .*203\.0\.113\.7/);
  expect(await until(() => one.script.of('ban').length === 1, 3_000)).toBe(true);
  expect(one.script.calls().length).toBe(1);
});

test('status in a terminal says which guard holds back, and how the receivers of notices stand', async () => {
  const bgp = 'bgp: { gobgp: ["127.0.0.1:1"], guard: { dry_run: true } }';
  const { cli } = await running(`${bgp}\nnotify: { webhooks: [{ url: "http://127.0.0.1:1/", name: noc }] }`);
  expect((await cli(`ban ${host}`)).code).toBe(0);
  let said = '';
  const failed = async (): Promise<boolean> => {
    said = (await cli('status')).out;
    return /^noc +(sending|tries again) +2 +0 +[1-9].*ECONNREFUSED/m.test(said);
  };
  const end = performance.now() + 15_000;
  while (!(await failed()) && performance.now() < end);
  expect(said).toMatch(/^noc +(sending|tries again) +2 +0 +[1-9].*ECONNREFUSED/m);
  expect(said).toContain('held back: 1 by dry run\n');
  const { notices } = JSON.parse((await cli('status --json')).out);
  expect(notices).toMatchObject([{ name: 'noc', queued: 2, delivered: 0, dropped: 0, givenUp: 0 }]);
});

test('bans by hand survive kill -9, with their ends; nothing is told twice', async () => {
  const { one, cli } = await running();
  expect((await cli(`ban ${host}`)).code).toBe(0);
  expect((await cli('ban 203.0.113.8 --for 20s')).code).toBe(0);
  expect(await until(() => one.script.of('ban').length === 2, 3_000)).toBe(true);
  await daemon?.kill();
  const untold = [...(await keptMitigations(one.stateDir)).values()].filter(
    ({ notified }) => notified === 'nothing',
  );
  daemon = await startDaemon(one);
  const { active } = await daemon.attacks();
  expect(active.map(({ attack }) => attack.origin)).toEqual(['manual', 'manual']);
  expect(await until(() => one.script.of('unban').length === 1, 30_000)).toBe(true);
  expect(one.script.of('unban')[0]?.args[0]).toBe('203.0.113.8');
  expect((await cli(`unban ${host}`)).code).toBe(0);
  expect(await until(() => one.script.of('unban').length === 2, 3_000)).toBe(true);
  expect(one.script.of('ban').length).toBe(2 + untold.length);
});

test('an end that passed while the daemon was down comes with the next start', async () => {
  const { one, cli } = await running();
  expect((await cli(`ban ${host} --for 1s`)).code).toBe(0);
  expect(await until(() => one.script.of('ban').length === 1, 3_000)).toBe(true);
  await daemon?.kill();
  await sleep(1_200);
  daemon = await startDaemon(one);
  expect(await until(() => one.script.of('unban').length === 1, 5_000)).toBe(true);
});

test('a host banned by hand and then attacked has one ban; a detected one can be released by hand', async () => {
  const { one, port, cli } = await running('ban: { time: 60s }');
  expect((await cli(`ban ${host}`)).code).toBe(0);
  const other = '203.0.113.20';
  const sending = sendFlows(port, [
    usual(5_000, 8),
    flood(host, 100_000, 0.2, 5),
    flood(other, 100_000, 0.2, 2),
  ]);
  const bans = (of: string): number => one.script.of('ban').filter(({ args }) => args[0] === of).length;
  expect(await until(() => bans(other) === 1, 6_000)).toBe(true);
  expect((await cli(`ban ${other}`)).err).toContain('ALREADY_MITIGATED');
  await sending.done;
  await sleep(2_500); // and out of the window
  expect((await cli(`unban ${other}`)).code).toBe(0);
  const unbanned = (): boolean => one.script.of('unban').some(({ args }) => args[0] === other);
  expect(await until(unbanned, 3_000)).toBe(true);
  expect([bans(host), bans(other)]).toEqual([1, 1]);
});
