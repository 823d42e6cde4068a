/**
 * Random worlds for the proofs of detection: a few overlapping networks and hostgroups over a small space of addresses
 * of both families, so that prefixes nest and hosts meet, and bursts of packets over some seconds.
 */
import fc from 'fast-check';
import { parseHost } from '../domain/address.js';
import { globalGroup, type Hostgroup, type Thresholds } from '../domain/hostgroup.js';
import { parsePrefixLenient } from '../domain/prefix.js';
import { type Limits, type Metric, metrics } from '../domain/traffic.js';
import {
  groupOf,
  leastBytes,
  type PacketKind,
  type PlainPacket,
  packetKinds,
  settingsOf,
} from './detection-rehearsal.js';
import type { ReplaySettings } from './replay.js';

export type World = { readonly settings: ReplaySettings; readonly packets: readonly PlainPacket[] };

/** How long a capture of a random world is. */
export const worldMicros = 5_000_000;
const mostPacketsInBurst = 150;
const mostBursts = 16;

const few = (...values: readonly number[]) => fc.constantFrom(...values);

/** 16 addresses of one family, in four networks; some of them neighbours. */
const host4 = fc.tuple(few(0, 1, 2, 3), few(0, 1, 7, 255)).map(([net, host]) => `10.0.${net}.${host}`);
const host6 = fc
  .tuple(few(0, 1, 2, 3), fc.constantFrom('0', '1', '7', 'ffff:ffff:ffff:ffff'))
  .map(([net, host]) => (host.includes(':') ? `2001:db8:0:${net}:${host}` : `2001:db8:0:${net}::${host}`));
const host = fc.oneof(host4, host6).map((text): string => {
  const read = parseHost(text);
  if (!read.ok) throw new RangeError(read.error.detail);
  return read.value;
});

const prefix = fc
  .oneof(
    fc.tuple(host4, few(8, 15, 21, 22, 23, 24, 25, 29, 31, 32)),
    fc.tuple(host6, few(16, 32, 62, 63, 64, 65, 96, 125, 127, 128)),
  )
  .map(([address, length]) => {
    const read = parsePrefixLenient(`${address}/${length}`);
    if (!read.ok) throw new RangeError(read.error.detail);
    return read.value.prefix as string;
  });

const limit = (metric: Metric): fc.Arbitrary<number> =>
  metric.endsWith('mbps')
    ? fc.integer({ min: 500, max: 60_000 }).map((bytes) => (bytes * 8) / 1e6)
    : fc.integer({ min: 3, max: 60 });
const limits = (most: number): fc.Arbitrary<Limits> =>
  fc
    .subarray([...metrics], { minLength: Math.min(1, most - 1), maxLength: most })
    .chain((judged) =>
      fc.tuple(...judged.map(limit)).map((values) => judged.map((one, i) => [one, values[i]])),
    )
    .map((entries) => Object.fromEntries(entries) as Limits);

const thresholds = (most: number): fc.Arbitrary<Thresholds> =>
  fc.record({ incoming: limits(3), outgoing: limits(3), total: limits(most), network: limits(most) });

/** Seconds of a group's window. */
const windowMs = few(1000, 1000, 2000, 3000);
const groups: fc.Arbitrary<readonly Hostgroup[]> = fc
  .tuple(
    fc.array(fc.tuple(fc.uniqueArray(prefix, { minLength: 1, maxLength: 3 }), thresholds(1), windowMs), {
      maxLength: 5,
    }),
    // Without prefixes of its own, the sum over a group goes by the name of one of its networks: left to the matrix.
    fc.tuple(fc.record({ incoming: limits(3), outgoing: limits(3), network: limits(2) }), windowMs),
  )
  .map(([named, [rest, restWindow]]) => [
    ...named.map(([prefixes, judged, window], index) =>
      groupOf(`group ${index}`, prefixes, prefixes.length === 1 ? judged : { ...judged, total: {} }, {
        windowMs: window,
      }),
    ),
    groupOf(globalGroup, [], rest, { windowMs: restWindow }),
  ]);

const stranger = (family6: boolean, salt: number): string =>
  family6 ? `2a00::${(salt % 5) + 1}` : `192.88.99.${(salt % 5) + 1}`;

type Way = 'incoming' | 'outgoing' | 'to_ours';
type Burst = {
  readonly host: string;
  readonly peer: string;
  readonly way: Way;
  readonly kind: PacketKind;
  readonly bytes: number;
  readonly atMs: number;
  readonly lastsMs: number;
  readonly count: number;
  readonly flows: number;
};
const burst: fc.Arbitrary<Burst> = fc.record({
  host,
  peer: host,
  way: fc.constantFrom<Way>('incoming', 'incoming', 'incoming', 'outgoing', 'outgoing', 'to_ours'),
  kind: fc.constantFrom(...packetKinds),
  bytes: fc.integer({ min: leastBytes, max: 1400 }),
  atMs: fc.integer({ min: 0, max: 4500 }),
  lastsMs: fc.integer({ min: 0, max: 2500 }),
  count: fc.integer({ min: 1, max: mostPacketsInBurst }),
  flows: fc.integer({ min: 1, max: 60 }),
});

function packetsOf({
  host,
  peer,
  way,
  kind,
  bytes,
  atMs,
  lastsMs,
  count,
  flows,
}: Burst): readonly PlainPacket[] {
  const family6 = host.includes(':');
  return Array.from({ length: count }, (_, i) => {
    const sameFamily = way === 'to_ours' && peer.includes(':') === family6;
    const other = sameFamily ? peer : stranger(family6, i);
    return {
      at: Math.min(worldMicros - 1, atMs * 1000 + Math.floor((i * lastsMs * 1000) / count)),
      source: way === 'outgoing' ? host : other,
      destination: way === 'outgoing' ? other : host,
      kind,
      bytes,
      sourcePort: 1024 + (i % flows),
    };
  });
}

/** A stranger's packet at the start and at the end, so that every capture has the same ticks. */
const marks: readonly PlainPacket[] = [0, worldMicros].map((at) => ({
  at,
  source: '192.88.99.1',
  destination: '192.88.99.2',
  kind: 'udp',
  bytes: leastBytes,
  sourcePort: 1,
}));

export const world: fc.Arbitrary<World> = fc
  .record({
    networks: fc.uniqueArray(prefix, { minLength: 3, maxLength: 8 }),
    groups,
    tickMs: few(50, 100, 100, 200, 250),
    bursts: fc.array(burst, { minLength: 4, maxLength: mostBursts }),
  })
  .map(({ networks, groups: made, tickMs, bursts }) => ({
    settings: settingsOf(networks, made, { tickMs }),
    packets: [...marks, ...bursts.flatMap(packetsOf)].sort((a, b) => a.at - b.at),
  }));
