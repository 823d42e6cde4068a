/** An exporter, a listener and a machine that are well, for tests of the doctor. */
import { type ExporterStats, type FlowListenerStats, unheardExporter } from '../../../domain/flow.js';
import type { MachineFacts, WireSight } from '../../../domain/ports.js';
import type { Facts, ListenerSetting } from './facts.js';
import { emptyHistory, factsSince, sampleOf } from './history.js';

export const nowMicros = 1_700_000_000_000_000;

/** Ten minutes of NetFlow v9, every figure at what usual devices do. */
export const healthyExporter: ExporterStats = {
  ...unheardExporter,
  protocol: 'netflow9',
  address: '192.0.2.1',
  agent: '192.0.2.1',
  domain: 1,
  datagrams: 600,
  records: 2_000,
  packets: 20_000,
  bytes: 12_000_000,
  samplingRate: 100,
  samplingOrigin: 'options',
  templates: 2,
  templateIntervalSeconds: 60,
  clockSkewMicros: 400_000,
  activeTimeoutSeconds: 60,
  inactiveTimeoutSeconds: 15,
  duplicatesLookedAt: 130,
  recordsOutside: 40,
  firstSeen: nowMicros - 600e6,
  lastSeen: nowMicros - 1e6,
};

export const healthyListener: FlowListenerStats & { readonly spread: boolean } = {
  spread: true,
  datagrams: 600,
  records: 2_000,
  dropped: 0,
  receiveBufferAsked: 8_388_608,
  receiveBuffer: 8_388_608,
  strays: [],
  refused: 0,
  lastRefused: null,
  exportersRefused: 0,
  held: 0,
  heldBound: 1_000,
  heldRefused: 0,
  templates: 2,
  templatesBound: 1_000,
};

export const netflowSetting: ListenerSetting = {
  name: 'netflow 0.0.0.0:2055',
  address: '0.0.0.0',
  port: 2_055,
  transport: 'udp',
  accepts: ['netflow', 'ipfix'],
  spread: true,
};

export const machine: MachineFacts = { rmemMaxBytes: 212_992, rpFilter: { eth1: 2 }, rpFilterDrops: 0 };

export const sight: WireSight = {
  source: '192.0.2.9',
  destination: '192.0.2.254',
  port: 2_055,
  interface: 'eth1',
  datagrams: 30,
};

export function factsOf(
  exporters: readonly ExporterStats[],
  listener: typeof healthyListener,
  change: Partial<Facts> = {},
): Facts {
  const { name } = netflowSetting;
  const seen = exporters.map((stats) => ({ listener: name, stats }));
  const setting = { ...netflowSetting, spread: listener.spread };
  const sample = sampleOf(nowMicros, seen, [[name, listener]]);
  const facts = factsSince(emptyHistory, sample, [setting], nowMicros - 600e6);
  return { ...facts, windowMs: 1_000, machine: null, wire: null, ...change };
}
