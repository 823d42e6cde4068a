/** What a tap remembers of its subject from the minutes before, through the whole native engine. */
import { afterAll, expect, test } from 'vitest';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { usualParameters } from '../traffic/plans.js';
import { captureFolder, groupOf, settingsOf } from './detection-rehearsal.js';
import { openReplaySource } from './replay-source.js';
import { writeTraffic } from './synthesis.js';

const folder = captureFolder();
afterAll(folder.close);

test('in the middle of a flood a host has its normal packets of before, and hardly any of the flood', () => {
  const path = folder.path('udp-flood.pcap');
  const written = writeTraffic('udp-flood', path, { network: [], seed: 7, scale: 0.2 });
  if (!written.ok) throw new Error(written.error.detail);
  const part = written.value.parts.find(({ kind }) => kind === 'attack');
  const prefix = (usualParameters.networks[0] ?? '') as PrefixKey;
  const began = part?.firstPacketAt ?? 0;
  const settings = settingsOf(usualParameters.networks, [groupOf('global', [], {})]);
  const opened = openReplaySource(settings, { path, flows: false, sampling: 1 }, 100);
  if (!opened.ok) throw new Error(opened.error.detail);
  const { engine, source } = opened.value;
  while (source.step().at < began + 2_000_000);
  const network = engine.openTap({ kind: 'prefix', prefix }, 10);
  const target = engine.openTap({ kind: 'host', host: (part?.targets[0] ?? '') as HostKey }, 10);
  const flood = target.before().filter(({ at }) => at >= began);
  expect(flood.length).toBeLessThanOrEqual(3);
  const before = network.before();
  expect(before.length).toBeGreaterThan(50);
  expect(before.map(({ at }) => at)).toEqual(before.map(({ at }) => at).sort((a, b) => a - b));
  for (const packet of before) {
    expect(['incoming', 'internal']).toContain(packet.direction);
    expect(packet.bytes).toEqual(new Uint8Array(0));
    expect(packet.ipLength).toBeGreaterThan(20);
  }
  network.close();
  expect(network.before()).toEqual([]);
  target.close();
  source.close();
}, 60_000);
