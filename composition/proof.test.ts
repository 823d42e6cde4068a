/**
 * The proof of an announcement on real traffic: an interface and an exporter both see attacks; after the announcement one stops at
 * the interface alone, one everywhere, one nowhere, one in part everywhere. Skipped, by name, without the native part or the right to
 * capture.
 */
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { actsOnIncoming, proofActor } from '../actors/mitigation/proof.js';
import { filesOf } from '../config/files.js';
import { loadSettings } from '../config/load.js';
import type { Announcement } from '../domain/announcement.js';
import { noCommunities } from '../domain/announcement.js';
import { attackId } from '../domain/attack.js';
import type { ProofPolicy } from '../domain/bgp.js';
import type { Mitigation, MitigationEffect } from '../domain/mitigation.js';
import type { Source } from '../domain/ports.js';
import { aMitigation, anAttack, rehearsalStart } from '../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { sflowDatagram, udpFrame } from '../native/door/test-frames.js';
import { createPlace } from '../supervision/place.js';
import { actor, rememberingLog, supervisor } from '../supervision/rehearsal.js';
import { startTree, type Tree } from '../supervision/tree.js';
import { freePort } from '../traffic/loopback.js';
import { machineClock } from './clock.js';
import { openDataPlane } from './data-plane.js';
import { flowPolicy } from './flow-listening.js';

const built = existsSync(new URL('../build/Release/tidegate.node', import.meta.url));
const mayCapture = process.getuid?.() === 0;
const hosts = { partial: 1, effective: 2, ineffective: 3, cut: 4, byHand: 5, outgoing: 6 } as const;
type Host = keyof typeof hosts;
const addressOf = (host: Host): HostKey => `127.77.0.${hosts[host]}` as HostKey;

/** Each tick: so many packets of its own to each host, and so many samples of an exporter that stand for a hundred. */
const tickMs = 20;
/** On a busy machine what is late is sent after, so that the rate is the same before and after; a stall is a gap. */
const mostTicksBehind = 50;
const packetsATick = 40;
const samplesATick = 1;
const samplingRate = 40;
const payload = new Uint8Array(100);
const pps = (packetsATick + samplesATick * samplingRate) * (1000 / tickMs);
const peak = { pps, bps: pps * 142 * 8 };

const sockets: Socket[] = [];
let tree: Tree | null = null;
const sources: Source[] = [];
const timers: NodeJS.Timeout[] = [];
afterEach(async () => {
  for (const timer of timers) clearInterval(timer);
  await tree?.stop();
  for (const source of sources.splice(0)) source.close();
  for (const socket of sockets.splice(0)) socket.close();
});

async function bound(address?: string): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((done) => socket.bind(0, address, done));
  return socket;
}

/** What is still sent to each host, 0 to 1. */
type Flood = Map<Host, { atInterface: number; atExporter: number }>;

async function flood(listener: number, names: readonly Host[]): Promise<Flood> {
  const on: Flood = new Map(names.map((host) => [host, { atInterface: 1, atExporter: 1 }]));
  let ticks = 0;
  const sender = await bound();
  const sinks = new Map<Host, number>();
  for (const host of names) sinks.set(host, (await bound(addressOf(host))).address().port);
  let sequence = 0;
  const began = performance.now();
  const tick = (): void => {
    const due = Math.floor((performance.now() - began) / tickMs);
    ticks = Math.max(ticks, due - mostTicksBehind);
    while (ticks < due) sendOne();
  };
  const sendOne = (): void => {
    ticks += 1;
    for (const [host, { atInterface, atExporter }] of on) {
      const port = sinks.get(host) ?? 9;
      for (let n = 0; n < packetsATick * atInterface; n++) sender.send(payload, port, addressOf(host));
      const destination = [127, 77, 0, hosts[host]];
      const frame = udpFrame({
        source: [203, 0, 113, 5],
        destination,
        sourcePort: 53,
        destinationPort: 9,
        payload,
      });
      // whole samples: of some ticks all, of the others none
      if (Math.floor(ticks * atExporter) === Math.floor((ticks - 1) * atExporter)) continue;
      for (let n = 0; n < samplesATick; n++) {
        sender.send(sflowDatagram(frame, samplingRate, ++sequence, 0xc6336401), listener, '127.0.0.1');
      }
    }
  };
  timers.push(setInterval(tick, tickMs));
  return on;
}

function mitigation(host: Host, state: 'wanted' | 'held'): Mitigation {
  const subject = { kind: 'host', host: addressOf(host) } as const;
  const id = attackId(rehearsalStart, hosts[host]);
  const announcement: Announcement = {
    kind: 'unicast',
    prefix: `${addressOf(host)}/32` as PrefixKey,
    nextHop: '192.0.2.1' as HostKey,
    communities: noCommunities,
  };
  const attack = anAttack({ id, subject, peak });
  const byHand = { origin: 'manual', direction: 'other', cause: null, peak: { pps: 0, bps: 0 } } as const;
  return aMitigation({
    attack: {
      ...attack,
      ...(host === 'byHand' ? byHand : {}),
      ...(host === 'outgoing' ? { direction: 'outgoing' as const } : {}),
    },
    holdings: [{ speaker: 'edge-1', announcement, state }],
  });
}

type Told = ReadonlyMap<Host, readonly MitigationEffect[]>;

