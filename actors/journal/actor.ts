/**
 * The journal's actor: gathers what comes while a transaction is under way into the next one, and answers each
 * writer when its entries are durable.
 *
 * A question about what is still on is put to the journal behind all writes that came before it.
 */
import { type Pace, pace } from '../../domain/pace.js';
import type { Journal, JournalEntry } from '../../domain/ports.js';
import { failure, type Result } from '../../domain/result.js';
import type { Behaviour, Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import * as core from './batch.js';
import type { JournalMessage } from './messages.js';

export type JournalDeps = { readonly journal: Journal };

/** A question of what is on, and how many writes were offered before it. */
type Question = {
  readonly reply: Extract<JournalMessage, { kind: 'active' }>['reply'];
  readonly behind: number;
};
type State = {
  readonly batches: core.Batches;
  questions: Question[];
  readonly complaint: Pace;
};

const mailboxBound = 65_536;
const maxQuestions = 1024;
const complaintMs = 10_000;
const stopDeadlineMs = 5000;

export const journalActor = (deps: JournalDeps): ChildSpec<State, JournalMessage> => ({
  kind: 'actor',
  id: 'journal',
  behaviour: () => journalBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs: 5000,
});

export const journalBehaviour = (deps: JournalDeps): Behaviour<State, JournalMessage> => ({
  name: 'journal',
  init: () => ({ batches: core.noBatches(), questions: [], complaint: pace(complaintMs) }),
  receive(state, message, context) {
    switch (message.kind) {
      case 'write':
        perform(state, core.offer(state.batches, message), deps, context);
        break;
      case 'appended':
        perform(state, core.settle(state.batches, message.result), deps, context);
        break;
      case 'retry':
        perform(state, core.again(state.batches), deps, context);
        break;
      case 'active':
        if (state.questions.length < maxQuestions) {
          state.questions.push({ reply: message.reply, behind: state.batches.offered });
        } else message.reply(failure('TIMEOUT', `${maxQuestions} questions wait for the journal already`));
        break;
      case 'notes':
        answer(deps.journal.notes(), message.reply);
        break;
      case 'history':
        answer(deps.journal.history(message.limit), message.reply);
    }
    askActive(state, deps);
    return state;
  },
  /** What still waits is written in one last transaction. */
  async stop(state) {
    const { underWay, waiting } = state.batches;
    const writes = [...(underWay?.writes ?? []), ...waiting];
    if (writes.length === 0) return;
    const result = await deps.journal.append(writes.flatMap((write) => write.entries));
    for (const write of writes) write.reply(result);
  },
});

function perform(
  state: State,
  effects: readonly core.Effect[],
  deps: JournalDeps,
  context: Context<JournalMessage>,
): void {
  for (const effect of effects) {
    switch (effect.kind) {
      case 'append':
        append(effect.entries, deps, context);
        break;
      case 'pause':
        context.log.debug('journal not written, trying again', { inMs: effect.ms });
        context.after(effect.ms, { kind: 'retry' });
        break;
      case 'reply':
        complain(state, effect.result, context);
        for (const write of effect.writes) write.reply(effect.result);
    }
  }
}

function complain(state: State, result: Result<void>, { clock, log }: Context<JournalMessage>): void {
  if (result.ok) return;
  const kept = state.complaint(clock.now());
  if (kept === null) return;
  const { refused, failed } = state.batches;
  log.error('journal not written', { ...result.error, failed, refused, kept });
}

function append(
  entries: readonly JournalEntry[],
  deps: JournalDeps,
  { self }: Context<JournalMessage>,
): void {
  deps.journal.append(entries).then(
    (result) => self.send({ kind: 'appended', result }),
    (error: unknown) => {
      const result: Result<void> = failure('JOURNAL_UNWRITABLE', String(error));
      self.send({ kind: 'appended', result });
    },
  );
}

function askActive(state: State, deps: JournalDeps): void {
  const due = state.questions.filter(({ behind }) => behind <= state.batches.answered);
  if (due.length === 0) return;
  state.questions = state.questions.filter(({ behind }) => behind > state.batches.answered);
  for (const { reply } of due) answer(deps.journal.active(), reply);
}

function answer<T>(asked: Promise<Result<T>>, reply: (result: Result<T>) => void): void {
  asked.then(reply, (error: unknown) => reply(failure('JOURNAL_UNWRITABLE', String(error))));
}
