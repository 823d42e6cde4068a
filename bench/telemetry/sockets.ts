/** What the kernel lost at the UDP sockets of a port: the `drops` column of /proc/net/udp and udp6 in a namespace. */
import { execFileSync } from 'node:child_process';
import type { Stage } from '../namespace.js';

export type PortState = { readonly sockets: number; readonly drops: number };

/** `table`: the text of /proc/net/udp, udp6 or both. */
export function portState(table: string, port: number): PortState {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  let sockets = 0;
  let drops = 0;
  for (const line of table.split('\n')) {
    const cells = line.trim().split(/\s+/);
    if (cells[1]?.endsWith(`:${hex}`) !== true) continue;
    sockets++;
    drops += Number(cells.at(-1));
  }
  return { sockets, drops };
}

export function listenerPort(stage: Stage, port: number): PortState {
  const [command, ...args] = stage.inside(stage.listener, ['cat', '/proc/net/udp', '/proc/net/udp6']);
  return portState(execFileSync(command, args, { encoding: 'utf8' }), port);
}
