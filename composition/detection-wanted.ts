/**
 * What the slow model wants of the detector, and how near the detector has to come.
 *
 * What the meter promises (native/counters/meter.hpp): networks and groups are exact. A host is exact once it has tick
 * buckets, which it earns above a quarter of a limit; what it sent before is laid evenly over the window it fell in, and
 * was, up to then, at most a quarter of a tick's allowance a tick. By how much that can mislead is `band`.
 */
import { expect } from 'vitest';
import type { Direction, Metric } from '../domain/traffic.js';
import { rfc3339 } from '../domain/units.js';
import {
  allowance,
  amountAt,
  firstOver,
  judgedMetrics,
  type Model,
  overAt,
  rateAt,
  type Series,
  windowTicks,
} from './detection-model.js';
import { type Rehearsed, rehearsalEpoch } from './detection-rehearsal.js';
import type { StartedEvent } from './replay-cases.js';

const quarter = 0.25;
/** Evenly instead of as it came, at most a quarter of a tick's allowance a tick: at most a sixteenth of the limit. */
const band = 1 / 16 + 1e-3;
const aTouch = 1e-3;

/** What the model wants: at which tick, or, of a host that was below a quarter before, between which. */
type Wanted = {
  readonly hostgroup: string;
  readonly subject: string;
  readonly exact: {
    readonly tick: number;
    readonly direction: Direction;
    readonly metric: Metric;
    readonly rate: number;
  } | null;
  readonly earliest: number;
  /** null: it need not be found. */
  readonly latest: number | null;
};

/** In one tick the group is judged before its networks, a network before another never shares a name, incoming is first. */
const judgedBefore = (a: Series, b: Series): number =>
  (a.scope === 'hostgroup' ? 0 : 1) - (b.scope === 'hostgroup' ? 0 : 1) ||
  (a.direction === 'incoming' ? 0 : 1) - (b.direction === 'incoming' ? 0 : 1);

const nameOf = ({ scope, subject, hostgroup }: Series): string =>
  scope === 'hostgroup' ? (hostgroup.networks[0] ?? '') : subject;

/** Whether the host had buckets from its first packet until `until`, by the rule of promotion and release. */
function meteredExactly(ways: readonly Series[], until: number, model: Model): boolean {
  const shareAt = (amount: (series: Series, metric: Metric) => number, allowed: number): number =>
    Math.max(
      0,
      ...ways.flatMap((series) =>
        judgedMetrics(series).map((metric) => {
          const sent = amount(series, metric);
          return sent === 0 ? 0 : sent / (allowance(series, metric) * allowed);
        }),
      ),
    );
  const [first] = ways;
  if (first === undefined) return false;
  const ticks = windowTicks(first, model);
  let active = false;
  let weakTicks = 0;
  for (let tick = 0; tick <= until; tick++) {
    const sent = shareAt((series, metric) => series.ticks.get(tick)?.get(metric) ?? 0, 1 / ticks);
    if (!active && sent > 0) {
      if (sent <= quarter * (1 + aTouch)) return false;
      active = true;
    }
    if (!active) continue;
    const share = shareAt((series, metric) => amountAt(series, metric, tick, model), 1);
    weakTicks = share <= quarter * (1 + aTouch) ? weakTicks + 1 : 0;
    if (weakTicks > ticks) return false;
  }
  return true;
}

function wantedOf(model: Model): readonly Wanted[] {
  const byName = new Map<string, Series[]>();
  for (const series of model.series) {
    const key = `${series.hostgroup.name} ${nameOf(series)}`;
    byName.set(key, [...(byName.get(key) ?? []), series]);
  }
  return [...byName.values()].flatMap((ways) => wantedFor([...ways].sort(judgedBefore), model));
}

const earliestOf = (ways: readonly Series[], model: Model, share: number): number | null => {
  const ticks = ways.map((series) => firstOver(series, model, share)).filter((tick) => tick !== null);
  return ticks.length === 0 ? null : Math.min(...ticks);
};

function wantedFor(ways: readonly Series[], model: Model): readonly Wanted[] {
  const [series] = ways;
  if (series === undefined) return [];
  const named = { hostgroup: series.hostgroup.name, subject: nameOf(series) };
  const tick = earliestOf(ways, model, 1);
  const isHost = series.scope === 'host';
  if (isHost && !meteredExactly(ways, tick ?? model.ticks - 1, model)) {
    const earliest = earliestOf(ways, model, 1 - band);
    return earliest === null
      ? []
      : [{ ...named, exact: null, earliest, latest: earliestOf(ways, model, 1 + band) }];
  }
  if (tick === null) return [];
  for (const way of ways) {
    const [metric] = overAt(way, tick, model);
    if (metric === undefined) continue;
    const rate = rateAt(way, metric, tick, model);
    return [
      { ...named, exact: { tick, direction: way.direction, metric, rate }, earliest: tick, latest: tick },
    ];
  }
  return [];
}

const tickOf = (event: StartedEvent, model: Model): number => {
  for (let tick = 0; tick < model.ticks; tick++) {
    if (rfc3339(rehearsalEpoch + (tick + 1) * model.tickMicros) === event.at) return tick;
  }
  throw new RangeError(`${event.at} is no end of a tick`);
};

export type Compared = { exact: number; banded: number; quiet: number };

/** `sampling`: packets that one of the model stands for in the detector's rates. */
export function compare(rehearsed: Rehearsed, model: Model, seen: Compared, sampling = 1): void {
  const wanted = new Map(wantedOf(model).map((one) => [`${one.hostgroup} ${one.subject}`, one]));
  const found = new Map(rehearsed.started.map((event) => [`${event.hostgroup} ${event.host}`, event]));
  expect(found.size, 'each subject is found once').toBe(rehearsed.started.length);
  for (const [key, event] of found) {
    const one = wanted.get(key);
    expect(one, `${key} is an attack to the model: ${JSON.stringify(event)}`).toBeDefined();
    if (one === undefined) continue;
    const tick = tickOf(event, model);
    if (one.exact !== null) {
      const { direction, metric } = one.exact;
      expect({ tick, direction: event.direction, metric: event.cause.metric }).toEqual({
        tick: one.exact.tick,
        direction,
        metric,
      });
      expect(event.cause.rate).toBeCloseTo(one.exact.rate * (metric === 'flows' ? 1 : sampling), 2);
      seen.exact += 1;
    } else {
      expect(tick, key).toBeGreaterThanOrEqual(one.earliest);
      if (one.latest !== null) expect(tick, key).toBeLessThanOrEqual(one.latest);
      seen.banded += 1;
    }
  }
  for (const [key, one] of wanted) {
    if (one.latest !== null) expect(found.has(key), `${key} is found: ${JSON.stringify(one)}`).toBe(true);
  }
  if (found.size === 0) seen.quiet += 1;
}
