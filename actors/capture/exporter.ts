/** One device that sends flows to a listener: its counts over all openings, its pace, and what is wrong with what it sends. */
import { type Pace, pace } from '../../domain/pace.js';
import type { Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { type ExporterCount, observe, totalOf } from './exporter-count.js';
import { type Marks, marked, ratesSince } from './exporter-rates.js';
import { type RemarkKind, remarksOf, type Said, saidAtFirst, saidNow } from './exporter-remarks.js';
import type { ExporterMessage } from './messages.js';

export type ExporterDeps = {
  readonly id: string;
  readonly listener: string;
  /** Shared by all exporters of a listener: whoever can send us datagrams can make any number of them complain. */
  readonly remarks: Pace;
};
type Exporter = {
  readonly count: ExporterCount | null;
  readonly marks: Marks | null;
  readonly said: Said;
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
  mailbox: {
    bound: mailboxBound,
    overflow: { kind: 'conflate', key: (message) => (message.kind === 'observed' ? 'observed' : null) },
  },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'exporter',
    init: () => ({ count: null, marks: null, said: {}, paces: new Map() }),
    receive(exporter, message, context) {
      const at = context.clock.now();
      switch (message.kind) {
        case 'observed': {
          const count = observe(exporter.count, message.stats);
          const total = totalOf(count);
          const said = exporter.count === null ? saidAtFirst(total) : exporter.said;
          const seen = { ...exporter, count, marks: marked(exporter.marks, total, at), said };
          return { ...seen, said: remark(seen, total, deps, context) };
        }
        case 'report': {
          // Before the first observation there is nothing to tell; whoever asks has a deadline.
          if (exporter.count === null) return exporter;
          const total = totalOf(exporter.count);
          const marks = marked(exporter.marks, total, at);
          message.reply({ ...total, listener: deps.listener, perSecond: ratesSince(marks, total, at) });
          return { ...exporter, marks };
        }
      }
    },
  }),
});

function remark(
  { said, paces }: Exporter,
  total: ReturnType<typeof totalOf>,
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
