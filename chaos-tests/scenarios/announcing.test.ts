/**
 * Bans come and go while the daemon, or what it announces through, is killed: behind gobgpd stands a real router, and
 * what it sees is what counts. Needs root, iproute2, bird 2 and gobgpd; skipped by name without.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../bench/process.js';
import {
  type Bird,
  discardNextHops,
  exabgpObstacle,
  type Gobgpd,
  gobgpd3,
  makeRouting,
  type Rehearsal,
  type Routing,
  rehearseExabgp,
  routingObstacle,
  startBird,
  startRoutedGobgpd,
} from '../../composition/routers.js';
import { freePort } from '../../traffic/loopback.js';
import { type Orders, orders } from '../faults/bans.js';
import { fill, type SmallDisk, smallDisk } from '../faults/disk.js';
import { flowSettings } from '../flows.js';
import { type Daemon, type Home, makeHome, startDaemon } from '../harness.js';

/** How often the daemon is killed; a full run is 200. */
const kills = Number(process.env.TIDEGATE_KILLS ?? 25);
const reconcileMs = 2_000;
const obstacle = routingObstacle() ?? (gobgpd3() === null ? 'gobgpd 3 is not installed' : null);

let home: Home | null = null;
let daemon: Daemon | null = null;
let routing: Routing | null = null;
let gobgpd: Gobgpd | null = null;
let disk: SmallDisk | null = null;
let exabgp: Rehearsal | null = null;
afterEach(async () => {
  await daemon?.stop();
  disk?.remove();
  await exabgp?.close();
  home?.remove();
  await gobgpd?.remove();
  routing?.remove();
  daemon = null;
  home = null;
  gobgpd = null;
  routing = null;
  disk = null;
  exabgp = null;
});

const settings = (port: number, speaker: string): string =>
  flowSettings(
    port,
    `bgp:
  ${speaker}
      ipv4: { host: { next_hop: ${discardNextHops.ipv4}, communities: ["65001:666"] } }
      ipv6: { host: { next_hop: "${discardNextHops.ipv6}", communities: ["65001:666"] } }
      reconcile: ${reconcileMs}ms
      deadline: 1s
  guard: { max_changes_per_minute: 100000, max_announcements: 10000 }`,
  );

type Scene = { readonly home: Home; readonly bird: Bird; readonly gobgpd: Gobgpd; readonly orders: Orders };
const addresses = { ipv4: '203.0.113.', ipv6: '2001:db8::' };

async function scene(name: string, diskMebibytes: number | null = null): Promise<Scene> {
  const binary = gobgpd3();
  if (binary === null) throw new Error('asked for without gobgpd');
  const made = makeRouting(name);
  routing = made;
  const speaker = startRoutedGobgpd(made, binary);
  gobgpd = speaker;
  const bird = await startBird(made);
  const place = makeHome(
    settings(await freePort(), `gobgp:\n    - address: ${JSON.stringify(speaker.address)}`),
  );
  home = place;
  if (diskMebibytes !== null) disk = smallDisk(place.stateDir, diskMebibytes);
  daemon = await startDaemon(place);
  expect(await bird.established()).toBe(true);
  return {
    home: place,
    bird,
    gobgpd: speaker,
    orders: orders(place, addresses),
  };
}

const routeOf = (host: string): string => `${host}/${host.includes(':') ? 128 : 32}`;
const hostsIn = (bird: Bird): readonly string[] =>
  bird
    .routes()
    .map(({ what }) => what.slice(0, what.indexOf('/')))
    .sort();

/** The router has what the daemon says is banned, and nothing else, within a reconcile period of the last start. */
async function agrees(given: Orders, seen: () => readonly string[]): Promise<void> {
  await given.settled();
  const now = daemon;
  if (now === null) throw new Error('no daemon');
  const wanted = (await now.attacks()).active
    .filter(({ state }) => state === 'wanted')
    .map(({ attack }) => (attack.subject.kind === 'host' ? attack.subject.host : ''))
    .sort();
  await until(() => JSON.stringify(seen()) === JSON.stringify(wanted), reconcileMs + 3_000);
  expect(seen()).toEqual(wanted);
  for (const host of given.staying()) expect(wanted).toContain(host);
  for (const host of given.gone()) expect(wanted).not.toContain(host);
}

async function killAgain(killed: () => Promise<void>, rounds: number, given: Orders): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    // another moment at every round: in the middle of orders, of journal writes, of announcements, of the start itself
    for (let order = 0; order < 3; order += 1) {
      given.next();
      await sleep(Math.random() * 15);
    }
    await sleep((round * 37) % 220);
    await killed();
  }
}

