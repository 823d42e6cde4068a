/** The whole daemon on its real tree, journal and socket, with a data plane moved by hand and a script that writes down its calls. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { aBatch, type Stage, stage } from './actors/capture/rehearsal.js';
import type { ControlAnswer, ControlRequest, Status } from './actors/control/messages.js';
import { type Scale, scale } from './actors/hostgroup/rehearsal.js';
import type { DataPlane } from './composition/data-plane.js';
import { filesOf } from './config/files.js';
import { loadSettings } from './config/load.js';
import type { Loaded, Settings } from './config/settings.js';
import { ask } from './console/api/client.js';
import type { Subject } from './domain/attack.js';
import type { Exceeded, ScriptRun, Standing } from './domain/ports.js';
import { unsampled } from './domain/rehearsal.js';
import { failure, success } from './domain/result.js';
import { quietRates } from './domain/traffic.js';
import type { HostKey } from './domain/units.js';
import { type Daemon, type DaemonDeps, startDaemon, stopLimitMs } from './main.js';
import { type LogLine, rememberingLog } from './supervision/rehearsal.js';

const host: Subject = { kind: 'host', host: '192.0.2.7' as HostKey };
const rates = { incoming: { ...quietRates, total: { pps: 30_000, bps: 2e8 } }, outgoing: quietRates };
const over: Exceeded = {
  subject: host,
  direction: 'incoming',
  cause: { scope: 'host', metric: 'pps', rate: 30_000, threshold: 20_000, ...unsampled },
  rates,
};
const stands = (isOver: boolean): Standing => ({ subject: host, direction: 'incoming', over: isOver, rates });

let dir = '';
let daemons: Daemon[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tidegate-main-'));
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  daemons = [];
  rmSync(dir, { recursive: true, force: true });
});

/** A ban ends as soon as the attack has been calm for 0.3 s; no evidence is awaited. */
const plain = {
  networks: ['192.0.2.0/24'],
  capture: { interfaces: ['eth0'] },
  notify: { script: '/opt/notify.sh' },
  evidence: { packets: 0 },
};

function loadedFrom(given: { readonly [key: string]: unknown }): Loaded {
  const text = JSON.stringify({ ...plain, state: { dir }, ...given }); // JSON is YAML
  const files = filesOf({ '/t.yaml': text }, ['/opt/notify.sh', '/opt/other.sh']);
  return loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
}

function settingsFrom(given: { readonly [key: string]: unknown } = {}): Settings {
  const loaded = loadedFrom(given);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  const hostgroups = loaded.settings.hostgroups.map((group) => ({
    ...group,
    ban: { ...group.ban, timeMs: 0, onlyIfFinished: true, calmMs: 300 },
  }));
  return { ...loaded.settings, hostgroups };
}

type World = {
  readonly wire: Stage;
  readonly meter: Scale;
  readonly runs: ScriptRun[];
  readonly lines: LogLine[];
  readonly planes: Settings[];
  readonly deps: DaemonDeps;
  next: () => Loaded;
};

function world(change: Partial<DaemonDeps> = {}): World {
  const wire = stage();
  const meter = scale();
  const runs: ScriptRun[] = [];
  const lines: LogLine[] = [];
  const planes: Settings[] = [];
  const plane = (settings: Settings): DataPlane => {
    planes.push(settings);
    return {
      openInterface: wire.open,
      openFlows: wire.open,
      openMeter: meter.open,
      openTap: () => ({
        gathered: () => 0,
        read: () => [],
        seal: () => {},
        before: () => [],
        close: () => {},
      }),
      openIngress: () => null,
      witness: async () => failure('SOURCE_UNAVAILABLE', 'EPERM: no wire here'),
    };
  };
  const made: World = {
    wire,
    meter,
    runs,
    lines,
    planes,
    next: () => loadedFrom({}),
    deps: {
      log: rememberingLog(lines),
      version: '0.0.0-test',
      load: () => made.next(),
      applyLog: () => {},
      openDataPlane: plane,
      runScript: async (run) => {
        runs.push(run);
        return success({ exitCode: 0, output: '', tookMs: 1 });
      },
      ...change,
    },
  };
  return made;
}

async function begin(at: World, settings = settingsFrom()): Promise<Daemon> {
  const started = await startDaemon(settings, at.deps);
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  daemons.push(started.value);
  return started.value;
}

const socket = (): string => join(dir, 'control.sock');

