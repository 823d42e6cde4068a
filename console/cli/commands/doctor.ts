/** `doctor`: what is wrong with the flow telemetry that comes in, and what to change on which device. */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { diagnoseCapture } from '../../../composition/doctor.js';
import { type DoctorReport, hasFault } from '../../../domain/diagnosis.js';
import type { Cli } from '../cli.js';
import { renderDoctor } from '../doctor-page.js';
import { CommandFailure, exitFailed, exitUsage, failed } from '../exit.js';
import { progressBar } from '../terminal.js';
import { settingsFor } from './replay.js';

type Options = {
  readonly replay?: string;
  readonly network: readonly string[];
  readonly config?: string;
  readonly json?: true;
};

async function ofCapture(cli: Cli, path: string, options: Options): Promise<DoctorReport> {
  const settings = settingsFor(cli, options);
  const bar = progressBar(cli.view, 'reading', statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  const report = await diagnoseCapture(settings, { path, progress: (done) => bar.at(done) });
  bar.end();
  if (!report.ok) throw failed(report.error);
  return report.value;
}

export function registerDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description(
      'what is wrong with the flow telemetry that comes in, and what to change on the device; exit code 1 when there is a fault',
    )
    .option('--replay <file>', 'judge the flow datagrams in this pcap or pcapng')
    .option(
      '--network <prefix>',
      'with --replay: a network of ours; can be given again',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .option('--config <file>', 'with --replay: networks, windows, exporters; else the built-in defaults')
    .option('--json', 'one JSON document on stdout')
    .action(async (options: Options) => {
      if (options.replay === undefined)
        throw new CommandFailure('which capture? give --replay FILE', exitUsage);
      const report = await ofCapture(cli, options.replay, options);
      cli.view.out(options.json ? JSON.stringify(report, null, 2) : renderDoctor(report, cli.view));
      if (hasFault(report)) throw new CommandFailure('', exitFailed);
    });
}
