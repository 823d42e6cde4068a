/**
 * Whole captures of synthetic traffic through the whole detection: every packet is counted once and in its direction,
 * every attack is found in time and by its name, and normal use raises nothing. Told by the captures' manifests.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Hostgroup } from '../domain/hostgroup.js';
import type { Limits } from '../domain/traffic.js';
import type { Manifest, ManifestPart } from '../traffic/manifest.js';
import { usualParameters } from '../traffic/plans.js';
import {
  captureFolder,
  groupOf,
  lastingBan,
  type Rehearsed,
  replayed,
  settingsOf,
} from './detection-rehearsal.js';
import type { ReplaySettings } from './replay.js';
import { writeTraffic } from './synthesis.js';

const folder = captureFolder();
afterAll(folder.close);

const tickMs = 100;
const windowMs = 1000;
/** Of the built-in configuration, at a scale of 1. */
const usualLimits = { pps: 20_000, mbps: 1_000 };
/** An attack is over once it has been quiet for five seconds. */
const ban = { ...lastingBan, timeMs: 0, onlyIfFinished: true, calmMs: 5_000 };

function usualSettings(scale: number, change: Partial<Hostgroup['thresholds']> = {}): ReplaySettings {
  const limits: Limits = { pps: usualLimits.pps * scale, mbps: usualLimits.mbps * scale };
  const group = groupOf('global', [], { incoming: limits, outgoing: limits, ...change }, { ban, windowMs });
  return settingsOf(usualParameters.networks, [group], { tickMs });
}

type Played = { readonly manifest: Manifest; readonly rehearsed: Rehearsed; readonly path: string };

async function play(
  plan: string,
  scale: number,
  change: Partial<Hostgroup['thresholds']> = {},
): Promise<Played> {
  const path = folder.path(`${plan}.pcap`);
  const written = writeTraffic(plan, path, { network: [], seed: 7, scale });
  if (!written.ok) throw new Error(written.error.detail);
  return { manifest: written.value, rehearsed: await replayed(usualSettings(scale, change), path), path };
}

const attacksOf = ({ parts }: Manifest): readonly ManifestPart[] =>
  parts.filter(({ kind }) => kind === 'attack');
const withoutLength = (target: string): string => target.replace(/\/(32|128)$/, '');
const microsOf = (at: string): number => Date.parse(`${at.slice(0, 19)}Z`) * 1000 + Number(at.slice(20, 26));

/** Every packet once, and each in its direction. */
function expectCountedExactly({ manifest, rehearsed: { summary, stats } }: Played): void {
  expect({ packets: summary.packets, bytes: summary.bytes, unparsed: summary.unparsed }).toEqual({
    packets: manifest.packets,
    bytes: manifest.bytes,
    unparsed: 0,
  });
  expect(stats.totals).toEqual(manifest.byDirection);
}

/** Promise 2 of the design: within W·T/R and two ticks of its first packet. */
function expectPrompt(part: ManifestPart, { rehearsed }: Played, threshold: number): void {
  const host = withoutLength(part.targets[0] ?? '');
  const [event, again] = rehearsed.started.filter((one) => one.host === host);
  expect(event, part.name).toBeDefined();
  expect(again, part.name).toBeUndefined();
  const latency = microsOf(event?.at ?? '') - (part.firstPacketAt ?? 0);
  const allowed = (windowMs * 1000 * threshold) / part.plannedPps + 2 * tickMs * 1000;
  expect(latency, part.name).toBeLessThanOrEqual(allowed);
  expect(latency, part.name).toBeGreaterThan(0);
}

const capinfos = spawnSync('capinfos', ['--version']).status === 0;
const program = new URL('../dist/console/cli/bin.js', import.meta.url);

describe('a million packets: VLAN, MPLS, IPv6 extension headers, fragments, and one attack', () => {
  let played: Played;
  beforeAll(async () => {
    played = await play('million-mixed', 1);
  }, 120_000);

  test('each is counted once, in its direction, to the byte', () => {
    expect(played.manifest.packets).toBe(1_000_000);
    expectCountedExactly(played);
  });

  test.skipIf(!capinfos)('capinfos counts the same', () => {
    const told = spawnSync('capinfos', ['-c', '-d', '-M', played.path], { encoding: 'utf8' }).stdout;
    const figure = (label: RegExp): number => Number((label.exec(told)?.[1] ?? '').replaceAll(/\D/g, ''));
    expect({
      packets: figure(/Number of packets:\s*([\d, ]+)/),
      bytes: figure(/Data size:\s*([\d, ]+)/),
    }).toEqual({ packets: played.rehearsed.summary.packets, bytes: played.rehearsed.summary.bytes });
  });

  test('the attack is found alone, in time and by its name', () => {
    const [part] = attacksOf(played.manifest);
    expect(part).toBeDefined();
    if (part === undefined) return;
    expect(played.rehearsed.started).toMatchObject([
      { host: part.targets[0], direction: 'incoming', hostgroup: 'global', vector: 'syn_flood' },
    ]);
    expect(played.rehearsed.summary.attacks).toBe(1);
    expectPrompt(part, played, usualLimits.pps);
  });

  test('the same file gives the same output, byte for byte', async () => {
    const again = await replayed(usualSettings(1), played.path);
    expect(JSON.stringify(again.events)).toBe(JSON.stringify(played.rehearsed.events));
    expect(again.stats).toEqual(played.rehearsed.stats);
  });

  test.skipIf(!existsSync(program))(
    'so does the command, which says what the detection said',
    () => {
      const args = usualParameters.networks.flatMap((network) => ['--network', network]);
      const run = (): string => {
        const command = [fileURLToPath(program), 'replay', played.path, '--json', ...args];
        const { status, stdout, stderr } = spawnSync(process.execPath, command, {
          encoding: 'utf8',
          timeout: 60_000,
        });
        expect(status, stderr).toBe(0);
        return stdout;
      };
      const first = run();
      expect(run()).toBe(first);
      const events = first
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      expect(events).toHaveLength(played.rehearsed.events.length);
      expect(events.at(-1)).toEqual(played.rehearsed.summary);
      const [started] = played.rehearsed.started;
      expect(events[0]).toMatchObject({ at: started?.at, host: started?.host, cause: started?.cause });
    },
    120_000,
  );
});

