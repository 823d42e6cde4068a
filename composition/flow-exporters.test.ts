/**
 * Real exporters watch known traffic and tell Tidegate of it: what every host of ours received and sent must come out
 * exactly, or, sampled, within what chance allows. Needs root, iproute2 and the exporter; skipped by name without.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendPath } from '../bench/built.js';
import { makeStage, type Stage, stageObstacle, type Way, wayHere } from '../bench/namespace.js';
import { until } from '../bench/process.js';
import { send } from '../bench/sending.js';
import { hostOfBytes } from '../domain/address.js';
import { globalGroup } from '../domain/hostgroup.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { type ListenerSource, openEngine } from '../native/door/engine.js';
import { usualFlowReading } from '../native/door/flow-options.js';
import { loadDoor } from '../native/door/load.js';
import { plainMix } from '../traffic/background.js';
import { nothingObserved, observe } from '../traffic/flows/observe.js';
import { incoming } from '../traffic/packet-writer.js';
import { writeCapture } from '../traffic/pcap.js';
import { prepareScenario } from '../traffic/prepare.js';
import { attackPart, backgroundPart } from '../traffic/scenario.js';
import { frames } from '../traffic/stream.js';
import { groupOf, writePackets } from './detection-rehearsal.js';
import {
  type ExporterProgram,
  type ExporterProtocol,
  exporterPrograms,
  hasProgram,
} from './flow-exporters.js';

const obstacle = stageObstacle() ?? (existsSync(sendPath) ? null : 'dist is not built');
const folder = mkdtempSync(join(tmpdir(), 'tidegate-exporters-'));
const networks = ['203.0.113.0/24', '2001:db8::/32'] as PrefixKey[];
const busyHost = '203.0.113.9' as HostKey;
const windowMs = 60_000;
const capturePath = join(folder, 'traffic.pcap');
const pushPath = join(folder, 'push.pcap');
const readyMs = 1_500;
const watchingMs = 15_000;
/** An exporter that does not get the processor misses packets itself; such a run says nothing of what is made of its records. */
const runsAgain = 2;
const quietMs = 1_500;

const isOurs = (host: HostKey): boolean => host.startsWith('203.0.113.') || host.startsWith('2001:db8:');
function hostAt(bytes: Uint8Array, at: number, length: number): HostKey {
  const host = hostOfBytes(bytes.slice(at, at + length));
  if (!host.ok) throw new Error(host.error.detail);
  return host.value;
}

type Amounts = { packets: number; bytes: number };
type HostTruth = { incoming: Amounts; outgoing: Amounts };

/**
 * Packets between strangers, sent after the traffic. softflowd leaves the newest packets in its ring until more come:
 * its own statistics say 14,288 processed of 14,400 that libpcap received and none dropped, and tcpdump beside it has
 * them all.
 */
function writePush(): void {
  const packets = Array.from({ length: 1_000 }, (_, i) => ({
    at: i * 1_000,
    source: '198.51.100.1',
    destination: '198.51.100.2',
    kind: 'udp' as const,
    bytes: 1_000,
    sourcePort: 9,
  }));
  writePackets(pushPath, packets);
}

/** What each host of ours received and sent, in IP packets and their bytes, read from the frames themselves. */
function writeTraffic(): Map<HostKey, HostTruth> {
  const prepared = prepareScenario({
    name: 'exporters',
    seed: 21,
    startMicros: 1.7e15,
    networks,
    parts: [
      backgroundPart({
        name: 'use',
        pps: 800,
        durationMicros: 3e6,
        mix: { ...plainMix, ipv6: 0.25, fragments: 0 },
      }),
      attackPart({ name: 'much', vector: 'transfer', targets: [busyHost], pps: 4_000, durationMicros: 3e6 }),
    ],
  });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const written = writeCapture(capturePath, prepared.value);
  if (!written.ok) throw new Error(written.error.detail);
  const truth = new Map<HostKey, HostTruth>();
  const seen = nothingObserved();
  for (const batch of frames(prepared.value)) {
    for (let i = 0; i < batch.count; i++) {
      observe(batch.bytes, batch.starts[i] ?? 0, batch.starts[i + 1] ?? 0, seen);
      const isIncoming = batch.directions[i] === incoming;
      const at = isIncoming ? seen.destinationAt : seen.sourceAt;
      const host = hostAt(batch.bytes, at, seen.addressBytes);
      const other = hostAt(batch.bytes, isIncoming ? seen.sourceAt : seen.destinationAt, seen.addressBytes);
      // what hosts of ours send one another is internal traffic, and counted at none of them
      if (isOurs(host) && isOurs(other)) continue;
      const own = truth.get(host) ?? {
        incoming: { packets: 0, bytes: 0 },
        outgoing: { packets: 0, bytes: 0 },
      };
      const amounts = isIncoming ? own.incoming : own.outgoing;
      amounts.packets++;
      amounts.bytes += seen.bytes;
      truth.set(host, own);
    }
  }
  return truth;
}

const engine = () =>
  openEngine(loadDoor(), {
    networks,
    hostgroups: [groupOf(globalGroup, [], { incoming: { pps: 0 }, outgoing: { pps: 0 } }, { windowMs })],
    tickMs: 100,
    ipv6Hosts: 4096,
    countFlows: false,
    flowSlots: 1024,
    seed: 1n,
    sampleBytes: 128,
  });

/** Packet sockets that are open where the exporters watch: packet(7), a line each under the heading. */
function watchers(stage: Stage): number {
  const [command, ...args] = stage.inside(stage.listener, ['cat', '/proc/net/packet']);
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return stdout.trim().split('\n').length - 1;
}

