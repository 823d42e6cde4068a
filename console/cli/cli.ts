/** The command line: what commands there are, and how each ends. Exit codes are fixed: 0 fine, 1 failed, 2 wrong usage or configuration. */
import { Command, CommanderError } from 'commander';
import { registerBench } from './commands/bench.js';
import { registerCheck } from './commands/check.js';
import { registerDemo } from './commands/demo.js';
import { registerDoctor } from './commands/doctor.js';
import { registerOperate } from './commands/operate.js';
import { registerReplay } from './commands/replay.js';
import { registerRun } from './commands/run.js';
import { registerTraffic } from './commands/traffic.js';
import { CommandFailure, type ExitCode, exitFailed, exitFine, exitUsage } from './exit.js';
import type { Terminal } from './terminal.js';

export type Cli = {
  readonly view: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly nowMicros: () => number;
};

const namesOf = ({ commands }: Command): string =>
  `(commands: ${commands.map((command) => command.name()).join(', ')}; add --help for what they take)`;

function build(cli: Cli): Command {
  const program = new Command('tidegate')
    .description('finds DoS and DDoS attacks in mirrored packets and flow telemetry, and acts on them')
    .version(cli.version, '--version', 'print the version')
    .helpOption('--help', 'what it does and takes')
    .showHelpAfterError('(add --help for what it takes)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.view.out(text.trimEnd()),
      writeErr: (text) => cli.view.err(text.trimEnd()),
    });
  // registered in the order in which an operator meets them
  registerRun(program, cli);
  registerCheck(program, cli);
  registerReplay(program, cli);
  registerDemo(program, cli);
  registerOperate(program, cli);
  registerDoctor(program, cli);
  registerTraffic(program, cli);
  registerBench(program, cli);
  for (const command of program.commands) {
    command.helpOption('--help', 'what it does and takes').exitOverride();
    if (command.commands.length > 0) command.showHelpAfterError(namesOf(command));
  }
  program.showHelpAfterError(namesOf(program));
  return program;
}

/** Runs one command line (without node and script). Never throws for an operator's mistake. */
export async function runCli(args: readonly string[], cli: Cli): Promise<ExitCode> {
  try {
    const program = build(cli);
    if (args.length === 0) {
      cli.view.err(program.helpInformation().trimEnd());
      return exitUsage;
    }
    await program.parseAsync(args, { from: 'user' });
    return exitFine;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitFine : exitUsage;
    if (error instanceof CommandFailure) {
      if (error.failure !== null && args.includes('--json'))
        cli.view.out(JSON.stringify({ error: error.failure }));
      if (error.message !== '') cli.view.err(`${cli.view.errColors.red('error:')} ${error.message}`);
      return error.exitCode;
    }
    // a bug: say where
    cli.view.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitFailed;
  }
}
