/** `run`: the daemon, in the foreground unless told otherwise, until a signal ends it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readConfiguration } from '../../../configure.js';
import { runService } from '../../../service.js';
import type { Cli } from '../cli.js';
import { startDetached, tellParent } from '../daemonize.js';
import { CommandFailure, exitUsage, failed } from '../exit.js';
import { livingHolder, type PidFile, writePidFile } from '../pid-file.js';
import { defaultConfig, showFindings } from './check.js';

type Options = {
  readonly config: string;
  readonly daemonize?: true;
  readonly pidFile?: string;
  readonly json?: true;
};

async function run(cli: Cli, options: Options): Promise<void> {
  const path = resolve(options.config);
  const load = () => readConfiguration(path, cli.env);
  const loaded = load();
  showFindings(cli, loaded.findings);
  if (!loaded.ok) throw new CommandFailure('', exitUsage);
  const { settings } = loaded;
  // In the foreground the configured file is left alone: it may be that of a FastNetMon running beside us.
  const pidPath = options.pidFile ?? (options.daemonize ? settings.pidFile : null);
  const holder = pidPath === null ? null : livingHolder(pidPath);
  if (holder !== null) {
    const detail = `${pidPath} is held by process ${holder}; stop that first, or give this one another --pid-file`;
    throw failed({ code: 'DAEMON_RUNNING', detail });
  }
  if (options.daemonize) {
    if (settings.log.file === null) {
      cli.view.err('warning: log.file is not set, so nothing of what the daemon logs is kept; set log.file');
    }
    const args = ['run', '--config', path, ...(pidPath === null ? [] : ['--pid-file', resolve(pidPath)])];
    const pid = await startDetached(args, cli.env);
    cli.view.out(`tidegate runs as process ${pid}`);
    return;
  }
  let pidFile: PidFile | null = null;
  const served = await runService({
    settings,
    version: cli.version,
    load,
    json: options.json === true,
    started: () => {
      if (pidPath !== null) pidFile = writePidFile(pidPath);
      tellParent();
    },
  }).finally(() => pidFile?.remove());
  if (!served.ok) throw failed(served.error);
}

export function registerRun(program: Command, cli: Cli): void {
  program
    .command('run')
    .description('the daemon: watch, decide, act; in the foreground, until SIGTERM or SIGINT; SIGHUP reloads')
    .option('--config <file>', "YAML, or FastNetMon's when it ends in .conf", defaultConfig)
    .option('--daemonize', 'into the background, for old init scripts')
    .option(
      '--pid-file <file>',
      'write the process id there; else, with --daemonize, where the configuration says',
    )
    .option('--json', 'log lines as JSON on a terminal too')
    .action((options: Options) => run(cli, options));
}
