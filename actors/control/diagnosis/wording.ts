/** How diagnoses say figures and names. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import type { ExporterStats, FlowProtocol } from '../../../domain/flow.js';
import type { ExporterFacts } from './facts.js';

const titles: { readonly [P in FlowProtocol]: string } = {
  sflow2: 'sFlow v2',
  sflow4: 'sFlow v4',
  sflow5: 'sFlow v5',
  netflow1: 'NetFlow v1',
  netflow5: 'NetFlow v5',
  netflow7: 'NetFlow v7',
  netflow9: 'NetFlow v9',
  ipfix: 'IPFIX',
};
export const protocolTitle = (protocol: FlowProtocol): string => titles[protocol];

export const isSflow = (protocol: FlowProtocol): boolean => protocol.startsWith('sflow');
export const isTemplated = (protocol: FlowProtocol): boolean =>
  protocol === 'netflow9' || protocol === 'ipfix';

/** '45 s', '5 min', '2.5 h', '3 days'. */
export function spanText(seconds: number): string {
  const text = (value: number, unit: string): string =>
    `${Number(value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
  if (seconds < 120) return text(seconds, 's');
  if (seconds < 7_200) return text(seconds / 60, 'min');
  return seconds < 172_800 ? text(seconds / 3_600, 'h') : text(seconds / 86_400, 'days');
}

/** 0.0123 → '1.2 %'. */
export const percentText = (share: number): string =>
  `${Number((share * 100).toFixed(share < 0.1 ? 1 : 0))} %`;

export const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** One device may be several exporters: sFlow agents, source ids, observation domains. */
export function nameOf({ address, agent, domain, protocol }: ExporterStats): string {
  if (isSflow(protocol)) return agent === address ? address : `${address} (agent ${agent})`;
  return domain === 0 ? address : `${address} (${protocol === 'ipfix' ? 'domain' : 'source id'} ${domain})`;
}

/** A diagnosis of one exporter. */
export const ofExporter = (
  { listener, now }: ExporterFacts,
  diagnosis: Omit<Diagnosis, 'listener' | 'exporter'>,
): Diagnosis => ({ listener, exporter: now.address, ...diagnosis });
