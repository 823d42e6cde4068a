/** The announcements of a fastnetmon.conf as lines of YAML, each with where it comes from. A part of `import.ts`. */
import { communityTexts } from '../domain/announcement.js';
import type { FamilyRoutes, RoutePolicy, SpeakerPolicy } from '../domain/bgp.js';
import type { BgpSettings } from './settings.js';

/** The options of one speaker that differ by host, subnet and family: prefix and suffixes of their names. */
type Names = (
  what: 'host' | 'subnet',
  family: 4 | 6,
) => { readonly announce: string; readonly community: string };

const gobgpNames: Names = (what, family) => {
  const ending = family === 6 ? '_ipv6' : '';
  return {
    announce: `gobgp_announce_${what === 'host' ? 'host' : 'whole_subnet'}${ending}`,
    community: `gobgp_community_${what}${ending}`,
  };
};
const exabgpNames: Names = (what) => ({
  announce: `exabgp_announce_${what === 'host' ? 'host' : 'whole_subnet'}`,
  community: `exabgp_community_${what}`,
});

export function bgpLines({ gobgp, exabgp, policy }: BgpSettings): readonly string[] {
  const { speakers, guard } = policy;
  if (speakers.length === 0) return [];
  const policyOf = (name: string): SpeakerPolicy | undefined => speakers.find((one) => one.name === name);
  return [
    '',
    'bgp:',
    ...gobgp.flatMap(({ name, address, port }) => [
      '  gobgp:  # gobgp = on',
      `    - address: ${address}:${port}  # fixed in FastNetMon`,
      ...speakerLines(policyOf(name), gobgpNames),
    ]),
    ...exabgp.flatMap(({ name, pipe }) => [
      '  exabgp:  # exabgp = on',
      `    - pipe: ${JSON.stringify(pipe)}  # exabgp_command_pipe`,
      ...speakerLines(policyOf(name), exabgpNames),
    ]),
    '  guard:  # FastNetMon has none',
    `    shortest_ipv4: ${guard.shortestIpv4}`,
    `    shortest_ipv6: ${guard.shortestIpv6}`,
  ];
}

function speakerLines(policy: SpeakerPolicy | undefined, names: Names): readonly string[] {
  if (policy === undefined) return [];
  return [...familyLines('ipv4', 4, policy.ipv4, names), ...familyLines('ipv6', 6, policy.ipv6, names)];
}

const familyLines = (key: string, family: 4 | 6, routes: FamilyRoutes, names: Names): readonly string[] => [
  `      ${key}:`,
  ...routeLines('host', routes.host, names('host', family)),
  ...routeLines('subnet', routes.subnet, names('subnet', family)),
];

function routeLines(what: string, route: RoutePolicy, names: ReturnType<Names>): readonly string[] {
  const head = [`        ${what}:`, `          announce: ${route !== null}  # ${names.announce}`];
  if (route === null) return head;
  const communities = communityTexts(route.communities).map((text) => JSON.stringify(text));
  return [
    ...head,
    `          next_hop: ${JSON.stringify(route.nextHop)}`,
    `          communities: [${communities.join(', ')}]  # ${names.community}`,
  ];
}
