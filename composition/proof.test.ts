/**
 * The proof of an announcement on real traffic: an interface and an exporter both see three attacks; after the announcement
 * one stops at the interface alone, one everywhere, one nowhere. Skipped, by name, without the native part or the right to capture.
 */
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { proofActor } from '../actors/mitigation/proof.js';
import { filesOf } from '../config/files.js';
import { loadSettings } from '../config/load.js';
import type { Announcement } from '../domain/announcement.js';
import { noCommunities } from '../domain/announcement.js';
import { attackId } from '../domain/attack.js';
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
const hosts = { partial: 1, effective: 2, ineffective: 3 } as const;
type Host = keyof typeof hosts;
const names = Object.keys(hosts) as Host[];
const addressOf = (host: Host): HostKey => `127.77.0.${hosts[host]}` as HostKey;

/** Each tick: so many packets of its own to each host, and so many samples of an exporter that stand for a hundred. */
const tickMs = 20;
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
  for (const source of sources) source.close();
  for (const socket of sockets) socket.close();
});

async function bound(address?: string): Promise<Socket> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((done) => socket.bind(0, address, done));
  return socket;
}

/** What is still sent to each host. */
type Flood = { readonly [H in Host]: { atInterface: boolean; atExporter: boolean } };
const flowing = () => ({ atInterface: true, atExporter: true });

async function flood(listener: number): Promise<Flood> {
  const on: Flood = { partial: flowing(), effective: flowing(), ineffective: flowing() };
  const sender = await bound();
  const sinks = new Map<Host, number>();
  for (const host of names) sinks.set(host, (await bound(addressOf(host))).address().port);
  let sequence = 0;
  const tick = (): void => {
    for (const host of names) {
      const port = sinks.get(host) ?? 9;
      for (let n = 0; on[host].atInterface && n < packetsATick; n++)
        sender.send(payload, port, addressOf(host));
      const destination = [127, 77, 0, hosts[host]];
      const frame = udpFrame({
        source: [203, 0, 113, 5],
        destination,
        sourcePort: 53,
        destinationPort: 9,
        payload,
      });
      for (let n = 0; on[host].atExporter && n < samplesATick; n++) {
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
  return aMitigation({
    attack: anAttack({ id, subject, peak }),
    holdings: [{ speaker: 'edge-1', announcement, state }],
  });
}

describe.skipIf(!built || !mayCapture)('with the native data plane, and the right to capture', () => {
  test('an attack that stops at one source is partial, at both effective, at none ineffective', async () => {
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
    const on = await flood(port);
    await sleep(1500); // the exporter is listed once a second

    let holding: 'wanted' | 'held' = 'wanted';
    const told = new Map<Host, MitigationEffect[]>(names.map((host) => [host, []]));
    const ledger = createPlace<LedgerMessage>('ledger');
    const spec = actor<null, LedgerMessage>('ledger', () => ({
      name: 'ledger',
      init: () => null,
      receive: (_state, message) => {
        if (message.kind === 'list') message.reply(names.map((host) => mitigation(host, holding)));
        if (message.kind === 'effect') {
          for (const host of names) {
            if (message.attack === mitigation(host, 'held').id) told.get(host)?.push(message.effect);
          }
        }
        return null;
      },
    }));
    const proof = proofActor({
      ledger: ledger.ref,
      open: plane.openIngress,
      plane: () => plane,
      policy: () => ({ settleMs: 4000, effectiveBelow: 0.2, escalate: 'none' }),
    });
    tree = await startTree(supervisor('root', [ledger.child(spec), proof]), {
      clock: machineClock,
      log: rememberingLog(),
      random: () => 0.5,
    });
    await sleep(2500);
    // The announcement, and what the routers make of it.
    holding = 'held';
    on.partial.atInterface = false;
    on.effective.atInterface = false;
    on.effective.atExporter = false;
    const end = performance.now() + 15_000;
    const judged = (): boolean =>
      names.every((host) => told.get(host)?.some(({ state }) => state !== 'watching') === true);
    while (!judged() && performance.now() < end) await sleep(100);

    const exporter = `sflow 127.0.0.1:${port} 198.51.100.1`;
    const brief = (host: Host) =>
      told.get(host)?.map(({ state, seen }) => [state, seen.map(({ source }) => source).sort()]);
    expect(brief('partial')).toEqual([
      ['watching', []],
      ['partial', [exporter]],
    ]);
    expect(brief('effective')).toEqual([
      ['watching', []],
      ['effective', []],
    ]);
    expect(brief('ineffective')).toEqual([
      ['watching', []],
      ['ineffective', ['lo', exporter]],
    ]);
    // Sampling undone: one sample a tick for forty packets.
    const seen = told.get('partial')?.at(-1)?.seen[0]?.pps ?? 0;
    expect(seen).toBeGreaterThan(samplingRate * samplesATick * 10);
    expect(seen).toBeLessThan(samplingRate * samplesATick * (1000 / tickMs) * 1.5);
  }, 60_000);
});
