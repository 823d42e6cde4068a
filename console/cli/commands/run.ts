/** `run`: the daemon, in the foreground unless told otherwise, until a signal ends it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readConfiguration, type Settings } from '../../../configure.js';
import { type OpenLog, openLog } from '../../../integrations/log/pino-log.js';
import { type Daemon, startDaemon } from '../../../main.js';
import type { Cli } from '../cli.js';
import { startDetached, tellParent } from '../daemonize.js';
import { CommandFailure, exitUsage } from '../exit.js';
import { livingHolder, type PidFile, writePidFile } from '../pid-file.js';
import { defaultConfig, showFindings } from './check.js';

type Options = {
  readonly config: string;
  readonly daemonize?: true;
  readonly pidFile?: string;
  readonly json?: true;
};

function openingLog(settings: Settings['log'], json: boolean): OpenLog {
  const format = json && settings.format === 'auto' ? 'json' : settings.format;
  try {
    return openLog({ ...settings, format }, process.stdout.isTTY === true);
  } catch (error) {
    throw new CommandFailure(
      `log.file ${settings.file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Resolves with the signal's name when one asks the daemon to end; a second one ends the process at once. */
const endSignal = (): Promise<string> =>
  new Promise((done) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        done(signal);
      });
    }
  });

async function serve(daemon: Daemon, open: OpenLog): Promise<void> {
  process.on('SIGHUP', () => {
    open.reopen();
    void daemon.reload(); // says in the log what came of it
  });
  const gaveUp = daemon.ended.then((end) => {
    if (end !== null) throw new CommandFailure(`${end.code}: ${end.detail}`);
  });
  const signal = await Promise.race([endSignal(), gaveUp]);
  if (signal !== undefined) open.log.info('stopping', { signal });
  await daemon.stop();
}

async function run(cli: Cli, options: Options): Promise<void> {
  const path = resolve(options.config);
  const load = () => readConfiguration(path, cli.env);
  const loaded = load();
  showFindings(cli, loaded.findings);
  if (!loaded.ok) throw new CommandFailure('', exitUsage);
  const { settings } = loaded;
  const pidPath = options.pidFile ?? settings.pidFile;
  const holder = pidPath === null ? null : livingHolder(pidPath);
  if (holder !== null) throw new CommandFailure(`DAEMON_RUNNING: ${pidPath} is held by process ${holder}`);
  if (options.daemonize) {
    const args = ['run', '--config', path, ...(pidPath === null ? [] : ['--pid-file', resolve(pidPath)])];
    const pid = await startDetached(args, cli.env);
    cli.view.out(`tidegate runs as process ${pid}`);
    return;
  }
  const open = openingLog(settings.log, options.json === true);
  const started = await startDaemon(settings, {
    log: open.log,
    version: cli.version,
    load,
    applyLog: ({ level }) => open.setLevel(level),
  });
  if (!started.ok) throw new CommandFailure(`${started.error.code}: ${started.error.detail}`);
  let pidFile: PidFile | null = null;
  try {
    if (pidPath !== null) pidFile = writePidFile(pidPath);
    tellParent();
    await serve(started.value, open);
  } finally {
    await started.value.stop();
    pidFile?.remove();
    open.flush();
  }
}

export function registerRun(program: Command, cli: Cli): void {
  program
    .command('run')
    .description('the daemon: watch, decide, act; in the foreground, until SIGTERM or SIGINT; SIGHUP reloads')
    .option('--config <file>', "YAML, or FastNetMon's when it ends in .conf", defaultConfig)
    .option('--daemonize', 'into the background, for old init scripts')
    .option('--pid-file <file>', 'write the process id there; else as the configuration says')
    .option('--json', 'log lines as JSON on a terminal too')
    .action((options: Options) => run(cli, options));
}
