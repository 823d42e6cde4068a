/**
 * NetFlow and IPFIX to the whole program, with what befalls a collector: killed between a template and its records,
 * reloaded, spoken to by strangers.
 */
import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import { flowExporter } from '../../traffic/flows/exporter.js';
import { type FlowExportProtocol, usualFlowExporter } from '../../traffic/flows/options.js';
import { telemetryExporter } from '../../traffic/flows/telemetry.js';
import { freePort } from '../../traffic/loopback.js';
import { prepareScenario } from '../../traffic/prepare.js';
import { backgroundPart } from '../../traffic/scenario.js';
import { usualSflow } from '../../traffic/sflow.js';
import { frames } from '../../traffic/stream.js';
import { networks } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

let home: Home | null = null;
let daemon: Daemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  home?.remove();
  daemon = null;
  home = null;
});

const said = (one: Home, phrase: string): number => one.log().split(`"msg":"${phrase}"`).length - 1;

type Told = { readonly datagrams: readonly Uint8Array[]; readonly records: number };

/** Four seconds of normal use; of v9 and IPFIX only the first datagram has the templates. */
function datagramsOf(protocol: FlowExportProtocol): Told {
  const startMicros = Date.now() * 1_000;
  const parts = [backgroundPart({ name: 'use', pps: 2_000, durationMicros: 4e6 })];
  const prepared = prepareScenario({ name: 'flows', seed: 3, startMicros, networks, parts });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const templateMicros = Number.POSITIVE_INFINITY;
  const exporter = flowExporter({
    ...usualFlowExporter,
    protocol,
    startMicros,
    templateMicros,
    activeMicros: 1e6,
  });
  const datagrams: Uint8Array[] = [];
  const keep = (datagram: Uint8Array): void => void datagrams.push(datagram.slice());
  for (const batch of frames(prepared.value)) exporter.add(batch, keep);
  exporter.flush(4e6, keep);
  return { datagrams, records: exporter.totals().records };
}

async function send(port: number, datagrams: readonly Uint8Array[], from = '127.0.0.1'): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, from, bound));
  return new Promise((resolve, reject) => {
    const next = (index: number): void => {
      const datagram = datagrams[index];
      if (datagram === undefined) {
        socket.close();
        resolve();
        return;
      }
      socket.send(datagram, port, '127.0.0.1', (error) => {
        if (error !== null) reject(error);
        else setImmediate(next, index + 1);
      });
    };
    next(0);
  });
}

const listening = (port: number, more = ''): string =>
  `networks: [${networks.join(', ')}]\ncapture:\n  netflow: ["127.0.0.1:${port}"]\n${more}`;

const recordsOf = async (of: Daemon): Promise<number> =>
  (await of.status()).flow.listeners.reduce((sum, { records }) => sum + records, 0);

for (const protocol of ['netflow9', 'ipfix'] as const) {
  test(`${protocol}: kill -9 after the template, and the next life decodes the records that follow at once`, async () => {
    const port = await freePort();
    const { datagrams } = datagramsOf(protocol);
    expect(datagrams.length).toBeGreaterThan(6);
    const [first, ...rest] = datagrams;
    if (first === undefined) throw new Error('there is one');
    home = makeHome(listening(port));
    daemon = await startDaemon(home);
    await send(port, [first]);
    const running = daemon;
    await expect
      .poll(async () => (await running.status()).flow.exporters.map(({ templates }) => templates), {
        timeout: 20_000,
      })
      .toEqual([2]);
    const before = await recordsOf(daemon);
    await daemon.kill();

    daemon = await startDaemon(home);
    expect(said(home, 'templates given back')).toBe(1);
    await send(port, rest);
    const again = daemon;
    await expect.poll(() => recordsOf(again), { timeout: 20_000 }).toBeGreaterThan(before);
    const [exporter, ...others] = (await again.status()).flow.exporters;
    expect(others).toEqual([]);
    expect(exporter).toMatchObject({
      protocol,
      address: '127.0.0.1',
      setsWithoutTemplate: 0,
      decodeErrors: 0,
    });
  });
}

