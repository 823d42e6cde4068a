/** The validated values of announcements in the program's units. A part of `yaml-plan.ts`. */
import { formatAddress, parseAddress } from '../domain/address.js';
import { type Communities, noCommunities } from '../domain/announcement.js';
import type { FamilyRoutes, MitigationPolicy, RoutePolicy, SpeakerPolicy } from '../domain/bgp.js';
import type { HostKey, Milliseconds } from '../domain/units.js';
import type { bgpKeys, ExabgpValues, GobgpValues } from './bgp-schema.js';
import { communitiesOf, readCommunity, readFlowspecAction } from './communities.js';
import type { Section, ValuesOf } from './declaration.js';
import { pathFrom } from './plan.js';
import { readDuration, readRate, readShare, splitEndpoint } from './quantities.js';
import type { BgpSettings, ExabgpSettings, GobgpSettings } from './settings.js';
import { sure } from './sure.js';

type BgpValues = ValuesOf<Section<typeof bgpKeys>>;
type RouteValues = GobgpValues['ipv4']['host'];

const ms = (text: string): Milliseconds => sure(readDuration(text));

const communities = (texts: readonly (string | undefined)[]): Communities =>
  communitiesOf(texts.flatMap((text) => (text === undefined ? [] : [sure(readCommunity(text))])));

export function hostOf(text: string): HostKey {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(`validated, yet no address: '${text}'`);
  return formatAddress(address);
}

const routeOf = (values: RouteValues): RoutePolicy =>
  values.announce ? { nextHop: hostOf(values.next_hop), communities: communities(values.communities) } : null;

const routesOf = (values: GobgpValues['ipv4']): FamilyRoutes => ({
  host: routeOf(values.host),
  subnet: routeOf(values.subnet),
});

const speakerOf = (values: GobgpValues | ExabgpValues): SpeakerPolicy => ({
  name: values.name,
  ipv4: routesOf(values.ipv4),
  ipv6: routesOf(values.ipv6),
  flowspec: values.flowspec.announce
    ? { communities: communities(values.flowspec.communities), maxRules: values.flowspec.max_rules }
    : null,
  reconcileMs: ms(values.reconcile),
  deadlineMs: ms(values.deadline),
});

/** `path`: what a relative one is meant from. */
export function gobgpOf(values: GobgpValues, path: (text: string | null) => string | null): GobgpSettings {
  const { tls } = values;
  return {
    name: values.name,
    ...(values.address.startsWith('unix:')
      ? { address: values.address, port: 0 }
      : sure(splitEndpoint(values.address))),
    tls: tls.enabled
      ? {
          ca: path(tls.ca),
          certificate: path(tls.certificate),
          key: path(tls.key),
          serverName: tls.server_name,
        }
      : null,
    mark: values.mark,
    localPreference: values.local_preference,
  };
}

function exabgpOf(values: ExabgpValues, configPath: string): ExabgpSettings {
  const mark = values.mark === null ? noCommunities : communities([values.mark]);
  return {
    name: values.name,
    pipe: pathFrom(configPath, values.pipe),
    answers: values.answers === null ? null : pathFrom(configPath, values.answers),
    mark: mark.large[0] ?? null,
  };
}

/** `origins`: where in the file each speaker's policy is, for what is found out about them together. */
export function bgpOf(values: BgpValues, configPath: string, origins: Map<object, string>): BgpSettings {
  const path = (text: string | null): string | null => (text === null ? null : pathFrom(configPath, text));
  const speakers: SpeakerPolicy[] = [];
  const noted = <V extends GobgpValues | ExabgpValues>(list: readonly (V | undefined)[], key: string): V[] =>
    list.flatMap((one, index) => {
      if (one === undefined) return [];
      const speaker = speakerOf(one);
      origins.set(speaker, `bgp.${key}[${index}]`);
      speakers.push(speaker);
      return [one];
    });
  const gobgp = noted(values.gobgp, 'gobgp').map((one) => gobgpOf(one, path));
  const exabgp = noted(values.exabgp, 'exabgp').map((one) => exabgpOf(one, configPath));
  return { gobgp, exabgp, policy: { speakers, ...policyOf(values) } };
}

function policyOf({ guard, flowspec, uplink, proof }: BgpValues): Omit<MitigationPolicy, 'speakers'> {
  const megabits = sure(readRate(uplink, 'bits'));
  return {
    guard: {
      maxAnnouncements: guard.max_announcements,
      maxChangesPerMinute: guard.max_changes_per_minute,
      shortestIpv4: guard.shortest_ipv4,
      shortestIpv6: guard.shortest_ipv6,
      dryRun: guard.dry_run,
    },
    flowspec: {
      coverage: sure(readShare(flowspec.coverage)),
      maxCollateral: sure(readShare(flowspec.max_collateral)),
      maxRules: flowspec.max_rules,
      action: sure(readFlowspecAction(flowspec.action)),
    },
    uplink: { bitsPerSecond: megabits === null ? null : megabits * 1e6 },
    proof: {
      settleMs: ms(proof.settle),
      effectiveBelow: sure(readShare(proof.effective_below)),
      partialBelow: sure(readShare(proof.partial_below)),
      escalate: proof.escalate as MitigationPolicy['proof']['escalate'],
    },
  };
}
