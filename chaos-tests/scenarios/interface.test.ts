import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTidegate, stockConfiguration } from '../../bench/contenders.js';
import { makeStage, type Stage, stageObstacle } from '../../bench/namespace.js';
import { until } from '../../bench/process.js';
import { capture, send } from '../../bench/sending.js';
import { attackPart, backgroundPart } from '../../traffic/scenario.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

const obstacle = stageObstacle();
const networks = ['10.20.0.0/16'];
const victim = '10.20.3.4';

describe.skipIf(obstacle !== null)(
  `a mirror port over veth${obstacle === null ? '' : ` (${obstacle})`}`,
  () => {
    let stage: Stage;
    let directory = '';
    let home: Home | null = null;
    let daemon: Daemon | null = null;
    beforeAll(() => {
      stage = makeStage('tgci');
      directory = mkdtempSync(join(tmpdir(), 'tidegate-veth-'));
    });
    afterEach(async () => {
      await daemon?.stop();
      home?.remove();
      daemon = null;
      home = null;
    });
    afterAll(() => {
      stage.remove();
      rmSync(directory, { recursive: true, force: true });
    });

    const inside = (argv: readonly string[]) => stage.inside(stage.listener, argv);
    const counted = async (one: Daemon) => (await one.status()).capture.interfaces[0];
    const seen = async (
      one: Daemon,
      wanted: (packets: number, state: string) => boolean,
    ): Promise<boolean> => {
      const end = performance.now() + 12_000;
      while (performance.now() < end) {
        const now = await counted(one);
        if (now !== undefined && wanted(now.packets, now.state)) return true;
        await sleep(100);
      }
      return false;
    };

    test.skipIf(!existsSync(stockConfiguration))(
      "with Debian's stock fastnetmon.conf the script is called with FastNetMon's arguments (package fastnetmon)",
      async () => {
        const conditions = { directory, interface: stage.listenInterface, networks, options: {}, inside };
        const tidegate = startTidegate(conditions);
        try {
          await until(() => tidegate.program.output().includes('started'), 5_000);
          await sleep(1_000);
          const path = join(directory, 'flood.pcap');
          capture(path, networks, [
            attackPart({
              name: 'flood',
              vector: 'syn',
              targets: [victim],
              pps: 60_000,
              durationMicros: 3_000_000,
            }),
          ]);
          await send(stage, path, null);
          expect(await until(() => tidegate.script.of('attack_details').length === 1, 10_000)).toBe(true);
          const [ban, details] = tidegate.script.calls().map((call) => call.args);
          expect(ban).toEqual([victim, 'incoming', expect.stringMatching(/^\d+$/), 'ban']);
          expect(Number(ban?.[2])).toBeGreaterThan(20_000);
          expect(details).toEqual([victim, 'incoming', ban?.[2], 'attack_details']);
          expect(tidegate.script.calls().length).toBe(2);
        } finally {
          await tidegate.program.stop();
        }
      },
    );

    test('an interface that goes down, vanishes and comes back: the source says so, and counting resumes by itself', async () => {
      home = makeHome(
        `networks: [${networks.join(', ')}]\ncapture: { interfaces: [${stage.listenInterface}] }\n`,
      );
      daemon = await startDaemon(home, inside);
      const path = join(directory, 'use.pcap');
      const frames = capture(path, networks, [
        backgroundPart({ name: 'normal use', pps: 5_000, durationMicros: 1_000_000 }),
      ]);
      expect(await seen(daemon, (_, state) => state === 'up')).toBe(true);
      await send(stage, path, 20_000);
      expect(await seen(daemon, (packets) => packets === frames)).toBe(true);

      const link = (...args: string[]) => execFileSync('ip', ['-n', stage.listener, 'link', ...args]);
      link('set', stage.listenInterface, 'down');
      expect(await seen(daemon, (_, state) => state === 'down')).toBe(true);
      expect((await counted(daemon))?.fault).toContain('down');
      link('set', stage.listenInterface, 'up');
      expect(await seen(daemon, (_, state) => state === 'up')).toBe(true);
      await send(stage, path, 20_000);
      expect(await seen(daemon, (packets) => packets === 2 * frames)).toBe(true);

      link('del', stage.listenInterface);
      expect(await seen(daemon, (_, state) => state === 'down')).toBe(true);
      stage.remove();
      // the namespace the daemon lives in goes on as long as the daemon does; a new stage cannot be reached from it
      expect(daemon.program.alive()).toBe(true);
      await daemon.stop();
      stage = makeStage('tgci');
    });

    const writingCapturesMs = 120_000;
    test(
      'a million packets scan an IPv6 /32 from spoofed sources: memory stays flat, the attack underneath is found',
      async () => {
        const ours = ['2001:db8::/32'];
        home = makeHome(
          `networks: [${ours.join(', ')}]\ncapture: { interfaces: [${stage.listenInterface}] }\n`,
        );
        daemon = await startDaemon(home, inside);
        const scanned = join(directory, 'scan.pcap');
        const scan = (seed: number) =>
          attackPart({
            name: 'scan',
            vector: 'icmpv6',
            targets: ours,
            pps: 100_000,
            durationMicros: 5_000_000,
            seed,
          });
        capture(scanned, ours, [scan(1)]);
        // the first half fills every table there is
        const first = await send(stage, scanned, 100_000);
        const before = daemon.program.rssBytes();
        const host = '2001:db8:7::bad';
        const both = join(directory, 'both.pcap');
        const flood = attackPart({
          name: 'flood',
          vector: 'syn',
          targets: [host],
          pps: 40_000,
          startMicros: 1_000_000,
          durationMicros: 3_000_000,
        });
        capture(both, ours, [scan(2), flood]);
        const second = await send(stage, both, null);
        const sent = first.sent + second.sent;
        expect(await until(() => home?.script.of('attack_details').length === 1, 8_000)).toBe(true);
        expect(home.script.of('ban').map((call) => call.args[0])).toEqual([host]);
        const after = daemon.program.rssBytes();
        expect(after / before).toBeLessThan(1.1);
        const running = daemon;
        // a source counts what the kernel dropped once a second
        const seenOrDropped = async (): Promise<number> => {
          const port = await counted(running);
          return (port?.packets ?? 0) + (port?.dropped ?? 0);
        };
        await expect.poll(seenOrDropped, { timeout: 15_000 }).toBe(sent);
        expect((await running.status()).sources[0]?.stats.hostOverflow).toBeGreaterThan(0);
      },
      writingCapturesMs,
    );
  },
);