const hasEnough = (given: Orders): boolean => given.staying().length > 2 && given.gone().length > 0;

const title = (text: string): string => (obstacle === null ? text : `${text} (skipped: ${obstacle})`);

test.skipIf(obstacle !== null)(
  title(
    `the daemon is killed ${kills} times: no live mitigation is ever withdrawn, none is missing or left over`,
  ),
  { timeout: kills * 4_000 + 60_000 },
  async () => {
    const here = await scene('tgck');
    await killAgain(
      async () => {
        await daemon?.kill();
        daemon = await startDaemon(here.home);
      },
      kills,
      here.orders,
    );
    // a daemon that starts slowly and is killed soon confirms little: the rest is ordered of the last one
    for (let order = 0; order < 40 && !hasEnough(here.orders); order += 1) {
      here.orders.next();
      await here.orders.settled();
    }
    await agrees(here.orders, () => hostsIn(here.bird));
    const asked = new Map(
      [...here.orders.unbanAsked()].map(([host, atMs]) => [routeOf(host), atMs] as const),
    );
    const removed = here.bird.changes().filter((change) => change.do === 'removed');
    for (const { what, atMs } of removed) {
      expect(asked.get(what) ?? Number.POSITIVE_INFINITY, `${what} went`).toBeLessThanOrEqual(atMs + 1);
    }
    expect(hasEnough(here.orders)).toBe(true);
  },
);

test.skipIf(obstacle !== null)(
  title('gobgpd is killed again and again: afterwards nothing is missing and nothing left over'),
  { timeout: 120_000 },
  async () => {
    const here = await scene('tgcg');
    await killAgain(
      async () => {
        await here.gobgpd.kill();
        here.orders.next();
        await sleep(150);
        here.gobgpd.restart();
      },
      8,
      here.orders,
    );
    expect(await here.bird.established()).toBe(true);
    await agrees(here.orders, () => hostsIn(here.bird));
  },
);

test.skipIf(obstacle !== null)(
  title(
    'the disk under the journal is full: what is ordered is announced all the same, and stays over kill -9',
  ),
  { timeout: 90_000 },
  async () => {
    const here = await scene('tgcd', 8);
    for (let order = 0; order < 4; order += 1) here.orders.next();
    await here.orders.settled();
    const free = fill(here.home.stateDir);
    const late = ['203.0.113.201', '2001:db8::c9'];
    for (const host of late) {
      const request = { kind: 'ban', host, forMs: null, comment: 'on a full disk' } as const;
      await expect(daemon?.ask(request)).rejects.toThrow(/JOURNAL_UNWRITABLE.*in force/);
      expect(await until(() => hostsIn(here.bird).includes(host), 5_000), host).toBe(true);
    }
    free();
    await sleep(6_000); // written again once a second
    await daemon?.kill();
    daemon = await startDaemon(here.home);
    await agrees(here.orders, () => hostsIn(here.bird));
    for (const host of late) expect(hostsIn(here.bird)).toContain(host);
    expect(here.bird.changes().filter((change) => change.do === 'removed')).toEqual([]);
  },
);

const noExabgp = exabgpObstacle(4);
test.skipIf(noExabgp !== null)(
  `ExaBGP is killed again and again: afterwards nothing is missing and nothing left over${noExabgp === null ? '' : ` (skipped: ${noExabgp})`}`,
  { timeout: 180_000 },
  async () => {
    const speaker = rehearseExabgp(4);
    exabgp = speaker;
    speaker.start();
    const pipes = `exabgp:\n    - pipe: ${speaker.commandPipe}\n      answers: ${speaker.answerPipe}`;
    const place = makeHome(settings(await freePort(), pipes));
    home = place;
    daemon = await startDaemon(place);
    const given = orders(place, addresses);
    const seen = (): readonly string[] =>
      ['master4', 'master6']
        .flatMap((table) => [
          ...speaker.bird('show', 'route', 'table', table).matchAll(/^([\da-f.:]+)\/\d+ /gm),
        ])
        .map(([, host = '']) => host)
        .sort();
    await killAgain(
      async () => {
        await speaker.stop();
        given.next();
        await sleep(150);
        speaker.start();
      },
      5,
      given,
    );
    await killAgain(
      async () => {
        await daemon?.kill();
        daemon = await startDaemon(place);
      },
      5,
      given,
    );
    expect(await until(() => seen().length > 3, 20_000)).toBe(true);
    await agrees(given, seen);
  },
);
