/**
 * Detection as a slow and obvious model: what must be found, from the packets alone.
 *
 * A host's amount in a window is the sum of its amounts in the window's ticks; networks and groups are found by trying
 * every prefix. Nothing is shared with the native engine but the words of domain/ and the reading of addresses.
 * Times are microseconds since the first packet, which sets the grid of ticks. Windows are whole numbers of ticks.
 */

import { addressBytes } from '../domain/address.js';
import type { Hostgroup, Thresholds } from '../domain/hostgroup.js';
import { type Direction, type Limits, type Metric, metrics } from '../domain/traffic.js';
import type { HostKey } from '../domain/units.js';
import type { PlainPacket } from './detection-rehearsal.js';
import type { ReplaySettings } from './replay.js';

export type Scope = 'host' | 'network' | 'hostgroup';
/** Amounts by metric: packets, bytes or flows. */
export type Amounts = { readonly [M in Metric]: number };

/** What is metered: one host, network or group, in one direction, within one hostgroup. Ticks without traffic are absent. */
export type Series = {
  readonly scope: Scope;
  readonly hostgroup: Hostgroup;
  /** The host, the network, or the group's name. */
  readonly subject: string;
  readonly direction: Direction;
  readonly ticks: Map<number, Map<Metric, number>>;
};
export type Model = {
  readonly series: readonly Series[];
  readonly tickMicros: number;
  /** Ticks that a capture has: a judgement follows each. */
  readonly ticks: number;
  readonly byDirection: {
    readonly [D in Direction | 'internal' | 'other']: { packets: number; bytes: number };
  };
};

// ------------------------------------------------------------------------------------------------- whose is it

type Block = { readonly version6: boolean; readonly bits: string };

/** An address as a string of its bits. */
function bitsOf(host: string): Block {
  const bytes = addressBytes(host as HostKey);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return { version6: bytes.length === 16, bits };
}

const within = (prefix: string, host: string): boolean => {
  const [network = '', length = '0'] = prefix.split('/');
  const [outer, inner] = [bitsOf(network), bitsOf(host)];
  const count = Number(length);
  return outer.version6 === inner.version6 && outer.bits.slice(0, count) === inner.bits.slice(0, count);
};

/** The longest of `prefixes` that holds the host; of two alike the first. */
function longest(prefixes: readonly string[], host: string): string | null {
  let best: string | null = null;
  for (const prefix of prefixes) {
    if (!within(prefix, host)) continue;
    if (best === null || Number(prefix.split('/')[1]) > Number(best.split('/')[1])) best = prefix;
  }
  return best;
}

export function groupOfHost(groups: readonly Hostgroup[], host: string): Hostgroup {
  const prefix = longest(
    groups.flatMap(({ networks }) => networks),
    host,
  );
  const group = groups.find(({ networks }) =>
    prefix === null ? networks.length === 0 : networks.some((one) => one === prefix),
  );
  if (group === undefined) throw new RangeError('no group takes the rest');
  return group;
}

// -------------------------------------------------------------------------------------------------- what counts

const isTcp = ({ kind }: PlainPacket): boolean => kind === 'tcp' || kind === 'syn' || kind === 'tcp_fragment';
const isUdp = ({ kind }: PlainPacket): boolean => kind === 'udp' || kind === 'udp_fragment';
const classes: {
  readonly [C in '' | 'tcp_' | 'udp_' | 'icmp_' | 'tcp_syn_' | 'fragment_']: (packet: PlainPacket) => boolean;
} = {
  '': () => true,
  tcp_: isTcp,
  udp_: isUdp,
  icmp_: ({ kind }) => kind === 'icmp',
  tcp_syn_: ({ kind }) => kind === 'syn',
  fragment_: ({ kind }) => kind === 'tcp_fragment' || kind === 'udp_fragment',
};

function amountsOf(packet: PlainPacket, newFlow: boolean): Map<Metric, number> {
  const amounts = new Map<Metric, number>();
  for (const [name, belongs] of Object.entries(classes)) {
    if (!belongs(packet)) continue;
    amounts.set(`${name}pps` as Metric, 1);
    amounts.set(`${name}mbps` as Metric, packet.bytes);
  }
  if (newFlow) amounts.set('flows', 1);
  return amounts;
}

/** A flow is counted once in each second of the clock. Only whole TCP and UDP packets have ports. */
function flowKey(packet: PlainPacket, second: number): string {
  const ports = ['tcp', 'syn', 'udp'].includes(packet.kind) ? `${packet.sourcePort}>9` : '';
  const protocol = isTcp(packet) ? 'tcp' : isUdp(packet) ? 'udp' : packet.kind;
  return [second, packet.source, packet.destination, ports, protocol].join(' ');
}

