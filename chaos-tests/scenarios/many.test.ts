/** Three hundred hosts attacked at once: one ban each, the operator is answered, and the script is not run without bound. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { freePort } from '../../traffic/loopback.js';
import { attackPart, type Part } from '../../traffic/scenario.js';
import { flowSettings, sendFlows } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

const hosts = [
  ...Array.from({ length: 250 }, (_, i) => `203.0.113.${i + 1}`),
  ...Array.from({ length: 50 }, (_, i) => `2001:db8::${(i + 1).toString(16)}`),
];
const sampling = 200;
/** Each of `targets` gets 8,000 packets/s, eight times its limit: as one part of each family. */
const floods = (targets: readonly string[], forSeconds: number): readonly Part[] =>
  [targets.filter((host) => !host.includes(':')), targets.filter((host) => host.includes(':'))]
    .filter((family) => family.length > 0)
    .map((family, i) =>
      attackPart({
        name: `floods ${i}`,
        vector: 'udp',
        targets: family,
        pps: (family.length * 8_000) / sampling,
        startMicros: 500_000,
        durationMicros: forSeconds * 1e6,
      }),
    );
const settings = (port: number, more: string): string =>
  flowSettings(
    port,
    `thresholds: { incoming: { pps: 1000, mbps: off }, outgoing: { pps: off, mbps: off } }\n${more}`,
  );

test('each of 300 hosts is banned once, and status answers meanwhile', async () => {
  const port = await freePort();
  home = makeHome(settings(port, 'ban: { time: 60s }'), 'true');
  daemon = await startDaemon(home);
  const sending = sendFlows(port, floods(hosts, 24));
  const { script } = home;
  const slowest = { ms: 0 };
  const running = daemon;
  let asking = true;
  const asked = (async () => {
    while (asking) {
      const at = performance.now();
      await running.status();
      slowest.ms = Math.max(slowest.ms, performance.now() - at);
      await sleep(200);
    }
  })();
  const all = await until(() => script.of('ban').length >= hosts.length, 20_000);
  asking = false;
  await asked;
  const { eventLoop, attacks } = await daemon.status();
  sending.stop();
  await sending.done;
  expect(all, `${script.of('ban').length} bans`).toBe(true);
  expect(
    script
      .of('ban')
      .map(({ args }) => args[0])
      .sort(),
  ).toEqual([...hosts].sort());
  expect(attacks).toBe(hosts.length);
  console.log(`event loop p99 ${eventLoop.p99Ms} ms, slowest status ${Math.round(slowest.ms)} ms`);
  expect(home.log()).not.toContain('actor crashed');
});

test('never more scripts at once than notify.concurrency, and all of them in the end', async () => {
  const port = await freePort();
  // each run writes how many there are, itself among them
  const counting = [
    'folder="$(dirname "$0")"; mine="$folder/running.$$"; : > "$mine"',
    'set -- "$folder"/running.*; echo "$#" >> "$folder/counts.log"',
    'sleep 0.2; rm "$mine"',
  ].join('\n');
  const one = makeHome(settings(port, 'ban: { time: 60s }'), counting);
  home = one;
  one.rewrite(settings(port, `ban: { time: 60s }\nnotify: { script: ${one.script.path}, concurrency: 3 }`));
  daemon = await startDaemon(one);
  const some = hosts.slice(230, 270);
  const sending = sendFlows(port, floods(some, 14));
  const all = await until(() => one.script.of('ban').length >= some.length, 20_000);
  sending.stop();
  await sending.done;
  expect(all).toBe(true);
  expect(new Set(one.script.of('ban').map(({ args }) => args[0])).size).toBe(some.length);
  const counts = readFileSync(join(one.directory, 'counts.log'), 'utf8').trimEnd().split('\n').map(Number);
  expect(Math.max(...counts)).toBe(3);
});
