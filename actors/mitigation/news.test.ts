/** What the ledger tells whom it may concern: each change once, nothing that a restart brings back. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { noticesOf } from '../../domain/notice.js';
import { aMitigation, anAttack, anEffect, rehearsalStart } from '../../domain/rehearsal.js';
import type { AttackId } from '../../domain/units.js';
import {
  aLedger,
  explain,
  judge,
  mitigate,
  release,
  restore,
  revise,
  told,
  unread,
  written,
} from './ledger-rehearsal.js';
import { type Effect, maxMitigations } from './table.js';

const at = rehearsalStart;
const attack = anAttack();
const { id } = attack;
const news = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((effect) =>
    effect.kind === 'news'
      ? noticesOf(effect.before, effect.after, at).map(({ event, change }) => change ?? event)
      : [],
  );
const want = { attack, until: null, comment: '', reply: null };

test('begin, evidence, effect and end are told once each, whatever is written in between', () => {
  const ledger = aLedger();
  const heard = [
    mitigate(ledger, want, at),
    written(ledger, id, null, at),
    told(ledger, id, 'ban', 'started', at),
    written(ledger, id, null, at),
    revise(ledger, { ...attack, evidence: 'complete' }, at),
    explain(ledger, { attack: { ...attack, evidence: 'complete' }, report: '', rules: [] }, at),
    judge(ledger, id, anEffect({ state: 'watching', since: at }), at),
    judge(ledger, id, anEffect({ since: at + 1 }), at),
    written(ledger, id, null, at),
    release(ledger, id, at),
    written(ledger, id, null, at),
    told(ledger, id, 'unban', 'started', at),
    written(ledger, id, null, at),
  ].map(news);
  assert.deepEqual(heard.flat(), ['attack_began', 'evidence_complete', 'effective', 'attack_ended']);
});

test('what the journal gives back is no news, and its end is', () => {
  const ledger = unread();
  assert.deepEqual(news(restore(ledger, [aMitigation({ id, attack })], at)), []);
  assert.deepEqual(news(release(ledger, id, at)), ['attack_ended']);
});

test('as many as the ledger holds are told without one being forgotten', () => {
  const ledger = aLedger();
  let heard = 0;
  for (let serial = 0; serial < maxMitigations; serial += 1) {
    const own = { ...attack, id: `${id}${serial}` as AttackId };
    heard += news(mitigate(ledger, { ...want, attack: own }, at)).length;
  }
  assert.equal(heard, maxMitigations);
  assert.equal(ledger.unreported.size, 0);
});
