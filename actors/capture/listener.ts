/**
 * One flow listener: its flows' counters to the hostgroups, and one actor an exporter that sends to it.
 *
 * Exporters are found by roll call at every survey and whenever somebody asks. More than `maxExporters` are counted, not followed.
 */

import type { ExporterStats } from '../../domain/flow.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Context, Ref } from '../../supervision/behaviour.js';
import { gather } from '../../supervision/gather.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { exporterActor } from './exporter.js';
import {
  callRoll,
  emptyFlowTally,
  exporterId,
  type FlowTally,
  type Known,
  receivedBy,
  tallyFlow,
} from './exporters.js';
import type { ExporterMessage, ExporterReport, SourceMessage } from './messages.js';
import { closeSensor, reportOf, type Sensor, type SensorDeps, startSensor, survey, tick } from './sensor.js';

export type ListenerDeps = SensorDeps & {
  /** Of the actor; `name` is for people. */
  readonly id: string;
  readonly maxExporters: number;
};

type Listener = {
  readonly sensor: Sensor;
  readonly exporters: Map<string, Ref<ExporterMessage>>;
  /** Of each exporter at the last survey. */
  readonly known: Map<string, Known>;
  flow: FlowTally;
  readonly refusal: Pace;
  /** Of all exporters together: found, changed, losing datagrams. */
  readonly remarks: Pace;
  readonly named: Pace;
  /** Found and not yet said. */
  unnamed: number;
  readonly counted: Pace;
};

const mailboxBound = 64;
const stopDeadlineMs = 1_000;
const busyLimitMs = 10_000;
/** Exporters that have not answered by then are left out of the list. */
const exportersDeadlineMs = 200;
const complaintMs = 30_000;
/** Anybody can invent exporters, so their lines are bounded: so many a minute of each kind, the rest is counted. */
const linesPerMinute = 20;

export const listenerActor = (deps: ListenerDeps): ChildSpec<Listener, SourceMessage> => ({
  kind: 'actor',
  id: deps.id,
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'listener',
    init: (context) => ({
      sensor: startSensor('sflow', deps, context),
      exporters: new Map(),
      known: new Map(),
      flow: emptyFlowTally,
      refusal: pace(complaintMs),
      remarks: pace(60_000, linesPerMinute),
      named: pace(60_000, linesPerMinute),
      unnamed: 0,
      counted: pace(complaintMs),
    }),
    receive(listener, message, context) {
      switch (message.kind) {
        case 'tick': {
          const ticked = tick(listener.sensor, context);
          return ticked instanceof Promise ? ticked.then(() => listener) : listener;
        }
        case 'survey':
          survey(listener.sensor, context);
          follow(listener, deps, context);
          return listener;
        case 'report':
          follow(listener, deps, context);
          message.reply({ ...reportOf(listener.sensor), flow: receivedBy(listener.flow) });
          return listener;
        case 'exporters':
          follow(listener, deps, context);
          // Not awaited: the ticks go on while the exporters answer.
          void reports(listener).then(message.reply);
          return listener;
      }
    },
    stop: ({ sensor }) => closeSensor(sensor),
  }),
});

function follow(listener: Listener, deps: ListenerDeps, context: Context<SourceMessage>): void {
  const { source, openings } = listener.sensor;
  if (source === null) return;
  const seen = source.exporters();
  listener.flow = tallyFlow(listener.flow, seen, openings);
  const roll = callRoll(listener.known, seen, context.clock.unixMicros(), deps.maxExporters);
  for (const id of roll.gone) {
    listener.exporters.delete(id);
    listener.known.delete(id);
    context.stopChild(id).catch((error: unknown) => {
      context.log.warn('exporter did not stop', { exporter: id, error: String(error) });
    });
  }
  for (const stats of roll.found) {
    const id = exporterId(stats);
    listener.exporters.set(
      id,
      context.spawn(exporterActor({ id, listener: deps.name, remarks: listener.remarks })),
    );
    tell(listener, id, stats);
  }
  for (const stats of roll.heard) tell(listener, exporterId(stats), stats);
  introduce(listener, roll.found, deps, context);
  if (roll.refused === 0) return;
  const kept = listener.refusal(context.clock.now());
  if (kept === null) return;
  context.log.warn('more exporters than can be followed', {
    listener: deps.name,
    refused: roll.refused,
    bound: deps.maxExporters,
    kept,
  });
}

/** The first by name, the rest as a count. */
function introduce(
  listener: Listener,
  found: readonly ExporterStats[],
  deps: ListenerDeps,
  { clock, log }: Context<SourceMessage>,
): void {
  const at = clock.now();
  for (const { address, agent, samplingRate } of found) {
    if (listener.named(at) === null) listener.unnamed += 1;
    else
      log.info('exporter found', { exporter: address, agent, listener: deps.name, sampling: samplingRate });
  }
  if (listener.unnamed === 0 || listener.counted(at) === null) return;
  log.info('more exporters found', { listener: deps.name, count: listener.unnamed });
  listener.unnamed = 0;
}

function tell(listener: Listener, id: string, stats: ExporterStats): void {
  listener.known.set(id, stats);
  listener.exporters.get(id)?.send({ kind: 'observed', stats });
}

async function reports({ exporters }: Listener): Promise<readonly ExporterReport[]> {
  const answers = await gather<ExporterMessage, ExporterReport>(
    [...exporters.values()],
    (reply) => ({ kind: 'report', reply }),
    exportersDeadlineMs,
  );
  return answers.filter((report) => report !== null);
}
