/** One device that sends flows to a listener: says what it has done and what is wrong with what it sends, each now and then. */
import type { ExporterStats } from '../../domain/flow.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { type RemarkKind, remarksOf, type Said, saidAtFirst, saidNow } from './exporter-remarks.js';
import type { ExporterMessage } from './messages.js';

export type ExporterDeps = {
  readonly id: string;
  readonly listener: string;
  /** Shared by all exporters of a listener: whoever can send us datagrams can make any number of them complain. */
  readonly remarks: Pace;
};
type Exporter = {
  /** null: nothing observed yet. */
  readonly said: Said | null;
  /** One a kind of remark. */
  readonly paces: Map<RemarkKind, Pace>;
};

const mailboxBound = 16;
const stopDeadlineMs = 500;
const busyLimitMs = 5_000;
const complaintMs = 60_000;

export const exporterActor = (deps: ExporterDeps): ChildSpec<Exporter, ExporterMessage> => ({
  kind: 'actor',
  id: deps.id,
  restart: 'transient',
  // The newest counts are worth more than older ones: all of them are totals.
  mailbox: { bound: mailboxBound, overflow: { kind: 'conflate', key: ({ kind }) => kind } },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'exporter',
    init: () => ({ said: null, paces: new Map() }),
    receive({ said, paces }, { total }, context) {
      return { said: remark(said ?? saidAtFirst(total), paces, total, deps, context), paces };
    },
  }),
});

function remark(
  said: Said,
  paces: Exporter['paces'],
  total: ExporterStats,
  deps: ExporterDeps,
  context: Context<ExporterMessage>,
): Said {
  let now = said;
  const at = context.clock.now();
  for (const { kind, level, phrase, fields } of remarksOf(said, total)) {
    const own = paces.get(kind) ?? pace(complaintMs);
    paces.set(kind, own);
    if (own(at) === null) continue;
    const kept = deps.remarks(at);
    if (kept === null) continue;
    const { address, agent, domain, protocol } = total;
    const whose = { exporter: address, agent, domain, protocol, listener: deps.listener };
    context.log[level](phrase, { ...whose, ...fields, kept });
    now = { ...now, [kind]: saidNow(total, kind) };
  }
  return now;
}
