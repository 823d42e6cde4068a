/** What may be banned by hand: an address or a prefix inside our networks that overlaps nothing whitelisted. Pure. */
import { familyOf, parseHost } from '../../domain/address.js';
import type { Subject } from '../../domain/attack.js';
import { hostPrefix, networkOf, overlaps, parsePrefix } from '../../domain/prefix.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { Terms } from './routes.js';

/** Errors: ADDRESS_INVALID, PREFIX_NOT_OURS, WHITELISTED, HELD_BACK for a prefix that is shorter than may be announced. */
export function bannable(text: string, { guarded, fence, policy }: Terms): Result<Subject> {
  const subject = subjectOf(text.trim());
  if (!subject.ok) return subject;
  const prefix = subject.value.kind === 'host' ? hostPrefix(subject.value.host) : subject.value.prefix;
  switch (fence.refusalOf(prefix)) {
    case null:
      return subject;
    case 'not_ours':
      return failure('PREFIX_NOT_OURS', `${text.trim()} is in none of our networks`);
    case 'whitelisted': {
      const listed = guarded.whitelist.find((one) => overlaps(one, prefix));
      return failure('WHITELISTED', `${text.trim()} is whitelisted by ${listed}`);
    }
    case 'shortest_prefix': {
      const { shortestIpv4, shortestIpv6 } = policy.guard;
      const shortest = familyOf(prefix) === 4 ? shortestIpv4 : shortestIpv6;
      return failure(
        'HELD_BACK',
        `${prefix} is shorter than /${shortest}, the shortest that may be announced`,
      );
    }
  }
}

/** '192.0.2.7', '192.0.2.0/28'; a prefix of full length is its host. */
export function subjectOf(text: string): Result<Subject> {
  if (!text.includes('/')) {
    const host = parseHost(text);
    return host.ok ? success({ kind: 'host', host: host.value }) : host;
  }
  const prefix = parsePrefix(text);
  if (!prefix.ok) return prefix;
  const host = networkOf(prefix.value);
  return success(
    hostPrefix(host) === prefix.value ? { kind: 'host', host } : { kind: 'prefix', prefix: prefix.value },
  );
}
