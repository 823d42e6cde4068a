/**
 * The speakers of a fastnetmon.conf: `gobgp = on` and `exabgp = on`, at most one of each.
 *
 * Beyond FastNetMon: the next hops of host and subnet, which it knows and never reads, count where they are set; an IPv6
 * network can be announced as a whole; a community that is none is an error, where FastNetMon announces without it.
 */
import { type Family, parseAddress } from '../domain/address.js';
import { type Communities, noCommunities } from '../domain/announcement.js';
import type { RoutePolicy, SpeakerPolicy } from '../domain/bgp.js';
import { hostOf } from './bgp-plan.js';
import { type Community, communitiesOf, readCommunity } from './communities.js';
import { defaultGobgp, defaultPlan } from './defaults.js';
import type { OptionReader } from './fastnetmon-reader.js';
import { quoted } from './quantities.js';
import type { BgpSettings } from './settings.js';

/** FastNetMon has no such guard: whole networks may be announced when the file says so, short ones among them. */
const shortestNetwork = { 4: 8, 6: 16 } as const;
const unset = { 4: '0.0.0.0', 6: '::' } as const;
/** Fixed in FastNetMon. */
const gobgpAddress = '127.0.0.1';
const gobgpPort = 50_051;

export function bgpOfFastnetmon(options: OptionReader, path: string): BgpSettings {
  const { policy } = defaultPlan(path, null).plan.bgp;
  const gobgp = options.boolean('gobgp', false);
  const exabgp = options.boolean('exabgp', false) ? exabgpOf(options) : null;
  const speakers = [...(gobgp ? [gobgpPolicy(options)] : []), ...(exabgp === null ? [] : [exabgp.policy])];
  const whole = (family: 'ipv4' | 'ipv6'): boolean => speakers.some((one) => one[family].subnet !== null);
  const { guard } = policy;
  return {
    gobgp: gobgp ? [defaultGobgp(gobgpAddress, gobgpPort)] : [],
    exabgp: exabgp === null ? [] : [{ name: 'exabgp', pipe: exabgp.pipe, answers: null, mark: null }],
    policy: {
      ...policy,
      speakers,
      guard: {
        ...guard,
        shortestIpv4: whole('ipv4') ? shortestNetwork[4] : guard.shortestIpv4,
        shortestIpv6: whole('ipv6') ? shortestNetwork[6] : guard.shortestIpv6,
      },
    },
  };
}

/** What the defaults say of reconciliation and deadlines, for a speaker that a file cannot say it of. */
const unsaid: Pick<SpeakerPolicy, 'flowspec' | 'reconcileMs' | 'deadlineMs'> = {
  flowspec: null,
  reconcileMs: 30_000,
  deadlineMs: 5_000,
};

function gobgpPolicy(options: OptionReader): SpeakerPolicy {
  const common4 = addressOf(options, 'gobgp_next_hop', 4, '0.0.0.0');
  const common6 = addressOf(options, 'gobgp_next_hop_ipv6', 6, '100::1');
  const route = (switchName: string, hop: string, community: string, fallback: string): RoutePolicy => {
    const family = hop.endsWith('ipv6') ? 6 : 4;
    const own = addressOf(options, hop, family, unset[family]);
    const communities = communitiesIn(options, community, fallback);
    if (!options.boolean(switchName, false)) return null;
    const nextHop = own === unset[family] ? (family === 4 ? common4 : common6) : own;
    return { nextHop: hostOf(nextHop), communities };
  };
  return {
    name: 'gobgp',
    ipv4: {
      host: route('gobgp_announce_host', 'gobgp_next_hop_host_ipv4', 'gobgp_community_host', '65001:668'),
      subnet: route(
        'gobgp_announce_whole_subnet',
        'gobgp_next_hop_subnet_ipv4',
        'gobgp_community_subnet',
        '65001:667',
      ),
    },
    ipv6: {
      host: route(
        'gobgp_announce_host_ipv6',
        'gobgp_next_hop_host_ipv6',
        'gobgp_community_host_ipv6',
        '65001:668',
      ),
      subnet: route(
        'gobgp_announce_whole_subnet_ipv6',
        'gobgp_next_hop_subnet_ipv6',
        'gobgp_community_subnet_ipv6',
        '65001:667',
      ),
    },
    ...unsaid,
  };
}

function exabgpOf(options: OptionReader): { readonly pipe: string; readonly policy: SpeakerPolicy } | null {
  const pipe = options.text('exabgp_command_pipe', '');
  const hop = options.text('exabgp_next_hop', '');
  const missing = [
    ...(pipe === '' ? [['exabgp_command_pipe', '/var/run/exabgp.cmd'] as const] : []),
    ...(hop === '' ? [['exabgp_next_hop', '10.0.3.114'] as const] : []),
  ];
  for (const [name, example] of missing) {
    const at = options.has(name) ? name : 'exabgp';
    options.tell('error', at, `exabgp is on and ${name} is not set`, `write ${name} = ${example}`);
  }
  if (missing.length > 0) return null;
  const nextHop = hostOf(addressOf(options, 'exabgp_next_hop', 4, '192.0.2.1'));
  const both = options.text('exabgp_community', '');
  const route = (switchName: string, community: string): RoutePolicy => {
    const name = options.has(community) || both === '' ? community : 'exabgp_community';
    const communities = communitiesIn(options, name, '');
    return options.boolean(switchName, false) ? { nextHop, communities } : null;
  };
  return {
    pipe,
    policy: {
      name: 'exabgp',
      ipv4: {
        host: route('exabgp_announce_host', 'exabgp_community_host'),
        subnet: route('exabgp_announce_whole_subnet', 'exabgp_community_subnet'),
      },
      ipv6: { host: null, subnet: null },
      ...unsaid,
    },
  };
}

function addressOf(options: OptionReader, name: string, family: Family, fallback: string): string {
  const text = options.text(name, fallback);
  if (text === '' || text === fallback) return fallback;
  if (parseAddress(text)?.family === family) return text;
  options.tell(
    'error',
    name,
    `${quoted(text)} is not an IPv${family} address, so nothing could be announced with it`,
    `write an address such as ${family === 4 ? '192.0.2.1' : '100::1'}`,
  );
  return fallback;
}

/** '65001:666', or several in brackets, as ExaBGP's commands take them. */
function communitiesIn(options: OptionReader, name: string, fallback: string): Communities {
  const text = options.text(name, fallback).trim();
  if (text === '') return noCommunities;
  const list: Community[] = [];
  for (const word of text
    .replace(/^\[(.*)\]$/, '$1')
    .trim()
    .split(/[\s,]+/)) {
    const community = readCommunity(word);
    if (community.ok) list.push(community.value);
    else options.tell('error', name, community.fault.message, community.fault.remedy);
  }
  return communitiesOf(list);
}
