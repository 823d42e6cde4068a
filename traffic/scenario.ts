/**
 * A scenario: what is sent, to whom, when and how fast. It is plain data and wholly decides the traffic:
 * the same scenario gives the same bytes. `prepare.ts` checks it and makes it ready.
 */
import type { Direction } from '../domain/traffic.js';
import type { UnixMicros } from '../domain/units.js';
import { type BackgroundMix, plainMix, sessionsFor } from './background.js';
import type { Extension } from './frames/ip.js';
import type { Encapsulation } from './frames/link.js';
import type { Profile } from './timing.js';

/** Times in microseconds since the scenario's start; `pps` packets per second. */
type PartTimes = {
  readonly name: string;
  readonly startMicros: number;
  readonly durationMicros: number;
  readonly pps: number;
  /** Added to the scenario's seed. */
  readonly seed: number;
};

export type BackgroundPart = PartTimes & {
  readonly kind: 'background';
  readonly mix: BackgroundMix;
  /** Sessions at a time; null: as many as `pps` calls for. */
  readonly sessions: number | null;
};

export type AttackPart = PartTimes & {
  readonly kind: 'attack';
  /** A name of vectors/table.ts. */
  readonly vector: string;
  /** Addresses or prefixes of ours; each packet draws one of them, and an address in it. */
  readonly targets: readonly string[];
  readonly direction: Direction;
  readonly profile: Profile;
  /** Each packet has one of these. */
  readonly encapsulations: readonly Encapsulation[];
  /** IPv6 only. */
  readonly extensions: readonly Extension[];
  /** IPv4 only: a router alert option in each packet. */
  readonly ipOptions: boolean;
  /** Addresses outside; null: a fresh one for each packet; 'usual': what the vector does. */
  readonly sources: number | null | 'usual';
  /** The port under attack; null: the vector's own choice. */
  readonly port: number | null;
};

export type Part = BackgroundPart | AttackPart;

export type Scenario = {
  readonly name: string;
  readonly seed: number;
  /** Wall time of the first moment. */
  readonly startMicros: UnixMicros;
  /** Our networks, CIDR text. */
  readonly networks: readonly string[];
  readonly parts: readonly Part[];
};

type Needed<P, K extends keyof P> = Pick<P, K> & Partial<Omit<P, K | 'kind'>>;
type Times = 'name' | 'durationMicros' | 'pps';

/** A background part with everything not given at its default. */
export const backgroundPart = (given: Needed<BackgroundPart, Times>): BackgroundPart => ({
  startMicros: 0,
  seed: 0,
  mix: plainMix,
  sessions: null,
  ...given,
  kind: 'background',
});

/** An attack part with everything not given at its default. */
export const attackPart = (given: Needed<AttackPart, Times | 'vector' | 'targets'>): AttackPart => ({
  startMicros: 0,
  seed: 0,
  direction: 'incoming',
  profile: { kind: 'constant' },
  encapsulations: ['plain'],
  extensions: [],
  ipOptions: false,
  sources: 'usual',
  port: null,
  ...given,
  kind: 'attack',
});

/**
 * The same traffic at 1/`factor` of its rates, for telemetry in which each frame stands for `factor` of them.
 * Background keeps its number of sessions, so that hosts share the rate as before.
 */
export const thinScenario = (scenario: Scenario, factor: number): Scenario => ({
  ...scenario,
  parts: scenario.parts.map((part) => {
    const pps = part.pps / factor;
    if (part.kind === 'background') return { ...part, pps, sessions: part.sessions ?? sessionsFor(part.pps) };
    const { profile } = part;
    return profile.kind === 'ramp'
      ? { ...part, pps, profile: { kind: 'ramp', fromPps: profile.fromPps / factor } }
      : { ...part, pps };
  }),
});
