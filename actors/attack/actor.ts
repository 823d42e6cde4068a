/**
 * One attack's actor: feeds its life with packets, standings and the clock, and carries out what follows.
 *
 * It ends nothing by itself: when the life is over it tells the hostgroup, whose child it is. A slow disk delays
 * neither the report nor the release; the files' names follow as a revision. It gathers packets while it has a seat at the
 * desk (desk.ts), and is explained there; what its life says meanwhile is told after that, so that the record and the release
 * never come before the report. Its packets stay in the tap until then, where they cost a third of what they do as objects. One
 * that gets no seat in time makes do with the packets that are remembered.
 */
import type { Attack } from '../../domain/attack.js';
import type { FlowspecPolicy } from '../../domain/bgp.js';
import type { BanPolicy } from '../../domain/hostgroup.js';
import type { EvidenceFile, EvidenceStore, Log, PackText, Tap, TapOpener } from '../../domain/ports.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';
import type { Outcome } from '../../domain/work.js';
import type { Behaviour, Cancel, Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { HostgroupMessage } from '../hostgroup/messages.js';
import type { LedgerMessage } from '../mitigation/messages.js';
import type { Desk, Job, Seat } from './desk.js';
import { type EvidenceTaker, type Explained, explaining } from './explaining.js';
import { fingerprint } from './fingerprint.js';
import {
  type AttackMode,
  advance,
  born,
  type Effect,
  endsAt,
  type Input,
  type Life,
  type LifePolicy,
} from './lifecycle.js';
import type { AttackMessage } from './messages.js';
import { detailsReport } from './report.js';

export type AttackDeps = {
  readonly openTap: TapOpener;
  readonly desk: Desk;
  readonly evidence: EvidenceStore;
  readonly pack: PackText;
  /** How rules are compiled from the evidence. */
  readonly flowspec: FlowspecPolicy;
  /** As in the settings of the same name. `packets` 0: no evidence is awaited. */
  readonly limits: {
    readonly packets: number;
    readonly timeLimitMs: Milliseconds;
    readonly sampleBytes: number;
    /** Write a .pcap file beside the reports. */
    readonly pcap: boolean;
  };
};

export type AttackHooks = {
  readonly ledger: Ref<LedgerMessage>;
  readonly hostgroup: Ref<HostgroupMessage>;
  /** The ban policy of the hostgroup as it is now. */
  readonly policy: () => BanPolicy;
  /** After a restart, a low rate means nothing for this long: the hostgroup's window and a few ticks. */
  readonly settleMs: Milliseconds;
  /** The record as it was last revised, for a new incarnation after a crash. */
  readonly latest: () => Attack;
};

/** The tap is read every `fastMs` at first, then at pauses of a quarter of the time that it has been open. */
const fastMs = 50;
const pauseShare = 0.25;
/** A policy can change under a waiting attack: the clock is looked at this often at least. */
const checkEndMs = 10_000;

const mailboxBound = 256;
const stopDeadlineMs = 2000;
const busyLimitMs = 10_000;

type State = {
  life: Life;
  tap: Tap | null;
  seat: Seat | null;
  /** The explanation under way. */
  job: Job | null;
  /** It follows the explanation. */
  behind: Extract<Effect, { kind: 'release' }> | null;
  /** The next look at the clock. */
  check: { readonly at: UnixMicros; readonly cancel: Cancel } | null;
};

/** The child that a hostgroup spawns for an attack; its id is the attack's. */
export const attackActor =
  (deps: AttackDeps) =>
  (attack: Attack, mode: AttackMode, hooks: AttackHooks): ChildSpec<State, AttackMessage> => ({
    kind: 'actor',
    id: attack.id,
    behaviour: () => attackBehaviour(deps, mode, hooks),
    restart: 'transient',
    mailbox: {
      bound: mailboxBound,
      overflow: { kind: 'conflate', key: (message) => (message.kind === 'standing' ? 'standing' : null) },
    },
    stopDeadlineMs,
    busyLimitMs,
    crowd: true,
  });

export const attackBehaviour = (
  deps: AttackDeps,
  mode: AttackMode,
  hooks: AttackHooks,
): Behaviour<State, AttackMessage> => ({
  name: 'attack',
  init(context) {
    const attack = hooks.latest();
    const at = context.clock.unixMicros();
    const again: AttackMode = context.generation > 1 ? 'restored' : mode;
    const life = born(attack, again, at, policyOf(deps, hooks));
    const state: State = {
      life,
      tap: null,
      seat: null,
      job: null,
      behind: null,
      check: null,
    };
    if (life.phase === 'gathering') {
      if (deps.limits.packets > 0) state.seat = takeSeat(deps, context);
      if (state.seat?.taken() !== false) collect(state, deps, hooks, context);
      else {
        const leftMs = deps.limits.timeLimitMs - (at - life.gatheringSince) / 1000;
        context.after(Math.max(0, leftMs), { kind: 'collect' });
      }
    }
    checkInTime(state, at, hooks, context);
    return state;
  },
  receive(state, message, context) {
    const at = context.clock.unixMicros();
    switch (message.kind) {
      case 'report':
        message.reply(state.life.attack);
        return state;
      case 'seated':
      case 'collect':
        collect(state, deps, hooks, context);
        return state;
      case 'explained':
        explained(state, message.outcome, deps, hooks, context);
        return state;
      case 'check_end':
        state.check = null;
        return feed(state, { kind: 'clock', at }, deps, hooks, context);
      case 'standing':
        return feed(state, message, deps, hooks, context);
      case 'release':
        if (state.tap === null) collect(state, deps, hooks, context); // what is remembered is better than nothing
        return feed(state, { ...message, at }, deps, hooks, context);
      case 'stored':
        return feed(state, { ...message, at }, deps, hooks, context);
    }
  },
  stop(state) {
    closeTap(state);
    state.job?.cancel();
  },
});

/** Left with the incarnation, however that ends. */
function takeSeat({ desk, limits }: AttackDeps, { self, signal }: Context<AttackMessage>): Seat {
  const seat = desk.seat(limits, () => void self.send({ kind: 'seated' }));
  signal.addEventListener('abort', seat.leave, { once: true });
  return seat;
}

const policyOf = (deps: AttackDeps, hooks: AttackHooks): LifePolicy => ({
  ban: hooks.policy(),
  evidence: deps.limits,
  settleMs: hooks.settleMs,
});

function closeTap(state: State): void {
  state.tap?.close();
  state.tap = null;
}

/** Without a seat it is the last look: the time is up. */
function collect(state: State, deps: AttackDeps, hooks: AttackHooks, context: Context<AttackMessage>): void {
  if (state.life.phase !== 'gathering') return;
  if (state.tap === null && deps.limits.packets > 0) {
    state.tap = deps.openTap(state.life.attack.subject, deps.limits.packets);
  }
  const at = context.clock.unixMicros();
  feed(state, { kind: 'collected', packets: state.tap?.gathered() ?? 0, at }, deps, hooks, context);
  if (state.life.phase !== 'gathering') return;
  const ageMs = (at - state.life.gatheringSince) / 1000;
  context.after(Math.max(fastMs, ageMs * pauseShare), { kind: 'collect' });
}

function feed(
  state: State,
  input: Input,
  deps: AttackDeps,
  hooks: AttackHooks,
  context: Context<AttackMessage>,
): State {
  const step = advance(state.life, input, policyOf(deps, hooks));
  state.life = step.life;
  for (const effect of step.effects) perform(state, effect, deps, hooks, context);
  checkInTime(state, context.clock.unixMicros(), hooks, context);
  return state;
}

/** One timer, for the earliest moment at which the clock alone could end the attack. */
function checkInTime(
  state: State,
  now: UnixMicros,
  hooks: AttackHooks,
  context: Context<AttackMessage>,
): void {
  if (state.life.phase === 'released') {
    state.check?.cancel();
    state.check = null;
    return;
  }
  const latest = now + checkEndMs * 1000;
  const at = Math.max(now, Math.min(endsAt(state.life, hooks.policy()) ?? latest, latest));
  if (state.check !== null && state.check.at <= at) return;
  state.check?.cancel();
  state.check = { at, cancel: context.after(Math.ceil((at - now) / 1000), { kind: 'check_end' }) };
}

function perform(
  state: State,
  effect: Effect,
  deps: AttackDeps,
  hooks: AttackHooks,
  context: Context<AttackMessage>,
): void {
  switch (effect.kind) {
    case 'explain':
      explain(state, effect, deps, hooks, context);
      return;
    case 'revise': // what the explanation brings is the record as it is then
      if (state.job === null) revise(effect, hooks);
      return;
    case 'release':
      if (state.job === null) release(effect, hooks);
      else {
        state.behind = effect;
        state.job.hurry();
      }
  }
}

function revise({ attack }: Extract<Effect, { kind: 'revise' }>, { ledger, hostgroup }: AttackHooks): void {
  ledger.send({ kind: 'revise', attack });
  hostgroup.send({ kind: 'attack_revised', attack });
}

function release(effect: Extract<Effect, { kind: 'release' }>, { ledger, hostgroup }: AttackHooks): void {
  ledger.send({ kind: 'release', attack: effect.attack.id, at: effect.at });
  hostgroup.send({ kind: 'attack_ended', attack: effect.attack.id });
}

function explain(
  state: State,
  { attack }: Extract<Effect, { kind: 'explain' }>,
  deps: AttackDeps,
  hooks: AttackHooks,
  context: Context<AttackMessage>,
): void {
  const { desk, flowspec, limits, pack } = deps;
  const { self, log } = context;
  const { ledger, settleMs } = hooks;
  state.tap?.seal();
  const evidence: EvidenceTaker = {
    take: (most) => state.tap?.read(most) ?? [],
    before: () => state.tap?.before() ?? [],
    done: () => closeTap(state),
  };
  const work = explaining({ attack, evidence }, { flowspec, reachMs: settleMs, pcap: limits.pcap, pack });
  state.job = desk.explain(work, (outcome) => void self.send({ kind: 'explained', outcome }));
  if (state.job !== null) return;
  closeTap(state);
  state.seat?.leave();
  log.warn('too many attacks to explain: told without packets and rules', { attack: attack.id });
  const report = detailsReport(attack, [], null);
  ledger.send({ kind: 'explain', attack, report, rules: [], noRules: 'too many attacks at once to explain' });
  const shown = fingerprint([], attack.direction, attack.startedAt);
  feed(
    state,
    { kind: 'explained', fingerprint: shown, at: context.clock.unixMicros() },
    deps,
    hooks,
    context,
  );
}

/** It is told, and then what came behind it. */
function explained(
  state: State,
  outcome: Outcome<Explained>,
  deps: AttackDeps,
  hooks: AttackHooks,
  context: Context<AttackMessage>,
): void {
  state.job = null;
  state.seat?.leave();
  if ('thrown' in outcome) throw outcome.thrown;
  const { attack, compiled, report, files } = outcome.value;
  const { rules, reason: noRules } = compiled;
  hooks.ledger.send({ kind: 'explain', attack, report, rules, noRules });
  store(attack, files, deps.evidence, context);
  if (attack.fingerprint !== null) {
    const at = context.clock.unixMicros();
    feed(state, { kind: 'explained', fingerprint: attack.fingerprint, at }, deps, hooks, context);
  }
  if (state.behind !== null) release(state.behind, hooks);
  state.behind = null;
}

/** Not awaited: the files' paths come back as a message. */
function store(
  attack: Attack,
  files: readonly EvidenceFile[],
  evidence: EvidenceStore,
  context: Context<AttackMessage>,
): void {
  const { log, self } = context;
  evidence.write(attack.id, files).then(
    (written) => {
      if (written.ok) self.send({ kind: 'stored', files: written.value });
      else warn(log, attack, `${written.error.code}: ${written.error.detail}`);
    },
    (error: unknown) => warn(log, attack, String(error)),
  );
}

const warn = (log: Log, attack: Attack, error: string): void =>
  log.warn('evidence not written', { attack: attack.id, error });
