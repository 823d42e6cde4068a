/** The native data plane as the configuration wants it: sources, meters and taps over one engine. */
import { listenerName } from '../config/difference.js';
import type { InterfaceSettings, ListenerSettings, Settings } from '../config/settings.js';
import type { Hostgroup } from '../domain/hostgroup.js';
import type { IngressOpener, Meter, Source, TapOpener, WireWitness } from '../domain/ports.js';
import type { Result } from '../domain/result.js';
import { openEngine } from '../native/door/engine.js';
import { loadDoor } from '../native/door/load.js';
import { wireWitness } from '../native/door/witness.js';
import { type FlowPolicy, flowListening } from './flow-listening.js';
import { ingresses } from './ingress.js';

export type DataPlane = {
  readonly openInterface: (settings: InterfaceSettings) => Result<Source>;
  readonly openFlows: (settings: ListenerSettings, policy: FlowPolicy) => Result<Source>;
  readonly openMeter: (group: Hostgroup) => Meter;
  readonly openTap: TapOpener;
  readonly openIngress: IngressOpener;
  readonly witness: WireWitness;
};

/** Throws when no native binary fits this machine; its message says what to do. */
export function openDataPlane(settings: Settings): DataPlane {
  const { networks, hostgroups, capture, evidence } = settings;
  const door = loadDoor();
  const engine = openEngine(door, {
    networks,
    hostgroups,
    tickMs: capture.tickMs,
    ipv6Hosts: capture.ipv6Hosts,
    countFlows: capture.countFlows,
    flowSlots: capture.flowSlots,
    seed: null,
    sampleBytes: evidence.sampleBytes,
  });
  const { named, open } = ingresses(engine);
  return {
    openInterface: (one) => named(one.name, engine.openCapture({ ...one, interface: one.name })),
    openFlows: (one, policy) => named(listenerName(one), engine.openFlows(flowListening(one, policy))),
    openMeter: engine.openMeter,
    openTap: engine.openTap,
    openIngress: open,
    witness: wireWitness(door),
  };
}
