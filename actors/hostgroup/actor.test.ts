/** A hostgroup as it runs: on the real kernel, with a meter, a ledger and a time moved by hand. */
import { expect, test } from 'vitest';
import type { Attack, Subject } from '../../domain/attack.js';
import type { Hostgroup } from '../../domain/hostgroup.js';
import type { Exceeded, Standing } from '../../domain/ports.js';
import { anAttack, unsampled } from '../../domain/rehearsal.js';
import { type Direction, quietRates } from '../../domain/traffic.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { manualTime } from '../../supervision/manual-time.js';
import { createPlace } from '../../supervision/place.js';
import {
  actor,
  idle,
  type LogLine,
  pass,
  rememberingLog,
  startOn,
  supervisor,
} from '../../supervision/rehearsal.js';
import type { AttackMessage } from '../attack/messages.js';
import { type HostgroupDeps, hostgroupActor } from './actor.js';
import type { HostgroupMessage, HostgroupReport } from './messages.js';
import { books, scale } from './rehearsal.js';

const tickMs = 100;
const group: Hostgroup = {
  name: 'global',
  networks: [],
  windowMs: 1_000,
  thresholds: { incoming: { pps: 20_000 }, outgoing: {}, total: {}, network: {} },
  confidence: null,
  action: 'blackhole',
  ban: { enabled: true, enabledIpv6: true, timeMs: 0, onlyIfFinished: true, calmMs: 2_000, probe: null },
};
const host: Subject = { kind: 'host', host: '192.0.2.7' as HostKey };
const rates = { incoming: { ...quietRates, total: { pps: 30_000, bps: 2e8 } }, outgoing: quietRates };
const over = (direction: Direction = 'incoming'): Exceeded => ({
  subject: host,
  direction,
  cause: { scope: 'host', metric: 'pps', rate: 30_000, threshold: 20_000, ...unsampled },
  rates,
});
const stands = (isOver: boolean): Standing => ({ subject: host, direction: 'incoming', over: isOver, rates });

async function detection(change: Partial<HostgroupDeps> = {}, on: readonly Attack[] = []) {
  const time = manualTime();
  const meter = scale();
  const ledger = books();
  ledger.on = on;
  const lines: LogLine[] = [];
  /** What the attack actors were started with and told, beside what the ledger was told by then. */
  const started: { readonly id: string; readonly mode: string; readonly ledgerSaid: number }[] = [];
  const told: AttackMessage[] = [];
  const attacks = { crash: false };
  let serial = 0;
  const place = createPlace<HostgroupMessage>('global');
  const spec = hostgroupActor({
    group,
    whitelist: [],
    tickMs,
    openMeter: meter.open,
    startAttack: (spawn, attack, mode) => {
      started.push({ id: attack.id, mode, ledgerSaid: ledger.said.length });
      const child = actor<null, AttackMessage>(
        attack.id,
        () => ({
          name: 'attack',
          init: () => null,
          receive: (_state, message) => {
            if (attacks.crash) throw new Error('crash');
            told.push(message);
            return null;
          },
        }),
        { restart: 'transient' },
      );
      return { id: child.id, ref: spawn(child) };
    },
    ledger: ledger.ref,
    adopts: () => true,
    askHistory: (reply) => reply([]),
    serial: () => serial++,
    ...change,
  });
  const tree = await startOn(time, supervisor('root', [place.child(spec)]), { log: rememberingLog(lines) });
  await idle();
  const absorb = async (): Promise<void> => {
    place.ref.send({ kind: 'absorb', batch: { type: 'batch' } });
    await idle();
  };
  const report = async (): Promise<HostgroupReport> => {
    const got: HostgroupReport[] = [];
    place.ref.send({ kind: 'report', reply: (answer) => got.push(answer) });
    await idle();
    const [first] = got;
    if (first === undefined) throw new Error('no report');
    return first;
  };
  const node = () => tree.snapshot().children[0];
  return { time, meter, ledger, lines, started, told, attacks, place, tree, absorb, report, node };
}

