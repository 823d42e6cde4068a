/** An attack as it runs: on the real kernel, with a tap, a folder, a ledger and a time moved by hand. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { Attack, SampledPacket } from '../../domain/attack.js';
import type { BanPolicy } from '../../domain/hostgroup.js';
import type { EvidenceFile, ScriptRun, Standing } from '../../domain/ports.js';
import { anAttack, aPacket, ratesOf, rehearsalStart } from '../../domain/rehearsal.js';
import { failure, type Result, success } from '../../domain/result.js';
import { quietRates } from '../../domain/traffic.js';
import type { Ref } from '../../supervision/behaviour.js';
import { manualTime } from '../../supervision/manual-time.js';
import { createPlace } from '../../supervision/place.js';
import {
  idle,
  type LogLine,
  pass,
  rememberingLog,
  startOn,
  supervisor,
} from '../../supervision/rehearsal.js';
import type { HostgroupMessage } from '../hostgroup/messages.js';
import type { LedgerMessage } from '../mitigation/messages.js';
import { attackActor } from './actor.js';
import { mostSeats, openDesk } from './desk.js';
import type { AttackMode } from './lifecycle.js';
import type { AttackMessage } from './messages.js';

const stands = (over: boolean): Standing => ({
  subject: anAttack().subject,
  direction: 'incoming',
  over,
  rates: { incoming: ratesOf({ total: { pps: 50_000, bps: 5e8 } }), outgoing: quietRates },
});

function listener<M>(id: string): { readonly ref: Ref<M>; readonly heard: M[] } {
  const heard: M[] = [];
  return { heard, ref: { id, send: (message) => heard.push(message) > 0 } };
}

async function scene(first = anAttack(), mode: AttackMode = 'new', full = false) {
  const time = manualTime(rehearsalStart);
  const desk = openDesk({ now: time.clock.now, nextRound: setImmediate });
  const others = full
    ? Array.from({ length: mostSeats }, () => desk.seat({ packets: 3, sampleBytes: 64 }, () => {}))
    : [];
  const world = {
    packets: [] as SampledPacket[],
    before: [] as SampledPacket[],
    opened: 0,
    closed: 0,
    sealed: 0,
    looks: 0,
    crash: false,
    disk: (paths: readonly string[]): Promise<Result<readonly string[]>> => Promise.resolve(success(paths)),
    policy: { enabled: true, enabledIpv6: true, timeMs: 0, onlyIfFinished: true, calmMs: 2000 } as BanPolicy,
    latest: first,
  };
  const written: EvidenceFile[] = [];
  const ledger = listener<LedgerMessage>('ledger');
  const hostgroup = listener<HostgroupMessage>('hostgroup');
  const lines: LogLine[] = [];
  const make = attackActor({
    openTap: () => {
      world.opened++;
      return {
        gathered: () => {
          world.looks++;
          if (world.crash) throw new Error('crash');
          return world.packets.length;
        },
        read: (most = 3) => world.packets.splice(0, most),
        seal: () => void world.sealed++,
        before: () => world.before,
        close: () => void world.closed++,
      };
    },
    desk,
    evidence: {
      write: (_id, files) => {
        written.push(...files);
        return world.disk(files.map(({ name }) => `/evidence/${name}`));
      },
    },
    pack: (text) => ({ deflated: Buffer.from(text) }),
    flowspec: { coverage: 0.9, maxRules: 5, maxCollateral: 0.2, action: { kind: 'discard' } },
    limits: { packets: 3, timeLimitMs: 5000, sampleBytes: 64, pcap: true },
  });
  const place = createPlace<AttackMessage>(first.id);
  const spec = make(first, mode, {
    ledger: ledger.ref,
    hostgroup: hostgroup.ref,
    policy: () => world.policy,
    settleMs: 1500,
    latest: () => world.latest,
  });
  const tree = await startOn(time, supervisor('root', [place.child(spec)]), { log: rememberingLog(lines) });
  await idle();
  const stand = async (over: boolean): Promise<void> => {
    place.ref.send({ kind: 'standing', standing: stands(over), at: time.clock.unixMicros() });
    await idle();
  };
  const last = (): Attack | undefined =>
    hostgroup.heard.flatMap((message) => (message.kind === 'attack_revised' ? [message.attack] : [])).at(-1);
  const kinds = (heard: readonly { readonly kind: string }[]): string[] => heard.map(({ kind }) => kind);
  return {
    time,
    world,
    written,
    ledger: ledger.heard,
    group: hostgroup.heard,
    lines,
    place,
    tree,
    stand,
    last,
    kinds,
    others,
  };
}

/** As `scene` packs it. */
const textOf = (report: ScriptRun['stdin']): string =>
  typeof report === 'string' ? report : Buffer.from(report.deflated).toString();

