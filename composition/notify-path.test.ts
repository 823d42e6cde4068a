/**
 * From a decision to the notify script: ledger, journal and script actors on the real kernel, with a real database
 * and real scripts.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { attackPower, banReport } from '../actors/attack/report.js';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { scriptActor } from '../actors/script/actor.js';
import type { ScriptMessage, ScriptReport } from '../actors/script/messages.js';
import { type Attack, attackId } from '../domain/attack.js';
import { type Mitigation, notAnnounced } from '../domain/mitigation.js';
import type { Clock, Journal } from '../domain/ports.js';
import { aMitigationPolicy, anAttack } from '../domain/rehearsal.js';
import { failure, type Result } from '../domain/result.js';
import type { HostKey, PrefixKey } from '../domain/units.js';
import { openJournal } from '../integrations/journal/journal.js';
import { startScriptRunner } from '../integrations/script/runner.js';
import { createPlace } from '../supervision/place.js';
import { type LogLine, rememberingLog, supervisor } from '../supervision/rehearsal.js';
import { startTree } from '../supervision/tree.js';
import { machineClock } from './clock.js';

const base = mkdtempSync(join(tmpdir(), 'tidegate-notify-'));
const runScript = startScriptRunner();
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;

type Stage = { readonly dir: string; readonly script: string; readonly told: string };
/** A state folder, and a script that notes its arguments, its stdin and the time. */
function stage(body = ''): Stage {
  const dir = join(base, `stage-${serial++}`);
  const [script, told] = [`${dir}-notify`, `${dir}-told`];
  writeFileSync(
    script,
    `#!/bin/sh\ninput=$(head -n 1)\necho "$4 $1 $2 $3 [$input] $(date +%s%N)" >> ${told}\n${body}\n`,
  );
  chmodSync(script, 0o755);
  return { dir, script, told };
}
/** 'ban 192.0.2.7 incoming 41250 [IP: 192.0.2.7]', one a run. */
const toldLines = ({ told }: Stage): string[] =>
  existsSync(told)
    ? readFileSync(told, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.replace(/ \d+$/, ''))
    : [];
const actions = (on: Stage): string[] => toldLines(on).map((line) => line.split(' ')[0] ?? '');

async function until(claim: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end && !(await claim()); ) {
    await new Promise((next) => setTimeout(next, 5));
  }
  assert.ok(await claim(), String(claim));
}

const policy = aMitigationPolicy({ speakers: [] });
const guarded = {
  networks: ['192.0.2.0/24' as PrefixKey],
  whitelist: ['192.0.2.53/32' as PrefixKey],
};

const brokenJournal: Journal = {
  append: async () => failure('JOURNAL_UNWRITABLE', 'disk full'),
  active: async () => ({ ok: true, value: [] }),
  history: async () => ({ ok: true, value: [] }),
  notes: async () => ({ ok: true, value: new Map() }),
  templates: async () => ({ ok: true, value: [] }),
  close: async () => {},
};

type Options = {
  readonly journal?: Journal;
  readonly timeoutMs?: number;
  readonly concurrency?: number;
  readonly queue?: number;
  readonly clock?: Clock;
};
async function play(on: Stage, options: Options = {}) {
  const opened: Result<Journal> =
    options.journal === undefined ? await openJournal({ dir: on.dir }) : { ok: true, value: options.journal };
  assert.ok(opened.ok);
  const lines: LogLine[] = [];
  const ended: Attack[] = [];
  const restored: Attack[][] = [];
  const journal = createPlace<JournalMessage>('journal');
  const script = createPlace<ScriptMessage>('script');
  const ledger = createPlace<LedgerMessage>('ledger');
  const { timeoutMs = 5000, concurrency = 4, queue = 100, clock = machineClock } = options;
  const restarted = (): void => void ledger.ref.send({ kind: 'script_restarted' });
  const tree = await startTree(
    supervisor('root', [
      journal.child(journalActor({ journal: opened.value })),
      script.child(
        scriptActor({ run: runScript, path: on.script, timeoutMs, concurrency, queue, restarted }),
      ),
      ledger.child(
        ledgerActor({
          journal: journal.ref,
          script: script.ref,
          announcer: () => null,
          policy: () => policy,
          guarded: () => guarded,
          actionOf: () => 'blackhole',
          hostgroupOf: () => 'global',
          newId: (at) => attackId(at, serial++),
          banReport,
          power: attackPower,
          endAttack: (attack) => void ended.push(attack),
          news: () => {},
          restored: (attacks) => void restored.push([...attacks]),
        }),
      ),
    ]),
    { clock, log: rememberingLog(lines), random: () => 0.5 },
  );
  await until(() => restored.length > 0);
  const order = (
    kind: 'ban' | 'unban',
    host: string,
    forMs: number | null = null,
  ): Promise<Result<Mitigation>> =>
    new Promise((reply) => {
      ledger.ref.send(
        kind === 'ban' ? { kind, host, forMs, comment: 'by hand', reply } : { kind, host, reply },
      );
    });
  const report = (): Promise<ScriptReport> =>
    new Promise((reply) => void script.ref.send({ kind: 'report', reply }));
  const list = (): Promise<readonly Mitigation[]> =>
    new Promise((reply) => void ledger.ref.send({ kind: 'list', reply }));
  const stop = async (): Promise<void> => {
    await tree.stop();
    await opened.value.close();
  };
  return { ledger: ledger.ref, journal: opened.value, lines, ended, restored, order, report, list, stop };
}

