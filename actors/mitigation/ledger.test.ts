import assert from 'node:assert/strict';
import { test } from 'vitest';
import { subjectText } from '../../domain/attack.js';
import { aMitigation, aMitigationPolicy, anAttack, rehearsalStart } from '../../domain/rehearsal.js';
import type { Result } from '../../domain/result.js';
import type { AttackId, HostKey } from '../../domain/units.js';
import { patienceLeftMs } from './answers.js';
import { bannable } from './guard.js';
import { type Want, wanted } from './ledger.js';
import {
  aLedger,
  expire,
  explain,
  mitigate,
  overdue,
  release,
  restore,
  retry,
  revise,
  scriptRestarted,
  told,
  unban,
  unread,
  written,
} from './ledger-rehearsal.js';
import { termsOf } from './routes.js';
import { type Effect, type Ledger, maxMitigations } from './table.js';

const at = rehearsalStart;
const later = (ms: number): number => at + ms * 1000;
const attack = anAttack();
const { id } = attack;
const details = { attack, report: 'report', rules: [] };
const want = { attack, until: null, comment: '', reply: null };

/** Effects as words: 'write', 'notify ban', 'reply ok', … */
const words = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => {
    if (effect.kind === 'log' || effect.kind === 'note' || effect.kind === 'news') return [];
    if (effect.kind === 'notify') return [`notify ${effect.action}`];
    if (effect.kind === 'reply') return [`reply ${effect.result.ok ? 'ok' : effect.result.error.code}`];
    return [effect.kind];
  });
const mitigationIn = (effects: readonly Effect[]) => {
  for (const effect of effects) {
    if (effect.kind !== 'write') continue;
    for (const entry of effect.entries) if (entry.kind === 'mitigation') return entry.mitigation;
  }
  return null;
};

/** A ledger whose one mitigation is written and told. */
function running(change: Partial<Want> = {}): Ledger {
  const ledger = aLedger();
  mitigate(ledger, { ...want, ...change }, at);
  written(ledger, id, null, at);
  told(ledger, id, 'ban', 'started', at);
  written(ledger, id, null, at);
  return ledger;
}

test('intent is written, then the script is told, then that is written', () => {
  const ledger = unread();
  const intent = mitigate(ledger, want, at);
  assert.deepEqual(words(intent), ['write']);
  assert.equal(mitigationIn(intent)?.notified, 'nothing');
  assert.deepEqual(words(written(ledger, id, null, at)), ['notify ban']);
  const mark = told(ledger, id, 'ban', 'started', at);
  assert.deepEqual(words(mark), ['write']);
  assert.equal(mitigationIn(mark)?.notified, 'ban');
  assert.deepEqual(words(written(ledger, id, null, at)), []);
});

test('an attack that is held is not mitigated again', () => {
  assert.deepEqual(mitigate(running(), want, at), []);
});

test('the script waits for a slow journal 50 ms and no longer', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.equal(patienceLeftMs(ledger, later(20)), 30);
  assert.deepEqual(words(overdue(ledger, later(49))), []);
  assert.deepEqual(words(overdue(ledger, later(50))), ['notify ban']);
  assert.deepEqual(words(written(ledger, id, null, later(60))), []);
});

test('a journal that fails delays the script by nothing, and is tried again until it has it', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.deepEqual(words(written(ledger, id, 'disk full', at)), ['notify ban']);
  assert.deepEqual(words(retry(ledger, later(1000))), ['write']);
  assert.deepEqual(words(retry(ledger, later(2000))), []);
  written(ledger, id, 'disk full', later(2500));
  assert.deepEqual(words(retry(ledger, later(3000))), ['write']);
  written(ledger, id, null, later(3100));
  assert.deepEqual(words(retry(ledger, later(4000))), []);
});

test('a write that is never answered is sent again', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.deepEqual(words(retry(ledger, later(9000))), []);
  assert.deepEqual(words(retry(ledger, later(10_001))), ['write']);
});

