/**
 * Open vSwitch as an exporter: a bridge in user space (its kernel module is not needed), with a database of its own,
 * inside the watched namespace. Whatever enters by the stage's interface is let out at the bridge's own.
 *
 * It counts what it switched by flows of its data path and tells of them when its sweep finds them, once a second here.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Program, start } from '../bench/process.js';
import type { ExporterProtocol, Watch } from './flow-exporters.js';

const schema = '/usr/share/openvswitch/vswitch.ovsschema';
/** A flow that was silent for so long is let go, which tells the rest of it. */
const idleMs = 500;
const sweptMs = 3_000;
const answerSeconds = 10;

const socketOf = ({ folder }: Watch): string => `unix:${join(folder, 'ovs.sock')}`;
const controlOf = ({ folder }: Watch): string => join(folder, 'ovsdb.ctl');
const environmentOf = ({ folder }: Watch): readonly string[] => [
  'env',
  ...['RUNDIR', 'LOGDIR', 'DBDIR', 'SYSCONFDIR'].map((name) => `OVS_${name}=${folder}`),
];

function run(watch: Watch, argv: readonly string[]): string {
  const [command, ...args] = watch.stage.inside(watch.stage.listener, [...environmentOf(watch), ...argv]);
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
const vsctl = (watch: Watch, ...args: readonly string[]): string =>
  run(watch, ['ovs-vsctl', `--db=${socketOf(watch)}`, `--timeout=${answerSeconds}`, ...args]);

/** What `ovs-vsctl` is told, as its manual has it under "NetFlow", "sFlow" and "IPFIX". */
function exportOf({ protocol, collector, sampling, leaves }: Watch) {
  const target = `targets="${collector.address}:${collector.port}"`;
  const settings: { readonly [P in ExporterProtocol]: readonly string[] | null } = {
    netflow5: ['netflow', target, 'active-timeout=1'],
    netflow9: null,
    ipfix: ['ipfix', target, `sampling=${sampling}`, 'obs_domain_id=7', 'cache_active_timeout=1'],
    sflow5: ['sflow', target, `agent=${leaves}`, `sampling=${sampling}`, 'header=128', 'polling=0'],
  };
  const chosen = settings[protocol];
  if (chosen === null) throw new Error(`Open vSwitch has no ${protocol}`);
  const [table, ...values] = chosen;
  return ['--', '--id=@e', 'create', table ?? '', ...values, '--', 'set', 'bridge', 'watched', `${table}=@e`];
}

/** From here, for its namespace may be gone: it is reached by a path. */
function endDatabase(watch: Watch): void {
  if (existsSync(controlOf(watch))) spawnSync('ovs-appctl', ['-t', controlOf(watch), 'exit']);
}

/** The name of its bridge is `watched`. */
export function startOpenVswitch(watch: Watch): Program {
  const { stage, folder } = watch;
  const database = join(folder, `ovs-${watch.collector.port}.db`);
  run(watch, ['ovsdb-tool', 'create', database, schema]);
  endDatabase(watch); // of a run that was broken off
  const server = [
    `--unixctl=${controlOf(watch)}`,
    `--remote=p${socketOf(watch)}`,
    `--log-file=${join(folder, 'ovsdb.log')}`,
  ];
  run(watch, ['ovsdb-server', database, ...server, '--detach', '-vconsole:off']);
  vsctl(watch, '--no-wait', 'init');
  vsctl(watch, '--no-wait', 'set', 'open', '.', `other_config:max-idle=${idleMs}`);
  const port = ['--', 'add-port', 'watched', stage.listenInterface];
  const kind = ['--', 'set', 'bridge', 'watched', 'datapath_type=netdev'];
  vsctl(watch, '--no-wait', 'add-br', 'watched', ...kind, ...port, ...exportOf(watch));
  const files = [
    '--disable-system',
    '--pidfile=ovs.pid',
    '--unixctl=ovs.ctl',
    '--no-chdir',
    '-vconsole:warn',
  ];
  return start(
    stage.inside(stage.listener, [...environmentOf(watch), 'ovs-vswitchd', socketOf(watch), ...files]),
  );
}

/** What is still in its caches comes out by itself once they have run out. */
export async function finishOpenVswitch(program: Program, watch: Watch): Promise<void> {
  await sleep(sweptMs);
  await program.stop();
  endDatabase(watch);
}
