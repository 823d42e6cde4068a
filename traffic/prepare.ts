/**
 * Checks a scenario as a whole, says everything that is wrong with it (CONFIG_INVALID), and makes ready what it takes.
 */
import type { Family } from '../domain/address.js';
import { prefixSet } from '../domain/prefix-table.js';
import { failure, type Result, success } from '../domain/result.js';
import { type Block, outsideOf, parseBlock } from './addresses.js';
import { background } from './background.js';
import { inOrder } from './frames/ip.js';
import { buildLink } from './frames/link.js';
import { noBytes } from './frames/packet.js';
import type { PacketWriter } from './packet-writer.js';
import { createRandom } from './random.js';
import type { AttackPart, BackgroundPart, Part, Scenario } from './scenario.js';
import { type Timing, timingOf } from './timing.js';
import { vectorNamed } from './vectors/table.js';
import type { Vector } from './vectors/vector.js';

export const maxParts = 256;
export const maxPackets = 2 ** 32 - 1;
export const maxPps = 100_000_000;
const maxSources = 1_000_000;
const maxTargets = 100_000;

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
  const ours = prefixSet(networks.map((network) => network.key));
  const stray = targets.find((target) => !ours.covers(target.key));
  if (stray !== undefined) faults.push(`target ${stray.key} lies in none of the networks`);
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