async function answerTo<K extends ControlAnswer['kind']>(
  kind: K,
  request: ControlRequest,
): Promise<Extract<ControlAnswer, { kind: K }>> {
  const answer = await ask(socket(), request);
  if (!answer.ok) throw new Error(JSON.stringify(answer.error));
  if (answer.value.kind !== kind) throw new Error(`answered ${answer.value.kind}`);
  return answer.value as Extract<ControlAnswer, { kind: K }>;
}
const status = async (): Promise<Status> => (await answerTo('status', { kind: 'status' })).status;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const called = (at: World): readonly string[] => at.runs.map(({ args }) => `${args[3]} ${args[0]}`);

async function attack(at: World): Promise<void> {
  at.wire.batches = [aBatch('global')];
  at.meter.exceeded = [over];
  at.meter.watched = [stands(true)];
  await until('the script hears of the ban', () => called(at).includes('ban 192.0.2.7'));
}

test('status over the socket shows sources, hostgroups and the living tree', async () => {
  const at = world();
  await begin(at);
  await until('the interface is up', async () => (await status()).capture.interfaces[0]?.state === 'up');
  const now = await status();
  expect(now).toMatchObject({ version: '0.0.0-test', attacks: 0, deadLetters: 0 });
  expect(now.hostgroups.map(({ name }) => name)).toEqual(['global']);
  expect(now.tree.children.map(({ id }) => id)).toEqual([
    'mitigation',
    'outlets',
    'detection',
    'control',
    'sensing',
  ]);
});

test('an attack is banned once, explained, and unbanned when it is over', async () => {
  const at = world();
  await begin(at);
  await attack(at);
  await until('the details are told', () => called(at).includes('attack_details 192.0.2.7'));
  const { list } = await answerTo('attacks', { kind: 'attacks', history: 10 });
  expect(list.active.map(({ attack: { subject } }) => subject)).toEqual([host]);
  at.meter.watched = [stands(false)];
  await until('it is over', () => called(at).includes('unban 192.0.2.7'));
  expect(called(at)).toEqual(['ban 192.0.2.7', 'attack_details 192.0.2.7', 'unban 192.0.2.7']);
  const after = await answerTo('attacks', { kind: 'attacks', history: 10 });
  expect(after.list.active).toEqual([]);
  expect(after.list.ended.map(({ subject }) => subject)).toEqual([host]);
});

test('a daemon that starts again goes on with the attack, without a second ban', async () => {
  const first = world();
  const daemon = await begin(first);
  await attack(first);
  await until('the details are told', () => first.runs.length === 2);
  await daemon.stop();
  expect(called(first)).not.toContain('unban 192.0.2.7');

  const second = world();
  second.wire.batches = [aBatch('global')];
  second.meter.watched = [stands(true)];
  await begin(second);
  expect((await status()).attacks).toBe(1);
  await until('the host is watched', () => second.meter.watching.has('192.0.2.7 incoming'));
  second.meter.watched = [stands(false)];
  await until('it is over', () => called(second).includes('unban 192.0.2.7'));
  expect(called(second)).toEqual(['unban 192.0.2.7']);
});

test('a second daemon on the same state directory is refused, and the first goes on', async () => {
  await begin(world());
  const second = await startDaemon(settingsFrom(), world().deps);
  expect(second).toMatchObject({ ok: false, error: { code: 'DAEMON_RUNNING' } });
  expect((await status()).version).toBe('0.0.0-test');
});

test('without a journal that can be written the daemon refuses to start', async () => {
  const file = join(dir, 'a-file');
  writeFileSync(file, '');
  const settings = settingsFrom();
  const started = await startDaemon({ ...settings, state: { dir: join(file, 'state') } }, world().deps);
  expect(started).toMatchObject({ ok: false, error: { code: 'JOURNAL_UNWRITABLE' } });
});

test('a ban by hand is durable, told, and lifted by hand', async () => {
  const at = world();
  await begin(at);
  const order = { kind: 'ban', host: '192.0.2.9', forMs: null, comment: 'by hand' } as const;
  expect((await answerTo('banned', order)).mitigation.comment).toBe('by hand');
  expect(await ask(socket(), order)).toMatchObject({ ok: false, error: { code: 'ALREADY_MITIGATED' } });
  expect(await ask(socket(), { ...order, host: '198.51.100.1' })).toMatchObject({
    ok: false,
    error: { code: 'PREFIX_NOT_OURS' },
  });
  await answerTo('unbanned', { kind: 'unban', host: '192.0.2.9' });
  await until('both are told', () => at.runs.length === 2);
  expect(called(at)).toEqual(['ban 192.0.2.9', 'unban 192.0.2.9']);
});