test('the ledger hears of an attack before its actor is started', async () => {
  const { time, meter, ledger, started, absorb, tree } = await detection();
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  expect(ledger.said).toMatchObject([{ kind: 'mitigate', until: null, attack: { subject: host } }]);
  expect(started).toMatchObject([{ mode: 'new', ledgerSaid: 1 }]);
  expect([...meter.watching]).toEqual(['192.0.2.7 incoming']);
  await tree.stop();
  expect(meter.closed).toBe(1);
});

test('a meter that answers from another thread decides the same', async () => {
  const { time, meter, ledger, absorb, tree } = await detection();
  meter.slow = true;
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  expect(ledger.said.length).toBe(1);
  await tree.stop();
});

test('several sources in one tick are judged once, and the last of them within half a tick', async () => {
  const { time, meter, absorb, tree } = await detection();
  await pass(time, tickMs);
  for (let source = 0; source < 5; source += 1) await absorb();
  expect([meter.absorbed, meter.judged]).toEqual([5, 1]);
  await pass(time, tickMs / 2);
  expect(meter.judged).toBe(2);
  await tree.stop();
});

test('without batches the windows still run out', async () => {
  const { time, meter, tree } = await detection();
  await pass(time, 2_000);
  expect(meter.judged).toBeGreaterThanOrEqual(3);
  expect(meter.judged).toBeLessThanOrEqual(5);
  await tree.stop();
});

test('what did not fit a judgement is judged without waiting for a batch', async () => {
  const { time, meter, absorb, tree } = await detection();
  await pass(time, tickMs);
  meter.deferred = 7;
  await absorb();
  const before = meter.judged;
  await pass(time, tickMs / 2);
  expect(meter.judged).toBe(before + 1);
  await tree.stop();
});

test('the attack hears how it stands, and its end lets the subject be found again', async () => {
  const { time, meter, ledger, started, told, place, absorb, node, tree } = await detection();
  await pass(time, 1_100);
  meter.exceeded = [over()];
  await absorb();
  meter.watched = [stands(false)];
  await pass(time, tickMs);
  await absorb();
  expect(told).toMatchObject([{ kind: 'standing', standing: { over: false } }]);
  const [first] = started;
  place.ref.send({ kind: 'attack_ended', attack: first?.id as Attack['id'] });
  meter.watched = [];
  await idle();
  expect([...meter.watching]).toEqual([]);
  meter.exceeded = [over()];
  await pass(time, tickMs);
  await absorb();
  expect(ledger.said.length).toBe(2);
  await pass(time, 6_000);
  expect(node()?.children.map(({ id }) => id)).toEqual([started[1]?.id]);
  await tree.stop();
});

test('a crash loses no attack: the next incarnation asks the ledger and goes on', async () => {
  const { time, meter, ledger, started, absorb, report, node, tree } = await detection();
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  const [said] = ledger.said;
  ledger.on = said?.kind === 'mitigate' ? [said.attack] : [];
  meter.throws = 'broken';
  await pass(time, tickMs);
  await absorb();
  meter.throws = null;
  await pass(time, 1_000);
  expect(node()?.generation).toBe(2);
  expect(started.map(({ mode }) => mode)).toEqual(['new', 'restored']);
  expect(ledger.said.length).toBe(1);
  expect((await report()).attacks).toBe(1);
  expect(meter.closed).toBe(1);
  expect([...meter.watching]).toEqual(['192.0.2.7 incoming']);
  await tree.stop();
});

test('an attack of the journal that is not this group’s is left alone, and so is a ban by hand', async () => {
  const foreign = anAttack({ hostgroup: 'other' }, 1);
  const manual = anAttack({ origin: 'manual' }, 2);
  const own = anAttack({}, 3);
  const adopts = (attack: Attack): boolean => attack.hostgroup === 'global';
  const { started, tree } = await detection({ adopts }, [foreign, manual, own]);
  expect(started.map(({ id, mode }) => [id, mode])).toEqual([[own.id, 'restored']]);
  await tree.stop();
});

