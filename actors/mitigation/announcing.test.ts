/** What the ledger tells announcers, case by case. Random orders of everything: announcing-model.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { announcementKey } from '../../domain/announcement.js';
import type { Subject } from '../../domain/attack.js';
import type { MitigationPolicy } from '../../domain/bgp.js';
import { emptyRule } from '../../domain/flowspec.js';
import type { Mitigation } from '../../domain/mitigation.js';
import {
  aMitigation,
  aMitigationPolicy,
  anAttack,
  anEffect,
  aSpeaker,
  rehearsalStart,
} from '../../domain/rehearsal.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import * as drive from './ledger-rehearsal.js';
import type { Effect, Ledger } from './table.js';

const at = rehearsalStart;
const host = (text: string): Subject => ({ kind: 'host', host: text as HostKey });
const first = anAttack({ subject: host('192.0.2.7') }, 1);
const second = anAttack({ subject: host('192.0.2.8') }, 2);
const base = aSpeaker();
const both = { ...base.ipv4, subnet: base.ipv4.host };
const withSubnets: Partial<MitigationPolicy> = { speakers: [aSpeaker({ ipv4: both })] };
const guarded = { ...drive.ours, whitelist: [] };
const guard = (change: Partial<MitigationPolicy['guard']>): Partial<MitigationPolicy> => ({
  guard: { ...aMitigationPolicy().guard, ...change },
});

/** 'want unicast 192.0.2.7/32', … */
const said = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((effect) => {
    if (effect.kind !== 'speak') return [];
    const { message } = effect;
    if (message.kind === 'all') {
      return [`all ${message.wanted.map(announcementKey)} leaving ${message.leaving.map(announcementKey)}`];
    }
    if (message.kind !== 'want' && message.kind !== 'unwant') return [];
    return message.announcements.map((one) => `${message.kind} ${announcementKey(one)}`);
  });
const logged = (effects: readonly Effect[], phrase: string): readonly unknown[] =>
  effects.flatMap((effect) => (effect.kind === 'log' && effect.phrase === phrase ? [effect.fields] : []));

function announced(ledger: Ledger, attack = first): readonly Effect[] {
  const want = { attack, until: null, comment: '', reply: null };
  return [...drive.mitigate(ledger, want, at), ...drive.written(ledger, attack.id, null, at)];
}
const ended = (ledger: Ledger, { id } = first): readonly string[] => {
  drive.told(ledger, id, 'ban', 'started', at);
  drive.written(ledger, id, null, at);
  return said([...drive.release(ledger, id, at), ...drive.written(ledger, id, null, at)]);
};

test('an announcement is written down before it is told', () => {
  const ledger = drive.aLedger({}, guarded);
  const intent = drive.mitigate(ledger, { attack: first, until: null, comment: '', reply: null }, at);
  assert.deepEqual(said(intent), []);
  const [write] = intent.filter(({ kind }) => kind === 'write');
  assert.ok(write?.kind === 'write' && write.entries[1]?.kind === 'mitigation');
  assert.deepEqual(
    write.entries[1].mitigation.holdings.map(({ state }) => state),
    ['wanted'],
  );
  assert.deepEqual(said(drive.written(ledger, first.id, null, at)), ['want unicast 192.0.2.7/32']);
});

for (const late of ['slow', 'broken'] as const) {
  test(`a ${late} journal delays an announcement by 50 ms at most`, () => {
    const ledger = drive.aLedger({}, guarded);
    drive.mitigate(ledger, { attack: first, until: null, comment: '', reply: null }, at);
    assert.deepEqual(said(drive.overdue(ledger, at + 49_000)), []);
    const effects =
      late === 'slow'
        ? drive.overdue(ledger, at + 50_000)
        : drive.written(ledger, first.id, 'disk full', at + 20_000);
    assert.deepEqual(said(effects), ['want unicast 192.0.2.7/32']);
  });
}

