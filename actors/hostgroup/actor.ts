/**
 * One hostgroup: owns its meter and thresholds, judges at every tick, and has an actor for each attack.
 *
 * The decision path is absorb → judge → tell the ledger, in one handling and before anything is
 * explained. After a crash a fresh meter is right again within one window, and the ledger says which
 * attacks are on. What is decided, `rounds.ts` decides; this shell carries it out.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseHost } from '../../domain/address.js';
import type { Attack } from '../../domain/attack.js';
import type { Hostgroup } from '../../domain/hostgroup.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Judgement, Meter } from '../../domain/ports.js';
import { type PrefixSet, prefixSet } from '../../domain/prefix-table.js';
import type { Milliseconds, PrefixKey } from '../../domain/units.js';
import { ask } from '../../supervision/ask.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { LedgerMessage } from '../mitigation/messages.js';
import { type Explainers, explainers, type StartAttack } from './explainers.js';
import type { HostgroupMessage } from './messages.js';
import { remark } from './remarks.js';
import { recall } from './returns.js';
import {
  type Effect,
  emptyRounds,
  ended,
  heldBy,
  judged,
  type Policy,
  type Rounds,
  reconfigured,
  restored,
  revised,
  watchedBy,
} from './rounds.js';

export type HostgroupDeps = {
  readonly group: Hostgroup;
  readonly whitelist: readonly PrefixKey[];
  readonly tickMs: Milliseconds;
  readonly openMeter: (group: Hostgroup) => Meter;
  readonly startAttack: StartAttack;
  readonly ledger: Ref<LedgerMessage>;
  /** Asks the journal for the attacks that ended last; a journal that does not answer, or cannot, leaves all attacks new. */
  readonly askHistory: (reply: (ended: readonly Attack[]) => void) => void;
  /** Whether an attack of the journal is this group's: its own, or one whose group is no more. */
  readonly adopts: (attack: Attack) => boolean;
  /** The next serial for an attack's id, in all hostgroups. */
  readonly serial: () => number;
};

type Watch = {
  group: Hostgroup;
  whitelist: PrefixSet;
  meter: Meter;
  calmKnownFrom: number;
  readonly rounds: Rounds;
  readonly explainers: Explainers;
  /** Decisions that the ledger's mailbox did not take: said again at every judgement. */
  undecided: readonly Attack[];
  judgedAt: Milliseconds;
  /** A batch was absorbed, or a judgement deferred, and not judged since. */
  due: boolean;
  scheduled: boolean;
  readonly paces: { readonly refused: Pace; readonly undecided: Pace };
};

/** Batches come ten times a second and source; what fills this is a group that hangs, and it is counted. */
const mailboxBound = 8_192;
const stopDeadlineMs = 4_000;
const busyLimitMs = 15_000;
const ledgerDeadlineMs = 5_000;
const settleTicks = 4;
const complaintMs = 30_000;
/** Without batches the windows still run out: judged so many ticks apart. */
const idleTicks = 5;

const idleMessage: HostgroupMessage = { kind: 'idle' };

/** What a meter is made from: a change of any of it needs a new one. */
const meteredBy = ({ windowMs, thresholds, confidence }: Hostgroup) => ({ windowMs, thresholds, confidence });

