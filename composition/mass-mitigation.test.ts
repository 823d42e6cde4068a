/**
 * 5,000 mitigations at once: ledger and journal as in the daemon, the announcer a double that confirms what it is told. With
 * real speakers: mass-announcing.test.ts. Times are printed, counts are claimed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { announcementKey } from '../domain/announcement.js';
import { aSpeaker } from '../domain/rehearsal.js';
import type { Behaviour, Ref } from '../supervision/behaviour.js';
import { tenancy } from '../supervision/rehearsal.js';
import { massAttacks, massScene } from './mass-scene.js';

const mitigations = 5_000;

/** Confirms what it is told, in the same turn. */
const announcer = (ledger: Ref<LedgerMessage>, wanted: Set<string>): Behaviour<null, AnnouncerMessage> => ({
  name: 'announcer',
  init: () => {
    ledger.send({ kind: 'announcer_started', speaker: 'edge-1' });
    return null;
  },
  receive: (state, message) => {
    if (message.kind !== 'want' && message.kind !== 'unwant') return state;
    const outcome = message.kind === 'want' ? ('held' as const) : ('gone' as const);
    const results = message.announcements.map((announcement) => {
      const key = announcementKey(announcement);
      if (message.kind === 'want') wanted.add(key);
      else wanted.delete(key);
      return { key, outcome, detail: null };
    });
    ledger.send({ kind: 'spoken', speaker: 'edge-1', results });
    return state;
  },
});

test('5,000 mitigations at once are announced and withdrawn, and the loop goes on meanwhile', {
  timeout: 180_000,
}, async () => {
  const wanted = new Set<string>();
  const speaker = aSpeaker({ ipv4: { ...aSpeaker().ipv4, subnet: aSpeaker().ipv4.host } });
  const scene = await massScene([speaker], (_, ledger) =>
    tenancy(() => announcer(ledger, wanted), {
      mailbox: { bound: 65_536, overflow: { kind: 'drop_new' } },
    }),
  );
  const { until, measure, report, ledger, figures } = scene;
  const attacks = massAttacks(mitigations);
  scene.mitigate(attacks);
  await measure('announced', () => wanted.size === mitigations + 1);
  await until(async () => (await report()).held === mitigations + 1);

  ledger.send({ kind: 'stop_all', comment: '', reply: () => {} });
  await measure('stopped', () => wanted.size === 0);
  ledger.send({ kind: 'start_all', reply: () => {} });
  await measure('started', () => wanted.size === mitigations + 1);

  // half of them go; the subnet stays for the other half
  scene.release(attacks.slice(0, mitigations / 2));
  await measure('released', () => wanted.size === mitigations / 2 + 1);
  expect(wanted.has('unicast 10.0.0.0/16')).toBe(true);
  scene.release(attacks.slice(mitigations / 2));
  await until(() => wanted.size === 0);
  await until(async () => (await report()).leaving === 0);
  await until(async () => {
    await sleep(250); // the journal's thread reads all that is on for each answer, and has better to do
    const left = await scene.journal.active();
    return left.ok && left.value.length === 0;
  });
  console.log(JSON.stringify(figures));
  expect(figures.announcedCpuMs).toBeLessThan(5_000);
  await scene.close();
});
