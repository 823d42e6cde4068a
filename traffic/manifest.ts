/**
 * The manifest of a capture: what was sent when, for whoever has to check what a detector made of it.
 *
 * Counted while the frames pass. `bytes` are of whole frames, without the check sequence. Times: microseconds since the epoch.
 */
import { type FlowDirection, flowDirections } from '../domain/traffic.js';
import type { UnixMicros } from '../domain/units.js';
import type { PreparedScenario } from './prepare.js';
import type { FrameBatch } from './stream.js';

export type Count = { readonly packets: number; readonly bytes: number };
export type DirectionCounts = { readonly [D in FlowDirection]: Count };

export type ManifestPart = Count & {
  readonly name: string;
  readonly kind: 'background' | 'attack';
  /** null for background. */
  readonly vector: string | null;
  /** The detector's word for the vector; null when nothing may be raised. */
  readonly shows: string | null;
  readonly direction: 'incoming' | 'outgoing' | 'both';
  readonly family: 4 | 6 | null;
  readonly targets: readonly string[];
  readonly encapsulations: readonly string[];
  readonly profile: string;
  readonly plannedPps: number;
  readonly startAt: UnixMicros;
  readonly endAt: UnixMicros;
  /** null when the part sent nothing. */
  readonly firstPacketAt: UnixMicros | null;
  readonly lastPacketAt: UnixMicros | null;
  /** Over the part's whole duration. */
  readonly pps: number;
  readonly bps: number;
  readonly byDirection: DirectionCounts;
};

export type Manifest = Count & {
  readonly format: 'tidegate-traffic';
  readonly version: 1;
  readonly scenario: string;
  readonly seed: number;
  readonly networks: readonly string[];
  readonly startAt: UnixMicros;
  readonly byDirection: DirectionCounts;
  readonly parts: readonly ManifestPart[];
};

export type Tally = { readonly add: (batch: FrameBatch) => void; readonly manifest: () => Manifest };

const directionCount = flowDirections.length;

export function tallyOf(prepared: PreparedScenario): Tally {
  const { parts } = prepared;
  const cells = parts.length * directionCount;
  const packets = new Float64Array(cells);
  const bytes = new Float64Array(cells);
  const first = new Float64Array(parts.length).fill(Number.NaN);
  const last = new Float64Array(parts.length).fill(Number.NaN);

  const add = (batch: FrameBatch): void => {
    for (let frame = 0; frame < batch.count; frame++) {
      const part = batch.parts[frame] ?? 0;
      const cell = part * directionCount + (batch.directions[frame] ?? 0);
      packets[cell] = (packets[cell] ?? 0) + 1;
      bytes[cell] = (bytes[cell] ?? 0) + (batch.starts[frame + 1] ?? 0) - (batch.starts[frame] ?? 0);
      const at = batch.micros[frame] ?? 0;
      if (Number.isNaN(first[part])) first[part] = at;
      last[part] = at;
    }
  };
  const countsOf = (part: number): DirectionCounts => {
    const of = (direction: number): Count => {
      const cell = part * directionCount + direction;
      return { packets: packets[cell] ?? 0, bytes: bytes[cell] ?? 0 };
    };
    return { incoming: of(0), outgoing: of(1), internal: of(2), other: of(3) };
  };
  return {
    add,
    manifest: () => {
      const listed = parts.map((_, index) =>
        describePart(prepared, index, countsOf(index), first[index] ?? Number.NaN, last[index] ?? Number.NaN),
      );
      const byDirection = addUp(listed.map((part) => part.byDirection));
      return {
        format: 'tidegate-traffic',
        version: 1,
        scenario: prepared.scenario.name,
        seed: prepared.scenario.seed,
        networks: prepared.networks.map((network) => network.key),
        startAt: prepared.scenario.startMicros,
        ...totalOf(byDirection),
        byDirection,
        parts: listed,
      };
    },
  };
}

function describePart(
  { scenario, parts }: PreparedScenario,
  index: number,
  byDirection: DirectionCounts,
  first: number,
  last: number,
): ManifestPart {
  const prepared = parts[index];
  if (prepared === undefined) throw new RangeError(`no part ${index}`);
  const { part, vector, family } = prepared;
  const total = totalOf(byDirection);
  const startAt = Math.floor(scenario.startMicros + part.startMicros);
  const absolute = (at: number): UnixMicros | null =>
    Number.isNaN(at) ? null : Math.floor(scenario.startMicros + at);
  const seconds = part.durationMicros / 1e6;
  const isAttack = part.kind === 'attack';
  return {
    name: part.name,
    kind: part.kind,
    vector: vector?.name ?? null,
    shows: vector?.shows ?? null,
    direction: isAttack ? part.direction : 'both',
    family,
    targets: isAttack ? part.targets : [],
    encapsulations: isAttack ? part.encapsulations : [],
    profile: isAttack ? part.profile.kind : 'constant',
    plannedPps: part.pps,
    startAt,
    endAt: Math.floor(startAt + part.durationMicros),
    firstPacketAt: absolute(first),
    lastPacketAt: absolute(last),
    ...total,
    pps: total.packets / seconds,
    bps: (total.bytes * 8) / seconds,
    byDirection,
  };
}

const plus = (a: Count, b: Count): Count => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes });
const nothing: Count = { packets: 0, bytes: 0 };

const totalOf = (counts: DirectionCounts): Count =>
  flowDirections.reduce((sum, direction) => plus(sum, counts[direction]), nothing);

function addUp(list: readonly DirectionCounts[]): DirectionCounts {
  const of = (direction: FlowDirection): Count =>
    list.reduce((sum, counts) => plus(sum, counts[direction]), nothing);
  return { incoming: of('incoming'), outgoing: of('outgoing'), internal: of('internal'), other: of('other') };
}