test('what a restart would have lost without the journal waits for its template, and then counts', async () => {
  const port = await freePort();
  const { datagrams, records } = datagramsOf('ipfix');
  const [first, ...rest] = datagrams;
  if (first === undefined) throw new Error('there is one');
  home = makeHome(listening(port));
  daemon = await startDaemon(home);
  const running = daemon;
  await send(port, rest.slice(0, 5));
  await expect
    .poll(async () => (await running.status()).flow.exporters[0]?.setsWithoutTemplate ?? 0, {
      timeout: 20_000,
    })
    .toBeGreaterThan(0);
  expect(await recordsOf(running)).toBe(0);
  await send(port, [first, ...rest.slice(5)]);
  await expect.poll(() => recordsOf(running), { timeout: 20_000 }).toBe(records);
  expect((await running.status()).flow.exporters[0]?.recordsRecovered).toBeGreaterThan(0);
  expect(said(home, 'flow records wait for their template')).toBe(1);
});

test('a reload of filters and access list loses no template', async () => {
  const port = await freePort();
  const { datagrams } = datagramsOf('netflow9');
  const [first, ...rest] = datagrams;
  if (first === undefined) throw new Error('there is one');
  home = makeHome(listening(port));
  daemon = await startDaemon(home);
  const running = daemon;
  await send(port, [first]);
  await expect
    .poll(async () => (await running.status()).flow.exporters[0]?.templates, { timeout: 20_000 })
    .toBe(2);
  home.rewrite(
    listening(port, '  exporters: {allow: [127.0.0.0/8]}\n  filters: [{drop: {protocol: tcp}}]\n'),
  );
  const before = said(home, 'configuration applied');
  process.kill(daemon.program.pid, 'SIGHUP');
  const one = home;
  expect(await until(() => said(one, 'configuration applied') > before, 10_000), home.log()).toBe(true);
  await expect
    .poll(async () => (await running.status()).flow.listeners.map(({ state }) => state), { timeout: 20_000 })
    .toEqual(['up']);
  await send(port, rest);
  const some = async (): Promise<boolean> => {
    const { recordsFiltered = 0, records = 0 } = (await running.status()).flow.exporters[0] ?? {};
    return recordsFiltered > 0 && recordsFiltered < records;
  };
  await expect.poll(some, { timeout: 20_000 }).toBe(true);
  expect((await running.status()).flow.exporters[0]?.setsWithoutTemplate).toBe(0);
  expect(said(home, 'source unavailable')).toBe(0);
});

test('v5 and IPFIX on the port of NetFlow are read, sFlow on it is named, a stranger is refused', async () => {
  const port = await freePort();
  home = makeHome(listening(port, '  exporters: {allow: [127.0.0.1], refuse_unknown: true}\n'));
  daemon = await startDaemon(home);
  const running = daemon;
  const [old, young] = [datagramsOf('netflow5'), datagramsOf('ipfix')];
  await send(port, [...old.datagrams, ...young.datagrams]);
  await expect
    .poll(
      async () =>
        (await running.status()).flow.exporters.map(({ protocol, records }) => [protocol, records]).sort(),
      {
        timeout: 20_000,
      },
    )
    .toEqual([
      ['ipfix', young.records],
      ['netflow5', old.records],
    ]);
  await send(port, sflowDatagrams());
  const stray = 'sFlow v5 datagrams on the NetFlow port';
  const one = home;
  expect(await until(() => said(one, stray) === 1, 5_000), home.log()).toBe(true);
  await send(port, young.datagrams.slice(0, 3), '127.0.0.2');
  const refused = 'datagrams of exporters that are not allowed, refused';
  expect(await until(() => said(one, refused) === 1, 5_000), home.log()).toBe(true);
  // said at the first of them
  const listener = async () => (await running.status()).flow.listeners[0];
  await expect.poll(listener, { timeout: 15_000 }).toMatchObject({ refused: 3, lastRefused: '127.0.0.2' });
  expect((await listener())?.strays).toMatchObject([{ protocol: 'sflow5', lastFrom: '127.0.0.1' }]);
  expect((await running.status()).flow.exporters.length).toBe(2);
});

function sflowDatagrams(): readonly Uint8Array[] {
  const startMicros = Date.now() * 1_000;
  const parts = [backgroundPart({ name: 'use', pps: 500, durationMicros: 1e6 })];
  const prepared = prepareScenario({ name: 'sflow', seed: 3, startMicros, networks, parts });
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const options = { ...usualSflow, agent: Uint8Array.of(127, 0, 0, 1), samplingRate: 10 };
  const exporter = telemetryExporter({ kind: 'sflow', options });
  const datagrams: Uint8Array[] = [];
  const keep = (datagram: Uint8Array): void => void datagrams.push(datagram.slice());
  for (const batch of frames(prepared.value)) exporter.add(batch, keep);
  exporter.flush(1e6, keep);
  return datagrams;
}
