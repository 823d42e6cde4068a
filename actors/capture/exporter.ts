/** One device that sends flows to a listener: its counts over all openings, and what is wrong with what it sends. */
import { type Pace, pace } from '../../domain/pace.js';
import type { Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { type ExporterCount, observe, totalOf } from './exporters.js';
import type { ExporterMessage } from './messages.js';

export type ExporterDeps = {
  readonly id: string;
  readonly listener: string;
  /** Shared by all exporters of a listener: whoever can send us datagrams can make any number of them complain. */
  readonly remarks: Pace;
};

type Exporter = { readonly count: ExporterCount | null; readonly gaps: Pace };

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
    init: () => ({ count: null, gaps: pace(complaintMs) }),
    receive(exporter, message, context) {
      switch (message.kind) {
        case 'observed': {
          const count = observe(exporter.count, message.stats);
          remark(exporter, count, deps, context);
          return { ...exporter, count };
        }
        case 'report':
          // Before the first observation there is nothing to tell; whoever asks has a deadline.
          if (exporter.count !== null) {
            message.reply({ ...totalOf(exporter.count), listener: deps.listener });
          }
          return exporter;
      }
    },
  }),
});

function remark(
  { count: before, gaps }: Exporter,
  now: ExporterCount,
  deps: ExporterDeps,
  context: Context<ExporterMessage>,
): void {
  const stats = totalOf(now);
  const fields = { exporter: stats.address, agent: stats.agent, listener: deps.listener };
  if (before === null) return;
  const at = context.clock.now();
  if (stats.samplingRate !== before.live.samplingRate) {
    const kept = deps.remarks(at);
    const change = { from: before.live.samplingRate, to: stats.samplingRate };
    if (kept !== null) context.log.info('exporter changed its sampling', { ...fields, ...change, kept });
  }
  const lost = stats.sequenceLost - totalOf(before).sequenceLost;
  if (lost <= 0 || gaps(at) === null) return;
  const kept = deps.remarks(at);
  if (kept !== null) context.log.warn('flow datagrams lost on the way', { ...fields, lost, kept });
}
