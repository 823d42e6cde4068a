/**
 * One flow listener: its flows' counters to the hostgroups, one actor an exporter that sends to it, its templates kept,
 * and a line where the socket itself is in trouble.
 */
import type { FlowFamily } from '../../domain/flow.js';
import { type Pace, pace } from '../../domain/pace.js';
import type { Source } from '../../domain/ports.js';
import type { Context } from '../../supervision/behaviour.js';
import type { ChildSpec } from '../../supervision/spec.js';
import { exporterReports, type Following, follow, noExporters } from './following.js';
import { type Keeper, type Keeping, templateKeeper } from './keeping.js';
import { bufferRemark, type ListenerRemark, listenerRemarks } from './listener-remarks.js';
import { emptyTally, type ListenerTally, receivedBy, tallied } from './listener-tally.js';
import type { SourceMessage, SourceReport } from './messages.js';
import {
  closeSensor,
  near,
  reportOf,
  type Sensor,
  type SensorDeps,
  startSensor,
  survey,
  tick,
} from './sensor.js';

export type ListenerDeps = SensorDeps & {
  /** Of the actor; `name` is for people. */
  readonly id: string;
  readonly family: FlowFamily;
  readonly transport: 'udp' | 'tcp';
  /** '0.0.0.0:2055'. */
  readonly address: string;
  readonly maxExporters: number;
  readonly refusesUnknown: boolean;
  /** null: templates are not kept. */
  readonly keeping: Keeping | null;
};

type Listener = {
  readonly sensor: Sensor;
  readonly following: Following;
  readonly keeper: Keeper | null;
  tally: ListenerTally;
  /** One a kind of remark. */
  readonly paces: Map<string, Pace>;
};

const mailboxBound = 64;
const stopDeadlineMs = 1_000;
const busyLimitMs = 10_000;
const complaintMs = 30_000;

export const listenerActor = (deps: ListenerDeps): ChildSpec<Listener, SourceMessage> => ({
  kind: 'actor',
  id: deps.id,
  restart: 'permanent',
  mailbox: { bound: mailboxBound, overflow: { kind: 'drop_new' } },
  stopDeadlineMs,
  busyLimitMs,
  behaviour: () => ({
    name: 'listener',
    init: (context) => {
      const keeper = deps.keeping === null ? null : templateKeeper(deps.name, deps.keeping, context);
      return {
        sensor: startSensor('listener', { ...deps, open: () => openWith(deps, keeper) }, context),
        following: noExporters(deps.name, deps.maxExporters),
        keeper,
        tally: emptyTally,
        paces: new Map(),
      };
    },
    receive(listener, message, context) {
      switch (message.kind) {
        case 'near':
        case 'tick': {
          const ticked = (message.kind === 'tick' ? tick : near)(listener.sensor, context);
          return ticked instanceof Promise ? ticked.then(() => listener) : listener;
        }
        case 'survey':
          look(listener, deps, context);
          survey(listener.sensor, context);
          return listener;
        case 'report':
          look(listener, deps, context);
          message.reply(reportFor(listener, deps));
          return listener;
        case 'exporters':
          look(listener, deps, context);
          message.reply(exporterReports(listener.following, context.clock.now()));
          return listener;
      }
    },
    stop: ({ sensor, keeper }) => {
      if (sensor.source !== null) keeper?.takeLast(sensor.source);
      closeSensor(sensor);
    },
  }),
});

/** Templates are there before the first datagram is read, as far as that can be had. */
function openWith(deps: ListenerDeps, keeper: Keeper | null): ReturnType<SensorDeps['open']> {
  const opened = deps.open();
  if (opened.ok) keeper?.giveBack(opened.value);
  return opened;
}

/** Before the survey, which may close a source that has failed. */
function look(listener: Listener, deps: ListenerDeps, context: Context<SourceMessage>): void {
  const { source, openings } = listener.sensor;
  if (source === null) return;
  listener.keeper?.takeAndWrite(source);
  heed(listener, source, openings, deps, context);
  follow(listener.following, source.exporters(), context);
}

function heed(
  listener: Listener,
  source: Source,
  opening: number,
  deps: ListenerDeps,
  context: Context<SourceMessage>,
): void {
  const now = source.flow();
  if (now === null) return;
  const before = opening === listener.tally.opening ? listener.tally.live : null;
  listener.tally = tallied(listener.tally, now, opening);
  const buffer = before === null ? bufferRemark(now) : null;
  if (buffer !== null) say(listener, buffer, deps, context);
  for (const remark of listenerRemarks(before, now, deps)) say(listener, remark, deps, context);
}

function say(
  { paces }: Listener,
  { kind, phrase, fields }: ListenerRemark,
  { name }: ListenerDeps,
  { clock, log }: Context<SourceMessage>,
): void {
  const own = paces.get(kind) ?? pace(complaintMs);
  paces.set(kind, own);
  const kept = own(clock.now());
  if (kept !== null) log.warn(phrase, { listener: name, ...fields, kept });
}

function reportFor({ sensor, tally }: Listener, { address, family, transport }: ListenerDeps): SourceReport {
  return { ...reportOf(sensor), listener: { address, family, transport, ...receivedBy(tally) } };
}
