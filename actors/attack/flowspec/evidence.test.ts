/** Which packets of the evidence are the attack's, and which are normal. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { SampledPacket } from '../../../domain/attack.js';
import { anAttack, aPacket, rehearsalStart } from '../../../domain/rehearsal.js';
import { finished } from '../../../domain/work.js';
import { evenly } from './compile.js';
import { outgoing, partedEvidence, rulesFor } from './evidence.js';

const reachMs = 1200;
const policy = { coverage: 0.9, maxRules: 5, maxCollateral: 0.2, action: { kind: 'discard' } } as const;
const some = (count: number, change: (index: number) => Partial<SampledPacket>): SampledPacket[] =>
  Array.from({ length: count }, (_, index) => aPacket(change(index)));
const syns = some(90, (index) => ({ at: rehearsalStart - 500_000 + index, protocol: 6, tcpFlags: 2 }));
const acks = some(3, (index) => ({ at: rehearsalStart + index, protocol: 6, tcpFlags: 16 }));
const attack = anAttack();

test('what shows the leading vector within the window is the attack, what does not is normal', () => {
  assert.deepEqual(partedEvidence(attack, [...acks, ...syns], [], reachMs), { attack: syns, normal: acks });
});

test('what came before the window is normal, and what looks like the attack there is neither', () => {
  const early = some(4, (index) => ({ at: rehearsalStart - 1_900_000 + index, protocol: 6, tcpFlags: 2 }));
  const web = some(4, (index) => ({ at: rehearsalStart - 1_800_000 + index, protocol: 6, tcpFlags: 16 }));
  const before = some(9, (index) => ({ at: rehearsalStart - 60_000_000 + index, protocol: 6, tcpFlags: 2 }));
  const late = some(1, () => ({ at: rehearsalStart - 100_000 }));
  assert.deepEqual(partedEvidence(attack, [...early, ...web, ...syns], [...before, ...late], reachMs), {
    attack: syns,
    normal: [...before, ...web],
  });
});

test('a vector beside the leading one is the attack too; a few strays are not', () => {
  const udp = some(20, (index) => ({ at: rehearsalStart + index }));
  const parted = partedEvidence(attack, [...syns, ...udp, ...acks], [], reachMs);
  assert.deepEqual([parted.attack.length, parted.normal], [110, acks]);
});

test('many protocols, none of them frequent, are one attack', () => {
  const odd = some(100, (index) => ({ at: rehearsalStart, protocol: 148 + index, sourcePort: 0 }));
  assert.equal(partedEvidence(attack, odd, [], reachMs).attack.length, 100);
});

test('no rules are made against hosts that are not ours', () => {
  const made = finished(rulesFor(anAttack({ direction: 'outgoing' }), syns, [], reachMs, policy));
  assert.deepEqual([made.rules, made.reason], [[], outgoing]);
});

test('packets of the other direction count as neither', () => {
  const answers = syns.map((packet) => ({ ...packet, direction: 'outgoing' as const }));
  const made = finished(rulesFor(attack, [...syns, ...answers], [], reachMs, policy));
  assert.deepEqual([made.attackPackets, made.normalPackets], [90, 0]);
});

test('of many packets some are taken, from the first to the last', () => {
  const all = Array.from({ length: 1003 }, (_, index) => index);
  const taken = evenly(all, 100);
  assert.equal(taken.length, 100);
  assert.ok((taken[0] ?? 99) < 11 && (taken.at(-1) ?? 0) > 990);
  assert.deepEqual(evenly(all, 5000), all);
});
