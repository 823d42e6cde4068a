/**
 * Thousands of mitigations at once, for tests: ledger and journal as in the daemon, with the announcers that a test brings. What
 * it takes is measured and printed by them, and nothing is claimed of it: a machine may be busy.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage, LedgerReport } from '../actors/mitigation/messages.js';
import { type Attack, attackId } from '../domain/attack.js';
import type { SpeakerPolicy } from '../domain/bgp.js';
import type { Journal, Log } from '../domain/ports.js';
import { aMitigationPolicy, anAttack } from '../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { openJournal } from '../integrations/journal/journal.js';
import type { Ref } from '../supervision/behaviour.js';
import { createPlace, type Tenancy } from '../supervision/place.js';
import { supervisor } from '../supervision/rehearsal.js';
import { startTree } from '../supervision/tree.js';
import { machineClock } from './clock.js';

const nothing = (): void => {};
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silence };
const resolutionMs = 1;
const limitMs = 60_000;

type Claim = () => boolean | Promise<boolean>;

export type MassScene = {
  readonly ledger: Ref<LedgerMessage>;
  readonly announcers: ReadonlyMap<string, Ref<AnnouncerMessage>>;
  readonly journal: Journal;
  readonly report: () => Promise<LedgerReport>;
  /** Throws when it does not come true within a minute. */
  readonly until: (claim: Claim) => Promise<number>;
  /** Until it is true: its figures, `nameMs`, `nameCpuMs`, `nameP99Ms` and `nameWorstMs` of the event loop. */
  readonly measure: (name: string, claim: Claim) => Promise<void>;
  readonly figures: { readonly [name: string]: number };
  readonly mitigate: (attacks: readonly Attack[]) => void;
  readonly release: (attacks: readonly Attack[]) => void;
  readonly close: () => Promise<void>;
};

/** Hosts of 10.0.0.0/16, each with its attack. */
export const massAttacks = (count: number): readonly Attack[] =>
  Array.from({ length: count }, (_, serial) =>
    anAttack({ subject: { kind: 'host', host: `10.0.${serial >> 8}.${serial & 255}` as HostKey } }, serial),
  );

export async function massScene<S>(
  speakers: readonly SpeakerPolicy[],
  announcerOf: (name: string, ledger: Ref<LedgerMessage>) => Tenancy<S, AnnouncerMessage>,
): Promise<MassScene> {
  const dir = mkdtempSync(join(tmpdir(), 'tidegate-mass-'));
  const opened = await openJournal({ dir });
  if (!opened.ok) throw new Error(opened.error.detail);
  const base = aMitigationPolicy();
  const policy = {
    ...base,
    speakers,
    guard: { ...base.guard, maxAnnouncements: 10_000, maxChangesPerMinute: 100_000, shortestIpv4: 16 },
  };
  const guarded = { networks: ['10.0.0.0/16' as PrefixKey], whitelist: ['10.1.0.0/16' as PrefixKey] };
  const [journal, ledger] = [createPlace<JournalMessage>('journal'), createPlace<LedgerMessage>('ledger')];
  const places = new Map(speakers.map(({ name }) => [name, createPlace<AnnouncerMessage>(name)] as const));
  let restored = false;
  const tree = await startTree(
    supervisor('root', [
      journal.child(journalActor({ journal: opened.value })),
      ledger.child(
        ledgerActor({
          journal: journal.ref,
          script: null,
          announcer: (speaker) => places.get(speaker)?.ref ?? null,
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
      ...[...places].map(([name, place]) => place.child(announcerOf(name, ledger.ref))),
    ]),
    { clock: machineClock, log: silence, random: () => 0.5 },
  );
  const until = async (claim: Claim): Promise<number> => {
    const began = performance.now();
    while (!(await claim())) {
      if (performance.now() - began > limitMs) throw new Error(`${claim}: not within ${limitMs} ms`);
      await new Promise((next) => setTimeout(next, 5));
    }
    return performance.now() - began;
  };
  await until(() => restored);

  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  const lateMs = (nanoseconds: number): number =>
    Math.round(Math.max(0, nanoseconds / 1e6 - resolutionMs) * 10) / 10;
  const figures: { [name: string]: number } = {};
  return {
    ledger: ledger.ref,
    announcers: new Map([...places].map(([name, { ref }]) => [name, ref])),
    journal: opened.value,
    report: () => new Promise((reply) => void ledger.ref.send({ kind: 'report', reply })),
    until,
    measure: async (name, claim) => {
      const cpu = process.cpuUsage();
      delays.reset();
      delays.enable();
      figures[`${name}Ms`] = Math.round(await until(claim));
      delays.disable();
      const used = process.cpuUsage(cpu);
      figures[`${name}CpuMs`] = Math.round((used.user + used.system) / 1000);
      figures[`${name}P99Ms`] = lateMs(delays.percentile(99));
      figures[`${name}WorstMs`] = lateMs(delays.max);
    },
    figures,
    mitigate: (attacks) => {
      for (const attack of attacks) ledger.ref.send({ kind: 'mitigate', attack, until: null });
    },
    release: (attacks) => {
      const at = machineClock.unixMicros();
      for (const { id } of attacks) ledger.ref.send({ kind: 'release', attack: id, at });
    },
    close: async () => {
      await tree.stop();
      await opened.value.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