/** What is told of each host by the end; `change`: what the routers make of the announcement. */
async function proved(
  names: readonly Host[],
  policy: Pick<ProofPolicy, 'effectiveBelow' | 'partialBelow'>,
  change: (on: Flood) => void,
): Promise<{ readonly told: Told; readonly exporter: string }> {
  const port = await freePort();
  const loaded = loadSettings({
    path: '/t.yaml',
    env: {},
    files: filesOf(
      {
        '/t.yaml': JSON.stringify({
          networks: ['127.77.0.0/16'],
          capture: { interfaces: ['lo'], sflow: [`127.0.0.1:${port}`] },
        }),
      },
      [],
    ),
    localAddresses: [],
    cpus: 2,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  const { settings } = loaded;
  const plane = openDataPlane(settings);
  const opened = [
    ...settings.capture.interfaces.map((one) => plane.openInterface(one)),
    ...settings.capture.listeners.map((one) => plane.openFlows(one, flowPolicy(settings))),
  ];
  for (const source of opened) {
    if (!source.ok) throw new Error(source.error.detail);
    sources.push(source.value);
  }
  expect(sources).toHaveLength(2);
  const on = await flood(port, names);
  await sleep(1500); // the exporter is listed once a second

  let holding: 'wanted' | 'held' = 'wanted';
  const told = new Map<Host, MitigationEffect[]>(names.map((host) => [host, []]));
  const known = (host: Host): Mitigation => ({
    ...mitigation(host, holding),
    effect: told.get(host)?.at(-1) ?? null,
  });
  const ledger = createPlace<LedgerMessage>('ledger');
  const spec = actor<null, LedgerMessage>('ledger', () => ({
    name: 'ledger',
    init: () => null,
    receive: (_state, message) => {
      if (message.kind === 'list') message.reply(names.map(known));
      if (message.kind === 'effect') {
        for (const host of names) if (message.attack === known(host).id) told.get(host)?.push(message.effect);
      }
      return null;
    },
  }));
  const proof = proofActor({
    ledger: ledger.ref,
    open: plane.openIngress,
    plane: () => plane,
    policy: () => ({ settleMs: 4000, ...policy, escalate: 'none' }),
  });
  tree = await startTree(supervisor('root', [ledger.child(spec), proof]), {
    clock: machineClock,
    log: rememberingLog(),
    random: () => 0.5,
  });
  await sleep(2500);
  holding = 'held';
  change(on);
  const end = performance.now() + 30_000;
  const judged = (): boolean =>
    names.every((host) => told.get(host)?.some(({ state }) => state !== 'watching') === true);
  while (!judged() && performance.now() < end) await sleep(100);
  return { told, exporter: `sflow 127.0.0.1:${port} 198.51.100.1` };
}

const brief = (told: Told, host: Host) =>
  told.get(host)?.map(({ state, seen }) => [state, seen.map(({ source }) => source).sort()]);

describe.skipIf(!built || !mayCapture)('with the native data plane, and the right to capture', () => {
  test('an attack that stops at one source is partial, at both effective, at none ineffective', async () => {
    // What is sent may fall behind on a busy machine: by rate alone nothing is partial here.
    const bounds = { effectiveBelow: 0.2, partialBelow: 0.2 };
    const { told, exporter } = await proved(['partial', 'effective', 'ineffective'], bounds, (on) => {
      on.set('partial', { atInterface: 0, atExporter: 1 });
      on.set('effective', { atInterface: 0, atExporter: 0 });
    });
    expect(brief(told, 'partial')).toEqual([
      ['watching', []],
      ['partial', [exporter]],
    ]);
    expect(told.get('partial')?.at(-1)?.goneAt).toEqual(['lo']);
    expect(brief(told, 'effective')).toEqual([
      ['watching', []],
      ['effective', []],
    ]);
    expect(brief(told, 'ineffective')).toEqual([
      ['watching', []],
      ['ineffective', ['lo', exporter]],
    ]);
    // Sampling undone: one sample a tick for forty packets.
    const seen = told.get('partial')?.at(-1)?.seen[0]?.pps ?? 0;
    expect(seen).toBeGreaterThan(samplingRate * samplesATick * 10);
    expect(seen).toBeLessThan(samplingRate * samplesATick * (1000 / tickMs) * 1.5);
  }, 60_000);

  test('three fifths cut everywhere is partial; a ban by hand is judged by what came before; what goes out is unproven', async () => {
    const bounds = { effectiveBelow: 0.05, partialBelow: 0.7 };
    const { told, exporter } = await proved(['cut', 'byHand', 'outgoing'], bounds, (on) => {
      on.set('cut', { atInterface: 0.4, atExporter: 0.4 });
      on.set('byHand', { atInterface: 0, atExporter: 0 });
    });
    expect(brief(told, 'cut')).toEqual([
      ['watching', []],
      ['partial', ['lo', exporter]],
    ]);
    const remaining = told.get('cut')?.at(-1)?.remaining ?? 0;
    expect(remaining).toBeGreaterThan(0.05);
    expect(remaining).toBeLessThan(0.6);
    expect(brief(told, 'byHand')).toEqual([
      ['watching', []],
      ['effective', []],
    ]);
    const { pps: before = 0, bps = 0 } = told.get('byHand')?.at(-1)?.comparedWith ?? {};
    expect(before).toBeGreaterThan(pps / 10);
    expect(bps).toBeNull();
    expect(told.get('outgoing')).toMatchObject([{ state: 'unproven', reason: actsOnIncoming, seen: [] }]);
  }, 60_000);
});
