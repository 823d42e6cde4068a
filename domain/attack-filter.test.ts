import assert from 'node:assert/strict';
import { test } from 'vitest';
import { anyAttack, asksFor, isNarrow, type ListState, stands } from './attack-filter.js';
import { aMitigation, anAttack, anEffect } from './rehearsal.js';
import type { PrefixKey } from './units.js';

const prefix = (text: string): PrefixKey => text as PrefixKey;
const rows = [
  { claim: 'nothing asked for', filter: {}, is: true },
  { claim: 'the host itself', filter: { prefix: prefix('192.0.2.7/32') }, is: true },
  { claim: 'a prefix around it', filter: { prefix: prefix('192.0.2.0/24') }, is: true },
  { claim: 'another prefix', filter: { prefix: prefix('192.0.3.0/24') }, is: false },
  { claim: 'the other family', filter: { prefix: prefix('2001:db8::/32') }, is: false },
  { claim: 'its hostgroup', filter: { hostgroup: 'global' }, is: true },
  { claim: 'another hostgroup', filter: { hostgroup: 'web' }, is: false },
  { claim: 'by hand', filter: { origin: 'manual' as const }, is: false },
];
for (const { claim, filter, is } of rows) {
  test(`an attack on 192.0.2.7, ${claim}: ${is}`, () => {
    assert.equal(asksFor({ ...anyAttack, ...filter }, anAttack()), is);
  });
}

test('an attack on a network is found by an address in it', () => {
  const attack = anAttack({ subject: { kind: 'prefix', prefix: prefix('192.0.2.0/24') } });
  assert.ok(asksFor({ ...anyAttack, prefix: prefix('192.0.2.7/32') }, attack));
});

test('a filter is narrow as soon as one field is asked for', () => {
  assert.deepEqual([isNarrow(anyAttack), isNarrow({ ...anyAttack, state: 'wanted' })], [false, true]);
});

const effect = anEffect({ state: 'partial' });
const states: readonly { readonly is: Parameters<typeof stands>[0]; readonly as: readonly ListState[] }[] = [
  { is: aMitigation(), as: ['wanted'] },
  { is: aMitigation({ heldBack: 'stopped' }), as: ['wanted', 'held_back'] },
  { is: aMitigation({ state: 'released' }), as: ['released'] },
  { is: aMitigation({ effect }), as: ['wanted', 'partial'] },
  { is: aMitigation({ effect: anEffect({ state: 'unproven' }) }), as: ['wanted', 'unproven'] },
];
for (const { is, as } of states) {
  test(`it stands as ${as.join(' and ')}`, () => {
    const all = ['wanted', 'announced', 'held_back', 'released', 'partial', 'effective', 'unproven'] as const;
    assert.deepEqual(
      all.filter((state) => stands(is, state)),
      as,
    );
  });
}
