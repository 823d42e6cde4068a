/**
 * Which hostgroup and which cause: 24 groups with overlapping prefixes of both families, each metric in each scope,
 * through the real engine. Every threshold is tried twice: exactly at it, where nothing may fire, and one packet, flow
 * or byte above it.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type { Hostgroup, Thresholds } from '../domain/hostgroup.js';
import { type Limits, type Metric, metrics } from '../domain/traffic.js';
import { rfc3339 } from '../domain/units.js';
import {
  captureFolder,
  groupOf,
  hostAfter,
  lastingBan,
  type PacketKind,
  type PlainPacket,
  rehearsalEpoch,
  settingsOf,
} from './detection-rehearsal.js';

const folder = captureFolder();
afterAll(folder.close);

type Scope = keyof Thresholds;
/** Two networks of ours inside the group, and where five hosts of the group begin in each. */
type Half = { readonly network: string; readonly hosts: string };
type Row = {
  readonly name: string;
  readonly prefixes: readonly string[];
  /** One, and without a network of its own, where the group is a single host. */
  readonly halves: readonly Half[];
};
const wide = (
  name: string,
  prefixes: readonly string[],
  ...halves: readonly (readonly [string, string])[]
): Row => ({
  name,
  prefixes,
  halves: halves.map(([network, hosts]) => ({ network, hosts })),
});
const single = (name: string, prefix: string, host: string): Row => ({
  name,
  prefixes: [prefix],
  halves: [{ network: '', hosts: host }],
});

const rows: readonly Row[] = [
  wide('ten8', ['10.0.0.0/8'], ['10.0.0.0/9', '10.2.0.1'], ['10.128.0.0/9', '10.255.255.250']),
  wide('ten16', ['10.1.0.0/16'], ['10.1.0.0/17', '10.1.2.0'], ['10.1.128.0/17', '10.1.200.1']),
  wide('ten24', ['10.1.1.0/24'], ['10.1.1.0/25', '10.1.1.1'], ['10.1.1.128/25', '10.1.1.128']),
  single('ten32', '10.1.1.99/32', '10.1.1.99'),
  wide('near12', ['172.16.0.0/12'], ['172.16.0.0/13', '172.16.9.1'], ['172.24.0.0/13', '172.31.255.251']),
  wide('near16', ['172.20.0.0/16'], ['172.20.0.0/17', '172.20.0.0'], ['172.20.128.0/17', '172.20.255.251']),
  wide('near24', ['172.20.5.0/24'], ['172.20.5.0/26', '172.20.5.1'], ['172.20.5.64/26', '172.20.5.65']),
  wide(
    'near25',
    ['172.20.5.128/25'],
    ['172.20.5.128/26', '172.20.5.128'],
    ['172.20.5.192/26', '172.20.5.250'],
  ),
  single('near32', '172.20.5.255/32', '172.20.5.255'),
  wide('doc24', ['203.0.113.0/24'], ['203.0.113.0/25', '203.0.113.0'], ['203.0.113.128/25', '203.0.113.251']),
  wide(
    'doc28',
    ['203.0.113.96/28'],
    ['203.0.113.96/29', '203.0.113.99'],
    ['203.0.113.104/29', '203.0.113.104'],
  ),
  wide(
    'both_within',
    ['2001:db8:cafe:1::/64', '198.18.7.0/24'],
    ['2001:db8:cafe:1::/65', '2001:db8:cafe:1::1'],
    ['198.18.7.128/25', '198.18.7.200'],
  ),
  wide(
    'six32',
    ['2001:db8::/32'],
    ['2001:db8::/33', '2001:db8:2::1'],
    ['2001:db8:8000::/33', '2001:db8:9000::1'],
  ),
  wide(
    'six48',
    ['2001:db8:1::/48'],
    ['2001:db8:1::/49', '2001:db8:1:2::1'],
    ['2001:db8:1:8000::/49', '2001:db8:1:ffff::1'],
  ),
  wide(
    'six64',
    ['2001:db8:1:1::/64'],
    ['2001:db8:1:1::/65', '2001:db8:1:1::'],
    ['2001:db8:1:1:8000::/65', '2001:db8:1:1:9000::1'],
  ),
  single('six128', '2001:db8:1:1::ffff/128', '2001:db8:1:1::ffff'),
  wide(
    'last48',
    ['2001:db8:ffff::/48'],
    ['2001:db8:ffff::/49', '2001:db8:ffff:1::'],
    ['2001:db8:ffff:8000::/49', '2001:db8:ffff:ffff:ffff:ffff:ffff:fffb'],
  ),
  wide(
    'last56',
    ['2001:db8:ffff:a00::/56'],
    ['2001:db8:ffff:a00::/57', '2001:db8:ffff:a01::1'],
    ['2001:db8:ffff:a80::/57', '2001:db8:ffff:aff::1'],
  ),
  wide(
    'last64',
    ['2001:db8:ffff:a02::/64'],
    ['2001:db8:ffff:a02::/65', '2001:db8:ffff:a02::1'],
    ['2001:db8:ffff:a02:8000::/65', '2001:db8:ffff:a02:8000::'],
  ),
  single('last127', '2001:db8:ffff:a02::fffe/127', '2001:db8:ffff:a02::fffe'),
  single('last128', '2001:db8:ffff:a02::ffff/128', '2001:db8:ffff:a02::ffff'),
  wide(
    'both',
    ['198.18.0.0/15', '2001:db8:cafe::/48'],
    ['198.18.0.0/16', '198.18.3.1'],
    ['2001:db8:cafe::/49', '2001:db8:cafe:2::1'],
  ),
  single('doc32', '203.0.113.98/32', '203.0.113.98'),
  wide('global', [], ['192.0.2.0/25', '192.0.2.1'], ['2001:db9::/32', '2001:db9::1']),
];