test('a release is written, then the script is told, then it is forgotten', () => {
  const ledger = running();
  const released = release(ledger, id, later(5000));
  assert.deepEqual(words(released), ['write']);
  assert.equal(mitigationIn(released)?.attack.endedAt, later(5000));
  assert.deepEqual(words(written(ledger, id, null, later(5001))), ['notify unban']);
  assert.deepEqual(words(told(ledger, id, 'unban', 'started', later(5002))), ['write']);
  assert.equal(ledger.held.size, 1);
  written(ledger, id, null, later(5003));
  assert.equal(ledger.held.size, 0);
});

test('a second release changes nothing', () => {
  const ledger = running();
  release(ledger, id, at);
  assert.deepEqual(release(ledger, id, at), []);
});

test('released before the script heard of it: ban at once, unban after it', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.deepEqual(words(release(ledger, id, at)), ['notify ban']);
  assert.deepEqual(words(written(ledger, id, null, at)), ['write']);
  assert.deepEqual(words(written(ledger, id, null, at)), []);
  assert.deepEqual(words(told(ledger, id, 'ban', 'started', at)), ['write', 'notify unban']);
});

test('the details wait until the ban has begun', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.deepEqual(explain(ledger, details, at), []);
  written(ledger, id, null, at);
  assert.deepEqual(words(told(ledger, id, 'ban', 'started', at)), ['write', 'notify attack_details']);
  assert.deepEqual(words(explain(running(), details, at)), ['notify attack_details']);
});

test('details of what is released or unknown are not told', () => {
  const ledger = running();
  release(ledger, id, at);
  assert.deepEqual(explain(ledger, details, at), []);
  assert.deepEqual(explain(unread(), details, at), []);
});

for (const outcome of ['refused', 'missing'] as const) {
  test(`a ban that was ${outcome} is handed over again`, () => {
    const ledger = unread();
    mitigate(ledger, want, at);
    written(ledger, id, null, at);
    assert.deepEqual(words(told(ledger, id, 'ban', outcome, at)), []);
    assert.deepEqual(words(retry(ledger, later(1000))), ['notify ban']);
    assert.deepEqual(words(retry(ledger, later(2000))), []);
  });
}

test('an attack that is over before there was a script is told neither', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  written(ledger, id, null, at);
  told(ledger, id, 'ban', 'missing', at);
  release(ledger, id, at);
  written(ledger, id, null, at);
  assert.deepEqual(words(told(ledger, id, 'ban', 'missing', at)), ['write']);
  written(ledger, id, null, at);
  assert.equal(ledger.held.size, 0);
});

test('what a crashed script actor had not begun is handed over again, what it had begun is not', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  written(ledger, id, null, at);
  assert.deepEqual(words(scriptRestarted(ledger, at)), ['notify ban']);
  assert.deepEqual(words(scriptRestarted(running(), at)), []);
});

const restarts = [
  { claim: 'wanted, told nothing: ban', state: 'wanted', notified: 'nothing', effects: ['notify ban'] },
  { claim: 'wanted, ban told: nothing', state: 'wanted', notified: 'ban', effects: [] },
  { claim: 'released, ban told: unban', state: 'released', notified: 'ban', effects: ['notify unban'] },
  {
    claim: 'released, told nothing: ban, and unban after it',
    state: 'released',
    notified: 'nothing',
    effects: ['notify ban'],
  },
] as const;
for (const { claim, state, notified, effects } of restarts) {
  test(`after a restart, ${claim}`, () => {
    assert.deepEqual(words(restore(unread(), [aMitigation({ state, notified })], at)), effects);
  });
}

test('a release that came before the journal answered is not forgotten', () => {
  const ledger = unread();
  release(ledger, id, later(5));
  assert.deepEqual(words(restore(ledger, [aMitigation({ notified: 'ban' })], later(9))), ['write']);
  assert.deepEqual(words(written(ledger, id, null, later(10))), ['notify unban']);
});

test('what the ledger has heard since its start is newer than the journal', () => {
  const ledger = unread();
  mitigate(ledger, want, at);
  assert.deepEqual(words(restore(ledger, [aMitigation({ notified: 'ban', comment: 'old' })], at)), []);
  assert.equal(wanted(ledger)[0]?.comment, '');
});

