/**
 * Tidegate beside FastNetMon and nfcapd as collectors of flow telemetry, in one run: CPU per record at a given pace,
 * and the highest rate without loss; both against a bare recvmmsg loop that discards.
 *
 * `npm run bench:flows [-- --seconds 10 --rate 10000 --exporters 4 --only netflow5,sflow --json FILE]`. Needs root,
 * iproute2, Debian's `fastnetmon`, `nfdump` and `nfdump-sflow`, and `make -C native bench`; everything happens in one
 * network namespace. Collectors take turns, all of them running: ratios of one run mean something on a noisy machine.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { hasNfcapd, hasSfcapd } from '../traffic/nfcapd.js';
import { nativePath } from './built.js';
import { stockConfiguration } from './contenders.js';
import { makeStage, type Stage, stageObstacle } from './namespace.js';
import { type Collector, type CollectorName, startCollectors } from './telemetry/collectors.js';
import { type Load, type LoadName, loadNames, writeLoad } from './telemetry/loads.js';
import { burst, ceilingOf, listening } from './telemetry/measure.js';

export type CollectorRow = {
  readonly load: LoadName;
  readonly collector: CollectorName;
  readonly recordsPerDatagram: number;
  readonly datagramsPerSecond: number;
  readonly nsPerRecord: number;
  /** Datagrams lost at that pace. */
  readonly dropped: number;
  readonly rssBytes: number;
  /** Without loss; null: not measured. */
  readonly recordsPerSecond: number | null;
  readonly senderLimited: boolean;
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '10000' },
    exporters: { type: 'string', default: '4' },
    only: { type: 'string', default: loadNames.join(',') },
    'no-ceiling': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);
const exporters = Number(values.exporters);
const wanted = loadNames.filter((name) => values.only.split(',').includes(name));
const ceilingSeconds = Math.min(seconds, 3);
/** Past V8's collection of what the start left, and the ten seconds after an opening in which no source is calm. */
const settleMs = 30_000;
const warmSeconds = 2;

function obstacle(): string | null {
  if (!existsSync(stockConfiguration)) return 'the fastnetmon package is not installed';
  if (!hasNfcapd || !hasSfcapd) return 'the nfdump and nfdump-sflow packages are not installed';
  for (const name of ['bench-receive', 'bench-telemetry']) {
    if (!existsSync(nativePath(name))) return `${nativePath(name)} is not there: make -C native bench`;
  }
  return stageObstacle();
}

async function measured(stage: Stage, load: Load, collector: Collector): Promise<CollectorRow> {
  // what is made on first touch is made now
  await burst(stage, collector, load, rate, warmSeconds, exporters);
  const { sent, cpuSeconds, dropped } = await burst(stage, collector, load, rate, seconds, exporters);
  const records = (sent - dropped) * load.recordsPerDatagram;
  const ceiling = values['no-ceiling']
    ? null
    : await ceilingOf(stage, collector, load, ceilingSeconds, exporters);
  return {
    load: load.name,
    collector: collector.name,
    recordsPerDatagram: load.recordsPerDatagram,
    datagramsPerSecond: rate,
    nsPerRecord: (cpuSeconds / records) * 1e9,
    dropped,
    rssBytes: collector.program.rssBytes(),
    recordsPerSecond: ceiling === null ? null : ceiling.perSecond * load.recordsPerDatagram,
    senderLimited: ceiling?.senderLimited ?? false,
  };
}

function say(row: CollectorRow): void {
  const most =
    row.recordsPerSecond === null
      ? ''
      : `, without loss ${(row.recordsPerSecond / 1e6).toFixed(2)} M records/s`;
  const bound = row.senderLimited ? ' (or more: the sender was at its end)' : '';
  console.log(
    `${row.load.padEnd(8)} ${row.collector.padEnd(10)} ${row.nsPerRecord.toFixed(1).padStart(8)} ns a record at ` +
      `${row.datagramsPerSecond} datagrams/s of ${row.recordsPerDatagram.toFixed(1)}, ${row.dropped} lost${most}${bound}; ` +
      `RSS ${(row.rssBytes / 1e6).toFixed(0)} MB`,
  );
}

function sayRatios(rows: readonly CollectorRow[]): void {
  const of = (name: CollectorName): CollectorRow | undefined => rows.find((row) => row.collector === name);
  const ours = of('tidegate');
  if (ours === undefined) return;
  for (const name of ['fastnetmon', 'nfcapd', 'floor'] as const) {
    const other = of(name);
    if (other === undefined) continue;
    const most =
      ours.recordsPerSecond === null || other.recordsPerSecond === null
        ? ''
        : `, records/s ${(ours.recordsPerSecond / other.recordsPerSecond).toFixed(2)}`;
    console.log(
      `${ours.load}: tidegate to ${name}: CPU ${(ours.nsPerRecord / other.nsPerRecord).toFixed(3)}${most}`,
    );
  }
}

async function measureLoad(
  stage: Stage,
  directory: string,
  name: LoadName,
): Promise<readonly CollectorRow[]> {
  const load = writeLoad(name, directory);
  const collectors = startCollectors(stage, directory, name);
  const rows: CollectorRow[] = [];
  try {
    for (const collector of collectors) await listening(stage, collector);
    await sleep(settleMs);
    for (const collector of collectors) {
      const row = await measured(stage, load, collector);
      rows.push(row);
      say(row);
    }
    sayRatios(rows);
  } finally {
    await Promise.all(collectors.map(({ program }) => program.stop()));
  }
  return rows;
}

const reason = obstacle();
if (reason !== null) {
  console.error(`cannot measure: ${reason}`);
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), 'tidegate-flows-'));
const stage = makeStage('tgf');
try {
  const rows: CollectorRow[] = [];
  for (const name of wanted) rows.push(...(await measureLoad(stage, directory, name)));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  stage.remove();
  rmSync(directory, { recursive: true, force: true });
}
