/** The settings of flow telemetry as the data plane wants them. Pure. */
import type { ListenerSettings, Settings } from '../config/settings.js';
import type { FlowFamily, FlowFilter, SamplingOverride } from '../domain/flow.js';
import type { Milliseconds, PrefixKey } from '../domain/units.js';
import type { FlowListenerOptions, FlowReadingOptions } from '../native/door/contract.js';
import { usualFlowReading } from '../native/door/flow-options.js';

/** What the listeners of a family take: many routers send IPFIX to the port of NetFlow. */
export const acceptedBy: { readonly [F in FlowFamily]: readonly FlowFamily[] } = {
  sflow: ['sflow'],
  netflow: ['netflow', 'ipfix'],
  ipfix: ['ipfix'],
};

/** What holds for all listeners alike. */
export type FlowPolicy = {
  readonly allow: readonly PrefixKey[];
  readonly refuseUnknown: boolean;
  readonly samplingFallback: number | null;
  readonly overrides: readonly SamplingOverride[];
  readonly filters: FlowFilter;
  /** The shortest window of all hostgroups: a record adds no more at once than belongs to one window. */
  readonly windowMs: Milliseconds;
};

type FlowSettings = Pick<Settings, 'capture' | 'hostgroups'>;

export const flowPolicy = ({ capture, hostgroups }: FlowSettings): FlowPolicy => ({
  ...capture.exporters,
  filters: capture.filters,
  windowMs: Math.min(...hostgroups.map(({ windowMs }) => windowMs)),
});

const policyOptions = (policy: FlowPolicy) => ({
  samplingFallback: policy.samplingFallback,
  samplingOverrides: policy.overrides,
  filter: policy.filters,
  windowMicros: policy.windowMs * 1_000,
});

export const flowListening = (one: ListenerSettings, policy: FlowPolicy): FlowListenerOptions => ({
  address: one.address,
  port: one.port,
  transport: one.transport,
  accepts: acceptedBy[one.family],
  workers: one.workers,
  receiveBufferBytes: one.receiveBufferBytes,
  lengthFromIp: one.lengthFromIp,
  maxExporters: one.maxExporters,
  maxTemplates: one.maxTemplates,
  templateLifetimeMicros: one.templateLifetimeMs * 1_000,
  waitingBytes: one.waitingBytes,
  waitingMicros: one.waitingMs * 1_000,
  allow: policy.allow,
  refuseUnknown: policy.refuseUnknown,
  spread: one.spread,
  maxHeld: one.maxHeld,
  ...policyOptions(policy),
});

/** How a replay reads the flow datagrams of a capture: of every family, by the same policy. */
export const flowReplaying = (settings: FlowSettings): FlowReadingOptions => ({
  ...usualFlowReading,
  ...policyOptions(flowPolicy(settings)),
});
