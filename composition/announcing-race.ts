/**
 * From the first packet of an attack to the route in a router's table: Tidegate and FastNetMon beside each other.
 *
 * `npm run bench:announcing [-- --rounds 2 --json FILE]`. Needs root, iproute2, bird 2, gobgpd 3 and Debian's `fastnetmon`. Both
 * daemons listen to one interface, each with a gobgpd and a bird of its own, and Debian's stock fastnetmon.conf with the same
 * options of `gobgp`; Tidegate's is imported, so that it can be given its own gobgpd's address. The time is the one in bird's log.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startFastnetmon, startTidegate, stockConfiguration } from '../bench/contenders.js';
import type { Stage } from '../bench/namespace.js';
import { until } from '../bench/process.js';
import { capture, send } from '../bench/sending.js';
import { gobgpd3 } from '../integrations/bgp/gobgpd-process.js';
import { attackPart } from '../traffic/scenario.js';
import {
  addSniffedWire,
  type Bird,
  discardNextHops,
  makeRouting,
  type Routing,
  routingObstacle,
  startBird,
  startRoutedGobgpd,
} from './routers.js';

type Row = {
  readonly windowSeconds: number;
  readonly multiple: number;
  readonly what: string;
  /** W·T/R + 500 ms. */
  readonly limitMs: number;
  /** null: it never came. */
  readonly tidegateMs: number | null;
  readonly fastnetmonMs: number | null;
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    windows: { type: 'string', default: '5,1' },
    multiples: { type: 'string', default: '1.5,5,15' },
    json: { type: 'string' },
  },
});
const numbers = (text: string): readonly number[] => text.split(',').map(Number);

const thresholdPps = 20_000; // of the stock file
const networks = ['10.10.0.0/16', '2001:db8:10::/48'];
const settleMs = 4_000;
const spareMs = 500;
const communities = { host: '65001:666', subnet: '65001:667' };
const bgpOptions = {
  gobgp: 'on',
  gobgp_announce_host: 'on',
  gobgp_announce_whole_subnet: 'on',
  gobgp_announce_host_ipv6: 'on',
  gobgp_next_hop: discardNextHops.ipv4,
  gobgp_next_hop_ipv6: discardNextHops.ipv6,
  gobgp_next_hop_host_ipv6: discardNextHops.ipv6,
  gobgp_community_host: communities.host,
  gobgp_community_host_ipv6: communities.host,
  gobgp_community_subnet: communities.subnet,
  enable_ban_ipv6: 'on',
};

const obstacle =
  routingObstacle() ??
  (gobgpd3() === null ? 'gobgpd 3 is not installed' : null) ??
  (existsSync(stockConfiguration) ? null : 'the fastnetmon package is not installed');
if (obstacle !== null) {
  console.error(`cannot measure: ${obstacle}`);
  process.exit(1);
}

/** FastNetMon's exponential average passes the threshold after W·ln(m/(m-1)), and is looked at once a second. */
const attackMicros = (windowSeconds: number, multiple: number): number =>
  Math.round((windowSeconds * Math.log(multiple / (multiple - 1)) + 2.5) * 1e6);

const arrival = (bird: Bird, what: string, firstAtMicros: number): number | null => {
  const added = bird.changes().find((change) => change.what === what && change.do === 'added');
  return added === undefined ? null : added.atMs - firstAtMicros / 1000;
};

const ms = (value: number | null): string => (value === null ? 'never' : `${value.toFixed(0)} ms`);
function say(row: Row): void {
  const factor =
    row.tidegateMs === null || row.fastnetmonMs === null
      ? ''
      : `, ${(row.fastnetmonMs / row.tidegateMs).toFixed(1)} times as long`;
  console.log(
    `W ${row.windowSeconds} s, ${row.multiple}x, ${row.what}: tidegate ${ms(row.tidegateMs)} (limit ${ms(row.limitMs)}), ` +
      `fastnetmon ${ms(row.fastnetmonMs)}${factor}`,
  );
}

async function race(
  windowSeconds: number,
  ours: { readonly routing: Routing; readonly bird: Bird; readonly address: string },
  theirs: { readonly routing: Routing; readonly bird: Bird },
  stage: Stage,
  directory: string,
): Promise<readonly Row[]> {
  const conditions = {
    directory,
    interface: stage.listenInterface,
    networks,
    options: { average_calculation_time: String(windowSeconds), ...bgpOptions },
    inside: (argv: readonly string[]) => stage.inside(stage.listener, argv),
  };
  const tidegate = startTidegate(conditions, (yaml) =>
    yaml.replace(/address: 127\.0\.0\.1:50051/, `address: ${JSON.stringify(ours.address)}`),
  );
  const fastnetmon = startFastnetmon(conditions);
  const rows: Row[] = [];
  try {
    await sleep(settleMs);
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const [index, multiple] of numbers(values.multiples).entries()) {
        const octet = 10 + index + round * 10 + (windowSeconds === 1 ? 100 : 0);
        for (const host of [`10.10.100.${octet}`, `2001:db8:10::${octet}`]) {
          const path = join(directory, 'attack.pcap');
          const pps = thresholdPps * multiple;
          const durationMicros = attackMicros(windowSeconds, multiple);
          const flood = attackPart({ name: 'flood', vector: 'udp', targets: [host], pps, durationMicros });
          capture(path, networks, [flood]);
          const { firstAt } = await send(stage, path, pps);
          const what = `${host}/${host.includes(':') ? 128 : 32}`;
          await until(() => arrival(theirs.bird, what, firstAt) !== null, 4_000);
          const row: Row = {
            windowSeconds,
            multiple,
            what,
            limitMs: (windowSeconds * 1000) / multiple + spareMs,
            tidegateMs: arrival(ours.bird, what, firstAt),
            fastnetmonMs: arrival(theirs.bird, what, firstAt),
          };
          rows.push(row);
          say(row);
          // another phase of FastNetMon's second at every attack
          await sleep(1_000 + Math.random() * 1_000);
        }
      }
    }
  } finally {
    await Promise.all([tidegate.program.stop(), fastnetmon.program.stop()]);
  }
  for (const [name, { bird }] of [
    ['tidegate', ours],
    ['fastnetmon', theirs],
  ] as const) {
    const subnet = bird.route('10.10.0.0/16');
    console.log(`${name}: the network ${subnet === null ? 'is not announced' : JSON.stringify(subnet)}`);
  }
  return rows;
}

async function main(): Promise<void> {
  const binary = gobgpd3();
  if (binary === null) return;
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-race-'));
  const [our, their] = [makeRouting('tgro'), makeRouting('tgrt')];
  const [ourGobgpd, theirGobgpd] = [startRoutedGobgpd(our, binary), startRoutedGobgpd(their, binary)];
  try {
    // both daemons run where FastNetMon's fixed address leads to its gobgpd
    const stage = addSniffedWire(their, 'tgrw');
    const [ourBird, theirBird] = [await startBird(our), await startBird(their)];
    await Promise.all([ourBird.established(), theirBird.established()]);
    const rows: Row[] = [];
    for (const windowSeconds of numbers(values.windows)) {
      const ours = { routing: our, bird: ourBird, address: ourGobgpd.address };
      rows.push(...(await race(windowSeconds, ours, { routing: their, bird: theirBird }, stage, directory)));
    }
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  } finally {
    await Promise.all([ourGobgpd.remove(), theirGobgpd.remove()]);
    our.remove();
    their.remove();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
