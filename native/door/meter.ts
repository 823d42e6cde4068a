/** domain/ports.ts `Meter` over the door, made from a hostgroup and its thresholds. */
import { subjectText } from '../../domain/attack.js';
import type { Thresholds } from '../../domain/hostgroup.js';
import type { Meter } from '../../domain/ports.js';
import { type Limits, type Metric, metrics } from '../../domain/traffic.js';
import { micros, whole } from './checks.js';
import type { EngineHandle, NativeDoor, NativeThresholds } from './contract.js';

export type MeterSettings = {
  /** Index in the engine's list. */
  readonly hostgroup: number;
  readonly windowMs: number;
  readonly thresholds: Thresholds;
  /** Room for exact buckets; beyond, the cheap form judges and it is counted. */
  readonly exactBytes: number;
  readonly ipv6Hosts: number;
  /** Of a decision on sampled rates, 0.5 … 0.9999; null: they are judged as they are. */
  readonly confidence: number | null;
};

/** Limits by place in `metrics`; NaN where not judged. */
function limitArray(field: string, limits: Limits): Float64Array {
  for (const metric of Object.keys(limits)) {
    if (!metrics.includes(metric as Metric)) throw new RangeError(`${field}.${metric} is no metric`);
  }
  const of = (metric: Metric): number => {
    const limit = limits[metric];
    if (limit === undefined) return Number.NaN;
    if (typeof limit !== 'number') throw new TypeError(`${field}.${metric} must be a number`);
    if (!(limit >= 0)) throw new RangeError(`${field}.${metric} must not be below zero, is ${limit}`);
    return limit;
  };
  return Float64Array.from(metrics, of);
}

const nativeThresholds = (thresholds: Thresholds): NativeThresholds => ({
  incoming: limitArray('thresholds.incoming', thresholds.incoming),
  outgoing: limitArray('thresholds.outgoing', thresholds.outgoing),
  total: limitArray('thresholds.total', thresholds.total),
  network: limitArray('thresholds.network', thresholds.network),
});

export function openMeter(door: NativeDoor, engine: EngineHandle, settings: MeterSettings): Meter {
  whole('hostgroup', settings.hostgroup, 0, 2 ** 32 - 1);
  whole('windowMs', settings.windowMs, 1000, 60_000);
  whole('exactBytes', settings.exactBytes, 0, 2 ** 33);
  whole('ipv6Hosts', settings.ipv6Hosts, 1, 2 ** 24);
  const { confidence } = settings;
  if (confidence !== null && !(confidence >= 0.5 && confidence <= 0.9999)) {
    throw new RangeError(`confidence must be between 0.5 and 0.9999 or null, is ${confidence}`);
  }
  const meter = door.createMeter(engine, {
    hostgroup: settings.hostgroup,
    windowMicros: settings.windowMs * 1000,
    thresholds: nativeThresholds(settings.thresholds),
    exactBytes: settings.exactBytes,
    ipv6Hosts: settings.ipv6Hosts,
    confidence,
  });
  return {
    absorb: (batch) => door.absorb(meter, batch),
    judge: (at) => door.judge(meter, micros('at', at)),
    watch: (subject, direction) => door.watch(meter, subjectText(subject), direction),
    unwatch: (subject, direction) => door.unwatch(meter, subjectText(subject), direction),
    total: (at) => door.meterTotal(meter, micros('at', at)),
    networks: (at) => door.meterNetworks(meter, micros('at', at)),
    rates: (host, at) => door.meterRates(meter, host, micros('at', at)),
    top: (by, direction, count, at) =>
      door.meterTop(meter, by, direction, whole('count', count, 0, 10_000), micros('at', at)),
    stats: () => door.meterStats(meter),
    close: () => door.closeMeter(meter),
  };
}
