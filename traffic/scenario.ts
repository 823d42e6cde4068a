/**
 * A scenario: what is sent, to whom, when and how fast. It is plain data and wholly decides the traffic:
 * the same scenario gives the same bytes.
 *
 * `prepareScenario` checks it as a whole and says everything that is wrong (CONFIG_INVALID).
 */
import type { Family } from '../domain/address.js';
import { failure, type Result, success } from '../domain/result.js';
import type { Direction } from '../domain/traffic.js';
import type { UnixMicros } from '../domain/units.js';
import { type Block, blockContains, outsideOf, parseBlock } from './addresses.js';
import { type BackgroundMix, background, plainMix, sessionsFor } from './background.js';
import { type Extension, inOrder } from './frames/ip.js';
import { buildLink, type Encapsulation } from './frames/link.js';
import { noBytes } from './frames/packet.js';
import type { PacketWriter } from './packet-writer.js';
import { createRandom } from './random.js';
import { type Profile, type Timing, timingOf } from './timing.js';
import { vectorNamed } from './vectors/table.js';
import type { Vector } from './vectors/vector.js';

export const maxParts = 256;
export const maxPackets = 2 ** 32 - 1;
export const maxPps = 100_000_000;
const maxSources = 1_000_000;
const maxTargets = 100_000;

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

export type PreparedPart = {
  readonly part: Part;
  /** null for background. */
  readonly vector: Vector | null;
  readonly family: Family | null;
  readonly timing: Timing;
  readonly open: () => PacketWriter;
};

