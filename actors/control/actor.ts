/**
 * An operator's questions and orders. Every console speaks to this actor alone.
 *
 * Each request is worked on beside the others and has a deadline, so that one dead room hangs neither
 * a status nor the next request. At most `maxRequests` are under way; the next is refused.
 */
import { parseHost } from '../../domain/address.js';
import { anyAttack } from '../../domain/attack-filter.js';
import type { DoctorReport } from '../../domain/diagnosis.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { Talker } from '../../domain/ports.js';
import { parsePrefix } from '../../domain/prefix.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { Milliseconds, UnixMicros } from '../../domain/units.js';
import { ask } from '../../supervision/ask.js';
import type { Ref } from '../../supervision/behaviour.js';
import { gather } from '../../supervision/gather.js';
import type { ChildSpec } from '../../supervision/spec.js';
import type { ExporterReport, SourceMessage, SourceReport } from '../capture/messages.js';
import type { HostgroupMessage, HostgroupReport } from '../hostgroup/messages.js';
import type { JournalMessage } from '../journal/messages.js';
import type {
  AnnouncerMessage,
  AnnouncerReport,
  LedgerMessage,
  LedgerReport,
  Stopped,
} from '../mitigation/messages.js';
import type { NoticeMessage, NoticeReport } from '../notice/messages.js';
import type { ScriptMessage, ScriptReport } from '../script/messages.js';
import { attackList } from './attacks.js';
import { emptyHistory, type History, remember, sampleEveryMs } from './diagnosis/history.js';
import { type Asked, type DoctorDeps, examine, glance, sampleFrom } from './doctor.js';
import type {
  ControlAnswer,
  ControlMessage,
  ControlRequest,
  EvidenceStatus,
  ReloadReport,
  Status,
} from './messages.js';
import { statusOf, type Vitals } from './status.js';
import { mergeTalkers } from './talkers.js';

export type ControlDeps = {
  readonly vitals: () => Vitals;
  /** The rooms as they are now: a reload adds and takes away. */
  readonly sources: () => readonly Ref<SourceMessage>[];
  readonly hostgroups: () => ReadonlyMap<string, Ref<HostgroupMessage>>;
  readonly ledger: Ref<LedgerMessage>;
  readonly announcers: () => readonly Ref<AnnouncerMessage>[];
  readonly journal: Ref<JournalMessage>;
  /** null: no notify script is configured. */
  readonly script: () => Ref<ScriptMessage> | null;
  /** Of notices. */
  readonly receivers: () => readonly Ref<NoticeMessage>[];
  readonly evidence: () => EvidenceStatus;
  readonly reload: () => Promise<Result<ReloadReport>>;
  readonly doctor: DoctorDeps;
};

/** Half of what a console waits, so that the answer says who did not speak and is not itself too late. */
const reportDeadlineMs: Milliseconds = 1_000;
/** An order is durable before it is answered. */
const orderDeadlineMs: Milliseconds = 4_000;
export const maxRequests = 32;
/** A thread of the pool waits so long. */
export const longestListenMs: Milliseconds = 20_000;
export const maxHistory = 10_000;
export const maxTalkers = 1_000;

const mailboxBound = 256;
const stopDeadlineMs = 500;
const busyLimitMs = 5_000;

/** `history`: of the listeners' counts. `listening`: to the wire; for one request at a time. */
type Desk = { underWay: number; history: History; listening: boolean };

export const controlActor = (deps: ControlDeps): ChildSpec<Desk, ControlMessage> => ({
  kind: 'actor',
  id: 'control',
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'control',
    init(context) {
      context.every(sampleEveryMs, { kind: 'sample' });
      return { underWay: 0, history: emptyHistory, listening: false };
    },
    receive(desk, message, context) {
      const unixMicros = context.clock.unixMicros;
      if (message.kind === 'sample') {
        // Not awaited, as below; what does not answer in time is missing from this sample.
        void askSources(deps, unixMicros).then((asked) => {
          desk.history = remember(desk.history, sampleFrom(asked));
        });
        return desk;
      }
      const { request, reply } = message;
      if (desk.underWay >= maxRequests) {
        reply(failure('CONTROL_BUSY', `${maxRequests} requests are under way already; ask again`));
        return desk;
      }
      desk.underWay += 1;
      // Not awaited: the next request is not held up by this one.
      answer(request, deps, desk, unixMicros)
        .catch((error: unknown) => {
          context.log.error('request failed', { request: request.kind, error: String(error) });
          return failure<ControlAnswer>('TIMEOUT', `the ${request.kind} request failed; the log says why`);
        })
        .then((result) => {
          desk.underWay -= 1;
          reply(result);
        });
      return desk;
    },
  }),
});

async function answer(
  request: ControlRequest,
  deps: ControlDeps,
  desk: Desk,
  unixMicros: () => UnixMicros,
): Promise<Result<ControlAnswer>> {
  switch (request.kind) {
    case 'status':
      return success({ kind: 'status', status: await status(deps, desk, unixMicros) });
    case 'doctor':
      return success({ kind: 'doctor', report: await doctor(deps, desk, request.listenMs, unixMicros) });
    case 'attacks': {
      const history = Math.min(request.history, maxHistory);
      const list = await attackList(deps, request.filter ?? anyAttack, history, reportDeadlineMs);
      if (!list.ok) return list;
      const active = list.value.active.slice(0, request.limit ?? Number.POSITIVE_INFINITY);
      return success({ kind: 'attacks', list: { ...list.value, active } });
    }
    case 'ban': {
      const { host, forMs, comment } = request;
      const result = await ordered<Mitigation>(deps, (reply) => ({
        kind: 'ban',
        host,
        forMs,
        comment,
        reply,
      }));
      return result.ok ? success({ kind: 'banned', mitigation: result.value }) : result;
    }
    case 'unban':
      return unban(deps, request.host);
    case 'mitigation_stop': {
      const { comment } = request;
      return announcing(deps, (reply) => ({ kind: 'stop_all', comment, reply }));
    }
    case 'mitigation_start':
      return announcing(deps, (reply) => ({ kind: 'start_all', reply }));
    case 'top': {
      const { by, direction } = request;
      const count = Math.min(request.count, maxTalkers);
      const lists = await gather<HostgroupMessage, readonly Talker[]>(
        [...deps.hostgroups().values()],
        (reply) => ({ kind: 'top', by, direction, count, reply }),
        reportDeadlineMs,
      );
      return success({ kind: 'top', talkers: mergeTalkers(lists, by, direction, count) });
    }
    case 'reload': {
      const result = await deps.reload();
      return result.ok ? success({ kind: 'reloaded', report: result.value }) : result;
    }
  }
}

