/**
 * The exporters of a listener: one actor each, found by roll call at every survey and whenever somebody asks.
 * More than `maxExporters` are counted, not followed; what is said of all of them together is bounded.
 *
 * Their counts lie here, so that a list of them is whole however busy their actors are, and outlives a crash of one.
 */
import type { ExporterStats } from '../../domain/flow.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import { exporterActor } from './exporter.js';
import { type ExporterCount, observe, totalOf } from './exporter-count.js';
import { type Marks, marked, ratesSince } from './exporter-rates.js';
import { callRoll, exporterId } from './exporters.js';
import type { ExporterMessage, ExporterReport, SourceMessage } from './messages.js';

export type Following = {
  readonly listener: string;
  readonly maxExporters: number;
  readonly exporters: Map<string, Ref<ExporterMessage>>;
  /** Of each exporter at the last survey. */
  readonly known: Map<string, ExporterStats>;
  readonly counts: Map<string, Counted>;
  readonly refusal: Pace;
  /** Of all exporters together: what they have done or lost. */
  readonly remarks: Pace;
  readonly named: Pace;
  /** Found and not yet said. */
  unnamed: number;
  readonly counted: Pace;
};

/** Over all openings of the listener. */
type Counted = { readonly count: ExporterCount; readonly total: ExporterStats; readonly marks: Marks };

const complaintMs = 30_000;
/** Anybody can invent exporters, so their lines are bounded: so many a minute of each kind, the rest is counted. */
const linesPerMinute = 20;

export const noExporters = (listener: string, maxExporters: number): Following => ({
  listener,
  maxExporters,
  exporters: new Map(),
  known: new Map(),
  counts: new Map(),
  refusal: pace(complaintMs),
  remarks: pace(60_000, linesPerMinute),
  named: pace(60_000, linesPerMinute),
  unnamed: 0,
  counted: pace(complaintMs),
});

export function follow(
  following: Following,
  seen: readonly ExporterStats[],
  context: Context<SourceMessage>,
): void {
  const { listener, maxExporters, exporters, known, counts } = following;
  const now = context.clock.now();
  const roll = callRoll(known, seen, context.clock.unixMicros(), maxExporters);
  for (const id of roll.gone) {
    exporters.delete(id);
    known.delete(id);
    counts.delete(id);
    context.stopChild(id).catch((error: unknown) => {
      context.log.warn('exporter did not stop', { exporter: id, error: String(error) });
    });
  }
  for (const stats of roll.found) {
    const id = exporterId(stats);
    exporters.set(id, context.spawn(exporterActor({ id, listener, remarks: following.remarks })));
    tell(following, id, stats, now);
  }
  for (const stats of roll.heard) tell(following, exporterId(stats), stats, now);
  for (const [id, one] of counts) {
    const marks = marked(one.marks, one.total, now);
    if (marks !== one.marks) counts.set(id, { ...one, marks });
  }
  introduce(following, roll.found, context);
  if (roll.refused === 0) return;
  const kept = following.refusal(now);
  if (kept === null) return;
  context.log.warn('more exporters than can be followed', {
    listener,
    refused: roll.refused,
    bound: maxExporters,
    kept,
  });
}

/** The first by name, the rest as a count. */
function introduce(
  following: Following,
  found: readonly ExporterStats[],
  { clock, log }: Context<SourceMessage>,
): void {
  const at = clock.now();
  const { listener } = following;
  for (const { address, agent, domain, protocol, samplingRate: sampling } of found) {
    if (following.named(at) === null) following.unnamed += 1;
    else log.info('exporter found', { exporter: address, agent, domain, protocol, listener, sampling });
  }
  if (following.unnamed === 0 || following.counted(at) === null) return;
  log.info('more exporters found', { listener, count: following.unnamed });
  following.unnamed = 0;
}

function tell(following: Following, id: string, stats: ExporterStats, at: Milliseconds): void {
  const before = following.counts.get(id);
  const count = observe(before?.count ?? null, stats);
  const total = totalOf(count);
  following.known.set(id, stats);
  following.counts.set(id, { count, total, marks: before?.marks ?? marked(null, total, at) });
  following.exporters.get(id)?.send({ kind: 'observed', total });
}

/** As they stood when they were last followed. */
export const exporterReports = (
  { listener, counts }: Following,
  at: Milliseconds,
): readonly ExporterReport[] =>
  [...counts.values()].map(({ total, marks }) => ({
    ...total,
    listener,
    perSecond: ratesSince(marks, total, at),
  }));
