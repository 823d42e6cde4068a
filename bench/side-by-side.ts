/**
 * Tidegate and FastNetMon on one interface in one run: when they decide, and what a packet costs them.
 *
 * `npm run bench:fastnetmon [-- --seconds 10 --rounds 2 --json FILE --only decisions|cpu]`. Needs root, iproute2 and Debian's
 * `fastnetmon` package; everything happens in two network namespaces that it makes and removes. Ratios
 * from one run mean something on a noisy machine; single figures do not.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stockConfiguration } from './contenders.js';
import { type CpuRow, measureCpu } from './cpu.js';
import { type DecisionRow, measureDecisions } from './decision.js';
import { makeStage, stageObstacle } from './namespace.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'string' },
    only: { type: 'string' },
  },
});

const obstacle =
  stageObstacle() ?? (existsSync(stockConfiguration) ? null : 'the fastnetmon package is not installed');
if (obstacle !== null) {
  console.error(`cannot measure: ${obstacle}`);
  process.exit(1);
}

const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(0)} ms`);
const sayDecision = (row: DecisionRow): void =>
  console.log(
    `W ${row.windowSeconds} s, ${row.multiple}x: tidegate ${ms(row.tidegateMs)} (limit ${ms(row.limitMs)}), ` +
      `fastnetmon ${ms(row.fastnetmonMs)}; calls: ${row.tidegateCalls.join(', ')}`,
  );
const sayCpu = (row: CpuRow): void =>
  console.log(
    `${row.pps} pps, flow counting ${row.flows ? 'on' : 'off'}: tidegate ${row.tidegateNs.toFixed(0)} ns, fastnetmon ` +
      `${row.fastnetmonNs.toFixed(0)} ns a packet, ratio ${row.ratio.toFixed(3)}; dropped ${row.tidegateDropped}, ` +
      `counted ${row.tidegatePackets} of ${row.packets}; RSS ${(row.tidegateRssBytes / 1e6).toFixed(0)} MB and ${(row.fastnetmonRssBytes / 1e6).toFixed(0)} MB`,
  );

const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'));
const stage = makeStage('tgb');
try {
  const decisions =
    values.only === 'cpu'
      ? []
      : await measureDecisions(stage, directory, [5, 1], [1.5, 5, 15], Number(values.rounds), sayDecision);
  const cpu =
    values.only === 'decisions'
      ? []
      : await measureCpu(stage, directory, [200_000, 500_000], Number(values.seconds), sayCpu);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ decisions, cpu }, null, 2)}\n`);
} finally {
  stage.remove();
  rmSync(directory, { recursive: true, force: true });
}
