/**
 * 5,000 mitigations at once, whole: ledger, journal and announcers in one process, real speakers behind them. Each holds every
 * route, has them all again after it was killed, and none when all are released. Times are printed, counts are claimed.
 */
import { afterAll, expect, test } from 'vitest';
import { announcerActor } from '../actors/mitigation/announcer.js';
import type { AnnouncerReport } from '../actors/mitigation/announcer-messages.js';
import { aSpeaker } from '../domain/rehearsal.js';
import type { SpeakerOpener } from '../domain/speaker.js';
import { exabgpSpeaker } from '../integrations/bgp/exabgp.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import { gobgpd3, startGobgpd } from '../integrations/bgp/gobgpd-process.js';
import { massAttacks, massScene } from './mass-scene.js';
import { exabgpObstacle, rehearseExabgp } from './routers.js';

const mitigations = 5_000;
const deadlineMs = 10_000;
const reconcileMs = 2_000;

type Rig = {
  readonly missing: string | null;
  /** Starts the real one. */
  readonly start: () => {
    readonly open: SpeakerOpener;
    /** It loses all that it holds, and comes back. */
    readonly restart: () => Promise<void>;
    /** What it holds by its own word, or its router's. */
    readonly count: () => Promise<number>;
    readonly remove: () => Promise<void>;
  };
};

const gobgpRig: Rig = {
  missing: gobgpd3() === null ? 'gobgpd 3 is not installed' : null,
  start: () => {
    const binary = gobgpd3();
    if (binary === null) throw new Error('gobgpd 3 is not installed');
    const gobgpd = startGobgpd(binary);
    const options = {
      address: gobgpd.address,
      port: 0,
      tls: null,
      deadlineMs,
      mark: 7,
      localPreference: null,
    };
    const other = gobgpSpeaker(options)(() => {});
    return {
      open: gobgpSpeaker(options),
      restart: async () => {
        await gobgpd.kill();
        gobgpd.restart();
      },
      count: async () => {
        const listed = await other.list(new Set(), AbortSignal.timeout(deadlineMs));
        return listed.ok && listed.value !== null ? listed.value.ours.length : -1;
      },
      remove: async () => {
        other.close();
        await gobgpd.remove();
      },
    };
  },
};

const exabgpRig: Rig = {
  missing: exabgpObstacle(4),
  start: () => {
    const stage = rehearseExabgp(4);
    stage.start();
    return {
      open: exabgpSpeaker({ pipe: stage.commandPipe, answers: stage.answerPipe, mark: null }),
      restart: async () => {
        await stage.stop();
        stage.start();
      },
      count: async () => Number(/^(\d+) of/m.exec(stage.bird('show', 'route', 'count'))?.[1] ?? -1),
      remove: () => stage.close(),
    };
  },
};

const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

for (const [name, rig] of [
  ['gobgpd 3', gobgpRig],
  ['exabgp 4', exabgpRig],
] as const) {
  const claim = `5,000 mitigations at once are held by ${name}, again after its restart, and gone when released`;
  test.skipIf(rig.missing !== null)(
    rig.missing === null ? claim : `${claim} (${rig.missing})`,
    { timeout: 240_000 },
    async () => {
      const speaker = rig.start();
      ends.push(speaker.remove);
      const scene = await massScene([aSpeaker({ name: 'edge-1' })], (_, ledger) =>
        announcerActor({
          name: 'edge-1',
          reconcileMs,
          deadlineMs,
          open: speaker.open,
          ledger,
          random: Math.random,
        }),
      );
      ends.push(scene.close);
      const { until, measure, figures } = scene;
      const report = (): Promise<AnnouncerReport> =>
        new Promise((reply) => void scene.announcers.get('edge-1')?.send({ kind: 'report', reply }));
      await until(async () => (await report()).state === 'up');

      const attacks = massAttacks(mitigations);
      scene.mitigate(attacks);
      await measure('announced', async () => (await report()).held === mitigations);
      await until(async () => (await scene.report()).held === mitigations);
      await until(async () => (await speaker.count()) === mitigations);

      const before = (await report()).lastReconciledAt ?? 0;
      await measure('read', async () => ((await report()).lastReconciledAt ?? 0) > before);

      await speaker.restart();
      await until(async () => (await report()).held === 0);
      await measure('restored', async () => (await report()).held === mitigations);
      await until(async () => (await speaker.count()) === mitigations);

      scene.release(attacks);
      await measure('released', async () => (await report()).wanted + (await report()).pending === 0);
      await until(async () => (await scene.report()).leaving === 0);
      await until(async () => (await speaker.count()) === 0);
      console.log(`${name}: ${JSON.stringify(figures)}`);
      expect((await report()).refused).toBe(0);
    },
  );
}
