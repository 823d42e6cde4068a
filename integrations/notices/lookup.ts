/**
 * Names to addresses for what may wait long: without the thread pool of the process.
 *
 * The usual way (`dns.lookup`) takes one of its four threads until the resolver answers or gives up, seconds later; four
 * receivers of notices whose names do not resolve would hold up everything else that needs one. So the servers are asked over
 * sockets of our own, with our own time limit; /etc/hosts is read first, as the usual way does.
 */
import { Resolver } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

export type FoundAddress = { readonly address: string; readonly family: 4 | 6 };

const timeoutMs = 2000;
const tries = 2;
const maxHostsBytes = 1_000_000;

/** IPv4 first; empty: the name has no address, or no server answers. Never rejects. */
export async function addressesOf(name: string, hostsPath = '/etc/hosts'): Promise<readonly FoundAddress[]> {
  const literal = familyOf(name);
  if (literal !== null) return [{ address: name, family: literal }];
  const listed = await inHosts(name.toLowerCase(), hostsPath);
  if (listed.length > 0) return listed;
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  const ask = (family: 4 | 6): Promise<readonly FoundAddress[]> =>
    new Promise((resolve) => {
      const heard = (error: Error | null, addresses: readonly string[]): void =>
        resolve(error === null ? addresses.map((address) => ({ address, family })) : []);
      if (family === 4) resolver.resolve4(name, heard);
      else resolver.resolve6(name, heard);
    });
  const [four, six] = await Promise.all([ask(4), ask(6)]);
  return [...four, ...six];
}

async function inHosts(name: string, path: string): Promise<readonly FoundAddress[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .slice(0, maxHostsBytes)
    .split('\n')
    .flatMap((line): readonly FoundAddress[] => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
      const family = familyOf(address);
      return family !== null && names.some((one) => one.toLowerCase() === name) ? [{ address, family }] : [];
    })
    .sort((a, b) => a.family - b.family);
}

function familyOf(text: string): 4 | 6 | null {
  const family = isIP(text);
  return family === 4 || family === 6 ? family : null;
}
