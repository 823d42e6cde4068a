/**
 * The words of traffic: counter classes, directions, metrics, rates and limits.
 *
 * The order of `counterClasses` and of `metrics` is the order of the native tables
 * (native/base/classes.hpp); a test of the door holds them together.
 */

export const counterClasses = ['total', 'tcp', 'udp', 'icmp', 'tcp_syn', 'fragment'] as const;
export type CounterClass = (typeof counterClasses)[number];

/** Directions that have thresholds. */
export const directions = ['incoming', 'outgoing'] as const;
export type Direction = (typeof directions)[number];

/** Directions that are counted. `internal`: both ends ours; `other`: neither. */
export const flowDirections = ['incoming', 'outgoing', 'internal', 'other'] as const;
export type FlowDirection = (typeof flowDirections)[number];

/** What a threshold can judge. pps: packets/s; mbps: 10^6 bits/s; flows: new flows/s. First match in this order is the cause. */
export const metrics = [
  'pps',
  'mbps',
  'flows',
  'tcp_pps',
  'udp_pps',
  'icmp_pps',
  'tcp_syn_pps',
  'fragment_pps',
  'tcp_mbps',
  'udp_mbps',
  'icmp_mbps',
  'tcp_syn_mbps',
  'fragment_mbps',
] as const;
export type Metric = (typeof metrics)[number];

/** Limits in each metric's own unit; a rate strictly greater fires. An absent metric is not judged. */
export type Limits = { readonly [M in Metric]?: number };

/** Per second, sampling undone. */
export type ClassRate = { readonly pps: number; readonly bps: number };
export type Rates = { readonly [C in CounterClass]: ClassRate } & { readonly flows: number };
export type HostRates = { readonly [D in Direction]: Rates };

export const quietRates: Rates = {
  total: { pps: 0, bps: 0 },
  tcp: { pps: 0, bps: 0 },
  udp: { pps: 0, bps: 0 },
  icmp: { pps: 0, bps: 0 },
  tcp_syn: { pps: 0, bps: 0 },
  fragment: { pps: 0, bps: 0 },
  flows: 0,
};

/** The value of `metric` in `rates`, in the metric's unit. */
export function rateOf(rates: Rates, metric: Metric): number {
  if (metric === 'flows') return rates.flows;
  const split = metric.lastIndexOf('_');
  const kind = (split < 0 ? 'total' : metric.slice(0, split)) as CounterClass;
  return metric.endsWith('pps') ? rates[kind].pps : rates[kind].bps / 1e6;
}
