/** Totals of a capture's flow telemetry as each reader sees them: Tidegate's decoders, tshark, nfcapd and sfcapd. */
import { spawnSync } from 'node:child_process';
import { globalGroup, type Hostgroup } from '../../domain/hostgroup.js';
import type { PrefixKey } from '../../domain/units.js';
import { openEngine } from '../../native/door/engine.js';
import { usualFlowReading } from '../../native/door/flow-options.js';
import { loadDoor } from '../../native/door/load.js';
import { hasNfcapd, hasSfcapd, nfcapdReads } from '../../traffic/nfcapd.js';
import { type Dissector, dissectorOf, likelyDissector } from './datagrams.js';
import type { Totals } from './sets.js';

export type ReaderName = 'tidegate' | 'tshark' | 'nfcapd';

const maxOutputBytes = 1 << 30;

function fields(
  path: string,
  filter: string,
  names: readonly string[],
  decodeAs: readonly string[],
): string[][] {
  const run = spawnSync(
    'tshark',
    [
      '-n',
      '-r',
      path,
      // A datagram in fragments is none to us either; and what a reader puts together depends on its options.
      '-o',
      'ip.defragment:FALSE',
      '-o',
      'ipv6.defragment:FALSE',
      ...decodeAs.flatMap((rule) => ['-d', rule]),
      '-Y',
      filter,
      '-T',
      'fields',
      ...names.flatMap((name) => ['-e', name]),
    ],
    { encoding: 'utf8', maxBuffer: maxOutputBytes },
  );
  // A capture that is cut short ends with an error; the frames before it have been read.
  if (run.error !== undefined) throw run.error;
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

export type Found = { readonly dissector: Dissector; readonly port: number; readonly payload: Uint8Array };

/** The datagrams of a capture that look like flow telemetry, in order, with the ports they went to. `known`: all of them are. */
export function telemetryIn(path: string, known: boolean): readonly Found[] {
  return fields(
    path,
    'udp && !icmp && !icmpv6',
    ['udp.dstport', 'udp.payload'],
    ['udp.port==1-65535,data'],
  ).flatMap(([ports = '', payloads = '']) => {
    // Of a tunnel the outermost.
    const payload = Buffer.from((payloads.split(',')[0] ?? '').replaceAll(':', ''), 'hex');
    const dissector = known ? likelyDissector(payload) : dissectorOf(payload);
    return dissector === null ? [] : [{ dissector, port: Number(ports.split(',')[0]), payload }];
  });
}

const numbers = (text: string | undefined): readonly number[] =>
  text === undefined || text === '' ? [] : text.split(',').map(Number);
const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);

/** `records`: of sFlow and v5 only; null where tshark has no count of them. */
export type SharkTotals = Omit<Totals, 'records'> & { readonly records: number | null };

export function tsharkReads(path: string, found: readonly Found[]): SharkTotals {
  const rules = (dissector: Dissector): string[] =>
    [...new Set(found.filter((one) => one.dissector === dissector).map(({ port }) => port))].map(
      (port) => `udp.port==${port},${dissector}`,
    );
  const kinds = new Set(found.map(({ dissector }) => dissector));
  let totals = { datagrams: 0, packets: 0, bytes: 0 };
  let records: number | null = 0;
  if (kinds.has('sflow')) {
    const rows = fields(
      path,
      'sflow',
      ['sflow_245.sampletype', 'sflow_245.header.frame_length'],
      rules('sflow'),
    );
    const samples = rows
      .flatMap(([types]) => numbers(types))
      .filter((type) => type === 1 || type === 3).length;
    const lengths = rows.flatMap(([, list]) => numbers(list));
    totals = { datagrams: rows.length, packets: samples, bytes: sum(lengths) };
    records += samples;
  }
  if (kinds.has('cflow')) {
    const names = ['cflow.version', 'cflow.count', 'cflow.packets', 'cflow.octets'];
    const rows = fields(
      path,
      'cflow',
      [...names, 'cflow.permanent_packets', 'cflow.permanent_octets'],
      rules('cflow'),
    );
    for (const [version = '', count, packets, octets, allPackets, allOctets] of rows) {
      totals.datagrams++;
      // Deltas where there are some, as the detector counts; totals since a flow's start otherwise.
      totals.packets += sum(numbers(packets === '' ? allPackets : packets));
      totals.bytes += sum(numbers(octets === '' ? allOctets : octets));
      if (Number(version) >= 9) records = null;
      else if (records !== null) records += sum(numbers(count));
    }
  }
  return { ...totals, records };
}

/** null: not installed. It multiplies by the sampling rate that an exporter states, and knows of no IPv6 before v9. */
export async function nfcapdTotals(found: readonly Found[]): Promise<Omit<Totals, 'datagrams'> | null> {
  const isSflow = found.some(({ dissector }) => dissector === 'sflow');
  if (isSflow ? !hasSfcapd : !hasNfcapd) return null;
  const read = await nfcapdReads(
    isSflow ? 'sfcapd' : 'nfcapd',
    found.map(({ payload }) => payload),
  );
  return { records: read.flows, packets: read.packets, bytes: read.bytes };
}

const anyNetwork = '192.0.2.0/24' as PrefixKey;
const group: Hostgroup = {
  name: globalGroup,
  networks: [],
  windowMs: 1000,
  thresholds: { incoming: {}, outgoing: {}, total: {}, network: {} },
  confidence: null,
  action: 'blackhole',
  ban: { enabled: false, enabledIpv6: false, timeMs: null, onlyIfFinished: false, calmMs: 1000, probe: null },
};

/** All protocols; what a record adds is counted whole. */
const reading = { ...usualFlowReading, spread: false };

/** By the door's own replay of the capture. Throws when it cannot be read. */
export async function tidegateReads(path: string): Promise<Totals & { readonly errors: number }> {
  const engine = openEngine(loadDoor(), {
    networks: [anyNetwork],
    hostgroups: [group],
    tickMs: 1000,
    ipv6Hosts: 1024,
    countFlows: false,
    flowSlots: 1024,
    seed: 1n,
    sampleBytes: 0,
  });
  const opened = engine.openReplay({ path, lengthFromIp: false, sampling: 1, flow: reading });
  if (!opened.ok) throw new Error(`${path}: ${opened.error.code} ${opened.error.detail}`);
  const source = opened.value;
  try {
    for (let done = false; !done; ) {
      const step = source.step();
      done = step.done;
      await source.drain(step.at);
    }
    const { datagrams, records, packets, bytes, decode_errors: errors } = source.flowTotals();
    return { datagrams, records, packets, bytes, errors };
  } finally {
    source.close();
  }
}
