/**
 * Ready-made scenarios by name, for demonstrations, tests, benches and the console.
 *
 * Rates are for a scale of 1 and the default thresholds (20,000 packets per second a host); `scale` multiplies
 * every rate and leaves durations alone. Errors: CONFIG_INVALID for an unknown name or networks that do not fit.
 */
import type { Family } from '../domain/address.js';
import { failure, type Result, success } from '../domain/result.js';
import type { UnixMicros } from '../domain/units.js';
import { type Block, parseBlock } from './addresses.js';
import { type BackgroundMix, plainMix } from './background.js';
import { encapsulations } from './frames/link.js';
import { createRandom } from './random.js';
import { attackPart, backgroundPart, type Part, type Scenario } from './scenario.js';
import { type Scene, sceneOf } from './scene.js';
import { vectors } from './vectors/table.js';

export type PlanParameters = {
  /** CIDR text. */
  readonly networks: readonly string[];
  readonly seed: number;
  readonly scale: number;
  readonly startMicros: UnixMicros;
};

/** Networks for documentation and benchmarks: RFC 5737, RFC 3849. */
export const usualParameters: PlanParameters = {
  networks: ['198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'],
  seed: 1,
  scale: 1,
  startMicros: 1_700_000_000_000_000,
};

export type Plan = {
  readonly name: string;
  readonly summary: string;
  readonly needs: readonly Family[];
  readonly parts: (scene: Scene) => readonly Part[];
};

const second = 1_000_000;
const quietPps = 5_000;
const floodPps = 60_000;

const quiet = (scene: Scene, seconds: number, pps = quietPps, mix: BackgroundMix = plainMix): Part =>
  backgroundPart({ name: 'normal use', pps: scene.pps(pps), durationMicros: seconds * second, mix });

/** Twenty seconds of normal use, and one attack of ten seconds from the fifth on. */
const single = (name: string, summary: string, vector: string, family: Family = 4): Plan => ({
  name,
  summary,
  needs: [family],
  parts: (scene) => [
    quiet(scene, 20),
    attackPart({
      name,
      vector,
      targets: [scene.host(family, 'target')],
      startMicros: 5 * second,
      durationMicros: 10 * second,
      pps: scene.pps(floodPps),
    }),
  ],
});

const mixedUse: BackgroundMix = { ipv6: 0.4, vlan: 0.25, mpls: 0.15, extensionHeaders: 0.4, fragments: 0.03 };
const targetsAtOnce = 16;