test('two hosts of one subnet, one released: the subnet stays; the last takes it along', () => {
  const ledger = drive.aLedger(withSubnets, guarded);
  assert.deepEqual(said(announced(ledger)), ['want unicast 192.0.2.7/32', 'want unicast 192.0.2.0/24']);
  assert.deepEqual(said(announced(ledger, second)), ['want unicast 192.0.2.8/32']);
  assert.deepEqual(ended(ledger), ['unwant unicast 192.0.2.7/32']);
  assert.deepEqual(ended(ledger, second), ['unwant unicast 192.0.2.8/32', 'unwant unicast 192.0.2.0/24']);
});

test('what is released is kept until the speaker has confirmed that it is gone', () => {
  const ledger = drive.aLedger({}, guarded);
  announced(ledger);
  ended(ledger);
  drive.told(ledger, first.id, 'unban', 'started', at);
  drive.written(ledger, first.id, null, at);
  assert.equal(ledger.held.size, 1);
  drive.spoken(ledger, 'edge-1', [{ key: 'unicast 192.0.2.7/32', outcome: 'gone', detail: null }], at);
  drive.written(ledger, first.id, null, at);
  assert.deepEqual([ledger.held.size, ledger.announcing.routes.size], [0, 0]);
});

const never: readonly {
  readonly subject: Subject;
  readonly by: string;
  readonly policy?: Partial<MitigationPolicy>;
}[] = [
  { subject: host('203.0.113.5'), by: 'not_ours' },
  { subject: host('192.0.2.53'), by: 'whitelisted' },
  { subject: { kind: 'prefix', prefix: '0.0.0.0/0' as PrefixKey }, by: 'not_ours' },
  { subject: { kind: 'prefix', prefix: '192.0.2.0/24' as PrefixKey }, by: 'whitelisted' },
  {
    subject: { kind: 'prefix', prefix: '192.0.2.128/25' as PrefixKey },
    by: 'shortest_prefix',
    policy: guard({ shortestIpv4: 26 }),
  },
  { subject: host('192.0.2.7'), by: 'dry_run', policy: guard({ dryRun: true }) },
  { subject: host('192.0.2.7'), by: 'max_announcements', policy: guard({ maxAnnouncements: 0 }) },
  { subject: host('192.0.2.7'), by: 'changes_per_minute', policy: guard({ maxChangesPerMinute: 0 }) },
];
for (const { subject, by, policy } of never) {
  test(`${JSON.stringify(subject)} is held back by ${by}, which is said once`, () => {
    const ledger = drive.aLedger({ ...(subject.kind === 'prefix' ? withSubnets : {}), ...policy });
    const effects = [...announced(ledger, anAttack({ subject })), ...drive.retry(ledger, at + 1e6)];
    assert.deepEqual(said(effects), []);
    assert.equal(logged(effects, 'mitigation held back').length, 1);
    assert.equal(drive.records(ledger)[0]?.heldBack, by);
    assert.equal(drive.reportAt(ledger, at).heldBack[by], 1);
  });
}

test('what waits for the change limit goes out when a minute is over, the oldest first', () => {
  const ledger = drive.aLedger(guard({ maxChangesPerMinute: 1 }), guarded);
  announced(ledger);
  announced(ledger, second);
  announced(ledger, anAttack({ subject: host('192.0.2.9') }, 3));
  assert.deepEqual(said(drive.retry(ledger, at + 59e6)), []);
  drive.retry(ledger, at + 63e6);
  assert.deepEqual(said(drive.written(ledger, second.id, null, at + 63e6)), ['want unicast 192.0.2.8/32']);
});

test('a stop withdraws at once and beyond all limits, survives a restart, and a start brings back', () => {
  const ledger = drive.aLedger(guard({ maxChangesPerMinute: 1 }), guarded);
  announced(ledger);
  const stop = drive.stopAll(ledger, at);
  assert.deepEqual(said(stop), ['unwant unicast 192.0.2.7/32']);
  const [note] = stop.filter(({ kind }) => kind === 'note');
  assert.ok(note?.kind === 'note' && note.value !== null);

  const next = drive.unread({}, guarded);
  drive.restore(next, drive.records(ledger), at, new Map([[note.key, note.value]]));
  assert.deepEqual(said(drive.announcerStarted(next, 'edge-1', at)), ['all  leaving unicast 192.0.2.7/32']);
  assert.equal(drive.records(next)[0]?.heldBack, 'stopped');
  assert.deepEqual(said(drive.startAll(next, at)), ['want unicast 192.0.2.7/32']);
});