/** Thresholds in units: a packet, a flow, or a packet's bytes a second. Each scope judges one metric of its own. */
const hostUnits = 100;
const networkUnits = 300;
const totalUnits = 400;
const hostsInHalf = 5;
const unitBytes = 1000;

const metricAt = (index: number): Metric => metrics[index % metrics.length] ?? 'pps';
const limitOf = (metric: Metric, units: number): Limits => ({
  [metric]: metric.endsWith('mbps') ? (units * unitBytes * 8) / 1e6 : units,
});
const judgedBy = (index: number): { readonly [S in Scope]: Metric } => ({
  incoming: metricAt(index),
  outgoing: metricAt(index + 5),
  network: metricAt(index + 2),
  total: metricAt(index + 9),
});
const scopesOf = ({ halves }: Row): readonly Scope[] =>
  halves.length > 1 ? ['incoming', 'outgoing', 'network', 'total'] : ['incoming', 'outgoing'];

const groups: readonly Hostgroup[] = rows.map((row, index) => {
  const judged = judgedBy(index);
  return groupOf(row.name, row.prefixes, {
    incoming: limitOf(judged.incoming, hostUnits),
    outgoing: limitOf(judged.outgoing, hostUnits),
    ...(row.halves.length > 1
      ? { network: limitOf(judged.network, networkUnits), total: limitOf(judged.total, totalUnits) }
      : {}),
  });
});
const networks = rows
  .flatMap(({ halves }) => halves.map(({ network }) => network))
  .filter((one) => one !== '');
const settings = settingsOf(networks, groups);

const strangers = { 4: '192.88.99.1', 6: '2a00:1::1' } as const;
const strangerFor = (host: string): string => strangers[host.includes(':') ? 6 : 4];

const kindOf = (metric: Metric): PacketKind => {
  if (metric.startsWith('tcp_syn')) return 'syn';
  if (metric.startsWith('fragment')) return 'udp_fragment';
  if (metric.startsWith('tcp')) return 'tcp';
  if (metric.startsWith('icmp')) return 'icmp';
  return metric === 'pps' ? 'gre' : 'udp';
};

/** One unit each, evenly over the first second, in turn to each of `hosts`. */
function units(
  count: number,
  hosts: readonly string[],
  kind: PacketKind,
  outgoing: boolean,
): readonly PlainPacket[] {
  return Array.from({ length: count }, (_, i) => {
    const host = hosts[i % hosts.length] ?? '';
    const other = strangerFor(host);
    return {
      at: Math.floor((i * 1e6) / count),
      source: outgoing ? host : other,
      destination: outgoing ? other : host,
      kind,
      bytes: unitBytes,
      sourcePort: 1024 + i,
    };
  });
}

