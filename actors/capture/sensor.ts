/**
 * What interfaces and flow listeners do alike: keep a source open, hand its batches to the
 * hostgroups at every tick, and look after its health once a second.
 *
 * While a source is calm, no host near a threshold, ticks come `calmTicks` apart: most of what a tick costs the main thread is
 * to wake up with cold caches. The source says when that changes, which is long before there is an attack to decide.
 *
 * The tick path allocates nothing of its own. One handler runs at a time, so a drain under way is
 * never doubled: the kernel skips ticks that find the last one unhandled. A drain that never ends
 * is a crash by the actor's busy limit.
 */

import { type Pace, pace } from '../../domain/pace.js';
import type { DrainedBatch, Source, SourceOpener, SourceStats, TrafficTotals } from '../../domain/ports.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Cancel, Context, Ref } from '../../supervision/behaviour.js';
import type { HostgroupMessage } from '../hostgroup/messages.js';
import type { SourceMessage, SourceReport } from './messages.js';
import { due, failed, healsByItself, type Opening, opened, suspended, untried } from './opening.js';
import { addStats, emptyStats, nothingCounted, ratesBetween } from './tally.js';

export const surveyMs = 1_000;
/** At most kCalmTicks of native/engine/source.hpp. */
export const calmTicks = 5;
/** The same complaint about a source is said this often at most. */
const complaintMs = 30_000;

export type SensorDeps = {
  readonly name: string;
  readonly open: SourceOpener;
  readonly tickMs: Milliseconds;
  /** By name. */
  readonly hostgroups: ReadonlyMap<string, Ref<HostgroupMessage>>;
};

/** One incarnation's state, changed in place: the tick path must not allocate. */
export type Sensor = {
  readonly kind: SourceReport['kind'];
  readonly deps: SensorDeps;
  source: Source | null;
  opening: Opening;
  openings: number;
  /** Lives before this one, and this one at the last survey. */
  past: SourceStats;
  live: SourceStats;
  surveyedAt: Milliseconds;
  rates: TrafficTotals;
  undelivered: number;
  calm: boolean;
  ticking: Cancel;
  readonly paces: { readonly fault: Pace; readonly loss: Pace; readonly undelivered: Pace };
};

const lossOf = {
  interface: { phrase: 'packets lost in the kernel', remedy: 'raise workers or ring of this interface' },
  listener: {
    phrase: 'flow datagrams lost on this machine',
    remedy: 'raise receive_buffer or workers of this listener',
  },
} as const;

const tickMessage: SourceMessage = { kind: 'tick' };
const nearMessage: SourceMessage = { kind: 'near' };
const surveyMessage: SourceMessage = { kind: 'survey' };

/** A sensor that has tried to open its source once; an unavailable source is a state, not a crash. */
export function startSensor(
  kind: SourceReport['kind'],
  deps: SensorDeps,
  context: Context<SourceMessage>,
): Sensor {
  const sensor: Sensor = {
    kind,
    deps,
    source: null,
    opening: untried,
    openings: 0,
    past: emptyStats,
    live: emptyStats,
    surveyedAt: context.clock.now(),
    rates: nothingCounted,
    undelivered: 0,
    calm: false,
    ticking: context.every(deps.tickMs, tickMessage),
    paces: { fault: pace(complaintMs), loss: pace(complaintMs), undelivered: pace(complaintMs) },
  };
  tryToOpen(sensor, context);
  context.every(surveyMs, surveyMessage);
  return sensor;
}

/** Hands over what was counted since the last tick, or tries again to open. A promise only when the drain is one. */
export function tick(sensor: Sensor, context: Context<SourceMessage>): Sensor | Promise<Sensor> {
  const { source } = sensor;
  if (source === null) {
    keepPace(sensor, false, context);
    if (due(sensor.opening, context.clock.now())) tryToOpen(sensor, context);
    return sensor;
  }
  const drained = source.drain(context.clock.unixMicros());
  if (!(drained instanceof Promise)) {
    deliver(sensor, drained, context);
    keepPace(sensor, source.calm(), context);
    return sensor;
  }
  return drained.then((batches) => {
    deliver(sensor, batches, context);
    keepPace(sensor, source.calm(), context);
    return sensor;
  });
}

/** The calm is over: a tick at once, and then every tick. */
export function near(sensor: Sensor, context: Context<SourceMessage>): Sensor | Promise<Sensor> {
  return sensor.calm ? tick(sensor, context) : sensor;
}

