/** A thousand exporters with fifty templates each, then a crowd of spoofed addresses with a million template ids. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeStage, type Stage, stageObstacle } from '../../bench/namespace.js';
import { send } from '../../bench/sending.js';
import { framed, record, templates, writeFrames } from '../faults/spoofing.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

const obstacle = stageObstacle();
const exporters = 1_000;
const templatesEach = 50;
const spoofed = 200_000;
/** 200,000 datagrams with five templates each: a million. */
const templatesSpoofed = 5;
const rounds = 10;
const framesPerSecond = 16_000;
/** What docs/operations/memory.md says of a listener whose tables are full. */
const fullTables = 220e6;
const collector = { address: 0xc633_6402, port: 2055 };
const realAddress = (index: number): number => 0x0a01_0000 + index;
const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
const spoofedAddress = (index: number): number => 0xac10_0000 + index;

function* begin(): Iterable<Uint8Array> {
  for (let index = 0; index < exporters; index++) {
    yield framed(templates(templatesEach, 0), realAddress(index), collector);
    yield framed(record(256 + (index % templatesEach), 1), realAddress(index), collector);
  }
}

/** The crowd from `from` on; each of the real ones sends `rounds` / 2 records among it. */
function* half(from: number, sequence: number): Iterable<Uint8Array> {
  const perReal = spoofed / (exporters * rounds);
  for (let index = 0; index < spoofed / 2; index++) {
    const id = 256 + ((index * templatesSpoofed) % 60_000);
    yield framed(templates(templatesSpoofed, 0, id), spoofedAddress(from + index), collector);
    if (index % perReal !== 0) continue;
    const real = (index / perReal) % exporters;
    const round = Math.floor(index / perReal / exporters);
    yield framed(record(256 + (real % templatesEach), sequence + round), realAddress(real), collector);
  }
}

describe.skipIf(obstacle !== null)(`flow tables${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  let stage: Stage | null = null;
  let home: Home | null = null;
  let daemon: Daemon | null = null;
  afterEach(async () => {
    await daemon?.stop();
    home?.remove();
    stage?.remove();
    daemon = null;
    home = null;
    stage = null;
  });

  test('200,000 spoofed exporters and a million template ids cost a thousand real ones not one record', async () => {
    const place = makeStage('tgbnd');
    stage = place;
    const inListener = (...argv: readonly string[]): void => {
      const [program, ...args] = place.inside(place.listener, argv);
      execFileSync(program, args);
    };
    inListener('ip', 'addr', 'add', '198.51.100.2/24', 'dev', place.listenInterface);
    for (const name of ['all', place.listenInterface]) {
      inListener('sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`);
    }
    inListener('ip', 'route', 'add', 'default', 'dev', place.listenInterface);
    // The crowd is sent without regard for how busy this machine is: a second of it has room.
    const listen = '{ listen: "198.51.100.2:2055", receive_buffer: 64MiB }';
    home = makeHome(`networks: [203.0.113.0/24]\ncapture: { netflow: [${listen}] }\n`);
    const path = join(home.directory, 'frames.pcap');
    const running = await startDaemon(home, (argv) => place.inside(place.listener, argv));
    daemon = running;
    const idle = running.program.rssBytes();
    const deliver = async (frames: Iterable<Uint8Array>): Promise<void> => {
      const written = writeFrames(path, frames);
      expect((await send(place, path, framesPerSecond)).sent).toBe(written);
    };
    const listener = async () => {
      const [one] = (await running.status()).flow.listeners;
      if (one === undefined) throw new Error('there is one');
      return one;
    };
    await deliver(begin());
    await expect.poll(async () => (await listener()).records, { timeout: 20_000 }).toBe(exporters);
    expect((await listener()).templates).toBe(exporters * templatesEach);

    await deliver(half(0, 2));
    await deliver(half(spoofed / 2, 2 + rounds / 2));
    await expect
      .poll(async () => (await listener()).records, { timeout: 20_000 })
      .toBe(exporters * (1 + rounds));
    const after = running.program.rssBytes();
    const { listeners, exporters: known } = (await running.status()).flow;
    const [now] = listeners;
    expect(now?.dropped).toBe(0);
    expect(now?.exportersRefused).toBeGreaterThan(spoofed / 2);
    expect(now?.templates).toBeLessThanOrEqual(now?.templatesBound ?? 0);
    const real = new Set(Array.from({ length: exporters }, (_, index) => dotted(realAddress(index))));
    const theirs = known.filter(({ address }) => real.has(address));
    expect(theirs.length).toBe(exporters);
    const wrong = theirs.filter(
      ({ records, sequenceLost, setsWithoutTemplate, templatesEvicted, templates: left }) =>
        records !== 1 + rounds ||
        sequenceLost + setsWithoutTemplate + templatesEvicted !== 0 ||
        left !== templatesEach,
    );
    expect(wrong).toEqual([]);
    expect(running.program.alive()).toBe(true);
    const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    process.stdout.write(`RSS ${mebi(idle)} MiB idle, ${mebi(after)} MiB at the end\n`);
    expect(after - idle).toBeLessThan(fullTables);
  }, 90_000);
});
