/**
 * From the first packet of an attack to the start of the notify script, both daemons listening to the same interface
 * at the same time, both with Debian's stock fastnetmon.conf.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attackPart } from '../traffic/scenario.js';
import { type Contender, startFastnetmon, startTidegate } from './contenders.js';
import type { Stage } from './namespace.js';
import { until } from './process.js';
import { capture, send } from './sending.js';

export type DecisionRow = {
  readonly windowSeconds: number;
  readonly multiple: number;
  /** W·T/R + 300 ms. */
  readonly limitMs: number;
  /** null: it did not call its script. */
  readonly tidegateMs: number | null;
  readonly fastnetmonMs: number | null;
  /** The script's arguments, in order, for this host. */
  readonly tidegateCalls: readonly string[];
};

const thresholdPps = 20_000; // of the stock file
const networks = ['10.10.0.0/16'];
const settleMs = 4_000;
const spareMs = 300;

const firstBan = (contender: Contender, host: string, firstAt: number): number | null => {
  const call = contender.script.of('ban').find((one) => one.args[0] === host);
  return call === undefined ? null : (call.atMicros - firstAt) / 1000;
};

/** FastNetMon's exponential average passes the threshold after W·ln(m/(m-1)), and is looked at once a second. */
const patienceMicros = (windowSeconds: number, multiple: number): number =>
  Math.round((windowSeconds * Math.log(multiple / (multiple - 1)) + 2.5) * 1e6);

async function attack(
  stage: Stage,
  directory: string,
  host: string,
  windowSeconds: number,
  multiple: number,
) {
  const path = join(directory, 'attack.pcap');
  const pps = thresholdPps * multiple;
  const flood = attackPart({
    name: 'flood',
    vector: 'udp',
    targets: [host],
    pps,
    durationMicros: patienceMicros(windowSeconds, multiple),
  });
  capture(path, networks, [flood]);
  return send(stage, path, pps);
}

export async function measureDecisions(
  stage: Stage,
  directory: string,
  windows: readonly number[],
  multiples: readonly number[],
  rounds: number,
  say: (row: DecisionRow) => void,
): Promise<readonly DecisionRow[]> {
  const rows: DecisionRow[] = [];
  for (const windowSeconds of windows) {
    const conditions = {
      directory,
      interface: stage.listenInterface,
      networks,
      options: { average_calculation_time: String(windowSeconds) },
      inside: (argv: readonly string[]) => stage.inside(stage.listener, argv),
    };
    const tidegate = startTidegate(conditions);
    const fastnetmon = startFastnetmon(conditions);
    try {
      await sleep(settleMs);
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, multiple] of multiples.entries()) {
          // a host of its own for each attack: the one before is still banned
          const host = `10.10.${100 + round}.${10 + index}`;
          const { firstAt } = await attack(stage, directory, host, windowSeconds, multiple);
          await until(
            () => tidegate.script.of('attack_details').some((call) => call.args[0] === host),
            3_000,
          );
          const row: DecisionRow = {
            windowSeconds,
            multiple,
            limitMs: (windowSeconds * 1000) / multiple + spareMs,
            tidegateMs: firstBan(tidegate, host, firstAt),
            fastnetmonMs: firstBan(fastnetmon, host, firstAt),
            tidegateCalls: tidegate.script
              .calls()
              .filter((call) => call.args[0] === host)
              .map((call) => call.args.slice(1).join(' ')),
          };
          rows.push(row);
          say(row);
          // another phase of FastNetMon's second at every attack
          await sleep(1_000 + Math.random() * 1_000);
        }
      }
    } finally {
      await Promise.all([tidegate.program.stop(), fastnetmon.program.stop()]);
    }
  }
  return rows;
}
