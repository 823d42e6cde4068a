/** What no single key of announcements can show: speakers, guards and hostgroups that contradict each other. */
import { mitigationActions, type SpeakerPolicy } from '../domain/bgp.js';
import { prefixLength } from '../domain/prefix.js';
import type { Dialect, Plan, Tell } from './plan.js';
import type { Settings } from './settings.js';

export function checkBgp(plan: Plan, settings: Settings, { name }: Dialect, tell: Tell): void {
  checkSpeakers(plan, tell);
  checkMarks(plan, tell);
  checkSubnets(settings, name, tell);
  checkFlowspec(plan, name, tell);
  checkProof(plan, tell);
  checkRedirect(plan, tell);
}

function checkSpeakers({ bgp, origins }: Plan, tell: Tell): void {
  const seen = new Set<string>();
  for (const speaker of bgp.policy.speakers) {
    const path = origins.get(speaker) ?? 'bgp';
    if (seen.has(speaker.name)) {
      tell(
        'error',
        `${path}.name`,
        `two speakers are called '${speaker.name}'`,
        'give each a name of its own',
      );
    }
    seen.add(speaker.name);
    if (announcesNothing(speaker)) {
      tell(
        'warning',
        path,
        `nothing is ever announced to '${speaker.name}'`,
        'switch announce on for hosts, subnets or flowspec, or remove the speaker',
      );
    }
  }
  const pipes = new Set<string>();
  for (const { pipe, name } of bgp.exabgp) {
    const speaker = bgp.policy.speakers.find((one) => one.name === name);
    if (pipes.has(pipe)) {
      tell(
        'error',
        `${(speaker && origins.get(speaker)) ?? 'bgp.exabgp'}.pipe`,
        `two speakers write into '${pipe}'`,
        'remove one of them',
      );
    }
    pipes.add(pipe);
  }
}

const announcesNothing = ({ ipv4, ipv6, flowspec }: SpeakerPolicy): boolean =>
  flowspec === null && [ipv4.host, ipv4.subnet, ipv6.host, ipv6.subnet].every((route) => route === null);

/** A route that carries the mark by its policy would not be known from one that carries it as ours. */
function checkMarks({ bgp, origins }: Plan, tell: Tell): void {
  for (const { name, mark } of bgp.exabgp) {
    const speaker = bgp.policy.speakers.find((one) => one.name === name);
    if (mark === null || speaker === undefined) continue;
    const { ipv4, ipv6, flowspec } = speaker;
    const attached = [ipv4.host, ipv4.subnet, ipv6.host, ipv6.subnet, flowspec];
    if (!attached.some((one) => one?.communities.large.some((each) => each.join() === mark.join()))) continue;
    tell(
      'error',
      `${origins.get(speaker) ?? 'bgp.exabgp'}.mark`,
      `the mark ${mark.join(':')} is among the communities as well`,
      'choose another mark; it is attached by itself',
    );
  }
}

function checkSubnets({ bgp, networks }: Settings, name: Dialect['name'], tell: Tell): void {
  const { speakers, guard } = bgp.policy;
  for (const [family, shortest, key] of [
    ['ipv4', guard.shortestIpv4, 'bgp.guard.shortest_ipv4'],
    ['ipv6', guard.shortestIpv6, 'bgp.guard.shortest_ipv6'],
  ] as const) {
    if (!speakers.some((speaker) => speaker[family].subnet !== null)) continue;
    const own = networks.filter((network) => network.includes(':') === (family === 'ipv6'));
    const [short, ...more] = own.filter((network) => prefixLength(network) < shortest);
    if (short === undefined) continue;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    tell(
      'warning',
      key,
      `subnets are announced, but ${short}${others} of ${name('networks')} is shorter than /${shortest}, so it never is`,
      `write ${Math.min(...[short, ...more].map(prefixLength))} if whole networks of that size may be cut off`,
    );
  }
}

/** ExaBGP 4 is told such an action in digits, and cannot list what it was told so. */
function checkRedirect({ bgp, origins }: Plan, tell: Tell): void {
  const { action } = bgp.policy.flowspec;
  if (action.kind !== 'redirect' || action.asn <= 0xffff) return;
  for (const { name } of bgp.exabgp) {
    const speaker = bgp.policy.speakers.find((one) => one.name === name);
    if (speaker?.flowspec == null || speaker.flowspec.communities.extended.length === 0) continue;
    tell(
      'error',
      `${origins.get(speaker) ?? 'bgp.exabgp'}.flowspec.communities`,
      'ExaBGP 4 cannot list rules with extended communities beside a redirect to a four-byte AS',
      'write standard or large communities there, or redirect to the route target of an address, such as 192.0.2.1:100',
    );
  }
}

function checkProof({ bgp }: Plan, tell: Tell): void {
  const { effectiveBelow, partialBelow } = bgp.policy.proof;
  if (partialBelow >= effectiveBelow) return;
  tell(
    'error',
    'bgp.proof.partial_below',
    'it is below effective_below, which is the stricter of the two',
    `write at least ${Math.round(effectiveBelow * 100)}%`,
  );
}

function checkFlowspec({ bgp, hostgroups, origins }: Plan, name: Dialect['name'], tell: Tell): void {
  const [, , rules, rulesFirst] = mitigationActions;
  const { speakers, uplink, proof } = bgp.policy;
  const able = speakers.some((speaker) => speaker.flowspec !== null);
  for (const group of hostgroups) {
    if ((group.action !== rules && group.action !== rulesFirst) || able) continue;
    const at = origins.get(group) ?? '';
    tell(
      'warning',
      at === '' ? 'ban.action' : `${at}.ban.action`,
      `attacks on '${group.name}' call for flowspec rules, and no speaker gets any`,
      `switch ${name('bgp.gobgp')}[].flowspec.announce on, or choose blackhole`,
    );
  }
  const used = hostgroups.some(({ action }) => action === rulesFirst);
  for (const [key, set] of [
    ['bgp.uplink', uplink.bitsPerSecond !== null],
    ['bgp.proof.escalate', proof.escalate !== 'none'],
  ] as const) {
    if (set && !used) {
      tell(
        'warning',
        key,
        `no hostgroup has the action ${rulesFirst}, so it has no effect`,
        `set ban.action: ${rulesFirst}`,
      );
    }
  }
}