test('a reload that whitelists a host withdraws its route', () => {
  const ledger = drive.aLedger({}, guarded);
  announced(ledger);
  const whitelist = ['192.0.2.7/32' as PrefixKey];
  assert.deepEqual(said(drive.reconfigure(ledger, {}, { ...guarded, whitelist }, at)), [
    'unwant unicast 192.0.2.7/32',
  ]);
});

test('after a restart nothing is withdrawn that two mitigations share, however many are planned in between', () => {
  const many = Array.from({ length: 500 }, (_, serial) => {
    const attack = anAttack({ subject: host(`192.0.2.${serial % 250}`) }, serial);
    const holding = {
      speaker: 'edge-1',
      announcement: { kind: 'unicast', prefix: '192.0.2.0/24' as PrefixKey, ...both.subnet } as never,
      state: 'held',
    } as const;
    // all but the last are over
    const state = serial < 499 ? 'released' : 'wanted';
    return aMitigation({
      attack,
      id: attack.id,
      state,
      action: 'blackhole',
      notified: 'ban',
      holdings: [holding],
    });
  });
  const ledger = drive.unread(withSubnets, guarded);
  const effects = said(drive.restore(ledger, many, at));
  assert.ok(!effects.some((text) => text.startsWith('unwant unicast 192.0.2.0/24')), effects.join('; '));
  assert.ok(effects.some((text) => /^all .*unicast 192\.0\.2\.0\/24.* leaving /.test(text)));
});

test('a speaker that is configured no more is forgotten, with a warning that names what it may hold', () => {
  const ledger = drive.aLedger({}, guarded);
  announced(ledger);
  const effects = drive.reconfigure(ledger, { speakers: [] }, guarded, at);
  assert.deepEqual(said(effects), []);
  const [fields] = logged(effects, 'speaker removed: what it may hold is forgotten, and nobody withdraws it');
  assert.deepEqual(fields, { speaker: 'edge-1', announcements: 1, first: ['unicast 192.0.2.7/32'] });
  assert.deepEqual(drive.records(ledger)[0]?.holdings, []);
});

const older = (change: Partial<Mitigation> = {}) => ({
  ...aMitigation({ notified: 'ban', ...change }),
  action: null,
});

test('a record from before announcing is announced as its hostgroup has it now, and says so from then on', () => {
  const ledger = drive.unread({}, guarded);
  const effects = drive.restore(ledger, [older()], at, new Map(), 'blackhole');
  assert.deepEqual(said(effects), ['all  leaving ']);
  const [write] = effects.filter(({ kind }) => kind === 'write');
  assert.ok(write?.kind === 'write' && write.entries[1]?.kind === 'mitigation');
  const { action, holdings, attack } = write.entries[1].mitigation;
  assert.deepEqual([action, holdings.length, attack.evidence], ['blackhole', 1, 'gathering']);
  assert.deepEqual(said(drive.written(ledger, first.id, null, at)), ['want unicast 192.0.2.7/32']);
  assert.deepEqual(ended(ledger), ['unwant unicast 192.0.2.7/32']);
});

test('a ban by hand from before announcing is a blackhole, whatever its hostgroup does', () => {
  const ledger = drive.unread({}, guarded);
  const attack = anAttack({ origin: 'manual', cause: null, direction: 'other', evidence: 'none' });
  drive.restore(ledger, [older({ attack })], at, new Map(), 'none');
  assert.deepEqual(said(drive.written(ledger, attack.id, null, at)), ['want unicast 192.0.2.7/32']);
});

test('one from before announcing that is over, or whose hostgroup announces nothing, announces nothing', () => {
  const over = older({ attack: { ...second, endedAt: at }, id: second.id, state: 'released' });
  const ledger = drive.unread({}, guarded);
  drive.restore(ledger, [over], at, new Map(), 'blackhole');
  drive.restore(ledger, [older()], at, new Map(), 'none');
  assert.deepEqual(said(drive.written(ledger, second.id, null, at)), []);
  assert.equal(ledger.announcing.routes.size, 0);
});