export function hostgroupActor(deps: HostgroupDeps): ChildSpec<Watch, HostgroupMessage> {
  // Outlives incarnations: a restart must not bring back the configuration of the start.
  let configured = { group: deps.group, whitelist: prefixSet(deps.whitelist) };
  const halfTickMs = deps.tickMs / 2;

  async function begin(context: Context<HostgroupMessage>): Promise<Watch> {
    const on = await ask<LedgerMessage, readonly Mitigation[]>(
      deps.ledger,
      (reply) => ({ kind: 'list', reply }),
      ledgerDeadlineMs,
    );
    // Without the ledger's word an attack that is on would be taken for a new one and banned twice.
    if (!on.ok) throw new Error(`hostgroup ${deps.group.name}: ${on.error.detail}`);
    const { group, whitelist } = configured;
    const watch: Watch = {
      group,
      whitelist,
      meter: deps.openMeter(group),
      calmKnownFrom: context.clock.unixMicros() + group.windowMs * 1000,
      rounds: emptyRounds(),
      explainers: explainers(context, deps.startAttack, (attack) => ({
        hostgroup: context.self,
        policy: () => watch.group.ban,
        latest: () => heldBy(watch.rounds, attack.id)?.attack ?? attack,
        settleMs: watch.group.windowMs + settleTicks * deps.tickMs,
      })),
      undecided: [],
      judgedAt: context.clock.now(),
      due: false,
      scheduled: false,
      paces: { refused: pace(complaintMs), undecided: pace(complaintMs) },
    };
    const attacks = on.value
      .filter(
        ({ state, attack }) => state === 'wanted' && attack.origin === 'detected' && deps.adopts(attack),
      )
      .map(({ attack }) => attack);
    carryOut(watch, restored(watch.rounds, attacks, policyOf(watch)), context);
    context.every(deps.tickMs * idleTicks, idleMessage);
    if (group.ban.probe !== null) {
      // Not awaited: nothing that is asked of the past holds up a decision.
      deps.askHistory((ended) => context.self.send({ kind: 'remembered', attacks: ended }));
    }
    return watch;
  }

  const policyOf = (watch: Watch): Policy => ({
    hostgroup: watch.group.name,
    ban: watch.group.ban,
    whitelisted: (subject) => watch.whitelist.covers(subject.kind === 'host' ? subject.host : subject.prefix),
    calmKnownFrom: watch.calmKnownFrom,
    serial: deps.serial,
  });

  /** At most once in half a tick, however many sources deliver; what comes in between is judged right after. */
  function judgeWhenDue(watch: Watch, context: Context<HostgroupMessage>): Watch | Promise<Watch> {
    watch.due = true;
    const since = context.clock.now() - watch.judgedAt;
    // A timer may be up to a millisecond early.
    if (since >= halfTickMs - 1) return judge(watch, context);
    if (!watch.scheduled) {
      watch.scheduled = true;
      context.after(halfTickMs - since, idleMessage);
    }
    return watch;
  }

  function judge(watch: Watch, context: Context<HostgroupMessage>): Watch | Promise<Watch> {
    watch.due = false;
    watch.judgedAt = context.clock.now();
    const judgement = watch.meter.judge(context.clock.unixMicros());
    if (judgement instanceof Promise) return judgement.then((value) => decide(watch, value, context));
    return decide(watch, judgement, context);
  }

  function decide(watch: Watch, judgement: Judgement, context: Context<HostgroupMessage>): Watch {
    if (watch.undecided.length > 0) sendDecisions(watch, watch.undecided, context);
    if (judgement.exceeded.length > 0 || judgement.watched.length > 0) {
      carryOut(watch, judged(watch.rounds, judgement, policyOf(watch)), context);
    }
    if (judgement.deferred > 0 && !watch.scheduled) {
      watch.due = true;
      watch.scheduled = true;
      context.after(halfTickMs, idleMessage);
    }
    return watch;
  }

  function carryOut(watch: Watch, effects: readonly Effect[], context: Context<HostgroupMessage>): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'mitigate':
          sendDecisions(watch, [effect.attack], context);
          break;
        case 'watch':
          watch.meter.watch(effect.subject, effect.direction);
          break;
        case 'unwatch':
          watch.meter.unwatch(effect.subject, effect.direction);
          break;
        case 'start':
          watch.explainers.enlist(effect.attack, effect.mode);
          break;
        case 'tell':
          watch.explainers.tell(effect.attack, {
            kind: 'standing',
            standing: effect.standing,
            at: effect.at,
          });
          break;
        case 'release':
          watch.explainers.release(effect.attack);
          break;
        case 'end':
          watch.explainers.retireLater(effect.attack);
          break;
        case 'widened':
        case 'suppressed':
        case 'refused':
          break;
      }
      remark(effect, watch.group.name, watch.paces.refused, context);
    }
    watch.explainers.startSome();
  }

  function sendDecisions(watch: Watch, attacks: readonly Attack[], context: Context<HostgroupMessage>): void {
    const left = attacks.filter((attack) => !deps.ledger.send({ kind: 'mitigate', attack, until: null }));
    watch.undecided = attacks === watch.undecided ? left : [...watch.undecided, ...left];
    if (left.length === 0) return;
    const kept = watch.paces.undecided(context.clock.now());
    if (kept !== null)
      context.log.error('the ledger takes no decisions', { waiting: watch.undecided.length, kept });
  }

  function reconfigure(
    watch: Watch,
    group: Hostgroup,
    whitelist: readonly PrefixKey[],
    context: Context<HostgroupMessage>,
  ): void {
    const before = watch.group;
    configured = { group, whitelist: prefixSet(whitelist) };
    watch.group = group;
    watch.whitelist = configured.whitelist;
    if (!isDeepStrictEqual(meteredBy(before), meteredBy(group))) {
      watch.meter.close();
      watch.meter = deps.openMeter(group);
      watch.calmKnownFrom = context.clock.unixMicros() + group.windowMs * 1000;
      for (const { subject, direction } of watchedBy(watch.rounds)) watch.meter.watch(subject, direction);
    }
    carryOut(watch, reconfigured(watch.rounds, policyOf(watch)), context);
  }

  return {
    kind: 'actor',
    id: deps.group.name,
    restart: 'permanent',
    mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
    stopDeadlineMs,
    busyLimitMs,
    behaviour: () => ({
      name: 'hostgroup',
      init: begin,
      receive(watch, message, context) {
        switch (message.kind) {
          case 'absorb': {
            const absorbed = watch.meter.absorb(message.batch);
            if (absorbed instanceof Promise) return absorbed.then(() => judgeWhenDue(watch, context));
            return judgeWhenDue(watch, context);
          }
          case 'idle':
            watch.scheduled = false;
            if (watch.due) return judgeWhenDue(watch, context);
            if (context.clock.now() - watch.judgedAt < halfTickMs * idleTicks) return watch;
            return judge(watch, context);
          case 'restored':
            carryOut(watch, restored(watch.rounds, message.attacks, policyOf(watch)), context);
            return watch;
          case 'remembered':
            if (watch.group.ban.probe !== null) {
              const at = context.clock.unixMicros();
              recall(watch.rounds.releases, message.attacks.filter(deps.adopts), at, watch.group.ban.probe);
            }
            return watch;
          case 'attack_ended':
            if (heldBy(watch.rounds, message.attack) === null) watch.explainers.retire(message.attack);
            else carryOut(watch, ended(watch.rounds, message.attack, context.clock.unixMicros()), context);
            return watch;
          case 'attack_revised':
            revised(watch.rounds, message.attack);
            return watch;
          case 'attack_lost': {
            const held = heldBy(watch.rounds, message.attack);
            if (held !== null) watch.explainers.succeed(held.attack);
            return watch;
          }
          case 'release':
            watch.explainers.release(message.attack);
            return watch;
          case 'start_more':
            watch.explainers.startMore();
            return watch;
          case 'reconfigure':
            reconfigure(watch, message.group, message.whitelist, context);
            return watch;
          case 'report': {
            const at = context.clock.unixMicros();
            message.reply({
              name: watch.group.name,
              total: watch.meter.total(at),
              networks: watch.meter.networks(at),
              attacks: watch.rounds.held.size,
              suppressed: watch.rounds.suppressed.size,
              refused: watch.rounds.refused,
              meter: watch.meter.stats(),
            });
            return watch;
          }
          case 'top': {
            const { by, direction, count } = message;
            message.reply(watch.meter.top(by, direction, count, context.clock.unixMicros()));
            return watch;
          }
          case 'rates': {
            const host = parseHost(message.host);
            message.reply(host.ok ? watch.meter.rates(host.value, context.clock.unixMicros()) : null);
            return watch;
          }
        }
      },
      stop: (watch) => watch.meter.close(),
    }),
  };
}
