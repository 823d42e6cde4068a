/**
 * 5,000 mitigations at once: ledger and journal as in the daemon, the announcer a double that confirms what it is told.
 *
 * Times are printed; what is claimed of them is far above what an idle machine takes (docs/decisions/0008-desired-state.md): it catches a
 * change of order, not a busy day.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, expect, test } from 'vitest';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage, LedgerReport } from '../actors/mitigation/messages.js';
import { announcementKey } from '../domain/announcement.js';
import { attackId } from '../domain/attack.js';
import type { Log } from '../domain/ports.js';
import { aMitigationPolicy, anAttack, aSpeaker } from '../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { openJournal } from '../integrations/journal/journal.js';
import type { Behaviour } from '../supervision/behaviour.js';
import { createPlace } from '../supervision/place.js';
import { actor, supervisor } from '../supervision/rehearsal.js';
import { startTree } from '../supervision/tree.js';
import { machineClock } from './clock.js';

const dir = mkdtempSync(join(tmpdir(), 'tidegate-mass-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const nothing = (): void => {};
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silence };
const mitigations = 5_000;
const resolutionMs = 1;
const limitMs = 60_000;

type Heard = { readonly wanted: Set<string>; messages: number };

/** Confirms what it is told, in the same turn. */
const announcer = (
  ledger: { send: (message: LedgerMessage) => boolean },
  heard: Heard,
): Behaviour<null, AnnouncerMessage> => ({
  name: 'announcer',
  init: () => {
    ledger.send({ kind: 'announcer_started', speaker: 'edge-1' });
    return null;
  },
  receive: (state, message) => {
    if (message.kind !== 'want' && message.kind !== 'unwant') return state;
    heard.messages += 1;
    const outcome = message.kind === 'want' ? ('held' as const) : ('gone' as const);
    const results = message.announcements.map((announcement) => {
      const key = announcementKey(announcement);
      if (message.kind === 'want') heard.wanted.add(key);
      else heard.wanted.delete(key);
      return { key, outcome, detail: null };
    });
    ledger.send({ kind: 'spoken', speaker: 'edge-1', results });
    return state;
  },
});

test('5,000 mitigations at once are announced and withdrawn, and the loop goes on meanwhile', {
  timeout: 180_000,
}, async () => {
  const opened = await openJournal({ dir });
  if (!opened.ok) throw new Error(opened.error.detail);
  const base = aMitigationPolicy();
  const policy = {
    ...base,
    speakers: [aSpeaker({ ipv4: { ...aSpeaker().ipv4, subnet: aSpeaker().ipv4.host } })],
    guard: { ...base.guard, maxAnnouncements: 10_000, maxChangesPerMinute: 100_000, shortestIpv4: 16 },
  };
  const guarded = { networks: ['10.0.0.0/16' as PrefixKey], whitelist: ['10.1.0.0/16' as PrefixKey] };
  const [journal, ledger, edge] = [
    createPlace<JournalMessage>('journal'),
    createPlace<LedgerMessage>('ledger'),
    createPlace<AnnouncerMessage>('edge-1'),
  ];
  const heard: Heard = { wanted: new Set(), messages: 0 };
  let restored = false;
  const mailbox = { bound: 65_536, overflow: { kind: 'drop_new' } } as const;
  const tree = await startTree(
    supervisor('root', [
      journal.child(journalActor({ journal: opened.value })),
      ledger.child(
        ledgerActor({
          journal: journal.ref,
          script: null,
          announcer: () => edge.ref,
          policy: () => policy,
          guarded: () => guarded,
          actionOf: () => 'blackhole',
          hostgroupOf: () => 'global',
          newId: (at) => attackId(at, 0),
          banReport: () => '',
          power: () => 0,
          endAttack: () => {},
          news: () => {},
          restored: () => {
            restored = true;
          },
        }),
      ),
      edge.child(actor('edge-1', () => announcer(ledger.ref, heard), { mailbox })),
    ]),
    { clock: machineClock, log: silence, random: () => 0.5 },
  );
  const until = async (claim: () => boolean | Promise<boolean>): Promise<number> => {
    const began = performance.now();
    while (!(await claim())) {
      if (performance.now() - began > limitMs) throw new Error(`${claim}: not within ${limitMs} ms`);
      await new Promise((next) => setTimeout(next, 2));
    }
    return performance.now() - began;
  };
  const report = (): Promise<LedgerReport> =>
    new Promise((reply) => void ledger.ref.send({ kind: 'report', reply }));
  await until(() => restored);

  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  const p99Ms = (): number => Math.max(0, delays.percentile(99) / 1e6 - resolutionMs);
  const figures: { [name: string]: number } = {};
  const measure = async (name: string, claim: () => boolean | Promise<boolean>): Promise<void> => {
    const cpu = process.cpuUsage();
    delays.reset();
    delays.enable();
    figures[`${name}Ms`] = Math.round(await until(claim));
    delays.disable();
    const used = process.cpuUsage(cpu);
    figures[`${name}CpuMs`] = Math.round((used.user + used.system) / 1000);
    figures[`${name}P99Ms`] = Math.round(p99Ms() * 10) / 10;
    figures[`${name}WorstMs`] = Math.round(delays.max / 1e5) / 10;
  };

  const attacks = Array.from({ length: mitigations }, (_, serial) =>
    anAttack({ subject: { kind: 'host', host: `10.0.${serial >> 8}.${serial & 255}` as HostKey } }, serial),
  );
  for (const attack of attacks) ledger.ref.send({ kind: 'mitigate', attack, until: null });
  await measure('announced', () => heard.wanted.size === mitigations + 1);
  await until(async () => (await report()).held === mitigations + 1);

  ledger.ref.send({ kind: 'stop_all', comment: '', reply: () => {} });
  await measure('stopped', () => heard.wanted.size === 0);
  ledger.ref.send({ kind: 'start_all', reply: () => {} });
  await measure('started', () => heard.wanted.size === mitigations + 1);

  // half of them go; the subnet stays for the other half
  for (const { id } of attacks.slice(0, mitigations / 2)) {
    ledger.ref.send({ kind: 'release', attack: id, at: machineClock.unixMicros() });
  }
  await measure('released', () => heard.wanted.size === mitigations / 2 + 1);
  expect(heard.wanted.has('unicast 10.0.0.0/16')).toBe(true);
  for (const { id } of attacks.slice(mitigations / 2)) {
    ledger.ref.send({ kind: 'release', attack: id, at: machineClock.unixMicros() });
  }
  await until(() => heard.wanted.size === 0);
  await until(async () => (await report()).leaving === 0);
  await until(async () => {
    const left = await opened.value.active();
    return left.ok && left.value.length === 0;
  });
  console.log(JSON.stringify(figures));
  expect(figures.announcedCpuMs).toBeLessThan(5_000);
  expect(figures.announcedP99Ms).toBeLessThan(1_000);
  await tree.stop();
  await opened.value.close();
});