/** A byte more, where bytes are judged; else a packet more, of a flow of its own. */
function oneMore(packets: readonly PlainPacket[], metric: Metric): readonly PlainPacket[] {
  const last = packets.at(-1);
  if (last === undefined) return packets;
  return metric.endsWith('mbps')
    ? [...packets.slice(0, -1), { ...last, bytes: last.bytes + 1 }]
    : [...packets, { ...last, sourcePort: last.sourcePort + 1 }];
}

const fiveFrom = (half: Half | undefined): readonly string[] =>
  Array.from({ length: hostsInHalf }, (_, i) => hostAfter(half?.hosts ?? '', i));

/** What brings a scope exactly to its threshold, and what is then named. */
function scene(
  row: Row,
  scope: Scope,
  metric: Metric,
): { packets: readonly PlainPacket[]; subjects: readonly string[] } {
  const [first, second] = row.halves;
  const kind = kindOf(metric);
  switch (scope) {
    case 'incoming':
    case 'outgoing': {
      const host = hostAfter(first?.hosts ?? '', 0);
      return { packets: units(hostUnits, [host], kind, scope === 'outgoing'), subjects: [host] };
    }
    case 'network':
      return {
        packets: units(networkUnits, fiveFrom(first), kind, false),
        subjects: [first?.network ?? ''],
      };
    case 'total':
      // Named by the group's one prefix, else by the network that has most of the sum; here both have half.
      return {
        packets: units(totalUnits, [...fiveFrom(first), ...fiveFrom(second)], kind, true),
        subjects: row.prefixes.length === 1 ? row.prefixes : [first?.network ?? '', second?.network ?? ''],
      };
  }
}

test('there are 24 groups, and each metric is judged in each scope', () => {
  expect(rows.length).toBe(24);
  for (const scope of ['incoming', 'outgoing', 'network', 'total'] as const) {
    const judged = rows.flatMap((row, index) =>
      scopesOf(row).includes(scope) ? [judgedBy(index)[scope]] : [],
    );
    expect([...new Set(judged)].sort(), scope).toEqual([...metrics].sort());
  }
});

for (const [index, row] of rows.entries()) {
  describe(`hostgroup ${row.name} (${row.prefixes.join(' ') || 'the rest'})`, () => {
    for (const scope of scopesOf(row)) {
      const metric = judgedBy(index)[scope];
      test(`${scope} ${metric} fires above its threshold and not at it`, async () => {
        const { packets, subjects } = scene(row, scope, metric);
        const at = await folder.rehearse(settings, packets);
        expect(at.started).toEqual([]);
        expect(at.summary.unparsed).toBe(0);

        const above = await folder.rehearse(settings, oneMore(packets, metric));
        expect(above.started.length).toBe(1);
        const [event] = above.started;
        const units = scope === 'network' ? networkUnits : scope === 'total' ? totalUnits : hostUnits;
        const threshold = limitOf(metric, units)[metric] ?? Number.NaN;
        const more = metric.endsWith('mbps') ? 8e-6 : 1;
        expect(event).toMatchObject({
          at: rfc3339(rehearsalEpoch + 1_000_000),
          direction: scope === 'outgoing' || scope === 'total' ? 'outgoing' : 'incoming',
          hostgroup: row.name,
          cause: { metric, threshold },
        });
        expect(subjects).toContain(event?.host);
        expect(event?.cause.rate).toBeCloseTo(threshold + more, 2);
      });
    }
  });
}