for (const action of ['flowspec', 'flowspec_then_blackhole'] as const) {
  test(`${action} for one from before announcing: its evidence is gathered again, for the rules that nobody made`, () => {
    const ledger = drive.unread({}, guarded);
    const attack = anAttack({ evidence: 'complete' });
    drive.restore(ledger, [older({ attack })], at, new Map(), action);
    assert.equal(drive.records(ledger)[0]?.attack.evidence, 'gathering');
    assert.deepEqual(said(drive.written(ledger, attack.id, null, at)), []);
    const rules = [{ ...emptyRule(4), destination: '192.0.2.7/32' as PrefixKey, protocols: [17] }];
    drive.explain(ledger, { attack, report: '', rules }, at);
    assert.deepEqual(said(drive.written(ledger, attack.id, null, at)), [
      'want flowspec destination 192.0.2.7/32 protocol 17',
    ]);
  });
}

const tooMuch = 'rules that cover 95 % of the attack would hit 31 % of the normal packets, 20 % are allowed';
for (const [action, instead, says] of [
  ['flowspec', 'nothing', []],
  ['flowspec_then_blackhole', 'blackhole', ['want unicast 192.0.2.7/32']],
] as const) {
  test(`${action} without rules: ${instead}, and the log and the record say why`, () => {
    const ledger = drive.aLedger({}, guarded);
    drive.mitigate(ledger, { attack: first, until: null, comment: '', reply: null, action }, at);
    drive.written(ledger, first.id, null, at);
    const effects = drive.explain(ledger, { attack: first, report: '', rules: [], noRules: tooMuch }, at);
    assert.deepEqual(logged(effects, 'no flowspec rules'), [
      { attack: first.id, subject: '192.0.2.7', why: tooMuch, instead },
    ]);
    assert.deepEqual(said(drive.written(ledger, first.id, null, at)), says);
    const [record] = drive.records(ledger);
    assert.equal(record?.noRules, tooMuch);
    const escalated = `no rules can be made of the evidence: ${tooMuch}`;
    assert.equal(record?.escalated, action === 'flowspec' ? null : escalated);
  });
}

test('a blackhole calls for no rules, and misses none', () => {
  const ledger = drive.aLedger({}, guarded);
  announced(ledger);
  const effects = drive.explain(ledger, { attack: first, report: '', rules: [], noRules: tooMuch }, at);
  assert.deepEqual(logged(effects, 'no flowspec rules'), []);
  assert.equal(drive.records(ledger)[0]?.noRules, null);
});

const thenBlackhole = { action: 'flowspec_then_blackhole' } as const;
const escalations: readonly { readonly claim: string; readonly by: (ledger: Ledger) => readonly Effect[] }[] =
  [
    {
      claim: 'when no rules can be made',
      by: (ledger) => drive.explain(ledger, { attack: first, report: '', rules: [] }, at),
    },
    {
      claim: 'when the attack is above the uplink',
      by: (ledger) => drive.revise(ledger, { ...first, peak: { pps: 1, bps: 11e9 } }, at),
    },
    {
      claim: 'when the rules prove ineffective',
      by: (ledger) => drive.judge(ledger, first.id, anEffect({ state: 'ineffective' }), at),
    },
  ];
for (const { claim, by } of escalations) {
  test(`flowspec_then_blackhole blackholes ${claim}, and says why`, () => {
    const proof = { settleMs: 1, effectiveBelow: 0.1, partialBelow: 0.5, escalate: 'blackhole' as const };
    const ledger = drive.aLedger({ uplink: { bitsPerSecond: 10e9 }, proof }, guarded);
    const want = { attack: first, until: null, comment: '', reply: null, ...thenBlackhole };
    drive.mitigate(ledger, want, at);
    assert.deepEqual(said(drive.written(ledger, first.id, null, at)), []);
    assert.equal(logged(by(ledger), 'mitigation escalated').length, 1);
    assert.deepEqual(said(drive.written(ledger, first.id, null, at)), ['want unicast 192.0.2.7/32']);
    assert.notEqual(drive.records(ledger)[0]?.escalated, null);
  });
}