/** Every ban is marked as told where a restart reads it, which comes after the script's own line. */
const marked = async (journal: Journal): Promise<boolean> => {
  const active = await journal.active();
  return active.ok && active.value.every(({ notified }) => notified === 'ban');
};

const attackOn = (host: string): Attack =>
  anAttack({
    id: attackId(machineClock.unixMicros(), serial++),
    subject: { kind: 'host', host: host as HostKey },
    startedAt: machineClock.unixMicros(),
  });
const found = (host: string): Extract<LedgerMessage, { kind: 'mitigate' }> => ({
  kind: 'mitigate',
  attack: attackOn(host),
  until: null,
});

test('ban, details and unban reach the script once each, in order, with their arguments and their text', async () => {
  const on = stage();
  const it = await play(on);
  const mitigate = found('192.0.2.7');
  const { attack } = mitigate;
  it.ledger.send(mitigate);
  it.ledger.send(mitigate);
  it.ledger.send({ kind: 'explain', attack, report: 'the details', rules: [], noRules: null });
  await until(() => actions(on).length === 2);
  it.ledger.send({ kind: 'release', attack: attack.id, at: machineClock.unixMicros() });
  await until(() => actions(on).length === 3);
  assert.deepEqual(toldLines(on), [
    'ban 192.0.2.7 incoming 41250 [IP: 192.0.2.7]',
    'attack_details 192.0.2.7 incoming 41250 [the details]',
    'unban 192.0.2.7 incoming 41250 []',
  ]);
  await it.stop();
});

test('no timer stands between the decision and the script', async () => {
  const on = stage();
  const it = await play(on);
  const tookMs: number[] = [];
  for (let round = 0; round < 15; round++) {
    const startedAt = Date.now();
    it.ledger.send(found(`192.0.2.${100 + round}`));
    await until(() => actions(on).length === round + 1);
    const [line = ''] = readFileSync(on.told, 'utf8').trim().split('\n').slice(-1);
    tookMs.push(Number(line.split(' ').at(-1)) / 1e6 - startedAt);
  }
  // Milliseconds on an idle machine, sh, head and date included. A timer would delay each, so the quickest tells, however
  // busy the machine.
  assert.ok(Math.min(...tookMs) < 400, `${tookMs.map(Math.round)} ms`);
  await it.stop();
});

test('a restart bans nothing twice, and unbans what was released while it was down', async () => {
  const on = stage();
  const first = await play(on);
  const mitigate = found('192.0.2.7');
  first.ledger.send(mitigate);
  const manual = await first.order('ban', '192.0.2.8', 60_000);
  // told before it is durable where the journal is slower than the ledger's patience
  assert.ok(manual.ok && manual.value.attack.origin === 'manual');
  assert.match(manual.value.notified, /^(nothing|ban)$/);
  await until(() => actions(on).length === 2);
  await until(() => marked(first.journal));
  await first.stop();
  // the ban by hand runs out meanwhile
  const clock = { ...machineClock, unixMicros: () => machineClock.unixMicros() + 61e6 };
  const second = await play(on, { clock });
  assert.deepEqual(
    second.restored[0]?.map(({ id }) => id),
    [mitigate.attack.id],
  );
  await until(() => actions(on).length === 3);
  assert.deepEqual(toldLines(on).sort(), [
    'ban 192.0.2.7 incoming 41250 [IP: 192.0.2.7]',
    'ban 192.0.2.8 other 0 [IP: 192.0.2.8]',
    'unban 192.0.2.8 other 0 []',
  ]);
  // what was released leaves once its script is known to have begun, which comes after the script's own line
  await until(async () => (await second.list()).length === 1);
  assert.equal((await second.list())[0]?.id, mitigate.attack.id);
  await second.stop();
});

test('an intent whose script was never started gets it at the next start', async () => {
  const on = stage();
  const opened = await openJournal({ dir: on.dir });
  assert.ok(opened.ok);
  const attack = attackOn('192.0.2.7');
  const { id, startedAt: since } = attack;
  const record = {
    id,
    attack,
    state: 'wanted',
    since,
    until: null,
    comment: '',
    notified: 'nothing',
    ...notAnnounced,
  } as const;
  await opened.value.append([{ kind: 'mitigation', mitigation: record }]);
  await opened.value.close();
  const it = await play(on);
  await until(() => actions(on).length === 1);
  await until(() => marked(it.journal));
  await it.stop();
  const again = await play(on);
  await new Promise((next) => setTimeout(next, 200));
  assert.deepEqual(actions(on), ['ban']);
  await again.stop();
});