test('a decision that the ledger has no room for is said again until it has', async () => {
  const { time, meter, ledger, absorb, lines, tree } = await detection();
  await pass(time, tickMs);
  ledger.full = true;
  meter.exceeded = [over()];
  await absorb();
  expect(lines.some(({ phrase }) => phrase === 'the ledger takes no decisions')).toBe(true);
  ledger.full = false;
  await pass(time, 1_000);
  expect(ledger.said.map(({ kind }) => kind)).toEqual(['mitigate']);
  await tree.stop();
});

test('an attack actor that gives up gets a successor, without a second ban', async () => {
  const { time, meter, ledger, started, attacks, absorb, tree } = await detection();
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  attacks.crash = true;
  for (let round = 0; round < 12; round += 1) {
    meter.watched = [stands(round % 2 === 0)];
    await pass(time, 5_000);
  }
  attacks.crash = false;
  meter.watched = [stands(true)];
  await pass(time, 15_000);
  expect(started.length).toBeGreaterThan(1);
  expect(started.slice(1).every(({ mode }) => mode === 'restored')).toBe(true);
  expect(ledger.said.length).toBe(1);
  await tree.stop();
});

test('new thresholds or another confidence get a fresh meter that watches what was watched', async () => {
  const { time, meter, place, absorb, tree } = await detection();
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  const thresholds = { ...group.thresholds, incoming: { pps: 5 } };
  place.ref.send({ kind: 'reconfigure', group: { ...group, thresholds }, whitelist: [] });
  await idle();
  expect([meter.opened, meter.closed]).toEqual([2, 1]);
  place.ref.send({ kind: 'reconfigure', group: { ...group, thresholds, confidence: 0.99 }, whitelist: [] });
  await idle();
  expect([meter.opened, meter.closed]).toEqual([3, 2]);
  expect([...meter.watching]).toEqual(['192.0.2.7 incoming']);
  await tree.stop();
});

test('a new whitelist releases the attack on it, and is still known after a crash', async () => {
  const { time, meter, ledger, told, place, absorb, tree } = await detection();
  await pass(time, tickMs);
  meter.exceeded = [over()];
  await absorb();
  place.ref.send({ kind: 'reconfigure', group, whitelist: ['192.0.2.0/24' as PrefixKey] });
  await idle();
  expect(meter.opened).toBe(1);
  expect(told).toEqual([{ kind: 'release' }]);
  meter.throws = 'broken';
  await pass(time, tickMs);
  await absorb();
  meter.throws = null;
  await pass(time, 1_000);
  meter.exceeded = [over()];
  await absorb();
  expect(ledger.said.length).toBe(1);
  await tree.stop();
});

test('of many attacks found at once all are decided at once, and explained a few at a time', async () => {
  const { time, meter, ledger, started, absorb, tree } = await detection();
  await pass(time, tickMs);
  const many = Array.from({ length: 300 }, (_, n) => `10.0.${n >> 8}.${n & 255}` as HostKey);
  meter.exceeded = many.map((address) => ({ ...over(), subject: { kind: 'host', host: address } }));
  await absorb();
  expect(ledger.said.length).toBe(300);
  expect(started.length).toBeLessThan(100);
  await pass(time, tickMs);
  expect(new Set(started.map(({ id }) => id)).size).toBe(300);
  expect(started.length).toBe(300);
  await tree.stop();
});

test('an attack that is released before its actor has started is released all the same', async () => {
  const { time, meter, ledger, told, place, tree } = await detection();
  await pass(time, tickMs);
  const many = Array.from({ length: 100 }, (_, n) => `10.0.0.${n}` as HostKey);
  meter.exceeded = many.map((address) => ({ ...over(), subject: { kind: 'host', host: address } }));
  place.ref.send({ kind: 'absorb', batch: { type: 'batch' } });
  await idle();
  const last = ledger.said.at(-1);
  if (last?.kind !== 'mitigate') throw new Error('no decision');
  place.ref.send({ kind: 'release', attack: last.attack.id });
  await pass(time, tickMs);
  expect(told).toEqual([{ kind: 'release' }]);
  await tree.stop();
});