/** `packets` in the order of their times; the first lies on a whole second. */
export function modelOf(settings: ReplaySettings, packets: readonly PlainPacket[]): Model {
  const tickMicros = settings.capture.tickMs * 1000;
  const start = packets[0]?.at ?? 0;
  const all = new Map<string, Series>();
  const flows = new Set<string>();
  const byDirection: Model['byDirection'] = {
    incoming: { packets: 0, bytes: 0 },
    outgoing: { packets: 0, bytes: 0 },
    internal: { packets: 0, bytes: 0 },
    other: { packets: 0, bytes: 0 },
  };
  let lastTick = 0;
  for (const packet of packets) {
    const tick = Math.floor((packet.at - start) / tickMicros);
    lastTick = tick;
    const from = longest(settings.networks, packet.source) !== null;
    const to = longest(settings.networks, packet.destination) !== null;
    const direction = from ? (to ? 'internal' : 'outgoing') : to ? 'incoming' : 'other';
    byDirection[direction].packets += 1;
    byDirection[direction].bytes += packet.bytes;
    if (direction === 'internal' || direction === 'other') continue;
    const host = direction === 'incoming' ? packet.destination : packet.source;
    const flow = flowKey(packet, Math.floor(packet.at / 1e6));
    const amounts = amountsOf(packet, !flows.has(flow));
    flows.add(flow);
    const hostgroup = groupOfHost(settings.hostgroups, host);
    const network = longest(settings.networks, host) ?? '';
    for (const [scope, subject] of [
      ['host', host],
      ['network', network],
      ['hostgroup', hostgroup.name],
    ] as const) {
      const key = [hostgroup.name, scope, subject, direction].join(' ');
      const series = all.get(key) ?? { scope, hostgroup, subject, direction, ticks: new Map() };
      all.set(key, series);
      const cell = series.ticks.get(tick) ?? new Map<Metric, number>();
      series.ticks.set(tick, cell);
      for (const [metric, amount] of amounts) cell.set(metric, (cell.get(metric) ?? 0) + amount);
    }
  }
  return { series: [...all.values()], tickMicros, ticks: lastTick + 1, byDirection };
}

// --------------------------------------------------------------------------------------------- what is too much

const scopeOf = (series: Series): keyof Thresholds =>
  series.scope === 'host' ? series.direction : series.scope === 'network' ? 'network' : 'total';
export const limitsOf = (series: Series): Limits => series.hostgroup.thresholds[scopeOf(series)];
export const judgedMetrics = (series: Series): readonly Metric[] =>
  metrics.filter((metric) => limitsOf(series)[metric] !== undefined);

/** A limit as an amount over the window. */
export function allowance(series: Series, metric: Metric): number {
  const limit = limitsOf(series)[metric] ?? Number.POSITIVE_INFINITY;
  const perSecond = metric.endsWith('mbps') ? (limit * 1e6) / 8 : limit;
  return (perSecond * series.hostgroup.windowMs) / 1000;
}

export const windowTicks = (series: Series, model: Model): number =>
  (series.hostgroup.windowMs * 1000) / model.tickMicros;

/** The amount in the window that ends with `tick`. */
export function amountAt(series: Series, metric: Metric, tick: number, model: Model): number {
  let sum = 0;
  for (let one = tick - windowTicks(series, model) + 1; one <= tick; one++) {
    sum += series.ticks.get(one)?.get(metric) ?? 0;
  }
  return sum;
}

/** The metrics over `share` of their limits at the judgement after `tick`, in the order in which causes are named. */
export const overAt = (series: Series, tick: number, model: Model, share = 1): readonly Metric[] =>
  judgedMetrics(series).filter(
    (metric) => amountAt(series, metric, tick, model) > share * allowance(series, metric),
  );

/** The first tick after which it is over `share` of a limit, or null. */
export function firstOver(series: Series, model: Model, share = 1): number | null {
  for (let tick = 0; tick < model.ticks; tick++) {
    if (overAt(series, tick, model, share).length > 0) return tick;
  }
  return null;
}

/** In the metric's unit. */
export function rateAt(series: Series, metric: Metric, tick: number, model: Model): number {
  const perSecond = (amountAt(series, metric, tick, model) * 1000) / series.hostgroup.windowMs;
  return metric.endsWith('mbps') ? (perSecond * 8) / 1e6 : perSecond;
}
