/** CPU per packet of both daemons on the same interface at the same time, from /proc, all threads, user and system. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backgroundPart } from '../traffic/scenario.js';
import { cliPath } from './built.js';
import { type Contender, startFastnetmon, startTidegate } from './contenders.js';
import type { Stage } from './namespace.js';
import { capture, send } from './sending.js';

export type CpuRow = {
  readonly pps: number;
  readonly flows: boolean;
  readonly packets: number;
  readonly tidegateNs: number;
  readonly fastnetmonNs: number;
  /** Ours to theirs. */
  readonly ratio: number;
  readonly tidegateDropped: number;
  readonly tidegatePackets: number;
  readonly tidegateRssBytes: number;
  readonly fastnetmonRssBytes: number;
};

const networks = ['10.10.0.0/16'];
/** Past what a runtime does once after its start: V8 still collects what starting left behind some 15 to 20 s later. */
const settleMs = 30_000;
const captureMicros = 400_000;

type Counted = { readonly packets: number; readonly dropped: number };

function counted(directory: string, name: string): Counted {
  const stateDir = join(directory, 'tidegate', 'state');
  const text = execFileSync(process.execPath, [cliPath, 'status', '--json', '--state-dir', stateDir], {
    encoding: 'utf8',
  });
  const status = JSON.parse(text) as {
    readonly capture: { readonly interfaces: readonly (Counted & { readonly name: string })[] };
  };
  const one = status.capture.interfaces.find((candidate) => candidate.name === name);
  if (one === undefined) throw new Error(`status does not show ${name}`);
  return { packets: one.packets, dropped: one.dropped };
}

async function measure(
  stage: Stage,
  directory: string,
  path: string,
  frames: number,
  pps: number,
  flows: boolean,
  seconds: number,
  both: readonly [Contender, Contender],
): Promise<CpuRow> {
  const [tidegate, fastnetmon] = both;
  const loops = Math.max(1, Math.round((pps * seconds) / frames));
  await send(stage, path, pps, Math.max(1, Math.round(pps / frames))); // what is made on first touch is made now
  await sleep(1_500);
  const before = counted(directory, stage.listenInterface);
  const cpu = both.map(({ program }) => program.cpuSeconds());
  const { sent } = await send(stage, path, pps, loops);
  const after = both.map(({ program }) => program.cpuSeconds());
  await sleep(1_500);
  const now = counted(directory, stage.listenInterface);
  const [ours = Number.NaN, theirs = Number.NaN] = after.map(
    (end, i) => ((end - (cpu[i] ?? 0)) / sent) * 1e9,
  );
  return {
    pps,
    flows,
    packets: sent,
    tidegateNs: ours,
    fastnetmonNs: theirs,
    ratio: ours / theirs,
    tidegateDropped: now.dropped - before.dropped,
    tidegatePackets: now.packets - before.packets,
    tidegateRssBytes: tidegate.program.rssBytes(),
    fastnetmonRssBytes: fastnetmon.program.rssBytes(),
  };
}

export async function measureCpu(
  stage: Stage,
  directory: string,
  rates: readonly number[],
  seconds: number,
  say: (row: CpuRow) => void,
): Promise<readonly CpuRow[]> {
  const rows: CpuRow[] = [];
  for (const flows of [false, true]) {
    const conditions = {
      directory,
      interface: stage.listenInterface,
      networks,
      options: { enable_connection_tracking: flows ? 'on' : 'off' },
      inside: (argv: readonly string[]) => stage.inside(stage.listener, argv),
    };
    for (const pps of rates) {
      const path = join(directory, 'use.pcap');
      // normal use at the very rate: no host comes near a threshold
      const frames = capture(path, networks, [
        backgroundPart({ name: 'normal use', pps, durationMicros: captureMicros }),
      ]);
      const both = [startTidegate(conditions), startFastnetmon(conditions)] as const;
      try {
        await sleep(settleMs);
        const row = await measure(stage, directory, path, frames, pps, flows, seconds, both);
        rows.push(row);
        say(row);
      } finally {
        await Promise.all(both.map(({ program }) => program.stop()));
      }
    }
  }
  return rows;
}