const syn = (): SampledPacket => aPacket({ protocol: 6, tcpFlags: 2, bytes: new Uint8Array(60) });

test('packets from before and after the decision make the report, the files and the fingerprint', async () => {
  const it = await scene();
  it.world.packets = [syn()];
  await pass(it.time, 60);
  assert.equal(it.ledger.length, 0);
  it.world.packets.push(syn(), syn());
  await pass(it.time, 60);
  assert.deepEqual(it.kinds(it.ledger), ['explain', 'revise', 'revise']);
  const [explain] = it.ledger;
  assert.ok(explain?.kind === 'explain' && /protocol: tcp flags: syn frag: 0/.test(textOf(explain.report)));
  assert.deepEqual(
    it.written.map(({ name }) => name.replace(/.*\./, '')),
    ['txt', 'json', 'pcap'],
  );
  assert.equal(it.last()?.fingerprint?.vector, 'syn_flood');
  assert.deepEqual(
    it.last()?.files,
    it.written.map(({ name }) => `/evidence/${name}`),
  );
  const { opened, sealed, closed } = it.world;
  assert.deepEqual([opened, sealed, closed], [1, 1, 1]);
  await it.tree.stop();
});

test('a disk that never answers delays neither the report nor the release', async () => {
  const it = await scene();
  it.world.disk = () => new Promise(() => {});
  it.world.packets = [syn(), syn(), syn()];
  await pass(it.time, 60);
  await it.stand(false);
  await pass(it.time, 2000);
  assert.deepEqual(it.kinds(it.ledger), ['explain', 'revise', 'revise', 'release']);
  assert.equal(it.group.at(-1)?.kind, 'attack_ended');
  await it.tree.stop();
});

test('a disk that fails is logged, and the attack goes on', async () => {
  const it = await scene();
  it.world.disk = async () => failure('EVIDENCE_UNWRITABLE', 'disk full');
  await pass(it.time, 6000);
  assert.ok(it.lines.some(({ level, phrase }) => level === 'warn' && phrase === 'evidence not written'));
  assert.equal(it.place.ref.send({ kind: 'collect' }), true);
  await it.tree.stop();
});

test('an attack without packets is explained at the time limit, with few looks into the tap', async () => {
  const it = await scene();
  await pass(it.time, 4900);
  assert.equal(it.ledger.length, 0);
  await pass(it.time, 2000);
  assert.deepEqual(it.kinds(it.ledger), ['explain', 'revise', 'revise']);
  assert.ok(it.world.looks < 30, `${it.world.looks} looks`);
  assert.deepEqual(
    it.written.map(({ name }) => name.replace(/.*\./, '')),
    ['txt', 'json'],
  );
  await it.tree.stop();
});

test('the release comes to the millisecond, without another standing', async () => {
  const it = await scene();
  await it.stand(false);
  await pass(it.time, 1999);
  assert.ok(!it.kinds(it.ledger).includes('release'));
  await pass(it.time, 2);
  assert.ok(it.kinds(it.ledger).includes('release'));
  await it.tree.stop();
});

test('a policy that changes holds for attacks that are on', async () => {
  const it = await scene();
  it.world.policy = { ...it.world.policy, timeMs: null };
  await it.stand(false);
  await pass(it.time, 60_000);
  assert.ok(!it.kinds(it.ledger).includes('release'));
  it.world.policy = { ...it.world.policy, timeMs: 0 };
  await pass(it.time, 10_000);
  assert.ok(it.kinds(it.ledger).includes('release'));
  await it.tree.stop();
});

