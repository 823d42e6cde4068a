/**
 * One receiver of notices. It waits for its receiver and nobody waits for it: its mailbox drops the oldest, its handler never
 * awaits a sending, and what fails is tried again by the rules of the outbox.
 *
 * An incarnation that is stopped aborts the sending that is under way and forgets what waits: notices tell of what happens, and
 * what still holds is in the journal.
 */
import { type Delivery, type Notice, type NoticeSender, noticeFailed } from '../../domain/notice.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Behaviour, Cancel, Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { NoticeMessage } from './messages.js';
import { emptyOutbox, maxQueued, next, type Outbox, offer, reportOf, settle } from './outbox.js';

export type NoticeDeps = {
  /** Of the receiver; unique among them. */
  readonly name: string;
  readonly send: NoticeSender;
  /** 0 to 1. */
  readonly random: () => number;
};

type State = { readonly box: Outbox; readonly paces: Map<string, Pace>; timer: Cancel | null };

const complaintMs = 60_000;
const tickMs = 10_000;

export const noticeActor = (deps: NoticeDeps): ChildSpec<State, NoticeMessage> => ({
  kind: 'actor',
  id: `notice/${deps.name}`,
  behaviour: () => noticeBehaviour(deps),
  restart: 'permanent',
  mailbox: { bound: maxQueued, overflow: { kind: 'drop_old' } },
  stopDeadlineMs: 500,
  busyLimitMs: 5000,
});

export const noticeBehaviour = (deps: NoticeDeps): Behaviour<State, NoticeMessage> => ({
  name: 'notice',
  init(context) {
    context.every(tickMs, { kind: 'due' });
    return { box: emptyOutbox(), paces: new Map(), timer: null };
  },
  receive(state, message, context) {
    const { box } = state;
    const now = context.clock.now();
    switch (message.kind) {
      case 'report':
        message.reply(reportOf(box, deps.name, now));
        return state;
      case 'notify': {
        const dropped = offer(box, message.notices, now);
        if (dropped.length > 0) {
          complain(state, context, 'notices dropped: too many wait', {
            dropped: box.dropped,
            bound: maxQueued,
          });
        }
        break;
      }
      case 'settled':
        onSettled(state, message, deps, context);
        break;
      case 'due':
        state.timer?.();
        state.timer = null;
        break;
    }
    goOn(state, deps, context);
    return state;
  },
});

function onSettled(
  state: State,
  { id, delivery }: Extract<NoticeMessage, { kind: 'settled' }>,
  deps: NoticeDeps,
  context: Context<NoticeMessage>,
): void {
  const lost = settle(state.box, id, delivery, context.clock.now(), deps.random());
  if (delivery.kind === 'delivered') {
    context.log.debug('notice delivered', { receiver: deps.name, notice: id });
    return;
  }
  const { code, detail } = delivery.error;
  const fields = { receiver: deps.name, notice: id, code, detail };
  if (lost === null) complain(state, context, 'notice not delivered: it is tried again', fields);
  else complain(state, context, 'notice given up', { ...fields, givenUp: state.box.givenUp });
}

function goOn(state: State, deps: NoticeDeps, context: Context<NoticeMessage>): void {
  const { step, old } = next(state.box, context.clock.now());
  if (old.length > 0)
    complain(state, context, 'notices given up: too old', { receiver: deps.name, notices: old.length });
  if (step === null) return;
  if ('send' in step) launch(step.send, deps, context);
  else state.timer ??= context.after(step.waitMs, { kind: 'due' });
}

function launch(notice: Notice, { send }: NoticeDeps, { self, signal }: Context<NoticeMessage>): void {
  const settled = (delivery: Delivery): void => {
    if (!signal.aborted) self.send({ kind: 'settled', id: notice.id, delivery });
  };
  send(notice, signal).then(settled, (error: unknown) => settled(noticeFailed(String(error), true)));
}

/** A line for each phrase, at its own pace. */
function complain(
  { paces }: State,
  { log, clock }: Context<NoticeMessage>,
  phrase: string,
  fields: { readonly [field: string]: unknown },
): void {
  const own = paces.get(phrase) ?? pace(complaintMs);
  paces.set(phrase, own);
  const kept = own(clock.now());
  if (kept !== null) log.warn(phrase, { ...fields, kept });
}
