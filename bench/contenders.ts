/**
 * The two daemons side by side: both read Debian's stock fastnetmon.conf, in which only paths, the interface,
 * `mirror_afpacket` and what a run varies are changed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliPath } from './built.js';
import { recordingScript, type ScriptCalls } from './calls.js';
import { type Program, start } from './process.js';

export type Contender = {
  readonly name: 'tidegate' | 'fastnetmon';
  readonly program: Program;
  /** What its notify script was called with so far, with the time the script started. */
  readonly script: ScriptCalls;
};

export type Conditions = {
  readonly directory: string;
  readonly interface: string;
  readonly networks: readonly string[];
  /** Options of fastnetmon.conf that this run changes. */
  readonly options: Readonly<Record<string, string>>;
  /** Wraps a command line so that it runs where the interface is. */
  readonly inside: (argv: readonly string[]) => readonly [string, ...string[]];
};

export const stockConfiguration = '/etc/fastnetmon.conf';

/** The stock file with some options given other values; an option it does not have is added at its end. */
export function reconfigured(stock: string, options: Readonly<Record<string, string>>): string {
  const left = new Map(Object.entries(options));
  const lines = stock.split('\n').map((line) => {
    const name = /^\s*([a-z0-9_]+)\s*=/.exec(line)?.[1];
    if (name === undefined) return line;
    const value = left.get(name);
    if (value === undefined) return line;
    left.delete(name);
    return `${name} = ${value}`;
  });
  return [...lines, ...[...left].map(([name, value]) => `${name} = ${value}`), ''].join('\n');
}

type Prepared = { readonly file: string; readonly home: string; readonly script: ScriptCalls };

function prepare(name: string, conditions: Conditions): Prepared {
  const home = join(conditions.directory, name);
  // nothing of an earlier run may be read as this one's
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const script = recordingScript(home);
  const networks = join(home, 'networks_list');
  const whitelist = join(home, 'networks_whitelist');
  writeFileSync(networks, `${conditions.networks.join('\n')}\n`);
  writeFileSync(whitelist, '');
  const file = join(home, 'fastnetmon.conf');
  const paths = {
    networks_list_path: networks,
    white_list_path: whitelist,
    notify_script_path: script.path,
    pid_path: join(home, 'daemon.pid'),
    cli_stats_file_path: join(home, 'stats.dat'),
    cli_stats_ipv6_file_path: join(home, 'stats6.dat'),
    interfaces: conditions.interface,
    mirror_afpacket: 'on',
    // neither calls home nor opens a port during a measurement
    disable_usage_report: 'on',
    enable_api: 'off',
    prometheus: 'off',
  };
  writeFileSync(
    file,
    reconfigured(readFileSync(stockConfiguration, 'utf8'), { ...paths, ...conditions.options }),
  );
  return { file, home, script };
}

export function startFastnetmon(conditions: Conditions): Contender {
  const { file, home, script } = prepare('fastnetmon', conditions);
  const argv = [
    'fastnetmon',
    '--configuration_file',
    file,
    '--log_file',
    join(home, 'fastnetmon.log'),
    '--disable_pid_logic',
  ];
  return { name: 'fastnetmon', program: start(conditions.inside(argv)), script };
}

/** `asYaml`: it is given the file as `tidegate import` writes it, changed by this, in place of the file itself. */
export function startTidegate(
  conditions: Conditions,
  asYaml: ((yaml: string) => string) | null = null,
): Contender {
  const { file: conf, home, script } = prepare('tidegate', conditions);
  const file = asYaml === null ? conf : join(home, 'tidegate.yaml');
  if (asYaml !== null) {
    const yaml = execFileSync(process.execPath, [cliPath, 'import', conf], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    writeFileSync(file, asYaml(yaml));
  }
  const env = { ...process.env, TIDEGATE_STATE_DIR: join(home, 'state') };
  return {
    name: 'tidegate',
    program: start(conditions.inside([process.execPath, cliPath, 'run', '--config', file]), env),
    script,
  };
}
