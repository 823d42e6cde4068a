/** `replay`: the detector on a capture's own clock. */
import { statSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { readConfiguration, type Settings } from '../../../composition/configure.js';
import { type ReplayEvent, replay } from '../../../composition/replay.js';
import type { ExplainedEvent } from '../../../composition/replay-explain.js';
import { parsePrefix } from '../../../domain/prefix.js';
import type { PrefixKey } from '../../../domain/units.js';
import type { Cli } from '../cli.js';
import { CommandFailure, exitUsage, failed } from '../exit.js';
import { certainty } from '../status-page.js';
import { duration, figure, progressBar } from '../terminal.js';
import { showFindings } from './check.js';

type Options = {
  readonly network: readonly string[];
  readonly config?: string;
  readonly flows?: true;
  readonly sampling: number;
  readonly explain?: true;
  readonly json?: true;
};

function packetsEach(text: string): number {
  const packets = Number(text);
  if (!(Number.isInteger(packets) && packets >= 1 && packets <= mostSampling)) {
    throw new InvalidArgumentError(`a whole number from 1 to ${mostSampling}.`);
  }
  return packets;
}
/** As `capture.interfaces[].sampling` allows. */
const mostSampling = 10_000_000;

/** Without a configuration an attack is over when its rate has been below the threshold for this long. */
const replayBan = { timeMs: 0, onlyIfFinished: true, calmMs: 5_000 } as const;

/** What a capture is judged by: the configuration, or the defaults with the networks given. */
export function settingsFor(cli: Cli, options: Pick<Options, 'network' | 'config'>): Settings {
  const needs = { sources: false, networks: options.network.length === 0 };
  if (options.config === undefined && needs.networks) {
    throw new CommandFailure(
      'which networks are ours? give --network PREFIX (as often as needed) or --config FILE',
      exitUsage,
    );
  }
  const loaded = readConfiguration(options.config ?? null, cli.env, needs);
  showFindings(
    cli,
    loaded.findings.filter((finding) => finding.severity !== 'note'),
  );
  if (!loaded.ok) throw new CommandFailure('', exitUsage);
  const { settings } = loaded;
  const added = options.network.map((text): PrefixKey => {
    const prefix = parsePrefix(text);
    if (!prefix.ok) throw new CommandFailure(`--network ${text}: ${prefix.error.detail}`, exitUsage);
    return prefix.value;
  });
  const hostgroups =
    options.config === undefined
      ? settings.hostgroups.map((group) => ({ ...group, ban: { ...group.ban, ...replayBan } }))
      : settings.hostgroups;
  return { ...settings, hostgroups, networks: [...new Set([...settings.networks, ...added])] };
}

function asText(cli: Cli, event: ReplayEvent): string {
  const { colors } = cli.view;
  switch (event.event) {
    case 'attack_started': {
      const { metric, rate, threshold, samples, interval } = event.cause;
      const sure = certainty({ samples: samples ?? null, interval: interval ?? null });
      const what = `${event.direction}, ${metric} ${figure(rate)} > ${figure(threshold)}${sure}, hostgroup ${event.hostgroup}`;
      return `${event.at}  ${colors.red('attack')}  ${event.host}  ${event.vector}  (${what})`;
    }
    case 'attack_ended':
      return `${event.at}  ${colors.green('over')}    ${event.host}  after ${duration(event.duration_s)}`;
    case 'attack_explained':
      return explainedText(cli, event);
    case 'summary': {
      const flow =
        event.flow === undefined
          ? ''
          : `\n${event.flow.datagrams} datagrams, ${event.flow.samples} samples, ${event.flow.decode_errors} decode errors, ${event.flow.exporters} exporters`;
      return (
        `${event.packets} packets, ${event.bytes} bytes, ${event.hosts} hosts of ours, ` +
        `${event.unparsed} unparsed, ${event.attacks} attacks${flow}`
      );
    }
  }
}

const percent = (share: number | null): string =>
  share === null ? 'nothing known' : `${(share * 100).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`;

const insteadText = {
  blackhole: '; a blackhole takes their place',
  nothing: '; nothing is announced',
  unasked: '',
} as const;

/** The rules of the policy, and what each budget would give. */
function explainedText(cli: Cli, event: ExplainedEvent): string {
  const { attack, outside } = event.packets;
  const rules = event.rules.map(
    ({ text, action, coverage, collateral }) =>
      `    ${text} → ${action}  (covers ${percent(coverage)}, hits ${percent(collateral)})`,
  );
  const budgets = Object.entries(event.budgets).map(([budget, counted]) =>
    counted.reason === null
      ? `    budget ${budget.padStart(2)}: ${counted.rules.length} rule${counted.rules.length === 1 ? ' covers' : 's cover'} ${percent(counted.coverage)}, hit ${percent(counted.collateral)}`
      : `    budget ${budget.padStart(2)}: none: ${counted.reason}`,
  );
  const said =
    event.reason === null
      ? `covers ${percent(event.coverage)} of ${attack} packets, hits ${percent(event.collateral)} of ${outside} outside the attack`
      : `no rules: ${event.reason}${insteadText[event.instead ?? 'unasked']}`;
  return [
    `${event.at}  ${cli.view.colors.yellow('rules')}   ${event.host}  ${said}`,
    ...rules,
    ...budgets,
  ].join('\n');
}

export function registerReplay(program: Command, cli: Cli): void {
  program
    .command('replay')
    .description("run the whole detection on a capture's own clock; the same file gives the same output")
    .argument('<file>', 'pcap or pcapng')
    .option(
      '--network <prefix>',
      'a network of ours; can be given again',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .option('--config <file>', 'thresholds, hostgroups, windows; else the built-in defaults')
    .option('--flows', 'decode the flow datagrams in the capture in place of its packets')
    .option(
      '--sampling <packets>',
      'what each packet of a sampled capture stands for (default: 1)',
      packetsEach,
      1,
    )
    .option('--explain', 'show the flowspec rules for each attack, and what they would cover and hit')
    .option('--json', 'one JSON object a line')
    .action(async (path: string, options: Options) => {
      const settings = settingsFor(cli, options);
      const bar = progressBar(cli.view, 'replaying', statSync(path, { throwIfNoEntry: false })?.size ?? 0);
      const replayed = await replay(settings, {
        path,
        flows: options.flows === true,
        sampling: options.sampling,
        explain: options.explain ? settings.bgp.policy.flowspec : null,
        emit: (event) => cli.view.out(options.json ? JSON.stringify(event) : asText(cli, event)),
        progress: (done) => bar.at(done),
      });
      bar.end();
      if (!replayed.ok) throw failed(replayed.error);
      const { errors, packets } = replayed.value.stats;
      const named = Object.entries(errors).map(([name, count]) => `${name} ${count}`);
      if (named.length > 0 && packets > 0) cli.view.err(`not read as IP: ${named.join(', ')}`);
    });
}
