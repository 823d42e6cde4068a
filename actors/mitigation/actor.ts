/**
 * The ledger's actor: hears what should be, has it written down, tells notify script and announcers, and answers operators.
 *
 * It asks the journal what is still on when it starts. While the journal does not answer, new attacks are written down and told to
 * the script all the same; nothing is announced, since an operator may have stopped that, and orders by hand are refused.
 */
import { type Attack, type Subject, subjectText } from '../../domain/attack.js';
import type { MitigationAction, MitigationPolicy } from '../../domain/bgp.js';
import type { Mitigation } from '../../domain/mitigation.js';
import { type Pace, pace } from '../../domain/pace.js';
import { type Failure, failure, type Result } from '../../domain/result.js';
import { quietRates } from '../../domain/traffic.js';
import type { AttackId, UnixMicros } from '../../domain/units.js';
import type { Behaviour, Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { JournalMessage } from '../journal/messages.js';
import type { ScriptMessage } from '../script/messages.js';
import type { AnnouncerMessage } from './announcer-messages.js';
import * as back from './answers.js';
import { replanSome, setTerms } from './claims.js';
import type { Guarded } from './fence.js';
import { sweep } from './grants.js';
import { bannable, subjectOf } from './guard.js';
import * as core from './ledger.js';
import type { LedgerMessage } from './messages.js';
import { reportOf } from './report.js';
import { termsOf } from './routes.js';
import { refreshAll, settle, unsettled } from './settle.js';
import { announcerStarted, spoken } from './spoken.js';
import { type StopReply, startAll, stopAll, stopWritten } from './stop.js';
import { type Effect, emptyLedger, type Ledger } from './table.js';

export type LedgerDeps = {
  readonly journal: Ref<JournalMessage>;
  /** null: there is no script; every step counts as told. */
  readonly script: Ref<ScriptMessage> | null;
  /** The announcer of a speaker; null: there is none. */
  readonly announcer: (speaker: string) => Ref<AnnouncerMessage> | null;
  /** As configured now. The same object as before means: nothing has changed. */
  readonly policy: () => MitigationPolicy;
  /** Our networks and the whitelist as they are now; the same object as before, as above. */
  readonly guarded: () => Guarded;
  /** What its hostgroup does about an attack. */
  readonly actionOf: (attack: Attack) => MitigationAction;
  /** The hostgroup of an address or a prefix, for bans by hand. */
  readonly hostgroupOf: (subject: Subject) => string;
  /** A new id; unique in this daemon. */
  readonly newId: (at: UnixMicros) => AttackId;
  /** What a script reads at `ban`, and the packets per second it is told. */
  readonly banReport: (attack: Attack) => string;
  readonly power: (attack: Attack) => number;
  /** An operator, or the time limit, has ended a detected attack: its hostgroup must end the attack's actor. */
  readonly endAttack: (attack: Attack) => void;
  /** What has changed of a mitigation; null: it is new. Must return at once, and is not told of what a restart brings back. */
  readonly news: (before: Mitigation | null, after: Mitigation, at: UnixMicros) => void;
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
  /** A message to itself to go on is in the mailbox. */
  going: boolean;
  /** One for each phrase that is a complaint, and each guard. */
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
    const ledger = emptyLedger(termsOf(deps.policy(), deps.guarded()));
    return { ledger, armed: false, going: false, paces: new Map() };
  },
  receive(state, message, context) {
    const { ledger } = state;
    const at = context.clock.unixMicros();
    const effects: Effect[] = newTerms(ledger, deps);
    switch (message.kind) {
      case 'list':
        refreshAll(ledger, effects);
        message.reply([...ledger.held.values()].map(({ mitigation }) => mitigation));
        break;
      case 'report':
        refreshAll(ledger, effects);
        message.reply(reportOf(ledger, at));
        break;
      case 'restored':
        effects.push(...onRestored(ledger, message.remembered, at, deps));
        break;
      case 'retry':
        if (!ledger.restored) askJournal(deps, context);
        effects.push(...back.retry(ledger, at));
        break;
      case 'overdue':
        state.armed = false;
        effects.push(...back.overdue(ledger, at));
        break;
      case 'go_on':
        state.going = false;
        effects.push(...goOn(ledger, at));
        break;
      default:
        effects.push(...decide(ledger, message, at, deps));
    }
    perform(state, settle(ledger, effects, at), deps, context);
    rearm(state, at, context);
    return state;
  },
  /** The journal stops after the ledger, and with all that it was given: a mark still waiting here would tell the script twice. */
  stop(state, context) {
    perform(state, back.flush(state.ledger, context.clock.unixMicros()), deps, context);
  },
});

