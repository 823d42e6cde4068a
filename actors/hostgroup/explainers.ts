/**
 * The attack actors of one hostgroup's incarnation: started a few at a time, retired when their attack is
 * over, replaced when they are lost.
 *
 * All decisions of a judgement are taken at once; the actors that explain them wait their turn, so that a
 * carpet attack on thousands of hosts does not stall the loop. Who must be released is started first.
 */
import { type Attack, subjectText } from '../../domain/attack.js';
import type { BanPolicy } from '../../domain/hostgroup.js';
import type { AttackId, Milliseconds } from '../../domain/units.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import type { AttackMessage } from '../attack/messages.js';
import type { HostgroupMessage } from './messages.js';

export type AttackMode = 'new' | 'restored';

/** What an attack actor may ask of its hostgroup: who it is, its policy as it is now, and the record as last revised. */
export type AttackHooks = {
  readonly hostgroup: Ref<HostgroupMessage>;
  readonly policy: () => BanPolicy;
  readonly latest: () => Attack;
  /** After a restart the meter is empty: for this long a low rate means nothing. */
  readonly settleMs: Milliseconds;
};
export type AttackChild = { readonly id: string; readonly ref: Ref<AttackMessage> };

/** Spawns the attack's actor as a child of the hostgroup. */
export type StartAttack = (
  spawn: Context<HostgroupMessage>['spawn'],
  attack: Attack,
  mode: AttackMode,
  hooks: AttackHooks,
) => AttackChild;

export type Explainers = {
  /** Starts with the next `startSome`. */
  readonly enlist: (attack: Attack, mode: AttackMode) => void;
  readonly startSome: () => void;
  /** The pause that `startSome` asked for is over. */
  readonly startMore: () => void;
  readonly tell: (id: AttackId, message: AttackMessage) => void;
  readonly release: (id: AttackId) => void;
  readonly retireLater: (id: AttackId) => void;
  readonly retire: (id: AttackId) => void;
  /** `held`: the attack's record, of an actor that is gone without a word. */
  readonly succeed: (held: Attack) => void;
};

/** Some 0.1 ms each. */
const startsAtOnce = 16;
const startPauseMs: Milliseconds = 2;
const successorAfterMs: Milliseconds = 5_000;
/** An attack that is over keeps its actor for so long: its files may still be on their way to the disk. */
const retireAfterMs: Milliseconds = 5_000;

export function explainers(
  context: Context<HostgroupMessage>,
  startAttack: StartAttack,
  hooksOf: (attack: Attack) => AttackHooks,
): Explainers {
  const children = new Map<AttackId, AttackChild>();
  /** At most as many as attacks are held. */
  const waiting = new Map<AttackId, { readonly attack: Attack; readonly mode: AttackMode }>();
  let pausing = false;

  const start = (attack: Attack, mode: AttackMode): void => {
    const { id } = attack;
    waiting.delete(id);
    const child = startAttack(context.spawn, attack, mode, hooksOf(attack));
    children.set(id, child);
    context.watch(child.ref, ({ reason }) =>
      reason === 'done' ? { kind: 'attack_ended', attack: id } : { kind: 'attack_lost', attack: id },
    );
  };

  const startSome = (): void => {
    let left = startsAtOnce;
    for (const { attack, mode } of waiting.values()) {
      if (left === 0) break;
      left -= 1;
      start(attack, mode);
    }
    if (waiting.size === 0 || pausing) return;
    pausing = true;
    context.after(startPauseMs, { kind: 'start_more' });
  };

  return {
    enlist: (attack, mode) => void waiting.set(attack.id, { attack, mode }),
    startSome,
    startMore: () => {
      pausing = false;
      startSome();
    },
    tell: (id, message) => void children.get(id)?.ref.send(message),
    release: (id) => {
      const late = waiting.get(id);
      if (late !== undefined) start(late.attack, late.mode);
      children.get(id)?.ref.send({ kind: 'release' });
    },
    retireLater: (id) => void context.after(retireAfterMs, { kind: 'attack_ended', attack: id }),
    retire: (id) => {
      const child = children.get(id);
      if (child === undefined) return;
      children.delete(id);
      // Not awaited: a slow last word of one attack must not hold up the judgement of all others.
      context.stopChild(child.id).catch((error: unknown) => {
        context.log.warn('attack actor did not stop', { attack: id, error: String(error) });
      });
    },
    succeed: (held) => {
      if (!children.delete(held.id)) {
        start(held, 'restored');
        return;
      }
      context.log.error('attack actor lost', { attack: held.id, subject: subjectText(held.subject) });
      context.after(successorAfterMs, { kind: 'attack_lost', attack: held.id });
    },
  };
}