test('an operator ends it at once, and a released attack arms no timer', async () => {
  const it = await scene();
  it.place.ref.send({ kind: 'release' });
  await idle();
  // The names of its files come when they are on disk, after the release.
  assert.deepEqual(it.kinds(it.ledger), ['explain', 'revise', 'release', 'revise']);
  await pass(it.time, 1000);
  assert.equal(it.time.armed(), 0);
  await it.tree.stop();
});

test('after a restart with its evidence complete it opens no tap and explains nothing', async () => {
  const it = await scene(anAttack({ evidence: 'complete' }), 'restored');
  await it.stand(true);
  await pass(it.time, 20_000);
  assert.deepEqual([it.world.opened, it.ledger.length], [0, 0]);
  await it.tree.stop();
});

test('after a crash it goes on from the record as last revised, and takes an empty meter for nothing', async () => {
  const it = await scene();
  it.world.packets = [syn(), syn(), syn()];
  it.world.crash = true;
  it.world.latest = anAttack({ evidence: 'complete', peak: { pps: 9e6, bps: 9e9 } });
  await pass(it.time, 200); // crash at the first look, then a new incarnation
  const reports: Attack[] = [];
  it.place.ref.send({ kind: 'report', reply: (attack) => void reports.push(attack) });
  await it.stand(false);
  assert.equal(reports[0]?.peak.pps, 9e6);
  await pass(it.time, 2500); // calm since before the meter had settled does not count
  assert.ok(!it.kinds(it.ledger).includes('release'));
  await it.tree.stop();
});

test('the evidence is compiled: the rules go to the ledger and into both reports, judged by what came before', async () => {
  const normal = (index: number): SampledPacket =>
    aPacket({ at: rehearsalStart - 30e6 - index, sourcePort: 443, bytes: new Uint8Array(0) });
  const it = await scene();
  // Taken when the tap is opened, which has happened: so a crash brings the next incarnation to look again.
  it.world.before = Array.from({ length: 8 }, (_, index) => normal(index));
  it.world.crash = true;
  await pass(it.time, 60);
  it.world.crash = false;
  it.world.packets = [syn(), syn(), syn()];
  await pass(it.time, 1000);
  const [explain] = it.ledger;
  assert.ok(explain?.kind === 'explain');
  assert.deepEqual(
    explain.rules.map(({ destination, protocols }) => [destination, protocols]),
    [['192.0.2.7/32', [6]]],
  );
  assert.match(
    textOf(explain.report),
    /^Flowspec rules: 1 cover 100.0 % of 3 attack packets, hit 0.0 % of 8 normal packets$/m,
  );
  const json = JSON.parse(String(it.written.find(({ name }) => name.endsWith('.json'))?.content)) as {
    flowspec: { rules: readonly unknown[]; normal_packets: number };
  };
  assert.deepEqual([json.flowspec.rules.length, json.flowspec.normal_packets], [1, 8]);
  await it.tree.stop();
});

test('an attack without a seat waits for one, and gathers when there is one', async () => {
  const it = await scene(anAttack(), 'new', true);
  it.world.packets = [syn(), syn(), syn()];
  await pass(it.time, 1000);
  assert.deepEqual([it.world.opened, it.ledger.length], [0, 0]);
  it.others[7]?.leave();
  await pass(it.time, 60);
  assert.deepEqual(it.kinds(it.ledger), ['explain', 'revise', 'revise']);
  assert.deepEqual([it.world.opened, it.world.closed], [1, 1]);
  await it.tree.stop();
});

test('an attack that gets no seat in time is explained by what is remembered of it', async () => {
  const it = await scene(anAttack(), 'new', true);
  it.world.packets = [syn(), syn()];
  await pass(it.time, 5100);
  const [explain] = it.ledger;
  assert.ok(explain?.kind === 'explain' && /flags: syn/.test(textOf(explain.report)));
  assert.deepEqual([it.world.opened, it.world.closed], [1, 1]);
  await it.tree.stop();
});
