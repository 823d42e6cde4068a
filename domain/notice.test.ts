import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'vitest';
import { noCommunities } from './announcement.js';
import type { Holding, Mitigation, MitigationEffect } from './mitigation.js';
import { noticeChanges, noticeEvents, noticesOf } from './notice.js';
import { someNotice } from './notice-rehearsal.js';
import { aMitigation, anAttack, anEffect } from './rehearsal.js';
import type { HostKey, PrefixKey } from './units.js';

const holding = (state: Holding['state'], host = '192.0.2.7'): Holding => ({
  speaker: 'gobgp',
  state,
  announcement: {
    kind: 'unicast',
    prefix: `${host}/32` as PrefixKey,
    nextHop: '192.0.2.1' as HostKey,
    communities: noCommunities,
  },
});
const told = (before: Mitigation | null, after: Mitigation): readonly string[] =>
  noticesOf(before, after, 1e15).map(({ event, change }) => change ?? event);
const plain = aMitigation();
const held = aMitigation({ holdings: [holding('held')] });
const effect = (state: MitigationEffect['state'], since = 1) =>
  aMitigation({ ...held, effect: anEffect({ state, since }) });

test('partial says how much of it still comes, unproven why nobody knows', () => {
  const after = aMitigation({ ...held, effect: anEffect({ state: 'partial', remaining: 0.402 }) });
  const [notice] = noticesOf(effect('watching'), after, 1e15);
  assert.equal(notice?.text, 'mitigation of 192.0.2.7 is partial, 40 % of it still comes');
  assert.equal(notice?.mitigation.remaining, 0.402);
  const unproven = aMitigation({ effect: anEffect({ state: 'unproven', reason: 'why' }) });
  const [began] = noticesOf(null, unproven, 1e15);
  assert.deepEqual([began?.mitigation.effect, began?.mitigation.unproven], ['unproven', 'why']);
});

const rows: readonly {
  readonly claim: string;
  readonly before: Mitigation | null;
  readonly after: Mitigation;
  readonly says: readonly string[];
}[] = [
  { claim: 'a new mitigation began', before: null, after: plain, says: ['attack_began'] },
  { claim: 'no change says nothing', before: held, after: held, says: [] },
  {
    claim: 'complete evidence is told once',
    before: plain,
    after: aMitigation({ attack: anAttack({ evidence: 'complete' }) }),
    says: ['evidence_complete'],
  },
  {
    claim: 'on its way is not announced',
    before: plain,
    after: aMitigation({ holdings: [holding('wanted')] }),
    says: [],
  },
  { claim: 'confirmed is announced', before: plain, after: held, says: ['announced'] },
  {
    claim: 'half confirmed is not announced',
    before: plain,
    after: aMitigation({ holdings: [holding('held'), holding('wanted', '192.0.2.8')] }),
    says: [],
  },
  {
    claim: 'more of it is announced again',
    before: held,
    after: aMitigation({ holdings: [holding('held'), holding('held', '192.0.2.8')] }),
    says: ['announced'],
  },
  {
    claim: 'what leaves is not announced',
    before: plain,
    after: aMitigation({ holdings: [holding('leaving')] }),
    says: [],
  },
  {
    claim: 'a guard holds back',
    before: plain,
    after: aMitigation({ heldBack: 'dry_run' }),
    says: ['held_back'],
  },
  {
    claim: 'another guard is told too',
    before: aMitigation({ heldBack: 'dry_run' }),
    after: aMitigation({ heldBack: 'stopped' }),
    says: ['held_back'],
  },
  { claim: 'watching says nothing', before: held, after: effect('watching'), says: [] },
  { claim: 'effective', before: effect('watching'), after: effect('effective'), says: ['effective'] },
  { claim: 'partial', before: effect('effective'), after: effect('partial'), says: ['partial'] },
  {
    claim: 'that nobody can say is not told',
    before: effect('watching'),
    after: effect('unproven'),
    says: [],
  },
  { claim: 'ineffective', before: effect('partial'), after: effect('ineffective'), says: ['ineffective'] },
  {
    claim: 'escalated',
    before: held,
    after: aMitigation({ ...held, escalated: 'uplink' }),
    says: ['escalated'],
  },
  {
    claim: 'the end',
    before: held,
    after: aMitigation({ ...held, state: 'released' }),
    says: ['attack_ended'],
  },
  {
    claim: 'what is gone after the end says nothing',
    before: aMitigation({ ...held, state: 'released' }),
    after: aMitigation({ state: 'released' }),
    says: [],
  },
];
for (const { claim, before, after, says } of rows)
  test(claim, () => assert.deepEqual(told(before, after), says));

test('the same change has the same id, and different events of an attack never share one', () => {
  const steps = [
    null,
    plain,
    held,
    effect('watching'),
    effect('effective', 1),
    effect('partial', 2),
    effect('effective', 3),
  ];
  const ids = (at: number): readonly string[] =>
    steps
      .slice(1)
      .flatMap((after, index) => noticesOf(steps[index] ?? null, after ?? plain, at).map(({ id }) => id));
  assert.deepEqual(ids(1e15), ids(2e15));
  assert.equal(new Set(ids(1e15)).size, 5);
});

test('a route that is lost and announced again is the same event', () => {
  const lost = aMitigation({ holdings: [holding('wanted')] });
  const [first] = noticesOf(plain, held, 1);
  const [again] = noticesOf(lost, held, 2);
  assert.equal(first?.id, again?.id);
});

test('an id goes into a header, whatever a guard is called, and a notice is JSON', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (heldBack, comment) => {
      for (const notice of noticesOf(plain, aMitigation({ heldBack, comment }), 1e15)) {
        assert.match(notice.id, /^[A-Za-z0-9._-]{1,120}$/);
        assert.deepEqual(JSON.parse(JSON.stringify(notice)), notice);
      }
    }),
  );
});

test('docs/notices.md names every event, change and field, and no other', () => {
  const page = readFileSync(new URL('../docs/notices.md', import.meta.url), 'utf8');
  const rowsOf = (heading: string): readonly string[] => {
    const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name).sort();
  };
  const fields = (value: object, prefix = ''): readonly string[] =>
    Object.entries(value).flatMap(([name, inner]) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? fields(inner, `${prefix}${name}.`)
        : [`${prefix}${name}`],
    );
  assert.deepEqual(rowsOf('Events'), [...noticeEvents].sort());
  assert.deepEqual(rowsOf('Changes'), [...noticeChanges].sort());
  assert.deepEqual(rowsOf('Fields'), [...fields(someNotice())].sort());
});
