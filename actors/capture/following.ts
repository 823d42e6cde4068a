/**
 * The exporters of a listener: one actor each, found by roll call at every survey and whenever somebody asks.
 * More than `maxExporters` are counted, not followed; what is said of all of them together is bounded.
 */
import type { ExporterStats } from '../../domain/flow.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import { gather } from '../../supervision/gather.js';
import { exporterActor } from './exporter.js';
import { callRoll, exporterId } from './exporters.js';
import type { ExporterMessage, ExporterReport, SourceMessage } from './messages.js';

export type Following = {
  readonly listener: string;
  readonly maxExporters: number;
  readonly exporters: Map<string, Ref<ExporterMessage>>;
  /** Of each exporter at the last survey. */
  readonly known: Map<string, ExporterStats>;
  readonly refusal: Pace;
  /** Of all exporters together: what they have done or lost. */
  readonly remarks: Pace;
  readonly named: Pace;
  /** Found and not yet said. */
  unnamed: number;
  readonly counted: Pace;
};

/** Exporters that have not answered by then are left out of the list. */
const exportersDeadlineMs = 200;
const complaintMs = 30_000;
/** Anybody can invent exporters, so their lines are bounded: so many a minute of each kind, the rest is counted. */
const linesPerMinute = 20;

export const noExporters = (listener: string, maxExporters: number): Following => ({
  listener,
  maxExporters,
  exporters: new Map(),
  known: new Map(),
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
  const { listener, maxExporters, exporters, known } = following;
  const roll = callRoll(known, seen, context.clock.unixMicros(), maxExporters);
  for (const id of roll.gone) {
    exporters.delete(id);
    known.delete(id);
    context.stopChild(id).catch((error: unknown) => {
      context.log.warn('exporter did not stop', { exporter: id, error: String(error) });
    });
  }
  for (const stats of roll.found) {
    const id = exporterId(stats);
    exporters.set(id, context.spawn(exporterActor({ id, listener, remarks: following.remarks })));
    tell(following, id, stats);
  }
  for (const stats of roll.heard) tell(following, exporterId(stats), stats);
  introduce(following, roll.found, context);
  if (roll.refused === 0) return;
  const kept = following.refusal(context.clock.now());
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

function tell(following: Following, id: string, stats: ExporterStats): void {
  following.known.set(id, stats);
  following.exporters.get(id)?.send({ kind: 'observed', stats });
}

export async function exporterReports({ exporters }: Following): Promise<readonly ExporterReport[]> {
  const answers = await gather<ExporterMessage, ExporterReport>(
    [...exporters.values()],
    (reply) => ({ kind: 'report', reply }),
    exportersDeadlineMs,
  );
  return answers.filter((report) => report !== null);
}
