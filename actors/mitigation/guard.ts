/** What may be banned by hand: an address inside our networks that is not whitelisted. Pure. */
import { parseHost } from '../../domain/address.js';
import { contains } from '../../domain/prefix.js';
import { failure, type Result } from '../../domain/result.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';

export type Guarded = { readonly networks: readonly PrefixKey[]; readonly whitelist: readonly PrefixKey[] };

/** Errors: ADDRESS_INVALID, PREFIX_NOT_OURS, WHITELISTED. */
export function bannable(text: string, { networks, whitelist }: Guarded): Result<HostKey> {
  const host = parseHost(text.trim());
  if (!host.ok) return host;
  if (!networks.some((network) => contains(network, host.value))) {
    return failure('PREFIX_NOT_OURS', `${host.value} is in none of our networks`);
  }
  const listed = whitelist.find((prefix) => contains(prefix, host.value));
  return listed === undefined ? host : failure('WHITELISTED', `${host.value} is whitelisted by ${listed}`);
}
