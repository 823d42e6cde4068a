/** The validated values of flow telemetry in the program's units. A part of `yaml-plan.ts`. */
import { formatAddress, parseAddress } from '../domain/address.js';
import type { FlowFamily } from '../domain/flow.js';
import type { PrefixKey } from '../domain/units.js';
import type { ValuesOf } from './declaration.js';
import type { flowKeys, IpfixValues, NetflowValues, SflowValues } from './flow-schema.js';
import { readPrefixOrAddress } from './formats.js';
import type { PlannedListener } from './plan.js';
import { readDuration, readSize, splitEndpoint } from './quantities.js';
import type { ExporterSettings } from './settings.js';
import { sure } from './sure.js';

/** An sFlow sample comes by itself: no template, no span. Both bounds are then the least that there is. */
const withoutRecords = {
  maxTemplates: 16,
  templateLifetimeMs: 60_000,
  waitingBytes: 0,
  waitingMs: 1_000,
  spread: false,
  maxHeld: 1,
} as const;

type AnyListenerValues = Pick<
  SflowValues,
  'listen' | 'workers' | 'receive_buffer' | 'length_from_ip' | 'max_exporters'
>;

function socketOf(values: AnyListenerValues) {
  const { address, port } = sure(splitEndpoint(values.listen));
  return {
    address: canonicalAddress(address),
    port,
    workers: values.workers,
    receiveBufferBytes: sure(readSize(values.receive_buffer)),
    lengthFromIp: values.length_from_ip,
    maxExporters: values.max_exporters,
  };
}

const canonicalAddress = (text: string): string => {
  const parsed = parseAddress(text);
  return parsed === null ? text : formatAddress(parsed);
};

const recordsOf = (values: Omit<NetflowValues, keyof AnyListenerValues>) => ({
  maxTemplates: values.max_templates,
  templateLifetimeMs: sure(readDuration(values.template_lifetime)),
  waitingBytes: sure(readSize(values.waiting.size)),
  waitingMs: sure(readDuration(values.waiting.time)),
  spread: values.spread,
  maxHeld: values.max_held,
});

export const sflowListenerOf = (values: SflowValues): PlannedListener => ({
  family: 'sflow',
  transport: 'udp',
  ...socketOf(values),
  ...withoutRecords,
});

export const netflowListenerOf = (values: NetflowValues): PlannedListener => ({
  family: 'netflow',
  transport: 'udp',
  ...socketOf(values),
  ...recordsOf(values),
});

export const ipfixListenerOf = (values: IpfixValues): PlannedListener => ({
  family: 'ipfix',
  transport: values.transport,
  ...socketOf(values),
  ...recordsOf(values),
});

export function exportersOf(values: ValuesOf<typeof flowKeys.exporters>): ExporterSettings {
  const allow: readonly PrefixKey[] = values.allow.flatMap((text) =>
    text === undefined ? [] : [sure(readPrefixOrAddress(text))],
  );
  return {
    allow,
    refuseUnknown: values.refuse_unknown,
    samplingFallback: values.sampling_fallback,
    overrides: values.overrides.flatMap((one) =>
      one === undefined
        ? []
        : [{ exporter: canonicalAddress(one.exporter), interface: one.interface, rate: one.sampling }],
    ),
  };
}

/** Where each family's listeners stand in a file. */
export const listenerPath = (family: FlowFamily): string => `capture.${family}`;