test('status says how each receiver of notices stands, and which guard holds back', async () => {
  await begin(
    world(),
    settingsFrom({
      notify: { webhooks: [{ url: 'http://127.0.0.1:1/', name: 'noc' }] },
      bgp: { gobgp: ['127.0.0.1:1'], guard: { dry_run: true } },
    }),
  );
  const order = { kind: 'ban', host: '192.0.2.9', forMs: null, comment: '' } as const;
  expect((await answerTo('banned', order)).mitigation.state).toBe('wanted');
  await until('an attempt has failed', async () => ((await status()).notices[0]?.failed ?? 0) > 0);
  const now = await status();
  expect(now.notices[0]).toMatchObject({ name: 'noc', queued: 2, delivered: 0, dropped: 0 });
  expect(now.notices[0]?.lastError).toContain('ECONNREFUSED');
  expect(now.mitigation?.heldBack).toEqual({ dry_run: 1 });
});

test('a detected attack is lifted by hand too', async () => {
  const at = world();
  await begin(at);
  await attack(at);
  await answerTo('unbanned', { kind: 'unban', host: '192.0.2.7' });
  await until('it is told', () => called(at).includes('unban 192.0.2.7'));
  await until('the host may be found again', () => !at.meter.watching.has('192.0.2.7 incoming'));
});

test('a bad configuration changes nothing and says why', async () => {
  const at = world();
  await begin(at);
  at.next = () => loadedFrom({ networks: ['not a network'] });
  const answer = await ask(socket(), { kind: 'reload' });
  expect(answer).toMatchObject({ ok: false, error: { code: 'CONFIG_INVALID' } });
  expect(JSON.stringify(answer)).toContain('not a network');
  expect(at.planes.length).toBe(1);
});

test('a reload adds and removes sources, and leaves the others as they are', async () => {
  const at = world();
  const daemon = await begin(at);
  await until('open', () => at.wire.opened === 1);
  const capture = { interfaces: ['eth0', 'eth1'], sflow: ['127.0.0.1:6343'] };
  const more = await daemon.applySettings(settingsFrom({ capture }));
  expect(more).toMatchObject({ ok: true });
  await until('open', () => at.wire.opened === 3);
  expect((await status()).sources.map(({ name, opened }) => [name, opened])).toEqual([
    ['eth0', 1],
    ['eth1', 1],
    ['sflow 127.0.0.1:6343', 1],
  ]);
  await daemon.applySettings(settingsFrom({ capture: { interfaces: ['eth1'] } }));
  expect((await status()).sources.map(({ name, opened }) => [name, opened])).toEqual([['eth1', 1]]);
  expect(at.wire.closed).toBe(2);
});

test('new networks get a new engine, and the attack goes on without a second ban', async () => {
  const at = world();
  const daemon = await begin(at);
  await attack(at);
  const applied = await daemon.applySettings(settingsFrom({ networks: ['192.0.2.0/24', '198.51.100.0/24'] }));
  expect(applied).toMatchObject({ ok: true });
  expect(at.planes.length).toBe(2);
  expect(at.wire.closed).toBe(1);
  expect((await status()).attacks).toBe(1);
  await until('the host is watched', () => at.meter.watching.has('192.0.2.7 incoming'));
  expect(called(at).filter((call) => call.startsWith('ban'))).toEqual(['ban 192.0.2.7']);
});

test('a reload takes another script, and the next word goes to it', async () => {
  const at = world();
  const daemon = await begin(at);
  await attack(at);
  await daemon.applySettings(settingsFrom({ notify: { script: '/opt/other.sh' } }));
  at.meter.watched = [stands(false)];
  await until('it is over', () => called(at).includes('unban 192.0.2.7'));
  expect(at.runs.at(-1)?.path).toBe('/opt/other.sh');
});

test('the same configuration is no change', async () => {
  const daemon = await begin(world());
  expect(await daemon.applySettings(settingsFrom())).toEqual(success({ changes: [] }));
});

test('a script that hangs and a drain that never ends do not hold up the stop', async () => {
  const at = world({ runScript: () => new Promise(() => {}) });
  const daemon = await begin(at);
  at.wire.batches = [aBatch('global')];
  at.meter.exceeded = [over];
  await until('the attack is found', () => at.lines.some(({ phrase }) => phrase === 'attack found'));
  at.wire.batches = new Promise(() => {});
  await new Promise((resolve) => setTimeout(resolve, 300));
  // by a timer of the same loop: how busy the machine is concerns both alike
  let isLate = false;
  setTimeout(() => setImmediate(() => setImmediate(() => (isLate = true))), stopLimitMs + 500).unref();
  await daemon.stop();
  expect(isLate).toBe(false);
  expect(await daemon.ended).toBeNull();
});
