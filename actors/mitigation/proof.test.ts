/** Whom the proof watches, and what it says of those that nobody can watch. What is seen: effect.test.ts. */
import { expect, test } from 'vitest';
import { subjectText } from '../../domain/attack.js';
import type { Mitigation, MitigationEffect } from '../../domain/mitigation.js';
import { aMitigation, anAttack, anEffect } from '../../domain/rehearsal.js';
import type { AttackId, HostKey } from '../../domain/units.js';
import type { Ref } from '../../supervision/behaviour.js';
import { manualTime } from '../../supervision/manual-time.js';
import { pass, startOn, supervisor } from '../../supervision/rehearsal.js';
import type { LedgerMessage } from './messages.js';
import { actsOnIncoming, maxProofs, proofActor } from './proof.js';

const held = {
  speaker: 'edge-1',
  announcement: { kind: 'unicast', prefix: '192.0.2.7/32', nextHop: '192.0.2.1' } as never,
  state: 'held',
} as const;
const one = (
  serial: number,
  change: Partial<Mitigation> = {},
  attack: Partial<Mitigation['attack']> = {},
): Mitigation => {
  const subject = { kind: 'host', host: `192.0.2.${serial}` as HostKey } as const;
  return aMitigation({ attack: anAttack({ subject, ...attack }, serial), holdings: [held], ...change });
};

/** Who is watched after a few looks, and the last that is told of each. */
async function looked(mitigations: readonly Mitigation[], room = maxProofs) {
  const told = new Map<AttackId, MitigationEffect[]>();
  const watched = new Set<string>();
  const ledger: Ref<LedgerMessage> = {
    id: 'ledger',
    send: (message) => {
      if (message.kind === 'list')
        message.reply(
          mitigations.map((each) => ({ ...each, effect: told.get(each.id)?.at(-1) ?? each.effect })),
        );
      if (message.kind === 'effect')
        told.set(message.attack, [...(told.get(message.attack) ?? []), message.effect]);
      return true;
    },
  };
  const time = manualTime();
  const spec = proofActor({
    ledger,
    open: (subject) => {
      if (watched.size >= room) return null;
      watched.add(subjectText(subject));
      return { read: () => [], close: () => void watched.delete(subjectText(subject)) };
    },
    plane: () => null,
    policy: () => ({ settleMs: 60_000, effectiveBelow: 0.1, partialBelow: 0.5, escalate: 'none' }),
  });
  const tree = await startOn(time, supervisor('root', [spec]));
  await pass(time, 3500);
  const now = [...watched];
  await tree.stop();
  const said = ({ id }: Mitigation) => told.get(id)?.map(({ state, reason }) => [state, reason]) ?? [];
  return { watched: now, said };
}

test('attacks and bans by hand that are announced are watched; what is over, or announced nowhere, is not', async () => {
  const attack = one(1);
  const byHand = one(2, {}, { origin: 'manual', direction: 'other', peak: { pps: 0, bps: 0 } });
  const over = one(3, { state: 'released' });
  const nowhere = one(4, { holdings: [] });
  const { watched, said } = await looked([attack, byHand, over, nowhere]);
  expect(watched).toEqual(['192.0.2.1', '192.0.2.2']);
  expect([attack, byHand, over, nowhere].map(said)).toEqual([
    [['watching', null]],
    [['watching', null]],
    [],
    [],
  ]);
});

test('an attack that goes out is said to be unproven, once, as soon as it is announced', async () => {
  const out = one(1, {}, { direction: 'outgoing' });
  const notYet = one(2, { holdings: [{ ...held, state: 'wanted' }] }, { direction: 'outgoing' });
  const { watched, said } = await looked([out, notYet]);
  expect(watched).toEqual([]);
  expect(said(out)).toEqual([['unproven', actsOnIncoming]]);
  expect(said(notYet)).toEqual([]);
});

test('what finds no room is said to be unproven, unless more is known of it', async () => {
  const [first, second] = [one(1), one(2)];
  const known = one(3, { effect: anEffect({ state: 'effective' }) });
  const { watched, said } = await looked([first, second, known], 1);
  expect(watched).toEqual(['192.0.2.1']);
  expect(said(second)).toEqual([['unproven', `${maxProofs} mitigations are watched already`]]);
  expect(said(known)).toEqual([]);
});