/** Timers and messages to itself, for what has to follow. */
function rearm(state: State, at: UnixMicros, context: Context<LedgerMessage>): void {
  const leftMs = state.armed ? null : back.patienceLeftMs(state.ledger, at);
  if (leftMs !== null) {
    state.armed = true;
    context.after(leftMs, { kind: 'overdue' });
  }
  // A mailbox that is full has it done by the next message.
  if (!state.going && unsettled(state.ledger)) state.going = context.self.send({ kind: 'go_on' });
}

/** A reload has changed what may be announced. */
function newTerms(ledger: Ledger, deps: LedgerDeps): Effect[] {
  const { terms } = ledger.announcing;
  const [policy, guarded] = [deps.policy(), deps.guarded()];
  if (policy === terms.policy && guarded === terms.guarded) return [];
  return setTerms(ledger, termsOf(policy, guarded));
}

function goOn(ledger: Ledger, at: UnixMicros): Effect[] {
  const effects = replanSome(ledger);
  sweep(ledger, at);
  return effects;
}

type Decided = Exclude<
  LedgerMessage,
  { kind: 'list' | 'report' | 'restored' | 'retry' | 'overdue' | 'go_on' }
>;

function decide(ledger: Ledger, message: Decided, at: UnixMicros, deps: LedgerDeps): Effect[] {
  switch (message.kind) {
    case 'mitigate': {
      const action = deps.actionOf(message.attack);
      return core.mitigate(ledger, { ...message, action, comment: '', reply: null }, at);
    }
    case 'revise':
      return core.revise(ledger, message.attack, at);
    case 'explain':
      return core.explain(ledger, message);
    case 'effect':
      return core.judge(ledger, message.attack, message.effect);
    case 'release':
      return core.release(ledger, message.attack, message.at);
    case 'ban':
      return ban(ledger, message, at, deps);
    case 'unban':
      return unban(ledger, message, at);
    case 'expire':
      return core.expire(ledger, at);
    case 'written':
      return message.ids.flatMap((id) => back.written(ledger, id, message.error));
    case 'told':
      return back.told(ledger, message.attack, message.action, message.outcome);
    case 'script_restarted':
      return back.scriptRestarted(ledger);
    case 'announcer_started':
      return announcerStarted(ledger, message.speaker);
    case 'spoken':
      return spoken(ledger, message.speaker, message.results);
    case 'stop_all':
      return ledger.restored ? stopAll(ledger, message.comment, at, message.reply) : no(message.reply);
    case 'start_all':
      return ledger.restored ? startAll(ledger, message.reply) : no(message.reply);
    case 'stop_written':
      return stopWritten(ledger, message.error);
  }
}

const notRead = failure<never>('JOURNAL_UNWRITABLE', 'the journal has not been read yet; try again');
const no = (reply: StopReply): Effect[] => [{ kind: 'call', call: () => reply(notRead) }];

