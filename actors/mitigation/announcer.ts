/**
 * The announcer of one speaker: tells its core what it hears, and carries out what the core decides.
 *
 * Requests have a signal each, which ends with the incarnation. At stop the speaker is closed and nothing withdrawn:
 * what is wanted stays announced.
 */
import { type Pace, pace } from '../../domain/pace.js';
import { failure, type Result } from '../../domain/result.js';
import type { Speaker, SpeakerHoldings, SpeakerOpener } from '../../domain/speaker.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Behaviour, Cancel, Context, Ref } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { advance, type Input, nextWake } from './announcer-core.js';
import type { AnnouncerMessage } from './announcer-messages.js';
import { reportOf } from './announcer-report.js';
import { type Announcer, type Effect, emptyAnnouncer } from './announcer-table.js';
import type { LedgerMessage } from './messages.js';

export type AnnouncerDeps = {
  /** Unique among all speakers; as in the ledger's holdings. */
  readonly name: string;
  readonly reconcileMs: Milliseconds;
  readonly deadlineMs: Milliseconds;
  readonly open: SpeakerOpener;
  readonly ledger: Ref<LedgerMessage>;
  /** 0 … 1. */
  readonly random: () => number;
};

type State = {
  readonly core: Announcer;
  readonly speaker: Speaker;
  /** By turn. */
  readonly requests: Map<number, AbortController>;
  armed: { readonly at: Milliseconds; readonly cancel: Cancel } | null;
  /** One for each phrase that is a complaint. */
  readonly paces: Map<string, Pace>;
};

/** One message a decision, thousands of which may come at once; the port's own answers find room too. */
const mailboxBound = 65_536;
const stopDeadlineMs = 2000;
const busyLimitMs = 5000;
const complaintMs = 10_000;

export const announcerActor = (deps: AnnouncerDeps): ChildSpec<State, AnnouncerMessage> => ({
  kind: 'actor',
  id: `announcer-${deps.name}`,
  behaviour: () => announcerBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs,
});

export const announcerBehaviour = (deps: AnnouncerDeps): Behaviour<State, AnnouncerMessage> => ({
  name: 'announcer',
  init(context) {
    const { self, signal, clock } = context;
    const requests = new Map<number, AbortController>();
    // Registered before the speaker opens: whatever ends this incarnation ends its requests.
    signal.addEventListener('abort', () => {
      for (const request of requests.values()) request.abort();
      requests.clear();
    });
    const speaker = deps.open((event) => {
      if (!signal.aborted) self.send({ kind: 'event', event });
    });
    const core = emptyAnnouncer(deps, clock.now());
    const state: State = { core, speaker, requests, armed: null, paces: new Map() };
    step(state, { kind: 'wake' }, deps, context);
    return state;
  },
  receive(state, message, context) {
    if (message.kind === 'report') message.reply(reportOf(state.core));
    else step(state, message, deps, context);
    return state;
  },
  stop(state) {
    state.speaker.close();
  },
});

function step(state: State, input: Input, deps: AnnouncerDeps, context: Context<AnnouncerMessage>): void {
  const { core } = state;
  const { clock } = context;
  if (input.kind === 'wake') state.armed = null;
  if (input.kind === 'listed' || input.kind === 'changed') state.requests.delete(input.turn);
  const moment = { now: clock.now(), at: clock.unixMicros(), chance: deps.random() };
  for (const effect of advance(core, input, moment)) perform(state, effect, deps, context);
  const at = nextWake(core);
  if (at === state.armed?.at) return;
  state.armed?.cancel();
  state.armed =
    at === null ? null : { at, cancel: context.after(Math.max(0, at - clock.now()), { kind: 'wake' }) };
}

function perform(
  state: State,
  effect: Effect,
  deps: AnnouncerDeps,
  context: Context<AnnouncerMessage>,
): void {
  switch (effect.kind) {
    case 'ask':
      deps.ledger.send({ kind: 'announcer_started', speaker: deps.name }); // asked again until it answers
      break;
    case 'list':
      list(state, effect, context);
      break;
    case 'change':
      change(state, effect, context);
      break;
    case 'give_up':
      state.requests.get(effect.turn)?.abort();
      state.requests.delete(effect.turn);
      break;
    case 'tell':
      if (!deps.ledger.send({ kind: 'spoken', speaker: deps.name, results: effect.results })) {
        step(state, { kind: 'unheard' }, deps, context);
      }
      break;
    case 'log':
      say(state, effect, context);
  }
}

function list(
  { speaker, requests }: State,
  { turn, known }: Extract<Effect, { kind: 'list' }>,
  { self, signal }: Context<AnnouncerMessage>,
): void {
  const request = new AbortController();
  requests.set(turn, request);
  const answer = (result: Result<SpeakerHoldings | null>): void => {
    if (!signal.aborted) self.send({ kind: 'listed', turn, result });
  };
  speaker.list(known, request.signal).then(answer, (error: unknown) => {
    answer(failure('SPEAKER_UNREACHABLE', String(error)));
  });
}

function change(
  { speaker, requests }: State,
  { turn, changes }: Extract<Effect, { kind: 'change' }>,
  { self, signal }: Context<AnnouncerMessage>,
): void {
  const request = new AbortController();
  requests.set(turn, request);
  const answer = (results: readonly Result<void>[]): void => {
    if (!signal.aborted) self.send({ kind: 'changed', turn, results });
  };
  speaker.change(changes, request.signal).then(answer, (error: unknown) => {
    answer(changes.map(() => failure('SPEAKER_UNREACHABLE', String(error))));
  });
}

/** Complaints at their own pace; what an operator follows, each time. */
function say(
  { paces }: State,
  { level, phrase, fields }: Extract<Effect, { kind: 'log' }>,
  { clock, log }: Context<AnnouncerMessage>,
): void {
  if (level === 'debug' || level === 'info') {
    log[level](phrase, fields);
    return;
  }
  const own = paces.get(phrase) ?? pace(complaintMs);
  paces.set(phrase, own);
  const kept = own(clock.now());
  if (kept !== null) log[level](phrase, { ...fields, kept });
}