export type PreparedScenario = {
  readonly scenario: Scenario;
  readonly networks: readonly Block[];
  readonly parts: readonly PreparedPart[];
  readonly packets: number;
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

/** CONFIG_INVALID, its detail a list of all faults, each with the part's name. */
export function prepareScenario(scenario: Scenario): Result<PreparedScenario> {
  const faults: string[] = [];
  const networks = readBlocks(scenario.networks, 'networks', faults);
  if (networks.length === 0) faults.push('networks: at least one is needed');
  if (!isWhole(scenario.seed, 0, Number.MAX_SAFE_INTEGER)) faults.push('seed: a whole number, 0 or more');
  if (!isWhole(scenario.startMicros, 0, Number.MAX_SAFE_INTEGER)) faults.push('startMicros: a whole number');
  if (scenario.parts.length === 0) faults.push('parts: at least one is needed');
  if (scenario.parts.length > maxParts) faults.push(`parts: at most ${maxParts}`);
  const parts: PreparedPart[] = [];
  for (const [index, part] of scenario.parts.entries()) {
    const before = faults.length;
    const fault = (text: string): number => faults.push(`part ${index} '${part.name}': ${text}`);
    checkTimes(part, fault);
    const prepared =
      before !== faults.length
        ? null
        : part.kind === 'background'
          ? prepareBackground(part, index, scenario, networks, fault)
          : prepareAttack(part, index, scenario, networks, fault);
    if (prepared !== null) parts.push(prepared);
  }
  const packets = parts.reduce((sum, part) => sum + part.timing.count, 0);
  if (packets > maxPackets) faults.push(`${packets} packets: at most ${maxPackets}`);
  if (faults.length > 0) return failure('CONFIG_INVALID', faults.join('; '));
  return success({ scenario, networks, parts, packets });
}

type Fault = (text: string) => number;

const isWhole = (value: number, low: number, high: number): boolean =>
  Number.isSafeInteger(value) && value >= low && value <= high;
const isShare = (value: number): boolean => value >= 0 && value <= 1;

function checkTimes(part: Part, fault: Fault): void {
  if (!(part.startMicros >= 0 && Number.isFinite(part.startMicros))) fault('startMicros must be 0 or more');
  if (!(part.durationMicros > 0 && Number.isFinite(part.durationMicros)))
    fault('durationMicros must be above 0');
  if (!(part.pps > 0 && part.pps <= maxPps)) fault(`pps must be above 0 and at most ${maxPps}`);
  if (!isWhole(part.seed, 0, 2 ** 32)) fault('seed must be a whole number, 0 or more');
}

function prepareBackground(
  part: BackgroundPart,
  index: number,
  scenario: Scenario,
  networks: readonly Block[],
  fault: Fault,
): PreparedPart | null {
  const { mix } = part;
  if (!Object.values(mix).every(isShare) || mix.vlan + mix.mpls > 1)
    fault('shares of the mix lie between 0 and 1');
  if (part.sessions !== null && !isWhole(part.sessions, 1, 1e6))
    fault('sessions must be a whole number above 0');
  for (const family of [4, 6] as const) {
    if (networks.some((block) => block.family === family) && outsideOf(networks, family).size === 0) {
      fault(`networks leave no IPv${family} address outside`);
    }
  }
  const open = (): Result<PacketWriter> =>
    background({
      random: createRandom(scenario.seed + part.seed, `background ${index}`),
      networks,
      pps: part.pps,
      mix,
      sessions: part.sessions,
    });
  const tried = open();
  if (!tried.ok) {
    fault(tried.error.detail);
    return null;
  }
  return {
    part,
    vector: null,
    family: null,
    timing: timingOf({ kind: 'constant' }, part.pps, part.durationMicros),
    open: () => {
      const opened = open();
      if (!opened.ok) throw new Error(opened.error.detail);
      return opened.value;
    },
  };
}

function prepareAttack(
  part: AttackPart,
  index: number,
  scenario: Scenario,
  networks: readonly Block[],
  fault: Fault,
): PreparedPart | null {
  const faults: string[] = [];
  const vector = vectorNamed(part.vector);
  const targets = readBlocks(part.targets, 'targets', faults);
  const family = targets[0]?.family ?? 4;
  checkProfile(part, faults);
  if (vector === null) faults.push(`there is no vector '${part.vector}'`);
  else {
    if (!vector.families.includes(family)) faults.push(`vector '${vector.name}' has no IPv${family} form`);
    if (vector.fragments && part.extensions.some((one) => one === 'ah' || one === 'atomic_fragment')) {
      faults.push(`vector '${vector.name}' is sent in fragments, which carry neither ah nor atomic_fragment`);
    }
  }
  if (targets.length === 0) faults.push('targets: at least one is needed');
  if (targets.length > maxTargets) faults.push(`targets: at most ${maxTargets}`);
  if (targets.some((block) => block.family !== family)) faults.push('targets must be of one IP version');
  for (const target of targets) {
    if (!networks.some((network) => network.bits <= target.bits && blockContains(network, target.bytes))) {
      faults.push(`target ${target.key} lies in none of the networks`);
      break;
    }
  }
  if (part.encapsulations.length === 0) faults.push('encapsulations: at least one is needed');
  if (family === 4 && part.extensions.length > 0) faults.push('extensions are of IPv6');
  if (family === 6 && part.ipOptions) faults.push('ipOptions are of IPv4');
  if (typeof part.sources === 'number' && !isWhole(part.sources, 1, maxSources)) {
    faults.push(`sources must be a whole number, 1 to ${maxSources}`);
  }
  if (part.port !== null && !isWhole(part.port, 1, 65_535)) faults.push('port must be 1 to 65535');
  const outside = outsideOf(networks, family);
  if (outside.size === 0) faults.push(`networks leave no IPv${family} address outside`);
  for (const text of faults) fault(text);
  if (faults.length > 0 || vector === null) return null;

  const open = (): PacketWriter => {
    const random = createRandom(scenario.seed + part.seed, `attack ${index}`);
    const [first = 'plain', ...rest] = part.encapsulations;
    const linkRandom = random.fork('links');
    return vector.open({
      random,
      family,
      links: [buildLink(first, linkRandom), ...rest.map((one) => buildLink(one, linkRandom))],
      extensions: inOrder(part.extensions),
      ipOptions: part.ipOptions ? routerAlert : noBytes,
      direction: part.direction,
      targets,
      outside,
      sources: part.sources === 'usual' ? vector.sources : part.sources,
      port: part.port,
    });
  };
  return { part, vector, family, timing: timingOf(part.profile, part.pps, part.durationMicros), open };
}

/** RFC 2113. */
const routerAlert: Uint8Array = Uint8Array.of(0x94, 4, 0, 0);

function checkProfile({ profile }: AttackPart, faults: string[]): void {
  if (profile.kind === 'pulse' && !(profile.onMicros > 0 && profile.offMicros >= 0)) {
    faults.push('a pulse needs onMicros above 0 and offMicros of 0 or more');
  }
  if (profile.kind === 'ramp' && !(profile.fromPps >= 0 && profile.fromPps <= maxPps)) {
    faults.push(`a ramp's fromPps must be 0 to ${maxPps}`);
  }
}

function readBlocks(texts: readonly string[], what: string, faults: string[]): Block[] {
  const blocks: Block[] = [];
  for (const text of texts) {
    const block = parseBlock(text);
    if (block.ok) blocks.push(block.value);
    else faults.push(`${what}: ${block.error.detail}`);
  }
  return blocks;
}
