/** `run`: the daemon, in the foreground unless told otherwise, until a signal ends it. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Loaded, readConfiguration } from '../../../composition/configure.js';
import { runService } from '../../../composition/service.js';
import type { Cli } from '../cli.js';
import { startDetached, tellParent } from '../daemonize.js';
import { CommandFailure, exitUsage, failed } from '../exit.js';
import { livingHolder, type PidFile, writePidFile } from '../pid-file.js';
import { defaultConfig, showFindings } from './check.js';

type Options = {
  readonly config: string;
  readonly daemonize?: true;
  readonly pidFile?: string;
  readonly logFile?: string;
  readonly json?: true;
};

const logTo = (file: string | null, loaded: Loaded): Loaded =>
  file === null || !loaded.ok
    ? loaded
    : { ...loaded, settings: { ...loaded.settings, log: { ...loaded.settings.log, file } } };

/** For its owner and group alone, as the daemon would make it. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch {
    // the daemon says so, with what to do
  }
}

async function run(cli: Cli, options: Options): Promise<void> {
  const path = resolve(options.config);
  const logFile = options.logFile === undefined ? null : resolve(options.logFile);
  const load = (): Loaded => logTo(logFile, readConfiguration(path, cli.env));
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
    // it has no terminal to log to, and a fastnetmon.conf no option to say where else
    const log = settings.log.file ?? join(settings.state.dir, 'tidegate.log');
    if (settings.log.file === null) makeFolder(settings.state.dir);
    const ownLog = logFile !== null || settings.log.file === null;
    const args = [
      ...['run', '--config', path],
      ...(ownLog ? ['--log-file', log] : []),
      ...(pidPath === null ? [] : ['--pid-file', resolve(pidPath)]),
    ];
    const pid = await startDetached(args, cli.env);
    cli.view.out(`tidegate runs as process ${pid} and logs to ${log}`);
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
    .option(
      '--log-file <file>',
      'log there, whatever the configuration says; with --daemonize tidegate.log in state.dir when neither does',
    )
    .option('--json', 'log lines as JSON on a terminal too')
    .action((options: Options) => run(cli, options));
}
