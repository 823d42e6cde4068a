/** `status`, `top`, `reload`, and those of attacks.ts: an operator's questions and orders to the running daemon. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { directions } from '../../../domain/traffic.js';
import type { Cli } from '../cli.js';
import { askFor, socketPath } from '../daemon.js';
import { renderStatus } from '../status-page.js';
import { figure, table } from '../terminal.js';
import { registerAttacks } from './attacks.js';

export type Common = { readonly json?: true; readonly stateDir?: string };

export const readCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw new InvalidArgumentError('a whole number from 1 to 10000.');
  return count;
};

export const common = (command: Command): Command =>
  command
    .option('--json', 'one JSON document on stdout')
    .option(
      '--state-dir <dir>',
      'where the daemon keeps its state (else TIDEGATE_STATE_DIR, else /var/lib/tidegate)',
    );

export const print = (cli: Cli, json: true | undefined, value: unknown, text: () => string): void =>
  cli.view.out(json ? JSON.stringify(value, null, 2) : text());

export const path = (cli: Cli, options: Common): string => socketPath(options.stateDir, cli.env);

export function registerOperate(program: Command, cli: Cli): void {
  common(
    program
      .command('status')
      .description('what the daemon sees and how it is: sources, rates, drops, the live tree'),
  ).action(async (options: Common) => {
    const { status } = await askFor('status', { kind: 'status' }, path(cli, options));
    print(cli, options.json, status, () => renderStatus(status, cli.view));
  });

  registerAttacks(program, cli);

  common(program.command('top').description('the hosts with the most traffic now'))
    .addOption(
      new Option('--by <what>', 'what counts').choices(['packets', 'bytes', 'flows']).default('packets'),
    )
    .addOption(new Option('--direction <direction>').choices([...directions]).default('incoming'))
    .option('--count <n>', 'how many', readCount, 10)
    .action(
      async (
        options: Common & {
          readonly by: 'packets' | 'bytes' | 'flows';
          readonly direction: 'incoming' | 'outgoing';
          readonly count: number;
        },
      ) => {
        const request = {
          kind: 'top',
          by: options.by,
          direction: options.direction,
          count: options.count,
        } as const;
        const { talkers } = await askFor('top', request, path(cli, options));
        const rows = talkers.map(({ host, rates }) => {
          const rate = rates[options.direction];
          return [host, figure(rate.total.pps), `${figure(rate.total.bps)}bit`, figure(rate.flows)];
        });
        const right = 'right' as const;
        const columns = [
          { title: 'host' },
          { title: 'pps', align: right },
          { title: '/s', align: right },
          { title: 'flows/s', align: right },
        ];
        print(cli, options.json, talkers, () => table(columns, rows, cli.view.width));
      },
    );

  common(
    program
      .command('reload')
      .description('read the configuration again and apply what changed, as SIGHUP does'),
  ).action(async (options: Common) => {
    const { report } = await askFor('reloaded', { kind: 'reload' }, path(cli, options));
    print(cli, options.json, report, () =>
      report.changes.length === 0 ? 'nothing changed' : report.changes.join('\n'),
    );
  });
}