test('a ban with a time limit runs out, also while the daemon was down', () => {
  const ledger = running({ until: later(1000) });
  assert.deepEqual(words(expire(ledger, later(999))), []);
  assert.deepEqual(words(expire(ledger, later(1000))), ['write', 'end_attack']);
  const old = aMitigation({ notified: 'ban', until: later(1000), attack: anAttack({ origin: 'manual' }) });
  assert.deepEqual(words(restore(unread(), [old], later(5000))), ['write']);
});

test('an unban ends every attack on the host, tells their hostgroups, and answers when it is durable', () => {
  const ledger = running();
  const second = anAttack({ direction: 'outgoing' }, 2);
  mitigate(ledger, { ...want, attack: second }, at);
  const results: Result<unknown>[] = [];
  const effects = unban(ledger, '192.0.2.7', at, (result) => results.push(result));
  assert.deepEqual(words(effects), ['write', 'end_attack', 'end_attack']);
  assert.deepEqual(wanted(ledger), []);
  // the other attack on it is not written yet, so its is the last word
  assert.deepEqual(words(written(ledger, id, null, at)), ['write', 'reply ok']);
  written(ledger, second.id, null, at);
  assert.deepEqual(words(written(ledger, second.id, null, at)), ['notify unban']);
});

test('an unban of what is not mitigated says so', () => {
  assert.deepEqual(words(unban(running(), '192.0.2.8', at, () => {})), ['reply NOT_MITIGATED']);
});

test('a ban by hand is answered when it is durable, or when the journal has failed', () => {
  for (const [error, expected] of [
    [null, 'reply ok'],
    ['disk full', 'reply JOURNAL_UNWRITABLE'],
  ] as const) {
    const ledger = unread();
    assert.deepEqual(words(mitigate(ledger, { ...want, reply: () => {} }, at)), ['write']);
    assert.deepEqual(words(written(ledger, id, error, at)), ['notify ban', expected]);
  }
});

test('a revision is written, and does not take back an end', () => {
  const ledger = running();
  release(ledger, id, later(5));
  revise(ledger, anAttack({ files: ['a.pcap'] }), later(6));
  const again = mitigationIn(written(ledger, id, null, later(7)));
  assert.deepEqual(
    [again?.attack.files, again?.attack.endedAt, again?.state],
    [['a.pcap'], later(5), 'released'],
  );
});

test('changes during a write are written after it, together', () => {
  const ledger = running();
  assert.deepEqual(words(revise(ledger, attack, at)), ['write']);
  assert.deepEqual(words(revise(ledger, attack, at)), []);
  assert.deepEqual(words(revise(ledger, attack, at)), []);
  assert.deepEqual(words(written(ledger, id, null, at)), ['write']);
  assert.deepEqual(words(written(ledger, id, null, at)), []);
});

test('a whitelisted attack is recorded and never mitigated', () => {
  const ledger = unread();
  const effects = mitigate(ledger, { ...want, attack: anAttack({ whitelisted: true }) }, at);
  assert.deepEqual([words(effects), mitigationIn(effects), ledger.held.size], [['write'], null, 0]);
  written(ledger, id, 'disk full', at);
  assert.deepEqual(words(retry(ledger, later(1000))), ['write']);
});

test('a full ledger refuses loudly', () => {
  const ledger = unread();
  for (let serial = 0; serial < maxMitigations; serial++) {
    mitigate(ledger, { ...want, attack: anAttack({}, serial) }, at);
  }
  const over = { ...want, attack: anAttack({}, maxMitigations), reply: () => {} };
  const effects = mitigate(ledger, over, at);
  assert.deepEqual([words(effects), ledger.refused], [['reply LEDGER_FULL'], 1]);
  assert.ok(effects.some((effect) => effect.kind === 'log' && effect.level === 'error'));
});