function keepPace(sensor: Sensor, calm: boolean, context: Context<SourceMessage>): void {
  if (calm === sensor.calm) return;
  sensor.calm = calm;
  sensor.ticking();
  sensor.ticking = context.every(sensor.deps.tickMs * (calm ? calmTicks : 1), tickMessage);
}

/** Statistics, rates and health. A source whose fault does not heal by itself is closed, to be opened again. */
export function survey(sensor: Sensor, context: Context<SourceMessage>): void {
  const { source } = sensor;
  if (source === null) return;
  const now = context.clock.now();
  const stats = source.stats();
  sensor.rates = ratesBetween(sensor.live.totals, stats.totals, (now - sensor.surveyedAt) / 1000);
  const lost = stats.dropped - sensor.live.dropped;
  sensor.live = stats;
  sensor.surveyedAt = now;
  if (lost > 0)
    complain(sensor.paces.loss, context, lossOf[sensor.kind].phrase, {
      source: sensor.deps.name,
      lost,
      remedy: lossOf[sensor.kind].remedy,
    });
  heed(sensor, source.fault(), context);
}

export const reportOf = (sensor: Sensor): SourceReport => ({
  name: sensor.deps.name,
  kind: sensor.kind,
  state: sensor.opening.kind,
  fault: sensor.opening.kind === 'down' ? sensor.opening.fault : null,
  stats: addStats(sensor.past, sensor.source === null ? emptyStats : sensor.source.stats()),
  rates: sensor.rates,
  opened: sensor.openings,
  undelivered: sensor.undelivered,
  listener: null,
});

export function closeSensor(sensor: Sensor): void {
  sensor.source?.close();
  sensor.source = null;
}

function tryToOpen(sensor: Sensor, context: Context<SourceMessage>): void {
  const now = context.clock.now();
  const result = sensor.deps.open();
  if (!result.ok) {
    const fault = result.error.detail;
    sensor.opening = failed(sensor.opening, fault, now);
    // Once may be the last life of this source, which has not quite let go.
    if (sensor.opening.failures > 1)
      complain(sensor.paces.fault, context, 'source unavailable', { source: sensor.deps.name, fault });
    return;
  }
  sensor.source = result.value;
  result.value.watchNear(() => context.self.send(nearMessage));
  sensor.live = result.value.stats();
  sensor.surveyedAt = now;
  sensor.opening = opened(sensor.opening, now);
  sensor.openings += 1;
  context.log.info('source opened', { source: sensor.deps.name, openings: sensor.openings });
  // A socket can be had on an interface that is down.
  heed(sensor, result.value.fault(), context);
}

function heed(sensor: Sensor, fault: string | null, context: Context<SourceMessage>): void {
  const { opening } = sensor;
  const { name } = sensor.deps;
  if (fault === null) {
    if (opening.kind === 'up') return;
    sensor.opening = opened(opening, context.clock.now());
    context.log.info('source is back', { source: name });
  } else if (!healsByItself(fault)) fall(sensor, fault, context);
  else if (opening.kind === 'up') {
    sensor.opening = suspended(opening, fault);
    complain(sensor.paces.fault, context, 'source gives nothing', { source: name, fault });
  }
}

/** At most one tick of counts is lost with a source that has failed. */
function fall(sensor: Sensor, fault: string, context: Context<SourceMessage>): void {
  sensor.past = addStats(sensor.past, sensor.live);
  sensor.live = emptyStats;
  sensor.rates = nothingCounted;
  closeSensor(sensor);
  sensor.opening = failed(sensor.opening, fault, context.clock.now());
  complain(sensor.paces.fault, context, 'source lost', { source: sensor.deps.name, fault });
}

function deliver(sensor: Sensor, batches: readonly DrainedBatch[], context: Context<SourceMessage>): void {
  for (let index = 0; index < batches.length; index += 1) {
    const drained = batches[index] as DrainedBatch;
    const group = sensor.deps.hostgroups.get(drained.hostgroup);
    if (group?.send({ kind: 'absorb', batch: drained.batch }) === true) continue;
    sensor.undelivered += 1;
    complain(sensor.paces.undelivered, context, 'batch not delivered', { hostgroup: drained.hostgroup });
  }
}

function complain(
  may: Pace,
  context: Context<SourceMessage>,
  phrase: string,
  fields: { readonly [field: string]: unknown },
): void {
  const kept = may(context.clock.now());
  if (kept !== null) context.log.warn(phrase, { ...fields, kept });
}
