/**
 * The ledger's actor: hears what should be, has it written down, tells the notify script and answers operators.
 *
 * It asks the journal what is still on when it starts. While the journal does not answer, new attacks are mitigated
 * all the same; orders by hand are refused until it has.
 */
import { parseHost } from '../../domain/address.js';
import { type Attack, subjectText } from '../../domain/attack.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { type Pace, pace } from '../../domain/pace.js';
import { parsePrefix } from '../../domain/prefix.js';
import { failure, type Result } from '../../domain/result.js';
import { quietRates } from '../../domain/traffic.js';
import type { AttackId, HostKey, UnixMicros } from '../../domain/units.js';
import type { Behaviour, Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { JournalMessage } from '../journal/messages.js';
import type { ScriptMessage } from '../script/messages.js';
import * as back from './answers.js';
import { bannable, type Guarded } from './guard.js';
import * as core from './ledger.js';
import type { LedgerMessage } from './messages.js';
import { type Effect, emptyLedger, type Ledger } from './table.js';

export type LedgerDeps = {
  readonly journal: Ref<JournalMessage>;
  /** null: there is no script; every step counts as told. */
  readonly script: Ref<ScriptMessage> | null;
  /** Our networks and the whitelist as they are now. */
  readonly guarded: () => Guarded;
  /** The hostgroup of an address, for bans by hand. */
  readonly hostgroupOf: (host: HostKey) => string;
  /** A new id; unique in this daemon. */
  readonly newId: (at: UnixMicros) => AttackId;
  /** What a script reads at `ban`, and the packets per second it is told. */
  readonly banReport: (attack: Attack) => string;
  readonly power: (attack: Attack) => number;
  /** An operator, or the time limit, has ended a detected attack: its hostgroup must end the attack's actor. */
  readonly endAttack: (attack: Attack) => void;
  /** Detected attacks that are still on, after each start of this actor. Receivers know some of them already. */
  readonly restored: (attacks: readonly Attack[]) => void;
};

const tickMs = 1000;
const complaintMs = 10_000;
const mailboxBound = 65_536;

/** `armed`: a look at who has waited too long for the journal is on its way. */
type State = {
  readonly ledger: Ledger;
  armed: boolean;
  /** One for each phrase that is a complaint. */
  readonly paces: Map<string, Pace>;
};

export const ledgerActor = (deps: LedgerDeps): ChildSpec<State, LedgerMessage> => ({
  kind: 'actor',
  id: 'ledger',
  behaviour: () => ledgerBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs: 2000,
  busyLimitMs: 5000,
});

export const ledgerBehaviour = (deps: LedgerDeps): Behaviour<State, LedgerMessage> => ({
  name: 'ledger',
  init(context) {
    askJournal(deps, context);
    context.every(tickMs, { kind: 'retry' });
    context.every(tickMs, { kind: 'expire' });
    return { ledger: emptyLedger(), armed: false, paces: new Map() };
  },
  receive(state, message, context) {
    const { ledger } = state;
    const at = context.clock.unixMicros();
    switch (message.kind) {
      case 'list':
        message.reply(core.wanted(ledger));
        return state;
      case 'stop_all':
      case 'start_all':
        message.reply(failure('HELD_BACK', 'nothing is announced by this release'));
        return state;
      case 'announcer_started':
      case 'spoken':
      case 'report':
        return state;
      case 'restored':
        onRestored(state, message.mitigations, deps, context);
        break;
      case 'retry':
        if (!ledger.restored) askJournal(deps, context);
        perform(state, back.retry(ledger, at), deps, context);
        break;
      case 'overdue':
        state.armed = false;
        perform(state, back.overdue(ledger, at), deps, context);
        break;
      default:
        perform(state, decide(ledger, message, at, deps), deps, context);
    }
    const leftMs = state.armed ? null : back.patienceLeftMs(ledger, at);
    if (leftMs !== null) {
      state.armed = true;
      context.after(leftMs, { kind: 'overdue' });
    }
    return state;
  },
  /** The journal stops after the ledger, and with all that it was given: a mark still waiting here would tell the script twice. */
  stop(state, context) {
    perform(state, back.flush(state.ledger, context.clock.unixMicros()), deps, context);
  },
});

type Decided = Exclude<
  LedgerMessage,
  {
    kind:
      | 'list'
      | 'restored'
      | 'retry'
      | 'overdue'
      | 'announcer_started'
      | 'spoken'
      | 'stop_all'
      | 'start_all'
      | 'report';
  }
>;

function decide(ledger: Ledger, message: Decided, at: UnixMicros, deps: LedgerDeps): Effect[] {
  switch (message.kind) {
    case 'mitigate':
      return core.mitigate(ledger, { ...message, comment: '', reply: null }, at);
    case 'revise':
      return core.revise(ledger, message.attack, at);
    case 'explain':
      return core.explain(ledger, message, at);
    case 'effect':
      return core.judge(ledger, message.attack, message.effect, at);
    case 'release':
      return core.release(ledger, message.attack, message.at);
    case 'ban':
      return ban(ledger, message, at, deps);
    case 'unban':
      return unban(ledger, message, at);
    case 'expire':
      return core.expire(ledger, at);
    case 'written':
      return message.ids.flatMap((id) => back.written(ledger, id, message.error, at));
    case 'told':
      return back.told(ledger, message.attack, message.action, message.outcome, at);
    case 'script_restarted':
      return back.scriptRestarted(ledger, at);
  }
}

const notRead = failure<Mitigation>('JOURNAL_UNWRITABLE', 'the journal has not been read yet; try again');

function ban(
  ledger: Ledger,
  order: Extract<LedgerMessage, { kind: 'ban' }>,
  at: UnixMicros,
  deps: LedgerDeps,
): Effect[] {
  const no = (result: Result<Mitigation>): Effect[] => [{ kind: 'reply', reply: order.reply, result }];
  if (!ledger.restored) return no(notRead);
  const host = bannable(order.host, deps.guarded());
  if (!host.ok) return no(host);
  if (core.wanted(ledger).some(({ attack }) => subjectText(attack.subject) === host.value)) {
    return no(failure('ALREADY_MITIGATED', `${host.value} is mitigated already`));
  }
  const attack: Attack = {
    id: deps.newId(at),
    origin: 'manual',
    subject: { kind: 'host', host: host.value },
    direction: 'other',
    hostgroup: deps.hostgroupOf(host.value),
    cause: null,
    startedAt: at,
    endedAt: null,
    ratesAtStart: { incoming: quietRates, outgoing: quietRates },
    peak: { pps: 0, bps: 0 },
    fingerprint: null,
    files: [],
    evidence: 'none',
    whitelisted: false,
    returns: 0,
  };
  const until = order.forMs === null ? null : at + order.forMs * 1000;
  return core.mitigate(ledger, { attack, until, comment: order.comment, reply: order.reply }, at);
}

/** The subject is an address, or a prefix whose attack is mitigated. */
function unban(ledger: Ledger, order: Extract<LedgerMessage, { kind: 'unban' }>, at: UnixMicros): Effect[] {
  if (!ledger.restored) return [{ kind: 'reply', reply: order.reply, result: notRead }];
  const text = order.host.trim();
  const subject = text.includes('/') ? parsePrefix(text) : parseHost(text);
  if (!subject.ok) return [{ kind: 'reply', reply: order.reply, result: subject }];
  return core.unban(ledger, subject.value, at, order.reply);
}

function askJournal(deps: LedgerDeps, { self, log }: Context<LedgerMessage>): void {
  deps.journal.send({
    kind: 'active',
    reply: (active) => {
      if (!active.ok) log.error('journal not read', { ...active.error });
      self.send({ kind: 'restored', mitigations: active.ok ? active.value : null });
    },
  });
}

function onRestored(
  state: State,
  mitigations: readonly Mitigation[] | null,
  deps: LedgerDeps,
  context: Context<LedgerMessage>,
): void {
  const { ledger } = state;
  if (mitigations === null || ledger.restored) return; // 'retry' asks again
  perform(state, back.restore(ledger, mitigations, context.clock.unixMicros()), deps, context);
  deps.restored(core.wanted(ledger).flatMap(({ attack }) => (attack.origin === 'detected' ? [attack] : [])));
}

function perform(
  state: State,
  effects: readonly Effect[],
  deps: LedgerDeps,
  context: Context<LedgerMessage>,
): void {
  for (const effect of effects) {
    switch (effect.kind) {
      case 'write':
        write(effect, deps, context);
        break;
      case 'notify':
        notify(effect, deps, context);
        break;
      case 'end_attack':
        deps.endAttack(effect.attack);
        break;
      case 'reply':
        effect.reply(effect.result);
        break;
      case 'log':
        say(state, effect, context);
    }
  }
}

/** Complaints at their own pace; what an operator follows, each time. */
function say(
  state: State,
  { level, phrase, fields }: Extract<Effect, { kind: 'log' }>,
  { clock, log }: Context<LedgerMessage>,
): void {
  if (level === 'info') {
    log.info(phrase, fields);
    return;
  }
  const own = state.paces.get(phrase) ?? pace(complaintMs);
  state.paces.set(phrase, own);
  const kept = own(clock.now());
  if (kept !== null) log[level](phrase, { ...fields, kept });
}

function write(
  { id, entries }: Extract<Effect, { kind: 'write' }>,
  deps: LedgerDeps,
  { self }: Context<LedgerMessage>,
): void {
  const done = (result: Result<void>): void => {
    self.send({ kind: 'written', ids: [id], error: result.ok ? null : result.error.detail });
  };
  const sent = deps.journal.send({ kind: 'write', entries, reply: done });
  if (!sent) done(failure('JOURNAL_UNWRITABLE', 'the journal takes no more'));
}

function notify(
  { action, attack, report }: Extract<Effect, { kind: 'notify' }>,
  deps: LedgerDeps,
  { self }: Context<LedgerMessage>,
): void {
  const settled = (outcome: 'started' | 'refused' | 'missing'): void => {
    self.send({ kind: 'told', attack: attack.id, action, outcome });
  };
  if (deps.script === null) {
    settled('started');
    return;
  }
  const sent = deps.script.send({
    kind: 'notify',
    attack: attack.id,
    action,
    subject: subjectText(attack.subject),
    direction: attack.direction,
    power: deps.power(attack),
    stdin: report ?? (action === 'unban' ? '' : deps.banReport(attack)),
    settled,
  });
  if (!sent) settled('refused');
}
