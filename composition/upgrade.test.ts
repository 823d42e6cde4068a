/**
 * An upgrade while attacks are on: the journal is one of a release that did not announce. After the start a real gobgpd holds
 * what is wanted, by the configuration of now, and the script hears nothing twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { aBatch, stage } from '../actors/capture/rehearsal.js';
import { scale } from '../actors/hostgroup/rehearsal.js';
import { filesOf } from '../config/files.js';
import { loadSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import { announcementKey } from '../domain/announcement.js';
import { type SampledPacket, type Subject, subjectText } from '../domain/attack.js';
import type { Standing } from '../domain/ports.js';
import { aMitigation, anAttack, aPacket, ratesOf, rehearsalStart } from '../domain/rehearsal.js';
import { failure, success } from '../domain/result.js';
import { quietRates } from '../domain/traffic.js';
import type { HostKey } from '../domain/units.js';
import { gobgpSpeaker } from '../integrations/bgp/gobgp.js';
import { type Gobgpd, gobgpd3, startGobgpd } from '../integrations/bgp/gobgpd-process.js';
import { type OlderSchema, writeOlderJournal } from '../integrations/journal/older-journals.js';
import { type Daemon, startDaemon } from '../main.js';
import { rememberingLog } from '../supervision/rehearsal.js';

const binary = gobgpd3();
const folder = mkdtempSync(join(tmpdir(), 'tidegate-upgrade-'));
const running: { daemon: Daemon | null; gobgpd: Gobgpd | null } = { daemon: null, gobgpd: null };
let serial = 0;
afterEach(async () => {
  await running.daemon?.stop();
  await running.gobgpd?.remove();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const host = (text: string): Subject => ({ kind: 'host', host: text as HostKey });
const attacked = anAttack({ subject: host('192.0.2.7'), evidence: 'complete' }, 1);
const gathering = anAttack({ subject: host('192.0.2.8') }, 2);
const byHand = anAttack(
  { subject: host('192.0.2.9'), origin: 'manual', cause: null, direction: 'other', evidence: 'none' },
  3,
);
const over = anAttack({ subject: host('192.0.2.10'), endedAt: rehearsalStart + 9 }, 4);
const left = [
  aMitigation({ attack: attacked, notified: 'ban' }),
  aMitigation({ attack: gathering, notified: 'ban' }),
  aMitigation({ attack: byHand, notified: 'ban', comment: 'by hand' }),
  aMitigation({ attack: over, notified: 'ban', state: 'released' }),
];
const standing = (attack: typeof attacked): Standing => ({
  subject: attack.subject,
  direction: 'incoming',
  over: true,
  rates: { incoming: ratesOf({ total: attack.peak }), outgoing: quietRates },
});
const packetCount = 300;
const packetsTo = (subject: Subject): readonly SampledPacket[] =>
  Array.from({ length: packetCount }, (_, n) =>
    aPacket({
      at: rehearsalStart + n,
      source: `${n % 200}.51.100.${n % 250}`,
      destination: subjectText(subject),
      destinationPort: 1024 + n,
    }),
  );

function settingsFrom(dir: string, address: string, action: string): Settings {
  const text = JSON.stringify({
    networks: ['192.0.2.0/24'],
    capture: { interfaces: ['eth0'] },
    notify: { script: '/opt/notify.sh' },
    evidence: { packets: packetCount, directory: join(dir, 'evidence') },
    ban: { action },
    bgp: {
      gobgp: [{ address, flowspec: { announce: true }, reconcile: '1s' }],
    },
    state: { dir },
  });
  const files = filesOf({ '/t.yaml': text }, ['/opt/notify.sh']);
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.settings;
}

/** What the script is told, and what gobgpd holds, once the daemon stands on a journal of that schema. */
async function upgraded(schema: OlderSchema, action: string) {
  if (binary === null) throw new Error('asked for without gobgpd');
  const gobgpd = startGobgpd(binary);
  running.gobgpd = gobgpd;
  const dir = join(folder, `state-${serial++}`);
  writeOlderJournal(dir, schema, left);
  const wire = stage();
  const meter = scale();
  wire.batches = [aBatch('global')];
  meter.watched = [standing(attacked), standing(gathering)];
  const told: string[] = [];
  const started = await startDaemon(settingsFrom(dir, gobgpd.address, action), {
    log: rememberingLog(),
    version: '0.0.0-test',
    load: () => ({ ok: false, findings: [] }),
    applyLog: () => {},
    openDataPlane: () => ({
      openInterface: wire.open,
      openFlows: wire.open,
      openMeter: meter.open,
      openTap: (subject) => {
        const packets = [...packetsTo(subject)];
        return {
          gathered: () => packets.length,
          read: () => packets.splice(0),
          seal: () => {},
          before: () => [],
          close: () => {},
        };
      },
      openIngress: () => null,
      witness: async () => failure('SOURCE_UNAVAILABLE', 'EPERM: no wire here'),
    }),
    runScript: async ({ args }) => {
      told.push(`${args[3]} ${args[0]}`);
      return success({ exitCode: 0, output: '', tookMs: 1 });
    },
  });
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  running.daemon = started.value;
  const reader = gobgpSpeaker({
    address: gobgpd.address,
    port: 0,
    tls: null,
    deadlineMs: 10_000,
    mark: 0x54494445,
    localPreference: null,
  })(() => {});
  const held = async (): Promise<readonly string[]> => {
    const listed = await reader.list(new Set(), new AbortController().signal);
    return listed.ok ? (listed.value?.ours ?? []).map(announcementKey).sort() : [];
  };
  return { held, told, close: () => reader.close() };
}

const about = (told: readonly string[], which: typeof attacked): readonly string[] =>
  told.filter((call) => which.subject.kind === 'host' && call.endsWith(` ${which.subject.host}`));

test.skipIf(binary === null).each([1, 2] as const)(
  `schema %i: attacks and bans by hand that are on are announced, what is over is not${binary === null ? ' (skipped: gobgpd is not installed)' : ''}`,
  { timeout: 60_000 },
  async (schema) => {
    const after = await upgraded(schema, 'blackhole');
    const routes = ['192.0.2.7', '192.0.2.8', '192.0.2.9'].map((one) => `unicast ${one}/32`);
    await expect.poll(after.held, { timeout: 30_000 }).toEqual(routes);
    await expect.poll(() => about(after.told, over), { timeout: 10_000 }).toEqual(['unban 192.0.2.10']);
    await expect
      .poll(() => about(after.told, gathering), { timeout: 10_000 })
      .toEqual(['attack_details 192.0.2.8']);
    expect(about(after.told, attacked)).toEqual([]);
    expect(about(after.told, byHand)).toEqual([]);
    after.close();
  },
);

test.skipIf(binary === null)(
  `schema 2, flowspec: rules are made of evidence that is gathered again; a ban by hand is a blackhole${binary === null ? ' (skipped: gobgpd is not installed)' : ''}`,
  { timeout: 60_000 },
  async () => {
    const after = await upgraded(2, 'flowspec');
    const whatFor = async (): Promise<readonly string[]> =>
      (await after.held()).map((key) => key.replace(/ (protocol|source-port|packet-length) .*/, ''));
    await expect
      .poll(whatFor, { timeout: 30_000 })
      .toEqual([
        'flowspec destination 192.0.2.7/32',
        'flowspec destination 192.0.2.8/32',
        'unicast 192.0.2.9/32',
      ]);
    await expect
      .poll(() => about(after.told, attacked), { timeout: 10_000 })
      .toEqual(['attack_details 192.0.2.7']);
    after.close();
  },
);