export const plans: readonly Plan[] = [
  {
    name: 'benign',
    summary: 'normal use alone; nothing may be raised',
    needs: [],
    parts: (scene) => [quiet(scene, 20, 20_000, { ...mixedUse, ipv6: 0.2 })],
  },
  single('syn-flood', 'spoofed SYNs at one host', 'syn'),
  single('udp-flood', 'UDP to random ports of one host', 'udp'),
  single('icmp-flood', 'echo requests at one host', 'icmp'),
  single('fragment-flood', 'datagrams in fragments at one host', 'fragments'),
  single('dns-amplification', 'DNS answers at one host', 'dns'),
  single('ntp-amplification', 'NTP monlist answers at one host', 'ntp'),
  single('memcached-amplification', 'memcached answers at one host', 'memcached'),
  single('ipv6-syn-flood', 'spoofed SYNs at one IPv6 host', 'syn', 6),
  {
    name: 'outgoing-flood',
    summary: 'a host of ours attacks one outside',
    needs: [4],
    parts: (scene) => [
      quiet(scene, 20),
      attackPart({
        name: 'outgoing-flood',
        vector: 'udp_plain',
        direction: 'outgoing',
        targets: [scene.host(4, 'target')],
        sources: 1,
        startMicros: 5 * second,
        durationMicros: 10 * second,
        pps: scene.pps(floodPps),
      }),
    ],
  },
  {
    name: 'carpet',
    summary: 'an attack spread over a whole network, each host far below its threshold',
    needs: [4],
    parts: (scene) => [
      quiet(scene, 20),
      attackPart({
        name: 'carpet',
        vector: 'udp',
        targets: [scene.network(4)],
        startMicros: 5 * second,
        durationMicros: 10 * second,
        pps: scene.pps(120_000),
      }),
    ],
  },
  {
    name: 'pulse',
    summary: 'two seconds of attack, four of silence, again and again',
    needs: [4],
    parts: (scene) => [
      quiet(scene, 30),
      attackPart({
        name: 'pulse',
        vector: 'ack',
        targets: [scene.host(4, 'target')],
        profile: { kind: 'pulse', onMicros: 2 * second, offMicros: 4 * second },
        startMicros: 3 * second,
        durationMicros: 24 * second,
        pps: scene.pps(floodPps),
      }),
    ],
  },
  {
    name: 'ramp',
    summary: 'an attack that grows from nothing over twenty seconds',
    needs: [4],
    parts: (scene) => [
      quiet(scene, 25),
      attackPart({
        name: 'ramp',
        vector: 'syn',
        targets: [scene.host(4, 'target')],
        profile: { kind: 'ramp', fromPps: 0 },
        startMicros: 2 * second,
        durationMicros: 20 * second,
        pps: scene.pps(80_000),
      }),
    ],
  },
  {
    name: 'many-targets',
    summary: `${targetsAtOnce} hosts attacked at once, each by a vector of its own`,
    needs: [4],
    parts: (scene) => [
      quiet(scene, 10),
      ...vectors
        .filter((vector) => vector.shows !== null && vector.families.includes(4))
        .slice(0, targetsAtOnce)
        .map((vector, index) =>
          attackPart({
            name: vector.name,
            vector: vector.name,
            targets: [scene.host(4, `target ${index}`)],
            startMicros: 3 * second,
            durationMicros: 4 * second,
            pps: scene.pps(30_000),
          }),
        ),
    ],
  },
  {
    name: 'flash-crowd',
    summary: 'very many real clients at one host; no attack',
    needs: [4],
    parts: (scene) => [
      quiet(scene, 20),
      attackPart({
        name: 'flash-crowd',
        vector: 'flash_crowd',
        targets: [scene.host(4, 'target')],
        startMicros: 5 * second,
        durationMicros: 10 * second,
        pps: scene.pps(24_000),
      }),
    ],
  },
  {
    name: 'everything',
    summary: 'every vector in every IP version it has, one after the other, each at a host of its own',
    needs: [],
    parts: (scene) => {
      const attacks = vectors
        .flatMap((vector) => vector.families.map((family) => ({ vector, family })))
        .filter(({ vector, family }) => vector.shows !== null && scene.families.includes(family));
      const lasts = 1.5 * second;
      return [
        quiet(scene, 4 + (attacks.length * lasts) / second),
        ...attacks.map(({ vector, family }, index) =>
          attackPart({
            name: `${vector.name} IPv${family}`,
            vector: vector.name,
            targets: [scene.host(family, `target ${index}`)],
            encapsulations: [encapsulations[index % encapsulations.length] ?? 'plain'],
            startMicros: 2 * second + index * lasts,
            durationMicros: lasts,
            pps: scene.pps(30_000),
          }),
        ),
      ];
    },
  },
  {
    name: 'million-mixed',
    summary:
      '1,000,000 packets in ten seconds: VLAN, MPLS, IPv6 extension headers, fragments, and one attack',
    needs: [4, 6],
    parts: (scene) => [
      quiet(scene, 10, 70_000, mixedUse),
      attackPart({
        name: 'million-mixed',
        vector: 'syn',
        targets: [scene.host(4, 'target')],
        encapsulations,
        startMicros: 3 * second,
        durationMicros: 5 * second,
        pps: scene.pps(60_000),
      }),
    ],
  },
  {
    name: 'ipv6-scan',
    summary: '1,000,000 probes all over an IPv6 network, from spoofed sources, and an attack underneath',
    needs: [6],
    parts: (scene) => [
      attackPart({
        name: 'scan',
        vector: 'icmpv6',
        targets: [scene.network(6)],
        durationMicros: 10 * second,
        pps: scene.pps(100_000),
      }),
      attackPart({
        name: 'ipv6-scan',
        vector: 'syn',
        targets: [scene.host(6, 'target')],
        startMicros: 4 * second,
        durationMicros: 5 * second,
        pps: scene.pps(40_000),
      }),
    ],
  },
];

/** The scenario of that name; check it with `prepareScenario`. */
export function planNamed(name: string, parameters: PlanParameters): Result<Scenario> {
  const plan = plans.find((one) => one.name === name);
  if (plan === undefined) {
    return failure(
      'CONFIG_INVALID',
      `no plan '${name}'; there are ${plans.map((one) => one.name).join(', ')}`,
    );
  }
  if (!(parameters.scale > 0)) return failure('CONFIG_INVALID', 'scale must be above 0');
  const networks: Block[] = [];
  for (const text of parameters.networks) {
    const block = parseBlock(text);
    if (!block.ok) return failure('CONFIG_INVALID', `networks: ${block.error.detail}`);
    networks.push(block.value);
  }
  const scene = sceneOf(networks, parameters.scale, createRandom(parameters.seed, 'plan'));
  for (const family of plan.needs) {
    if (!scene.families.includes(family)) {
      return failure('CONFIG_INVALID', `plan '${name}' needs an IPv${family} network`);
    }
  }
  const { seed, startMicros } = parameters;
  return success({ name, seed, startMicros, networks: parameters.networks, parts: plan.parts(scene) });
}