describe('traffic that is no attack', () => {
  for (const plan of ['benign', 'flash-crowd']) {
    test(`${plan} raises nothing`, async () => {
      const played = await play(plan, 0.2);
      expectCountedExactly(played);
      expect(played.rehearsed.started).toEqual([]);
      expect(played.rehearsed.summary.attacks).toBe(0);
    }, 60_000);
  }
});

describe('attacks of every kind', () => {
  test('each vector in each IP version is found in time and named as what it is', async () => {
    const scale = 0.05;
    const played = await play('everything', scale);
    expectCountedExactly(played);
    const parts = attacksOf(played.manifest);
    expect(parts.length).toBeGreaterThan(60);
    const found = new Map(played.rehearsed.started.map(({ host, vector }) => [host, vector]));
    const named = parts.map(({ name, targets }) => [name, found.get(withoutLength(targets[0] ?? ''))]);
    expect(named).toEqual(parts.map(({ name, shows }) => [name, shows]));
    expect(played.rehearsed.summary.attacks).toBe(parts.length);
    for (const part of parts) expectPrompt(part, played, usualLimits.pps * scale);
  }, 120_000);

  test('sixteen hosts attacked at once are sixteen attacks', async () => {
    const scale = 0.1;
    const played = await play('many-targets', scale);
    expectCountedExactly(played);
    const parts = attacksOf(played.manifest);
    expect(parts.length).toBe(16);
    expect(played.rehearsed.summary.attacks).toBe(16);
    for (const part of parts) expectPrompt(part, played, usualLimits.pps * scale);
  }, 60_000);

  test('a flood out of a host of ours is an outgoing attack', async () => {
    const played = await play('outgoing-flood', 0.1);
    expectCountedExactly(played);
    const [part] = attacksOf(played.manifest);
    expect(played.rehearsed.started).toMatchObject([
      { host: part?.targets[0], direction: 'outgoing', vector: part?.shows },
    ]);
  }, 60_000);
});

describe('an attack spread over a whole network', () => {
  const scale = 0.05;
  const limit = { pps: 2_000 };

  test('is below the threshold of every host, so those raise nothing', async () => {
    const { rehearsed } = await play('carpet', scale);
    expect(rehearsed.started).toEqual([]);
  }, 60_000);

  for (const scope of ['network', 'total'] as const) {
    test(`is found by the ${scope} threshold and names the prefix`, async () => {
      const { manifest, rehearsed } = await play('carpet', scale, { [scope]: limit });
      const [part] = attacksOf(manifest);
      expect(rehearsed.started).toMatchObject([
        { host: part?.targets[0], direction: 'incoming', vector: 'udp_flood', cause: { threshold: 2_000 } },
      ]);
    }, 60_000);
  }
});

describe('attacks that come and go', () => {
  test('pulses four seconds apart are one attack, which ends five calm seconds after the last', async () => {
    const { manifest, rehearsed } = await play('pulse', 0.1);
    const [part] = attacksOf(manifest);
    expect(rehearsed.started).toMatchObject([{ host: part?.targets[0], vector: part?.shows }]);
    const [ended, again] = rehearsed.ended;
    expect(again).toBeUndefined();
    expect(ended?.host).toBe(part?.targets[0]);
    // Calm begins when the window no longer holds a threshold's worth of the last pulse.
    const calm = microsOf(ended?.at ?? '') - (part?.lastPacketAt ?? 0) - ban.calmMs * 1000;
    expect(calm).toBeGreaterThan(0);
    expect(calm).toBeLessThanOrEqual((windowMs + 2 * tickMs) * 1000);
  }, 60_000);

  test('an attack that grows is found once it has grown to the threshold', async () => {
    const scale = 0.1;
    const { manifest, rehearsed } = await play('ramp', scale);
    const [part] = attacksOf(manifest);
    expect(rehearsed.started).toMatchObject([{ host: part?.targets[0], vector: part?.shows }]);
    const grown = (microsOf(rehearsed.started[0]?.at ?? '') - (part?.startAt ?? 0)) / 1e6;
    // 8,000 packets/s over 20 s: at 2,000 after 5 s; the mean over the last second is there half a window later.
    expect(grown).toBeGreaterThan(5);
    expect(grown).toBeLessThan(5.5 + (2 * tickMs) / 1000);
  }, 60_000);
});
