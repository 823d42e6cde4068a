/**
 * Mutated datagrams of all protocols to the ports of the whole program: it lives, its memory stays flat, and an exporter
 * that is well counts on to the record. TIDEGATE_MUTANTS=1000000 sends so many.
 */
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { flowExporter } from '../../traffic/flows/exporter.js';
import { flowExportProtocols, usualFlowExporter, usualStatement } from '../../traffic/flows/options.js';
import { type Telemetry, telemetryExporter } from '../../traffic/flows/telemetry.js';
import { freePort } from '../../traffic/loopback.js';
import { prepareScenario } from '../../traffic/prepare.js';
import { createRandom } from '../../traffic/random.js';
import { backgroundPart } from '../../traffic/scenario.js';
import { usualSflow } from '../../traffic/sflow.js';
import { frames } from '../../traffic/stream.js';
import { mutant } from '../faults/mutants.js';
import { networks } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

const mutants = Number(process.env.TIDEGATE_MUTANTS ?? 100_000);
const msPerMutant = 0.5;
/** As many before them: all tables are full by then, and Node's heap has the size it works with. */
const warmUp = mutants;
const inAll = warmUp + mutants;
const rssEvery = inAll / 200;
/** Of the most it was until then: Node's heap grows and is swept. A run of a few seconds is still warming up. */
const rssShare = mutants >= 1_000_000 ? 1.1 : 1.25;
/**
 * Every table is smaller than what the damage invents while it warms up: all of them are full then, and the healthy
 * exporter could be pushed out. The sender stops for nothing, and what it sends while this machine is busy with other
 * things must not be lost.
 */
const listenerBounds = 'max_exporters: 128, receive_buffer: 64MiB';
const templateBounds = `${listenerBounds}, max_templates: 1024, max_held: 1024, waiting: { size: 256KiB }`;
const laneBounds = 'ipv6_hosts: 1024, flow_slots: 16384';
/** Node sweeps when its heap has doubled: what has grown by then is garbage, and not what is looked for. */
const sweepsOften = ['--max-semi-space-size=2', '--heap-growing-percent=10'];
/** Damaged records are floods of any host; what attacks cost is bounded by their number and not the question here. */
const noAttacks = 'thresholds: { incoming: { pps: off, mbps: off }, outgoing: { pps: off, mbps: off } }';
const broken = '127.0.0.66';
const healthy = '127.0.0.67';

let home: Home | null = null;
let daemon: Daemon | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

async function socketOf(address: string): Promise<(datagram: Uint8Array, port: number) => Promise<void>> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((bound) => socket.bind(0, address, bound));
  return (datagram, port) =>
    new Promise((resolve, reject) => {
      socket.send(datagram, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
    });
}

function prepared(pps: number, seed: number) {
  const parts = [backgroundPart({ name: 'use', pps, durationMicros: 4e6 })];
  const ready = prepareScenario({ name: 'use', seed, startMicros: Date.now() * 1_000, networks, parts });
  if (!ready.ok) throw new Error(ready.error.detail);
  return ready.value;
}

/** Some of every protocol, with templates, options data and each way to state a sampling rate. */
function models(): readonly Uint8Array[] {
  const startMicros = Date.now() * 1_000;
  const flows = flowExportProtocols.map((protocol): Telemetry => {
    const stated = usualStatement(protocol, 10);
    const options = {
      ...usualFlowExporter,
      protocol,
      startMicros,
      samplingRate: 10,
      stated,
      activeMicros: 1e6,
    };
    return { kind: 'flow', options };
  });
  const options = { ...usualSflow, agent: Uint8Array.of(127, 0, 0, 66), samplingRate: 10 };
  const all: Uint8Array[] = [];
  for (const telemetry of [...flows, { kind: 'sflow', options } as const]) {
    const exporter = telemetryExporter(telemetry);
    const keep = (datagram: Uint8Array): void => void all.push(datagram.slice());
    for (const batch of frames(prepared(1_000, 5))) exporter.add(batch, keep);
    exporter.flush(4e6, keep);
  }
  return all;
}

test(
  `${mutants} mutated datagrams: the program lives, memory is flat, a healthy exporter counts to the record`,
  async () => {
    const [sflow, netflow, ipfix] = [await freePort(), await freePort(), await freePort()];
    const listen = [
      `sflow: [{ listen: "127.0.0.1:${sflow}", ${listenerBounds} }]`,
      `netflow: [{ listen: "127.0.0.1:${netflow}", ${templateBounds} }]`,
      `ipfix: [{ listen: "127.0.0.1:${ipfix}", ${templateBounds} }]`,
    ];
    home = makeHome(
      `networks: [${networks.join(', ')}]\ncapture: { ${laneBounds}, ${listen.join(', ')} }\n${noAttacks}\n`,
    );
    daemon = await startDaemon(home, ([node = '', ...args]) => [node, ...sweepsOften, ...args]);
    const { pid } = daemon.program;
    const ports = [sflow, netflow, ipfix];
    const sendBroken = await socketOf(broken);
    const sendHealthy = await socketOf(healthy);
    const startMicros = Date.now() * 1_000;
    const exporter = flowExporter({
      ...usualFlowExporter,
      protocol: 'netflow9',
      startMicros,
      activeMicros: 1e6,
    });
    const good: Uint8Array[] = [];
    const keep = (datagram: Uint8Array): void => void good.push(datagram.slice());
    for (const batch of frames(prepared(20_000, 6))) exporter.add(batch, keep);
    exporter.flush(4e6, keep);

    const random = createRandom(20_261_123, 'mutants');
    const all = models();
    let rssBefore = 0;
    let rssAfter = 0;
    let goodSent = 0;
    for (let sent = 0; sent < inAll; sent++) {
      await sendBroken(mutant(all, random), random.pick(ports));
      // The healthy ones are spread over all of it.
      while (goodSent * inAll < sent * good.length) {
        const next = good[goodSent++];
        if (next !== undefined) await sendHealthy(next, netflow);
      }
      if (sent % 500 === 0) await sleep(2); // the socket's buffer must not be what loses them
      if (sent % rssEvery !== 0) continue;
      const rss = daemon.program.rssBytes();
      if (sent < warmUp) rssBefore = Math.max(rssBefore, rss);
      else rssAfter = Math.max(rssAfter, rss);
    }
    for (const rest of good.slice(goodSent)) await sendHealthy(rest, netflow);

    const running = daemon;
    const told = async () => {
      const { exporters } = (await running.status()).flow;
      const { records, decodeErrors, sequenceLost } =
        exporters.find(({ address }) => address === healthy) ?? {};
      return { records, decodeErrors, sequenceLost };
    };
    await expect
      .poll(told, { timeout: 30_000, interval: 200 })
      .toEqual({ records: exporter.totals().records, decodeErrors: 0, sequenceLost: 0 });
    const { listeners } = (await running.status()).flow;
    expect(listeners.map(({ state, dropped }) => [state, dropped])).toEqual(ports.map(() => ['up', 0]));
    expect(listeners.some(({ exportersRefused }) => exportersRefused > 0)).toBe(true);
    expect(running.program.alive()).toBe(true);
    expect(running.program.pid).toBe(pid);
    rssAfter = Math.max(rssAfter, running.program.rssBytes());
    const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    process.stdout.write(
      `RSS ${mebi(rssBefore)} MiB at most while ${warmUp} warm it up, ${mebi(rssAfter)} MiB after that\n`,
    );
    expect(rssAfter / rssBefore).toBeLessThan(rssShare);
  },
  40_000 + inAll * msPerMutant,
);
