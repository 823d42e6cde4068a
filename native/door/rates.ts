/** A native row of rates as the domain's HostRates. */
import {
  type ClassRate,
  counterClasses,
  type Direction,
  directions,
  type HostRates,
  type Rates,
} from '../../domain/traffic.js';

const classes = counterClasses.length;
export const flowsAt = 2 * classes;
/** Numbers of one direction: packets of each class, bits of each class, flows. */
export const directionValues = flowsAt + 1;
/** Numbers of one host, incoming first. */
export const hostValues = directions.length * directionValues;

/** Place of a direction's first number in a row. */
export const directionAt = (direction: Direction): number => directions.indexOf(direction) * directionValues;

function ratesAt(row: Float64Array, at: number): Rates {
  const of = (kind: number): ClassRate => ({ pps: row[at + kind] ?? 0, bps: row[at + classes + kind] ?? 0 });
  return {
    total: of(0),
    tcp: of(1),
    udp: of(2),
    icmp: of(3),
    tcp_syn: of(4),
    fragment: of(5),
    flows: row[at + flowsAt] ?? 0,
  };
}

/** Reads `hostValues` numbers from `at` on. */
export const hostRates = (row: Float64Array, at = 0): HostRates => ({
  incoming: ratesAt(row, at),
  outgoing: ratesAt(row, at + directionValues),
});