const guarded = {
  networks: ['192.0.2.0/24', '2001:db8::/32', '10.0.0.0/8'],
  whitelist: ['192.0.2.53/32'],
} as never;
const terms = termsOf(aMitigationPolicy(), guarded);
const guards = [
  { text: '192.0.2.7', is: '192.0.2.7' },
  { text: ' 2001:DB8:0::7 ', is: '2001:db8::7' },
  { text: '192.0.3.7', is: 'PREFIX_NOT_OURS' },
  { text: '2001:db9::7', is: 'PREFIX_NOT_OURS' },
  { text: '192.0.2.53', is: 'WHITELISTED' },
  { text: '192.0.2.0/24', is: 'WHITELISTED' },
  { text: '192.0.2.128/25', is: '192.0.2.128/25' },
  { text: '192.0.2.7/32', is: '192.0.2.7' },
  { text: '192.0.2.7/25', is: 'ADDRESS_INVALID' },
  { text: '192.0.2.53/32', is: 'WHITELISTED' },
  { text: '10.0.0.0/8', is: 'HELD_BACK' },
  { text: '10.1.0.0/16', is: 'HELD_BACK' },
  { text: '2001:db8::/32', is: 'HELD_BACK' },
  { text: '2001:db8::/48', is: '2001:db8::/48' },
  { text: '0.0.0.0/0', is: 'PREFIX_NOT_OURS' },
  { text: '::/0', is: 'PREFIX_NOT_OURS' },
  { text: 'router', is: 'ADDRESS_INVALID' },
];
for (const { text, is } of guards) {
  test(`a ban by hand of '${text}': ${is}`, () => {
    const subject = bannable(text, terms);
    assert.equal(subject.ok ? subjectText(subject.value) : subject.error.code, is);
  });
}

const byHand = 'A000000by-hand' as AttackId;

/** The same host banned by hand as well, written. */
function twice(ledger: Ledger): readonly Effect[] {
  const attack = { ...want.attack, id: byHand, origin: 'manual' as const };
  return [...mitigate(ledger, { ...want, attack }, at), ...written(ledger, byHand, null, at)];
}

test('a host that is banned already is not banned to the script again', () => {
  const ledger = running();
  const effects = twice(ledger);
  assert.ok(!words(effects).includes('notify ban'));
  assert.equal(mitigationIn(effects.slice(1))?.notified, 'ban');
});

test('the script hears `unban` when the last mitigation of a host is released, not before', () => {
  const ledger = running();
  twice(ledger);
  written(ledger, byHand, null, at);
  const first = [
    ...release(ledger, id, at),
    ...written(ledger, id, null, at),
    ...written(ledger, id, null, at),
  ];
  assert.ok(!words(first).includes('notify unban'));
  assert.ok(!ledger.held.has(id));
  const last = [...release(ledger, byHand, at), ...written(ledger, byHand, null, at)];
  assert.ok(words(last).includes('notify unban'));
  told(ledger, byHand, 'unban', 'started', at);
  written(ledger, byHand, null, at);
  assert.equal(ledger.bySubject.size, 0);
});

test('a ban that found no room is handed over again as soon as another script has begun, one for one and in order', () => {
  const ledger = aLedger();
  const ids = [0, 1, 2, 3].map((serial) => {
    const subject = { kind: 'host', host: `192.0.2.${serial}` as HostKey } as const;
    const one = anAttack({ subject }, serial);
    mitigate(ledger, { ...want, attack: one }, at);
    written(ledger, one.id, null, at);
    return one.id;
  });
  const [first, second, third, fourth] = ids as [AttackId, AttackId, AttackId, AttackId];
  const handed = (effects: readonly Effect[]): readonly AttackId[] =>
    effects.flatMap((effect) => (effect.kind === 'notify' ? [effect.attack.id] : []));
  for (const one of [second, third, fourth])
    assert.deepEqual(handed(told(ledger, one, 'ban', 'refused', at)), []);
  assert.deepEqual(handed(told(ledger, first, 'ban', 'started', at)), [second]);
  assert.deepEqual(handed(told(ledger, second, 'ban', 'refused', at)), []); // it goes to the end
  assert.deepEqual(handed(told(ledger, first, 'attack_details', 'started', at)), [third]);
  assert.deepEqual(handed(told(ledger, third, 'ban', 'started', at)), [fourth]);
  assert.deepEqual(handed(told(ledger, fourth, 'ban', 'missing', at)), []);
  assert.deepEqual(handed(told(ledger, first, 'attack_details', 'started', at)), [second]);
  assert.deepEqual(handed(told(ledger, second, 'ban', 'started', at)), []);
});