async function askSources(deps: ControlDeps, unixMicros: () => UnixMicros): Promise<Asked> {
  const sources = deps.sources();
  const [reports, exporters] = await Promise.all([
    gather<SourceMessage, SourceReport>(sources, (reply) => ({ kind: 'report', reply }), reportDeadlineMs),
    gather<SourceMessage, readonly ExporterReport[]>(
      sources,
      (reply) => ({ kind: 'exporters', reply }),
      reportDeadlineMs,
    ),
  ]);
  return {
    at: unixMicros(),
    sources: reports.filter((report) => report !== null),
    exporters: exporters.flatMap((list) => list ?? []),
    unanswered: silent(sources, (index) => reports[index] === null || exporters[index] === null),
  };
}

const silent = <M>(asked: readonly Ref<M>[], isSilent: (index: number) => boolean): readonly string[] =>
  asked.filter((_, index) => isSilent(index)).map(({ id }) => id);

async function doctor(
  deps: ControlDeps,
  desk: Desk,
  listenMs: Milliseconds,
  unixMicros: () => UnixMicros,
): Promise<DoctorReport> {
  const listens = !desk.listening && listenMs > 0;
  const ask = () => askSources(deps, unixMicros);
  if (!listens) return examine(ask, () => desk.history, deps.doctor, 0);
  desk.listening = true;
  try {
    return await examine(ask, () => desk.history, deps.doctor, Math.min(listenMs, longestListenMs));
  } finally {
    desk.listening = false;
  }
}

async function status(deps: ControlDeps, desk: Desk, unixMicros: () => UnixMicros): Promise<Status> {
  const script = deps.script();
  const groups = [...deps.hostgroups().values()];
  const announcers = deps.announcers();
  const receivers = deps.receivers();
  const [asked, hostgroups, ledger, speakers, scriptReport, notices] = await Promise.all([
    askSources(deps, unixMicros),
    gather<HostgroupMessage, HostgroupReport>(
      groups,
      (reply) => ({ kind: 'report', reply }),
      reportDeadlineMs,
    ),
    ask<LedgerMessage, LedgerReport>(deps.ledger, (reply) => ({ kind: 'report', reply }), reportDeadlineMs),
    gather<AnnouncerMessage, AnnouncerReport>(
      announcers,
      (reply) => ({ kind: 'report', reply }),
      reportDeadlineMs,
    ),
    script === null
      ? null
      : ask<ScriptMessage, ScriptReport>(script, (reply) => ({ kind: 'report', reply }), reportDeadlineMs),
    gather<NoticeMessage, NoticeReport>(receivers, (reply) => ({ kind: 'report', reply }), reportDeadlineMs),
  ]);
  return statusOf(
    deps.vitals(),
    {
      sources: asked.sources,
      exporters: asked.exporters,
      doctor: glance(asked, desk.history, deps.doctor),
      hostgroups: hostgroups.filter((report) => report !== null),
      ledger: ledger.ok ? ledger.value : null,
      speakers: speakers.filter((report) => report !== null),
      evidence: deps.evidence(),
      script: scriptReport?.ok === true ? scriptReport.value : null,
      notices: notices.filter((report) => report !== null),
      unanswered: [
        ...asked.unanswered,
        ...silent(groups, (index) => hostgroups[index] === null),
        ...(ledger.ok ? [] : [deps.ledger.id]),
        ...silent(announcers, (index) => speakers[index] === null),
        ...(script !== null && scriptReport?.ok !== true ? [script.id] : []),
        ...silent(receivers, (index) => notices[index] === null),
      ],
    },
    asked.at,
  );
}

/** An address, or the prefix of an attack. The ledger ends the mitigation and has the attack's actor end with it. */
async function unban(deps: ControlDeps, text: string): Promise<Result<ControlAnswer>> {
  const subject = text.includes('/') ? parsePrefix(text) : parseHost(text);
  if (!subject.ok) return subject;
  const result = await ordered<Mitigation>(deps, (reply) => ({ kind: 'unban', host: subject.value, reply }));
  return result.ok ? success({ kind: 'unbanned', mitigation: result.value }) : result;
}

async function announcing(
  deps: ControlDeps,
  order: (reply: (result: Result<Stopped | null>) => void) => LedgerMessage,
): Promise<Result<ControlAnswer>> {
  const result = await ordered(deps, order);
  return result.ok ? success({ kind: 'announcing', stopped: result.value }) : result;
}

async function ordered<T>(
  deps: ControlDeps,
  order: (reply: (result: Result<T>) => void) => LedgerMessage,
): Promise<Result<T>> {
  const result = await ask(deps.ledger, order, orderDeadlineMs);
  if (result.ok) return result.value;
  return failure(
    'TIMEOUT',
    `${result.error.detail}; 'tidegate attacks' and 'tidegate status' show whether it was done`,
  );
}