test('a journal that cannot write delays no script and says so', async () => {
  const on = stage();
  const it = await play(on, { journal: brokenJournal });
  it.ledger.send(found('192.0.2.7'));
  await until(() => actions(on).length === 1);
  await until(() =>
    it.lines.some(({ level, phrase }) => level === 'error' && phrase === 'mitigation not written down'),
  );
  await it.stop();
});

test('a journal that never answers delays the script by its patience and no more', async () => {
  const on = stage();
  const it = await play(on, { journal: { ...brokenJournal, append: () => new Promise(() => {}) } });
  it.ledger.send(found('192.0.2.7'));
  // by a timer of the same loop: how busy the machine is concerns both alike
  let isLate = false;
  setTimeout(() => setImmediate(() => setImmediate(() => (isLate = true))), 1500).unref();
  await until(() =>
    it.lines.some(({ phrase }) => phrase === 'journal slow: script told before its record is durable'),
  );
  assert.ok(!isLate);
  await until(() => actions(on).length === 1);
  await it.stop();
});

test('a script that hangs blocks its own attack and no other, and is killed at its time limit', async () => {
  const on = stage('case "$1$4" in 192.0.2.7ban) sleep 60 ;; esac');
  const it = await play(on, { timeoutMs: 6000, concurrency: 2 });
  const hanging = found('192.0.2.7');
  it.ledger.send(hanging);
  await until(() => actions(on).length === 1);
  it.ledger.send({ kind: 'release', attack: hanging.attack.id, at: machineClock.unixMicros() });
  for (const host of ['192.0.2.8', '192.0.2.9']) it.ledger.send(found(host));
  // not after its time limit, at which its own unban is told
  await until(() => actions(on).length === 4);
  assert.deepEqual(actions(on), ['ban', 'ban', 'ban', 'unban']);
  assert.match(toldLines(on)[3] ?? '', /^unban 192\.0\.2\.7 /);
  assert.equal((await it.report()).timedOut, 1);
  await it.stop();
});

test('a missing script is run when it appears, and the log is not flooded meanwhile', async () => {
  const on = stage();
  renameSync(on.script, `${on.script}-away`);
  const it = await play(on);
  it.ledger.send(found('192.0.2.7'));
  await new Promise((next) => setTimeout(next, 2500));
  renameSync(`${on.script}-away`, on.script);
  await until(() => actions(on).length === 1);
  const missing = it.lines.filter(({ fields }) => fields.code === 'SCRIPT_MISSING');
  assert.equal(missing.length, 1);
  await it.stop();
});

test('orders by hand: inside our networks, not whitelisted, once; an unban ends a detected attack', async () => {
  const on = stage();
  const it = await play(on);
  const code = (result: Result<Mitigation>): string => (result.ok ? 'ok' : result.error.code);
  assert.equal(code(await it.order('ban', '198.51.100.1')), 'PREFIX_NOT_OURS');
  assert.equal(code(await it.order('ban', '192.0.2.53')), 'WHITELISTED');
  assert.equal(code(await it.order('ban', 'nonsense')), 'ADDRESS_INVALID');
  assert.equal(code(await it.order('ban', '192.0.2.1')), 'ok');
  assert.equal(code(await it.order('ban', '192.0.2.1')), 'ALREADY_MITIGATED');
  assert.equal(code(await it.order('unban', '192.0.2.1')), 'ok');
  assert.equal(code(await it.order('unban', '192.0.2.1')), 'NOT_MITIGATED');
  it.ledger.send(found('192.0.2.7'));
  assert.equal(code(await it.order('unban', '192.0.2.7')), 'ok');
  assert.equal(it.ended.length, 1);
  await until(() => actions(on).length === 4);
  await until(async () => {
    const history = await it.journal.history(10);
    return history.ok && history.value.length === 2 && history.value.every(({ endedAt }) => endedAt !== null);
  });
  await it.stop();
});

test('a burst of attacks is told whole', async () => {
  const on = stage();
  const it = await play(on);
  const burst = Array.from({ length: 150 }, (_, index) => found(`192.0.2.${index}`));
  for (const one of burst) it.ledger.send(one);
  await until(() => actions(on).length === 150, 20_000);
  assert.equal(new Set(toldLines(on)).size, 150);
  await it.stop();
});

test('a burst far larger than the queue is told whole, once each', async () => {
  const on = stage();
  const it = await play(on, { queue: 10 });
  const burst = Array.from({ length: 150 }, (_, index) => found(`192.0.2.${index}`));
  for (const one of burst) it.ledger.send(one);
  await until(() => actions(on).length === 150, 20_000);
  assert.equal(new Set(toldLines(on)).size, 150);
  await it.stop();
});
