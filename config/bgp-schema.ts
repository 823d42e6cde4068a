/** The keys of announcements: speakers, guards, flowspec and proof. A part of `schema.ts`. */
import { choice, leaf, list, required, section, type ValuesOf } from './declaration.js';
import type { FormatName } from './formats.js';

const communities = (doc: string) => list(doc, required<string>('community', ''));
const communityDoc =
  'Attached to it. `65001:666`, a large one as `65001:1:2`, an extended one as `rt:65001:100`; `blackhole` is 65535:666 (RFC 7999).';

const route = (doc: string, format: FormatName, nextHop: string, announced: boolean) =>
  section(doc, {
    announce: leaf<boolean>('boolean', announced, 'Announce it.'),
    next_hop: leaf<string>(format, nextHop, 'Where routers send what is to be dropped.'),
    communities: communities(communityDoc),
  });

const subnetDoc =
  'The longest of our networks around an attacked host, or a network that is attacked as a whole. Everything in it is cut off.';
const routes = (format: FormatName, nextHop: string, words: string) =>
  section(`Blackholes of ${words}.`, {
    host: route('An attacked host.', format, nextHop, true),
    subnet: route(subnetDoc, format, nextHop, false),
  });

const speakerKeys = {
  ipv4: routes('ipv4_address', '192.0.2.1', 'IPv4'),
  ipv6: routes('ipv6_address', '100::1', 'IPv6'),
  flowspec: section('Flowspec rules (RFC 8955, RFC 8956).', {
    announce: leaf<boolean>('boolean', false, 'This speaker gets them.'),
    max_rules: leaf<number>('count', 100, 'Rules that it holds at once.', { min: 1, max: 100_000 }),
    communities: communities('Attached to each rule.'),
  }),
  reconcile: leaf<string>('duration', '30s', 'What it holds is compared with what it should, so often.', {
    min: 1_000,
    max: 86_400_000,
  }),
  deadline: leaf<string>('duration', '5s', 'A request without an answer for so long has failed.', {
    min: 100,
    max: 60_000,
  }),
} as const;

/** 'TIDE'. */
const defaultMark = 0x5449_4445;

export const gobgpSpeaker = section('', {
  address: leaf<string>('endpoint', '127.0.0.1:50051', 'Of its gRPC API.'),
  name: leaf<string>('name', 'gobgp', 'In reports and logs; unique among all speakers.'),
  tls: section('Encryption of the link.', {
    enabled: leaf<boolean>('boolean', false, 'Speak TLS.'),
    ca: leaf<string | null>('path', null, 'Who may have signed its certificate.', {
      words: 'the authorities of this machine',
    }),
    certificate: leaf<string | null>('path', null, 'Ours, when it asks for one.'),
    key: leaf<string | null>('path', null, 'The key to it.'),
    server_name: leaf<string | null>('host_name', null, 'The name in its certificate.', {
      words: 'that of `address`',
    }),
  }),
  mark: leaf<number>(
    'count',
    defaultMark,
    "The path identifier by which ours are told from others' paths; routers never see it. Two programs on one GoBGP need one each.",
    { min: 1, max: 0xffff_ffff },
  ),
  local_preference: leaf<number | null>(
    'count',
    null,
    "Where a path of somebody else's to the same prefix exists, the higher wins.",
    { min: 0, max: 0xffff_ffff, words: 'none is set, which counts as 100' },
  ),
  ...speakerKeys,
});

export const exabgpSpeaker = section('', {
  pipe: leaf<string>('path', '/var/run/exabgp.cmd', 'Its command pipe.'),
  name: leaf<string>('name', 'exabgp', 'In reports and logs; unique among all speakers.'),
  answers: leaf<string | null>(
    'path',
    null,
    'The pipe it answers on. Without it nothing can be read back: what should be announced is told again.',
    { words: 'it is not read' },
  ),
  mark: leaf<string | null>(
    'large_community',
    null,
    'A large community on every announcement, by which ours are known even when the journal is lost.',
    { words: 'ours are those in the journal' },
  ),
  ...speakerKeys,
});

const shareDemands = { min: 0, max: 1 } as const;

export const bgpKeys = {
  gobgp: list('GoBGP 3 and 4, over gRPC. A text stands for `address` alone.', gobgpSpeaker, 'address'),
  exabgp: list('ExaBGP 4 and 5, through its pipes. A text stands for `pipe` alone.', exabgpSpeaker, 'pipe'),
  guard: section('Limits on what may be announced. What they hold back is told, and stays wanted.', {
    max_announcements: leaf<number>('count', 1_000, 'At once.', { min: 1, max: 100_000 }),
    max_changes_per_minute: leaf<number>(
      'count',
      300,
      'Announcements that newly come or go. Restoring what a speaker has lost is no change.',
      { min: 1, max: 1_000_000 },
    ),
    shortest_ipv4: leaf<number>('count', 24, 'No shorter prefix of IPv4 is announced.', { min: 1, max: 32 }),
    shortest_ipv6: leaf<number>('count', 48, 'No shorter prefix of IPv6 is announced.', { min: 1, max: 128 }),
    dry_run: leaf<boolean>('boolean', false, 'Decide, write down and tell everything, and announce nothing.'),
  }),
  flowspec: section('How rules are made of the evidence of an attack.', {
    coverage: leaf<string>('share', '90%', 'Of the packets of the attack that they must match.', {
      min: 0.5,
      max: 1,
    }),
    max_collateral: leaf<string>(
      'share',
      '20%',
      "Of the host's normal packets that they may match.",
      shareDemands,
    ),
    max_rules: leaf<number>('count', 5, 'For one attack.', { min: 1, max: 100 }),
    action: leaf<string>(
      'flowspec_action',
      'discard',
      'What routers do: `discard`, `rate-limit 10Mbit`, `redirect 65001:100` (to the VRF of that route target, which may also be `4200000001:100` or `192.0.2.1:100`), `mark 8` (DSCP).',
    ),
  }),
  uplink: leaf<string | number>(
    'bit_rate',
    'off',
    'With `flowspec_then_blackhole` an attack above this is blackholed at once.',
  ),
  proof: section('Whether a mitigation helps, judged by what still comes in.', {
    settle: leaf<string>('duration', '15s', 'Routers have so long to act on it.', {
      min: 1_000,
      max: 3_600_000,
    }),
    effective_below: leaf<string>(
      'share',
      '10%',
      "Of the attack's highest rate: when no more comes, it is `effective`.",
      shareDemands,
    ),
    partial_below: leaf<string>(
      'share',
      '50%',
      'The same for `partial`, where the attack is gone at no source but less of it comes; more is `ineffective`.',
      shareDemands,
    ),
    escalate: choice(
      ['none', 'blackhole'],
      'none',
      'What to add when it proves ineffective, with `flowspec_then_blackhole`.',
    ),
  }),
} as const;

export type GobgpValues = ValuesOf<typeof gobgpSpeaker>;
export type ExabgpValues = ValuesOf<typeof exabgpSpeaker>;
