/**
 * One engine: the networks and hostgroups of a configuration, and what is opened over them.
 *
 * Wrong options throw a RangeError or TypeError that names the field. What the outside world refuses is a Result.
 */
import { type Subject, subjectText } from '../../domain/attack.js';
import type { Hostgroup } from '../../domain/hostgroup.js';
import type { Meter, TapOpener } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { PrefixKey } from '../../domain/units.js';
import { micros, powerOfTwo, whole } from './checks.js';
import type {
  CaptureOptions,
  FlowListenerOptions,
  IngressHandle,
  NativeDoor,
  ReplayOptions,
} from './contract.js';
import { openMeter } from './meter.js';
import {
  type ListenerSource,
  openCapture,
  openFlows,
  openReplay,
  type ReplaySource,
  type WatchedSource,
} from './source.js';
import { tapOpener } from './tap.js';

export type { ListenerSource, ReplaySource, WatchedSource } from './source.js';

export type EngineSettings = {
  readonly networks: readonly PrefixKey[];
  readonly hostgroups: readonly Hostgroup[];
  readonly tickMs: number;
  readonly ipv6Hosts: number;
  readonly countFlows: boolean;
  readonly flowSlots: number;
  /** Keys the hash tables; null draws one. */
  readonly seed: bigint | null;
  readonly sampleBytes: number;
  /** Room of each meter for exact buckets; `defaultExactBytes` unless given. */
  readonly exactBytes?: number;
};

/** Buckets of some 60,000 hosts at a window of one second, of 1,000 at one of a minute. */
export const defaultExactBytes = 64 * 2 ** 20;

export type Engine = {
  readonly openCapture: (options: CaptureOptions) => Result<WatchedSource>;
  readonly openFlows: (options: FlowListenerOptions) => Result<ListenerSource>;
  readonly openReplay: (options: ReplayOptions) => Result<ReplaySource>;
  readonly openMeter: (group: Hostgroup) => Meter;
  readonly openTap: TapOpener;
  /** Read by the sources of this engine (`seenOf`), until it is closed. null: too many are open. */
  readonly openIngress: (
    subject: Subject,
    at: number,
  ) => { readonly handle: IngressHandle; readonly close: () => void } | null;
};

export function openEngine(door: NativeDoor, settings: EngineSettings): Engine {
  whole('tickMs', settings.tickMs, 1, 10_000);
  powerOfTwo('ipv6Hosts', settings.ipv6Hosts, 8, 2 ** 24);
  powerOfTwo('flowSlots', settings.flowSlots, 8, 2 ** 28);
  whole('sampleBytes', settings.sampleBytes, 0, 65_535);
  const engine = door.createEngine({
    networks: settings.networks,
    hostgroups: settings.hostgroups.map(({ name, networks }) => ({ name, networks })),
    tickMicros: settings.tickMs * 1000,
    ipv6Hosts: settings.ipv6Hosts,
    countFlows: settings.countFlows,
    flowSlots: settings.flowSlots,
    seed: settings.seed,
    sampleBytes: settings.sampleBytes,
  });
  const names = settings.hostgroups.map(({ name }) => name);
  return {
    openCapture: (options) => openCapture(door, engine, options, names),
    openFlows: (options) => openFlows(door, engine, options, names),
    openReplay: (options) => openReplay(door, engine, options, names),
    openMeter(group) {
      const hostgroup = names.indexOf(group.name);
      if (hostgroup < 0) throw new RangeError(`hostgroup '${group.name}' is none of this engine's`);
      return openMeter(door, engine, {
        hostgroup,
        windowMs: group.windowMs,
        thresholds: group.thresholds,
        confidence: group.confidence,
        exactBytes: settings.exactBytes ?? defaultExactBytes,
        ipv6Hosts: settings.ipv6Hosts,
      });
    },
    openTap: tapOpener(door, engine),
    openIngress(subject, at) {
      const handle = door.openIngress(engine, subjectText(subject), micros('at', at));
      return handle === null ? null : { handle, close: () => door.closeIngress(handle) };
    },
  };
}
