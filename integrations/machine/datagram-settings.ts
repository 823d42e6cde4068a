/**
 * What of this machine decides whether a datagram reaches its socket, as the kernel tells it under /proc (Linux,
 * Documentation/networking/ip-sysctl.rst). What cannot be read, in a container say, is null or missing. Never throws.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFacts } from '../../domain/ports.js';

/** A router may have thousands of interfaces; each is a file to read. */
const maxInterfaces = 1_024;

/** `proc`: where procfs is mounted. */
export function machineFacts(proc = '/proc'): MachineFacts {
  return {
    rmemMaxBytes: numberIn(join(proc, 'sys/net/core/rmem_max')),
    rpFilter: rpFilters(join(proc, 'sys/net/ipv4/conf')),
    rpFilterDrops: counterIn(join(proc, 'net/netstat'), 'IPReversePathFilter'),
  };
}

/** The kernel applies the larger of an interface's own value and that of `all`. */
function rpFilters(folder: string): MachineFacts['rpFilter'] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return {};
  }
  const modeOf = (name: string): number => numberIn(join(folder, name, 'rp_filter')) ?? 0;
  const all = modeOf('all');
  const interfaces = names.filter((name) => name !== 'all' && name !== 'default').slice(0, maxInterfaces);
  return Object.fromEntries(interfaces.map((name) => [name, Math.max(all, modeOf(name))]));
}

function numberIn(path: string): number | null {
  const text = textOf(path)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** Pairs of lines: 'TcpExt: name name …' and 'TcpExt: number number …'. */
function counterIn(path: string, name: string): number | null {
  const lines = (textOf(path) ?? '').split('\n').map((line) => line.split(' '));
  for (const [i, names] of lines.entries()) {
    const at = names.indexOf(name);
    const value = at > 0 ? lines[i + 1]?.[at] : undefined;
    if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  }
  return null;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
