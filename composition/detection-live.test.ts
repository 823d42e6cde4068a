/**
 * From a datagram on the wire to the operator's script: the whole daemon with its native data plane, an sFlow
 * listener on loopback, a real script and a real journal. Skipped, by name, where the native part is not built.
 */
import { createSocket, type Socket } from 'node:dgram';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesOf } from '../config/files.js';
import { loadSettings } from '../config/load.js';
import type { Loaded } from '../config/settings.js';
import { ask } from '../console/api/client.js';
import { type Daemon, startDaemon } from '../main.js';
import { type LogLine, rememberingLog } from '../supervision/rehearsal.js';
import { freePort } from '../traffic/loopback.js';

const built = existsSync(new URL('../build/Release/tidegate.node', import.meta.url));
const victim = '192.0.2.7';
const samplingRate = 1_000;
const samplesPerDatagram = 10;

let dir = '';
let port = 0;
let daemon: Daemon | null = null;
let lines: LogLine[] = [];
let sender: Socket | null = null;
let sending: NodeJS.Timeout | null = null;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tidegate-live-'));
  lines = [];
  port = await freePort();
  sender = createSocket('udp4');
  const script = `#!/bin/sh\necho "$4 $1 $2 $3 $(head -n 1)" >> ${join(dir, 'calls')}\n`;
  writeFileSync(join(dir, 'notify.sh'), script);
  chmodSync(join(dir, 'notify.sh'), 0o755);
});
afterEach(async () => {
  quiet();
  sender?.close();
  await daemon?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function settings(): Loaded {
  const text = JSON.stringify({
    networks: ['192.0.2.0/24'],
    capture: { sflow: [`127.0.0.1:${port}`] },
    notify: { script: join(dir, 'notify.sh') },
    evidence: { packets: 20, directory: join(dir, 'evidence') },
    state: { dir: join(dir, 'state') },
  }); // JSON is YAML
  const files = filesOf({ '/t.yaml': text }, [join(dir, 'notify.sh')]);
  return loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
}

async function start(): Promise<void> {
  const loaded = settings();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  const ban = { enabled: true, enabledIpv6: true, timeMs: 0, onlyIfFinished: true, calmMs: 500, probe: null };
  const hostgroups = loaded.settings.hostgroups.map((group) => ({ ...group, ban }));
  const started = await startDaemon(
    { ...loaded.settings, hostgroups },
    { log: rememberingLog(lines), version: '0.0.0-test', load: () => loaded, applyLog: () => {} },
  );
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  daemon = started.value;
}

/** The daemon's own clock tells whether its limit was kept. */
async function stop(): Promise<void> {
  await daemon?.stop();
  expect(lines.at(-1)?.phrase).toBe('stopped');
}

/** 10 datagrams a second of 10 samples that each stand for 1,000 packets: 100,000 packets a second. */
function flood(): void {
  let sequence = 0;
  sending = setInterval(() => {
    sequence += 1;
    sender?.send(datagram(sequence), port, '127.0.0.1');
  }, 100);
}
function quiet(): void {
  if (sending !== null) clearInterval(sending);
  sending = null;
}

const calls = (): readonly string[] =>
  existsSync(join(dir, 'calls')) ? readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n') : [];
const actions = (): readonly string[] => calls().map((line) => line.split(' ').slice(0, 3).join(' '));

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`never: ${what}\n${calls().join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.skipIf(!built)('with the native data plane', () => {
  test('a flood seen by sFlow is banned, explained, shown, and unbanned when it is over', async () => {
    await start();
    flood();
    await until('banned', () => actions().includes(`ban ${victim} incoming`));
    await until('explained', () => actions().includes(`attack_details ${victim} incoming`));
    const answer = await ask(join(dir, 'state', 'control.sock'), { kind: 'status' });
    if (!answer.ok || answer.value.kind !== 'status') throw new Error(JSON.stringify(answer));
    const { flow, attacks } = answer.value.status;
    expect(attacks).toBe(1);
    expect(flow.listeners).toMatchObject([
      { address: `127.0.0.1:${port}`, state: 'up', dropped: 0, errors: {} },
    ]);
    expect(flow.listeners[0]?.datagrams).toBeGreaterThan(0);
    expect(flow.exporters).toMatchObject([{ agent: '198.51.100.1', samplingRate, sequenceLost: 0 }]);
    quiet();
    await until('unbanned', () => actions().includes(`unban ${victim} incoming`));
    expect(actions()).toEqual([
      `ban ${victim} incoming`,
      `attack_details ${victim} incoming`,
      `unban ${victim} incoming`,
    ]);
    await stop();
  });

  test('a restart in the middle of an attack bans nobody twice, and ends the attack when it is over', async () => {
    await start();
    flood();
    await until('explained', () => actions().includes(`attack_details ${victim} incoming`));
    await stop();
    await start();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(actions()).toEqual([`ban ${victim} incoming`, `attack_details ${victim} incoming`]);
    quiet();
    await until('unbanned', () => actions().includes(`unban ${victim} incoming`));
    expect(actions().length).toBe(3);
  });
});

/** sFlow version 5 with raw packet headers (sflow_version_5.txt, section 5): UDP from 203.0.113.5:53 to the victim. */
function datagram(sequence: number): Buffer {
  const frame = udpFrame();
  const padded = Buffer.concat([frame, Buffer.alloc((4 - (frame.length % 4)) % 4)]);
  // Ethernet, 512 bytes on the wire, the frame check sequence taken off.
  const header = words(1, 512, 4, frame.length);
  const flowRecord = Buffer.concat([words(1, header.length + padded.length), header, padded]);
  const samples = Array.from({ length: samplesPerDatagram }, (_, index) => {
    const number = (sequence - 1) * samplesPerDatagram + index + 1;
    const body = Buffer.concat([
      words(number, 1, samplingRate, number * samplingRate, 0, 1, 2, 1),
      flowRecord,
    ]);
    return Buffer.concat([words(1, body.length), body]);
  });
  const agent = Buffer.from([198, 51, 100, 1]);
  return Buffer.concat([words(5, 1), agent, words(0, sequence, sequence * 100, samples.length), ...samples]);
}

function udpFrame(): Buffer {
  const ethernet = Buffer.from('0200000000010200000000020800', 'hex');
  const ip = Buffer.from([0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 203, 0, 113, 5, 192, 0, 2, 7]);
  const udp = Buffer.from([0, 53, 0x11, 0x5c, 0, 8, 0, 0]);
  return Buffer.concat([ethernet, ip, udp]);
}

function words(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    out.writeUInt32BE(value >>> 0, index * 4);
  });
  return out;
}
