/** domain/ports.ts `Source` over the door: live capture, flow listeners and replays of capture files. */
import type { Source } from '../../domain/ports.js';
import { type FailureCode, failure, failureCodes, type Result, success } from '../../domain/result.js';
import { micros, oneOf, text, whole } from './checks.js';
import {
  type CaptureOptions,
  type Drained,
  type EngineHandle,
  type FlowListenerOptions,
  fanoutModes,
  type IngressHandle,
  type NativeDoor,
  type ReplayFlowTotals,
  type ReplayOptions,
  type ReplayStep,
  type SeenOfIngress,
  type SourceHandle,
} from './contract.js';
import { checkFlowListener, checkFlowReading } from './flow-options.js';

/** What an interface or a listener can fail with is a value; the rest is a bug, and thrown. */
function opened<T>(open: () => T): Result<T> {
  try {
    return success(open());
  } catch (error) {
    const code = (error as { readonly code?: unknown } | null)?.code;
    const known = failureCodes.find((one): one is FailureCode => one === code);
    if (known === undefined || !(error instanceof Error)) throw error;
    return failure(known, error.message);
  }
}

/** A source, and what it has seen of an ingress. */
export type WatchedSource = Source & {
  readonly seenOf: (ingress: IngressHandle) => readonly SeenOfIngress[];
};
export type ListenerSource = WatchedSource & { readonly port: number };
export type ReplaySource = WatchedSource & {
  /** Reads on to the end of the next tick of the capture's own clock. */
  readonly step: () => ReplayStep;
  readonly flowTotals: () => ReplayFlowTotals;
};

function sourceOver(door: NativeDoor, handle: SourceHandle, hostgroups: readonly string[]): WatchedSource {
  const named = (drained: readonly Drained[]) =>
    drained.map(({ hostgroup, batch, hosts }) => ({
      hostgroup: hostgroups[hostgroup] ?? `hostgroup ${hostgroup}`,
      batch,
      hosts,
    }));
  return {
    drain(at) {
      const drained = door.drain(handle, micros('at', at));
      return drained instanceof Promise ? drained.then(named) : named(drained);
    },
    calm: () => door.calm(handle),
    watchNear: (tell) => door.watchNear(handle, tell),
    stats: () => door.stats(handle),
    exporters: () => door.exporters(handle),
    flow: () => door.flowListener(handle),
    takeTemplates: () => door.takeTemplates(handle),
    restoreTemplates: (templates) => door.restoreTemplates(handle, templates),
    fault: () => door.fault(handle),
    seenOf: (ingress) => door.readIngress(ingress, handle),
    close: () => door.closeSource(handle),
  };
}

export function openCapture(
  door: NativeDoor,
  engine: EngineHandle,
  options: CaptureOptions,
  hostgroups: readonly string[],
): Result<WatchedSource> {
  text('interface', options.interface);
  whole('workers', options.workers, 1, 64);
  oneOf('fanout', options.fanout, fanoutModes);
  whole('snapLength', options.snapLength, 64, 65_535);
  whole('ringBytes', options.ringBytes, 2 ** 18, 2 ** 31);
  whole('blockTimeoutMs', options.blockTimeoutMs, 1, 1000);
  whole('sampling', options.sampling, 1, 2 ** 24);
  return opened(() => sourceOver(door, door.openCapture(engine, options), hostgroups));
}

export function openFlows(
  door: NativeDoor,
  engine: EngineHandle,
  options: FlowListenerOptions,
  hostgroups: readonly string[],
): Result<ListenerSource> {
  checkFlowListener(options);
  return opened(() => {
    const handle = door.openFlows(engine, options);
    return { ...sourceOver(door, handle, hostgroups), port: door.boundPort(handle) };
  });
}

export function openReplay(
  door: NativeDoor,
  engine: EngineHandle,
  options: ReplayOptions,
  hostgroups: readonly string[],
): Result<ReplaySource> {
  text('path', options.path);
  whole('sampling', options.sampling, 1, 2 ** 24);
  if (options.flow !== null) checkFlowReading(options.flow);
  return opened(() => {
    const handle = door.openReplay(engine, options);
    return {
      ...sourceOver(door, handle, hostgroups),
      step: () => door.replayStep(handle),
      flowTotals: () => door.replayFlowTotals(handle),
    };
  });
}