describe.skipIf(obstacle !== null)(`real exporters (${obstacle ?? 'on a veth of their own'})`, () => {
  let stage: Stage;
  let way: Way;
  let truth: Map<HostKey, HostTruth>;
  beforeAll(() => {
    stage = makeStage('tgex');
    way = wayHere(stage, 'tgex', 77);
    truth = writeTraffic();
    writePush();
  });
  afterAll(() => {
    stage.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Lets the exporter watch the traffic; what Tidegate makes of its datagrams, by host. */
  async function watched(program: ExporterProgram, protocol: ExporterProtocol, sampling: number) {
    const one = engine();
    const opened = one.openFlows({
      ...usualFlowReading,
      lengthFromIp: true,
      samplingFallback: sampling > 1 && program.silentOnSampling.includes(protocol) ? sampling : null,
      spread: false,
      address: way.here,
      port: 0,
      transport: 'udp',
      workers: 1,
      receiveBufferBytes: 2 ** 22,
      allow: [],
      refuseUnknown: false,
    });
    if (!opened.ok) throw new Error(opened.error.detail);
    const source: ListenerSource = opened.value;
    const collector = { address: way.here, port: source.port };
    const watch = { stage, folder, collector, leaves: way.interfaceThere, protocol, sampling };
    const running = program.start(watch);
    try {
      await until(() => watchers(stage) > 0, watchingMs);
      await sleep(readyMs);
      expect(running.alive(), running.output()).toBe(true);
      await send(stage, capturePath, null);
      await send(stage, pushPath, null);
      await sleep(quietMs);
    } finally {
      await program.finish(running, watch);
    }
    let last = -1;
    await until(() => {
      const { packets } = source.stats();
      const isStill = packets === last && packets > 0;
      last = packets;
      return isStill;
    }, 5_000);
    await sleep(quietMs);
    const meter = one.openMeter(
      groupOf(globalGroup, [], { incoming: { pps: 0 }, outgoing: { pps: 0 } }, { windowMs }),
    );
    const at = Date.now() * 1000;
    for (const { batch } of await source.drain(at)) await meter.absorb(batch);
    await meter.judge(at);
    const amountsOf = (host: HostKey): HostTruth => {
      const rates = meter.rates(host, at);
      const whole = (rate: number): number => Math.round((rate * windowMs) / 1000);
      const read = (direction: 'incoming' | 'outgoing'): Amounts => ({
        packets: whole(rates?.[direction].total.pps ?? 0),
        bytes: whole((rates?.[direction].total.bps ?? 0) / 8),
      });
      return { incoming: read('incoming'), outgoing: read('outgoing') };
    };
    const hosts = new Map([...truth.keys()].map((host) => [host, amountsOf(host)]));
    // Open vSwitch tells of itself in a domain of its own, options data alone.
    const exporters = source.exporters().filter(({ records }) => records > 0);
    const outcome = { hosts, stats: source.stats(), exporters };
    meter.close();
    source.close();
    return outcome;
  }

  for (const program of exporterPrograms) {
    describe.skipIf(!hasProgram(program.command))(
      `${program.name} (skipped where it is not installed)`,
      () => {
        for (const protocol of program.protocols) {
          test(`${protocol}: every host's packets and bytes, exactly`, {
            retry: runsAgain,
            timeout: 60_000,
          }, async () => {
            const { hosts, stats, exporters } = await watched(program, protocol, 1);
            expect(stats.errors).toEqual({});
            expect(exporters).toMatchObject([{ protocol, address: way.there }]);
            expect(exporters[0]?.sequenceLost).toBe(0);
            const told = [...truth].filter(([host]) => protocol !== 'netflow5' || !host.includes(':'));
            expect(told.length).toBeGreaterThan(10);
            const text = (from: HostTruth | undefined): string => JSON.stringify(from);
            const onLink = ({ packets, bytes }: Amounts): Amounts => ({
              packets,
              bytes: bytes + packets * program.linkBytes(protocol),
            });
            const wrong = told.flatMap(([host, real]) => {
              const expected = { incoming: onLink(real.incoming), outgoing: onLink(real.outgoing) };
              const got = text(hosts.get(host));
              return got === text(expected) ? [] : [`${host}: ${got}, not ${text(expected)}`];
            });
            expect(wrong).toEqual([]);
          });

          test.skipIf(program.neverSamples.includes(protocol))(
            `${protocol}, one in 10: the busy host within chance`,
            {
              retry: runsAgain,
              timeout: 60_000,
            },
            async () => {
              const { hosts, exporters } = await watched(program, protocol, 10);
              expect(exporters).toMatchObject([
                { samplingRate: program.undoesSampling.includes(protocol) ? 1 : 10 },
              ]);
              const isSilent = program.silentOnSampling.includes(protocol);
              expect(exporters[0]?.samplingOrigin === 'fallback').toBe(isSilent);
              const real = truth.get(busyHost)?.incoming ?? { packets: 0, bytes: 0 };
              const told = hosts.get(busyHost)?.incoming ?? { packets: 0, bytes: 0 };
              const off = 4 / Math.sqrt(real.packets / 10);
              expect(
                Math.abs(told.packets / real.packets - 1),
                `${told.packets} of ${real.packets}`,
              ).toBeLessThan(off);
              expect(Math.abs(told.bytes / real.bytes - 1), `${told.bytes} of ${real.bytes}`).toBeLessThan(
                off,
              );
            },
          );
        }
      },
    );
  }
});
