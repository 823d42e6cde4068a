/** `doctor`: what is wrong with the flow telemetry that comes in, and what to change on which device. */
import { statSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { diagnoseCapture } from '../../../composition/doctor.js';
import { type DoctorReport, hasFault } from '../../../domain/diagnosis.js';
import type { Cli } from '../cli.js';
import { askFor, socketPath } from '../daemon.js';
import { renderDoctor } from '../doctor-page.js';
import { CommandFailure, exitFailed, failed } from '../exit.js';
import { progressBar } from '../terminal.js';
import { settingsFor } from './replay.js';

type Options = {
  readonly replay?: string;
  readonly listen: number;
  readonly network: readonly string[];
  readonly config?: string;
  readonly stateDir?: string;
  readonly json?: true;
};

const usualListenMs = 3_000;
/** The daemon listens no longer. */
const longestListenMs = 20_000;

function readListen(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text);
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * (match[2] === 's' ? 1_000 : 1));
  if (!(ms >= 0 && ms <= longestListenMs))
    throw new InvalidArgumentError(`a duration such as '3s' or '500ms', at most '20s'; '0s': not at all.`);
  return ms;
}

async function ofCapture(cli: Cli, path: string, options: Options): Promise<DoctorReport> {
  const settings = settingsFor(cli, options);
  const bar = progressBar(cli.view, 'reading', statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const report = await diagnoseCapture(settings, { path, progress: (done) => bar.at(done) });
  bar.end();
  if (!report.ok) throw failed(report.error);
  return report.value;
}

async function ofDaemon(cli: Cli, { listen, stateDir }: Options): Promise<DoctorReport> {
  if (cli.view.watched && listen > 0) cli.view.err(`listening to the wire for ${listen / 1_000} s …`);
  const path = socketPath(stateDir, cli.env);
  return (await askFor('doctor', { kind: 'doctor', listenMs: listen }, path)).report;
}

export function registerDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description(
      'what is wrong with the flow telemetry that comes in, and what to change on the device; exit code 1 when there is a fault',
    )
    .option(
      '--listen <duration>',
      "for how long the daemon compares the wire with its sockets; '0s': not at all",
      readListen,
      usualListenMs,
    )
    .option('--replay <file>', 'judge the flow datagrams in this pcap or pcapng; no daemon is asked')
    .option(
      '--network <prefix>',
      'with --replay: a network of ours; can be given again',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .option('--config <file>', 'with --replay: networks, windows, exporters; else the built-in defaults')
    .option('--json', 'one JSON document on stdout')
    .option(
      '--state-dir <dir>',
      'where the daemon keeps its state (else TIDEGATE_STATE_DIR, else /var/lib/tidegate)',
    )
    .action(async (options: Options) => {
      const report =
        options.replay === undefined
          ? await ofDaemon(cli, options)
          : await ofCapture(cli, options.replay, options);
      cli.view.out(options.json ? JSON.stringify(report, null, 2) : renderDoctor(report, cli.view));
      if (hasFault(report)) throw new CommandFailure('', exitFailed);
    });
}
