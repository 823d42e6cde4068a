/** From an order to the receivers: real ledger, journal and HTTP servers, one of which hangs and one fails at first. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { attackPower, banReport } from '../actors/attack/report.js';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import type { NoticeMessage } from '../actors/notice/messages.js';
import type { ReceiverSettings } from '../config/settings.js';
import { attackId } from '../domain/attack.js';
import type { Mitigation } from '../domain/mitigation.js';
import type { Notice } from '../domain/notice.js';
import { aMitigationPolicy } from '../domain/rehearsal.js';
import type { Result } from '../domain/result.js';
import type { PrefixKey } from '../domain/units.js';
import { openJournal } from '../integrations/journal/journal.js';
import type { Ref } from '../supervision/behaviour.js';
import { createPlace } from '../supervision/place.js';
import { rememberingLog, supervisor } from '../supervision/rehearsal.js';
import { startTree } from '../supervision/tree.js';
import { machineClock } from './clock.js';
import { newsTo, wantedReceivers } from './receivers.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-notices-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

/** `status` of an answer; null: none. */
async function receiver(status: (count: number) => number | null) {
  const got: Notice[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString();
    });
    request.on('end', () => {
      asked += 1;
      const code = status(asked);
      if (code === null) return;
      if (code < 300) got.push(JSON.parse(body));
      response.writeHead(code).end();
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const events = (): readonly string[] => got.map(({ event, attack }) => `${event} ${attack.subject}`);
  return { url, events, asked: () => asked };
}

const policy = aMitigationPolicy({ speakers: [] });
const guarded = { networks: ['192.0.2.0/24' as PrefixKey], whitelist: [] };

async function play(receivers: readonly ReceiverSettings[]) {
  const opened = await openJournal({ dir: folder });
  assert.ok(opened.ok);
  const journal = createPlace<JournalMessage>('journal');
  const ledger = createPlace<LedgerMessage>('ledger');
  const refs: Ref<NoticeMessage>[] = [];
  let serial = 0;
  let isRestored = false;
  const told = wantedReceivers(receivers, (id) => {
    const place = createPlace<NoticeMessage>(id);
    refs.push(place.ref);
    return place;
  });
  const tree = await startTree(
    supervisor('root', [
      journal.child(journalActor({ journal: opened.value })),
      ledger.child(
        ledgerActor({
          journal: journal.ref,
          script: null,
          announcer: () => null,
          policy: () => policy,
          guarded: () => guarded,
          actionOf: () => 'blackhole',
          hostgroupOf: () => 'global',
          newId: (at) => attackId(at, serial++),
          banReport,
          power: attackPower,
          endAttack: () => {},
          news: newsTo(() => refs),
          restored: () => {
            isRestored = true;
          },
        }),
      ),
      ...told.map(({ spec }) => spec),
    ]),
    { clock: machineClock, log: rememberingLog(), random: () => 0.5 },
  );
  await expect.poll(() => isRestored, { timeout: 8000 }).toBe(true);
  const order = (kind: 'ban' | 'unban', subject: string): Promise<Result<Mitigation>> =>
    new Promise((reply) => {
      ledger.ref.send(
        kind === 'ban'
          ? { kind, host: subject, forMs: null, comment: 'by hand', reply }
          : { kind, host: subject, reply },
      );
    });
  const stop = async (): Promise<void> => {
    await tree.stop();
    await opened.value.close();
  };
  return { order, stop };
}

test('each receiver hears each event once, whatever the others do, and a restart repeats none', async () => {
  const well = await receiver(() => 200);
  const hanging = await receiver(() => null);
  const late = await receiver((count) => (count <= 2 ? 500 : 200));
  const hook = (name: string, url: string): ReceiverSettings => ({
    kind: 'webhook',
    name,
    url,
    secret: 'geheim',
    deadlineMs: 60_000,
  });
  const receivers = [hook('hanging', hanging.url), hook('well', well.url), hook('late', late.url)];
  const first = await play(receivers);
  for (const host of ['192.0.2.7', '192.0.2.8']) assert.ok((await first.order('ban', host)).ok);
  assert.ok((await first.order('unban', '192.0.2.7')).ok);
  const events = ['attack_began 192.0.2.7', 'attack_began 192.0.2.8', 'attack_ended 192.0.2.7'];
  await expect.poll(well.events, { timeout: 8000 }).toEqual(events);
  await expect.poll(late.events, { timeout: 15_000 }).toEqual(events);
  assert.deepEqual([hanging.asked(), late.asked()], [1, 5]);
  await first.stop();
  const second = await play(receivers);
  assert.ok((await second.order('unban', '192.0.2.8')).ok);
  await expect.poll(well.events, { timeout: 8000 }).toEqual([...events, 'attack_ended 192.0.2.8']);
  await second.stop();
});
