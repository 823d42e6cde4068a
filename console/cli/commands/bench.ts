/** `bench`: the in-memory data plane on one core, by the full parser with all its checks. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type BenchFlowsResult,
  type BenchPacketsResult,
  benchFlowProtocols,
  measureFlows,
  measurePackets,
} from '../../../composition/measure.js';
import type { Cli } from '../cli.js';
import { failed } from '../exit.js';
import { figure } from '../terminal.js';

type Options = {
  readonly hosts: number;
  readonly flows: 'on' | 'off';
  readonly seconds: number;
  readonly pcap?: string;
  readonly json?: true;
};

const number =
  (what: 'a number' | 'a whole number', low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    const fits = value >= low && value <= high && (what === 'a number' || Number.isInteger(value));
    if (!fits) throw new InvalidArgumentError(`${what} from ${low} to ${high}.`);
    return value;
  };
const benchSeed = 20_260_101n;

/** Kilobytes, by getrusage(2). */
const peakRss = (): number => process.resourceUsage().maxRSS * 1024;

function lines(options: Options, result: BenchPacketsResult): string {
  return [
    `packets  ${figure(options.hosts)} hosts, flow counting ${options.flows}`,
    `  ${result.mpps.toFixed(1)} Mpps on one core, ${result.nsPerPacket.toFixed(1)} ns a packet`,
    `  a tick with every host active: drain ${result.drainMs.toFixed(1)} ms, absorb ${result.absorbMs.toFixed(1)} ms, judge ${result.judgeMs.toFixed(1)} ms`,
    `  main thread during that tick: kept at most ${result.mainThreadMs.toFixed(1)} ms at a time`,
    `  memory ${figure(peakRss())}B resident at its peak`,
  ].join('\n');
}

/** Options that all have, and what a capture that cannot be read comes to. */
function measurement(bench: Command, name: string, description: string, taken: string): Command {
  return bench
    .command(name)
    .description(description)
    .option('--hosts <n>', 'hosts of ours that take part', number('a whole number', 256, 4_194_304), 65_536)
    .addOption(new Option('--flows <mode>', 'count flows too').choices(['on', 'off']).default('off'))
    .option('--seconds <n>', 'how long to measure', number('a number', 0.1, 600), 3)
    .option('--pcap <file>', `take the ${taken} from this capture`)
    .option('--json', 'one JSON document on stdout')
    .helpOption('--help', 'what it does and takes')
    .exitOverride();
}

const readable = <T>(pcap: string | null, measured: Promise<T>): Promise<T> =>
  measured.catch((error: unknown) => {
    if (pcap === null || !(error instanceof Error)) throw error;
    throw failed({ code: 'CAPTURE_UNREADABLE', detail: error.message });
  });

const request = (options: Options) => ({
  hosts: options.hosts,
  flows: options.flows === 'on',
  seconds: options.seconds,
  seed: benchSeed,
  pcap: options.pcap ?? null,
});

function flowLines(name: string, options: Options, result: BenchFlowsResult): string {
  return [
    `${name}  ${figure(options.hosts)} hosts, flow counting ${options.flows}`,
    `  ${result.mrps.toFixed(1)} million ${name === 'sflow' ? 'samples' : 'records'}/s on one core, ${result.nsPerRecord.toFixed(1)} ns each, in ${figure(result.datagrams)} datagrams`,
    `  memory ${figure(peakRss())}B resident at its peak`,
  ].join('\n');
}

export function registerBench(program: Command, cli: Cli): void {
  const bench = program.command('bench').description('measure the data plane in memory, on one core');
  measurement(bench, 'packets', 'frames → facts → counters, both directions, all classes', 'frames').action(
    async (options: Options) => {
      const asked = request(options);
      const result = await readable(asked.pcap, measurePackets(asked));
      const json = {
        name: 'packets',
        hosts: options.hosts,
        flows: options.flows === 'on',
        mpps: result.mpps,
        ns_per_packet: result.nsPerPacket,
        tick: {
          drain_ms: result.drainMs,
          absorb_ms: result.absorbMs,
          judge_ms: result.judgeMs,
          main_thread_ms: result.mainThreadMs,
        },
        rss_bytes: peakRss(),
      };
      cli.view.out(options.json ? JSON.stringify(json) : lines(options, result));
    },
  );
  for (const name of benchFlowProtocols) {
    const description = `datagrams of ${name} → records → counters, both directions, all classes`;
    measurement(bench, name, description, 'datagrams').action(async (options: Options) => {
      const asked = request(options);
      const result = await readable(asked.pcap, measureFlows({ ...asked, protocol: name }));
      const json = {
        name,
        hosts: options.hosts,
        flows: asked.flows,
        mrps: result.mrps,
        ns_per_record: result.nsPerRecord,
        records: result.records,
        rss_bytes: peakRss(),
      };
      cli.view.out(options.json ? JSON.stringify(json) : flowLines(name, options, result));
    });
  }
}