describe('traffic that is nobody’s attack', () => {
  const flood = (source: string, destination: string): readonly PlainPacket[] =>
    units(5_000, [destination], 'udp', false).map((packet) => ({ ...packet, source }));

  test('between two hosts of ours nothing fires, in either family and across groups', async () => {
    const packets = [
      ...flood('10.2.0.1', '172.20.5.255'),
      ...flood('203.0.113.98', '203.0.113.99'),
      ...flood('2001:db8:1:1::ffff', '2001:db8:ffff:a02::ffff'),
    ];
    const { started, stats } = await folder.rehearse(settings, packets);
    expect(started).toEqual([]);
    expect(stats.totals.internal.packets).toBe(15_000);
  });

  test('between strangers nothing fires', async () => {
    const { started, stats } = await folder.rehearse(settings, flood('192.88.99.1', '192.88.99.2'));
    expect(started).toEqual([]);
    expect(stats.totals.other.packets).toBe(5_000);
  });

  test('a whitelisted host starts no attack, its neighbour does', async () => {
    const judged = groupOf('global', [], { incoming: { pps: 100 } });
    const whitelisted = settingsOf(networks, [judged], { whitelist: ['203.0.113.98/32', '2001:db8:1::/48'] });
    const packets = [
      ...flood(strangers[4], '203.0.113.98'),
      ...flood(strangers[6], '2001:db8:1:1::ffff'),
      ...flood(strangers[4], '10.1.1.99'),
    ];
    const { started } = await folder.rehearse(whitelisted, packets);
    expect(started.map(({ host }) => host)).toEqual(['10.1.1.99']);
  });

  test('a group whose bans are off for a family starts none there', async () => {
    const group = groupOf('global', [], { incoming: { pps: 100 } });
    const deaf = settingsOf(networks, [{ ...group, ban: { ...group.ban, enabledIpv6: false } }]);
    const packets = [...flood(strangers[6], '2001:db8:2::1'), ...flood(strangers[4], '10.2.0.1')];
    const { started } = await folder.rehearse(deaf, packets);
    expect(started.map(({ host }) => host)).toEqual(['10.2.0.1']);
  });
});

describe('the first metric in order is the cause', () => {
  const host = '192.0.2.1';
  /** In one tick, so that all thresholds are passed at once. */
  const burst = (['syn', 'udp', 'icmp', 'udp_fragment'] as const).flatMap((kind) =>
    units(200, [host], kind, false).map((packet) => ({ ...packet, at: Math.floor(packet.at / 20) })),
  );
  for (const [index, metric] of metrics.entries()) {
    test(`${metric} before ${metrics.slice(index + 1).join(', ') || 'nothing'}`, async () => {
      const limits = Object.fromEntries(
        metrics.slice(index).map((one) => [one, one.endsWith('mbps') ? 1 : 100]),
      );
      const judged = settingsOf(['192.0.2.0/24'], [groupOf('global', [], { incoming: limits })]);
      const { started } = await folder.rehearse(judged, burst);
      expect(started.map(({ cause }) => cause.metric)).toEqual([metric]);
    });
  }

  test('of two directions passed in one tick, incoming is named', async () => {
    const limits = { pps: 100 };
    const judged = settingsOf(
      ['192.0.2.0/24'],
      [groupOf('global', [], { incoming: limits, outgoing: limits })],
    );
    const packets = [...units(900, [host], 'udp', true), ...units(500, [host], 'udp', false)].map(
      (packet) => ({
        ...packet,
        at: Math.floor(packet.at / 20),
      }),
    );
    const { started } = await folder.rehearse(judged, packets);
    expect(started).toMatchObject([{ host, direction: 'incoming' }]);
  });
});

test('an attack that is over can begin again, and is a second one', async () => {
  const host = '192.0.2.1';
  const ban = { ...lastingBan, timeMs: 0, onlyIfFinished: true, calmMs: 500 };
  const judged = settingsOf(['192.0.2.0/24'], [groupOf('global', [], { incoming: { pps: 100 } }, { ban })]);
  const flood = (from: number): readonly PlainPacket[] =>
    units(500, [host], 'udp', false).map((packet) => ({ ...packet, at: from + packet.at }));
  const { events } = await folder.rehearse(judged, [
    ...flood(0),
    ...flood(4_000_000),
    ...units(1, [host], 'udp', false).map((packet) => ({ ...packet, at: 9_000_000 })),
  ]);
  // Found at 0.3 s, back at 100 in the window at 1.8 s, over half a calm second later.
  expect(events.map(({ event }) => event)).toEqual([
    'attack_started',
    'attack_ended',
    'attack_started',
    'attack_ended',
    'summary',
  ]);
  const ended = events.filter((event) => event.event === 'attack_ended');
  expect(ended.map(({ duration_s }) => duration_s)).toEqual([2, 2]);
});