function ban(
  ledger: Ledger,
  order: Extract<LedgerMessage, { kind: 'ban' }>,
  at: UnixMicros,
  deps: LedgerDeps,
): Effect[] {
  const refuse = (result: Result<Mitigation>): Effect[] => [{ kind: 'reply', reply: order.reply, result }];
  if (!ledger.restored) return refuse(notRead);
  const subject = bannable(order.host, ledger.announcing.terms);
  if (!subject.ok) return refuse(subject);
  const text = subjectText(subject.value);
  if ((ledger.bySubject.get(text) ?? []).some(({ mitigation }) => mitigation.state === 'wanted')) {
    return refuse(failure('ALREADY_MITIGATED', `${text} is mitigated already`));
  }
  const attack: Attack = {
    id: deps.newId(at),
    origin: 'manual',
    subject: subject.value,
    direction: 'other',
    hostgroup: deps.hostgroupOf(subject.value),
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
  const { comment, reply } = order;
  return core.mitigate(ledger, { attack, action: 'blackhole', until, comment, reply }, at);
}

/** The subject is an address, or a prefix whose attack is mitigated. */
function unban(ledger: Ledger, order: Extract<LedgerMessage, { kind: 'unban' }>, at: UnixMicros): Effect[] {
  if (!ledger.restored) return [{ kind: 'reply', reply: order.reply, result: notRead }];
  const subject = subjectOf(order.host.trim());
  if (!subject.ok) return [{ kind: 'reply', reply: order.reply, result: subject }];
  return core.unban(ledger, subjectText(subject.value), at, order.reply);
}

function askJournal(deps: LedgerDeps, { self, log }: Context<LedgerMessage>): void {
  const unread = (error: Failure): void => {
    log.error('journal not read', { ...error });
    self.send({ kind: 'restored', remembered: null });
  };
  deps.journal.send({
    kind: 'notes',
    reply: (notes) => {
      if (!notes.ok) {
        unread(notes.error);
        return;
      }
      deps.journal.send({
        kind: 'active',
        reply: (active) => {
          if (!active.ok) unread(active.error);
          else self.send({ kind: 'restored', remembered: { mitigations: active.value, notes: notes.value } });
        },
      });
    },
  });
}

function onRestored(
  ledger: Ledger,
  remembered: Extract<LedgerMessage, { kind: 'restored' }>['remembered'],
  at: UnixMicros,
  deps: LedgerDeps,
): Effect[] {
  if (remembered === null || ledger.restored) return []; // 'retry' asks again
  const effects = back.restore(ledger, remembered, at, deps.actionOf);
  deps.restored(core.wanted(ledger).flatMap(({ attack }) => (attack.origin === 'detected' ? [attack] : [])));
  return effects;
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
      case 'note':
        note(effect, deps, context);
        break;
      case 'speak': {
        const ref = deps.announcer(effect.speaker);
        // One that is not there asks for everything when it begins; one that takes no more is told it all again.
        if (ref?.send(effect.message) === false) state.ledger.announcing.deaf.add(effect.speaker);
        break;
      }
      case 'notify':
        notify(effect, deps, context);
        break;
      case 'news':
        deps.news(effect.before, effect.after, context.clock.unixMicros());
        break;
      case 'end_attack':
        deps.endAttack(effect.attack);
        break;
      case 'reply':
        effect.reply(effect.result);
        break;
      case 'call':
        effect.call();
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
  // Guards complain each at their own pace: the one that is heard a hundred times a second must not drown the one heard once.
  const subject = typeof fields.guard === 'string' ? `${phrase} ${fields.guard}` : phrase;
  const own = state.paces.get(subject) ?? pace(complaintMs);
  state.paces.set(subject, own);
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

function note(
  { key, value, isOrder }: Extract<Effect, { kind: 'note' }>,
  deps: LedgerDeps,
  { self }: Context<LedgerMessage>,
): void {
  const done = (result: Result<void>): void => {
    if (isOrder) self.send({ kind: 'stop_written', error: result.ok ? null : result.error.detail });
  };
  const sent = deps.journal.send({ kind: 'write', entries: [{ kind: 'note', key, value }], reply: done });
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
