/**
 * Real exporters as tests start them: softflowd, pmacctd with its nfprobe and sfprobe plug-ins, and Open vSwitch, each
 * watching an interface inside a namespace and telling a collector outside of it.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stage } from '../bench/namespace.js';
import { type Program, start } from '../bench/process.js';
import { finishOpenVswitch, startOpenVswitch } from './open-vswitch.js';

export type ExporterProtocol = 'netflow5' | 'netflow9' | 'ipfix' | 'sflow5';
export type ExporterProgram = {
  readonly name: 'softflowd' | 'pmacctd nfprobe' | 'pmacctd sfprobe' | 'Open vSwitch';
  readonly command: string;
  readonly protocols: readonly ExporterProtocol[];
  /** Those in which it never says that it samples; its operator has to. */
  readonly silentOnSampling: readonly ExporterProtocol[];
  /** Those in which it cannot sample. */
  readonly neverSamples: readonly ExporterProtocol[];
  /** Those in which it undoes its sampling itself, and tells of none. */
  readonly undoesSampling: readonly ExporterProtocol[];
  /** Bytes of a packet that it counts beside those from the IP header on. */
  readonly linkBytes: (protocol: ExporterProtocol) => number;
  readonly start: (watch: Watch) => Program;
  /** Makes it tell all it knows, and end. */
  readonly finish: (program: Program, watch: Watch) => Promise<void>;
};
export type Watch = {
  readonly stage: Stage;
  readonly folder: string;
  readonly collector: { readonly address: string; readonly port: number };
  /** The interface by which datagrams leave. */
  readonly leaves: string;
  readonly protocol: ExporterProtocol;
  /** One in this many packets. */
  readonly sampling: number;
};

const ethernetHeaderBytes = 14;
const versions: { readonly [P in ExporterProtocol]: string } = {
  netflow5: '5',
  netflow9: '9',
  ipfix: '10',
  sflow5: '5',
};

const usual = { silentOnSampling: [], neverSamples: [], undoesSampling: [], linkBytes: () => 0 } as const;

const softflowd: ExporterProgram = {
  ...usual,
  name: 'softflowd',
  command: 'softflowd',
  protocols: ['netflow5', 'netflow9', 'ipfix'],
  // Version 1.1.0 with -v 9 -s 10: tshark shows template 1024, 1025, 2048 and 2049 in its datagrams, no options
  // template, and no field 34, 48, 49 or 50.
  silentOnSampling: ['netflow9'],
  // Version 1.1.0 with -v 10: of the messages in one capture each is numbered by the flow records up to its own end,
  // and the options data records among them, one every 16 messages, are not counted; RFC 7011 section 3.1 has both
  // otherwise. No message was missing, and none is to be found missing.
  start: ({ stage, folder, collector, protocol, sampling }) =>
    start(
      stage.inside(stage.listener, [
        'softflowd',
        '-d',
        ...(protocol === 'netflow5' ? [] : ['-6']),
        ...[
          '-i',
          stage.listenInterface,
          '-n',
          `${collector.address}:${collector.port}`,
          '-v',
          versions[protocol],
        ],
        ...['-p', join(folder, 'softflowd.pid'), '-c', join(folder, 'softflowd.ctl')],
        ...['-t', 'maxlife=2', '-t', 'expint=1', '-m', '65536'],
        ...(sampling > 1 ? ['-s', String(sampling)] : []),
      ]),
    ),
  finish: async (program, { folder }) => {
    spawnSync('softflowctl', ['-c', join(folder, 'softflowd.ctl'), 'shutdown'], { stdio: 'ignore' });
    await program.stop();
  },
};

function startPmacctd(watch: Watch, plugin: readonly string[]): Program {
  const { stage, folder, sampling } = watch;
  const path = join(folder, 'pmacctd.conf');
  const lines = [
    'daemonize: false',
    `pcap_interface: ${stage.listenInterface}`,
    'plugin_pipe_size: 8388608',
    'plugin_buffer_size: 8192',
    ...(sampling > 1 ? [`sampling_rate: ${sampling}`] : []),
    ...plugin,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return start(stage.inside(stage.listener, ['pmacctd', '-f', path]));
}
/** Its plug-ins are processes of their own and get the signal with it; SIGINT makes them tell the rest. */
async function finishPmacctd(program: Program): Promise<void> {
  process.kill(program.pid, 'SIGINT');
  await program.stop();
}

const receiver = ({ collector }: Watch): string => `${collector.address}:${collector.port}`;

export const exporterPrograms: readonly ExporterProgram[] = [
  softflowd,
  {
    ...usual,
    name: 'pmacctd nfprobe',
    command: 'pmacctd',
    protocols: ['netflow5', 'netflow9', 'ipfix'],
    start: (watch) =>
      startPmacctd(watch, [
        'plugins: nfprobe',
        `nfprobe_receiver: ${receiver(watch)}`,
        `nfprobe_version: ${versions[watch.protocol]}`,
        'nfprobe_timeouts: maxlife=2:expint=1',
      ]),
    finish: finishPmacctd,
  },
  {
    ...usual,
    name: 'pmacctd sfprobe',
    command: 'pmacctd',
    protocols: ['sflow5'],
    start: (watch) => startPmacctd(watch, ['plugins: sfprobe', `sfprobe_receiver: ${receiver(watch)}`]),
    finish: finishPmacctd,
  },
  {
    ...usual,
    name: 'Open vSwitch',
    command: 'ovs-vswitchd',
    protocols: ['netflow5', 'ipfix', 'sflow5'],
    neverSamples: ['netflow5'],
    undoesSampling: ['ipfix'],
    linkBytes: (protocol) => (protocol === 'netflow5' ? ethernetHeaderBytes : 0),
    start: startOpenVswitch,
    finish: finishOpenVswitch,
  },
];

export const hasProgram = (command: string): boolean =>
  spawnSync('which', [command], { stdio: 'ignore' }).status === 0;
