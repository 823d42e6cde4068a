/** `traffic`: synthetic captures by seed, to try a configuration on before the night of the attack. */
import { type Command, InvalidArgumentError } from 'commander';
import { type TrafficPlan, trafficPlans, writeTraffic } from '../../../composition/synthesis.js';
import type { Cli } from '../cli.js';
import { CommandFailure, exitFailed, exitUsage, failed } from '../exit.js';
import { figure, table } from '../terminal.js';

type Options = {
  readonly out?: string;
  readonly network: readonly string[];
  readonly seed: number;
  readonly scale: number;
  readonly json?: true;
};

const readSeed = (text: string): number => {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || seed < 0 || text === '')
    throw new InvalidArgumentError('a whole number, 0 or more.');
  return seed;
};

const readScale = (text: string): number => {
  const scale = Number(text);
  if (!(scale > 0 && Number.isFinite(scale)))
    throw new InvalidArgumentError('a number above 0, such as 0.5.');
  return scale;
};

export function registerTraffic(program: Command, cli: Cli): void {
  program
    .command('traffic')
    .description(
      'write a capture of synthetic traffic and a manifest of what is in it; without a plan, list the plans',
    )
    .argument('[plan]', 'its name')
    .option('--out <file>', 'the capture; the manifest is written beside it')
    .option(
      '--network <prefix>',
      'a network of ours; can be given again',
      (one: string, all: string[]) => [...all, one],
      [] as string[],
    )
    .option('--seed <n>', 'the same seed gives the same bytes', readSeed, 1)
    .option('--scale <x>', 'multiplies every rate', readScale, 1)
    .option('--json', 'one JSON document on stdout')
    .action((plan: string | undefined, options: Options) => {
      if (plan === undefined) {
        const rows = trafficPlans.map(({ name, summary }: TrafficPlan) => [name, summary]);
        cli.view.out(
          options.json
            ? JSON.stringify(trafficPlans)
            : table([{ title: 'plan' }, { title: 'what it is' }], rows, cli.view.width),
        );
        return;
      }
      if (options.out === undefined) throw new CommandFailure('where to? give --out FILE', exitUsage);
      const written = writeTraffic(plan, options.out, options);
      if (!written.ok) {
        const usage = written.error.code === 'CONFIG_INVALID';
        throw failed(written.error, usage ? exitUsage : exitFailed);
      }
      const manifest = written.value;
      const text = `${options.out}: ${figure(manifest.packets)} packets, ${figure(manifest.bytes)}B; ${options.out}.json says what is in it`;
      cli.view.out(options.json ? JSON.stringify(manifest) : text);
    });
}
