/** Addresses that this machine or its containers hold, for monitor_local_addresses and monitor_openvz. */
import { parseHost } from '../domain/address.js';
import { contains } from '../domain/prefix.js';
import type { HostKey, PrefixKey } from '../domain/units.js';

/** What `os.networkInterfaces()` of Node gives, as far as it is used. */
export type InterfaceAddresses = {
  readonly [name: string]: readonly { readonly address: string; readonly internal: boolean }[] | undefined;
};

/** fe80::/10 (RFC 4291 section 2.5.6): good on one link alone, so never the target of what a mirror shows. */
const linkLocal = 'fe80::/10' as PrefixKey;

/** Every address of every interface but the loopback's and link-local ones, each once, in order. */
export function localAddresses(interfaces: InterfaceAddresses): readonly HostKey[] {
  const hosts = new Set<HostKey>();
  for (const [name, addresses] of Object.entries(interfaces)) {
    if (name === 'lo') continue;
    for (const { address, internal } of addresses ?? []) {
      const host = parseHost(address);
      if (!internal && host.ok && !contains(linkLocal, host.value)) hosts.add(host.value);
    }
  }
  return [...hosts];
}

/** A line of /proc/vz/veip: '<container> <address>' after a line 'Version: 2.2'. */
export function openvzAddresses(text: string): readonly HostKey[] {
  const hosts = new Set<HostKey>();
  for (const line of text.split(/\r?\n/)) {
    if (line.includes('Version')) continue;
    const host = parseHost(line.trim().split(/\s+/)[1] ?? '');
    if (host.ok) hosts.add(host.value);
  }
  return [...hosts];
}
