/**
 * The collectors under measurement, all at once in one namespace, each on a port of its own: Tidegate and FastNetMon
 * with Debian's stock fastnetmon.conf and flow telemetry in place of packets, nfcapd or sfcapd, and the bare
 * recvmmsg loop that discards (native/bench/receive.bench.cpp).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nativePath } from '../built.js';
import { type Conditions, startFastnetmon, startTidegate } from '../contenders.js';
import type { Stage } from '../namespace.js';
import { type Program, start } from '../process.js';
import { type LoadName, networks } from './loads.js';

export const collectorNames = ['tidegate', 'fastnetmon', 'nfcapd', 'floor'] as const;
export type CollectorName = (typeof collectorNames)[number];
export type Collector = { readonly name: CollectorName; readonly port: number; readonly program: Program };

const ports: { readonly [N in CollectorName]: number } = {
  tidegate: 21_001,
  fastnetmon: 22_001,
  nfcapd: 23_001,
  floor: 24_001,
};
/** What nfcapd and the floor get; the two detectors size theirs themselves. */
const bufferBytes = 8_000_000;

const conditionsOf = (stage: Stage, directory: string, load: LoadName, port: number): Conditions => ({
  directory,
  interface: 'lo',
  networks,
  options: {
    mirror_afpacket: 'off',
    ...(load === 'sflow'
      ? { sflow: 'on', sflow_host: '127.0.0.1', sflow_port: String(port) }
      : { netflow: 'on', netflow_host: '127.0.0.1', netflow_port: String(port) }),
  },
  inside: (argv) => stage.inside(stage.listener, argv),
});

function startOther(name: 'nfcapd' | 'floor', stage: Stage, directory: string, load: LoadName): Program {
  const port = String(ports[name]);
  if (name === 'floor')
    return start(stage.inside(stage.listener, [nativePath('bench-receive'), '127.0.0.1', port]));
  const home = join(directory, 'nfcapd');
  mkdirSync(home, { recursive: true });
  const program = load === 'sflow' ? 'sfcapd' : 'nfcapd';
  const argv = [program, '-b', '127.0.0.1', '-p', port, '-w', home, '-t', '3600', '-B', String(bufferBytes)];
  return start(stage.inside(stage.listener, argv));
}

export function startCollectors(stage: Stage, directory: string, load: LoadName): readonly Collector[] {
  return collectorNames.map((name) => {
    const port = ports[name];
    const conditions = conditionsOf(stage, directory, load, port);
    if (name === 'tidegate') return { name, port, program: startTidegate(conditions).program };
    if (name === 'fastnetmon') return { name, port, program: startFastnetmon(conditions).program };
    return { name, port, program: startOther(name, stage, directory, load) };
  });
}
