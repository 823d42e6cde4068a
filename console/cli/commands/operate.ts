/** `status`, `attacks`, `ban`, `unban`, `top`, `reload`: an operator's questions and orders to the running daemon. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseHost } from '../../../domain/address.js';
import { parsePrefix } from '../../../domain/prefix.js';
import { directions } from '../../../domain/traffic.js';
import type { Cli } from '../cli.js';
import { askFor, socketPath } from '../daemon.js';
import { renderAttacks, renderStatus } from '../status-page.js';
import { figure, table } from '../terminal.js';

/** Ten years: a ban that is meant to stay says so by having no end. */
const longestBanMs = 3_650 * 86_400_000;

/** What the daemon takes. */
const longestComment = 1_024;

type Common = { readonly json?: true; readonly stateDir?: string };

/** '30m', '90s', '1h', '2d' or '500ms' in milliseconds. */
export function readDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new InvalidArgumentError("a duration carries its unit: '90s', '30m', '2h'.");
  const ms = Number(match[1]) * unit;
  if (!(ms >= 1 && ms <= longestBanMs))
    throw new InvalidArgumentError(
      "more than nothing and at most '3650d'; without --for it stays until unban.",
    );
  return ms;
}

/** Of the text of an address, what is asked of the daemon: its own spelling. */
function readHost(text: string): string {
  const host = parseHost(text);
  if (!host.ok)
    throw new InvalidArgumentError(`${host.error.detail}; write it like 192.0.2.7 or 2001:db8::7.`);
  return host.value;
}

function readComment(text: string): string {
  if (text.length > longestComment) throw new InvalidArgumentError(`at most ${longestComment} characters.`);
  return text;
}

/** An attack on a prefix is released by that prefix. */
function readSubject(text: string): string {
  if (!text.includes('/')) return readHost(text);
  const prefix = parsePrefix(text);
  if (!prefix.ok) throw new InvalidArgumentError(`${prefix.error.detail}.`);
  return prefix.value;
}

const readCount = (text: string): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw new InvalidArgumentError('a whole number from 1 to 10000.');
  return count;
};

const common = (command: Command): Command =>
  command
    .option('--json', 'one JSON document on stdout')
    .option(
      '--state-dir <dir>',
      'where the daemon keeps its state (else TIDEGATE_STATE_DIR, else /var/lib/tidegate)',
    );

const print = (cli: Cli, json: true | undefined, value: unknown, text: () => string): void =>
  cli.view.out(json ? JSON.stringify(value, null, 2) : text());

export function registerOperate(program: Command, cli: Cli): void {
  const path = (options: Common) => socketPath(options.stateDir, cli.env);

  common(
    program
      .command('status')
      .description('what the daemon sees and how it is: sources, rates, drops, the live tree'),
  ).action(async (options: Common) => {
    const { status } = await askFor('status', { kind: 'status' }, path(options));
    print(cli, options.json, status, () => renderStatus(status, cli.view));
  });

  common(program.command('attacks').description('attacks in progress, and the last that ended'))
    .option('--history <count>', 'how many ended ones', readCount, 10)
    .action(async (options: Common & { readonly history: number }) => {
      const { list } = await askFor('attacks', { kind: 'attacks', history: options.history }, path(options));
      print(cli, options.json, list, () => renderAttacks(list, cli.view, cli.nowMicros()));
    });

  common(
    program
      .command('ban')
      .description('ban an address of ours by hand')
      .argument('<ip>', 'IPv4 or IPv6', readHost),
  )
    .option(
      '--for <duration>',
      'release it by itself after this, e.g. 30m; else it stays until `unban`',
      readDuration,
    )
    .option('--comment <text>', 'kept with the ban', readComment, '')
    .action(async (host: string, options: Common & { readonly for?: number; readonly comment: string }) => {
      const request = { kind: 'ban', host, forMs: options.for ?? null, comment: options.comment } as const;
      const { mitigation } = await askFor('banned', request, path(options));
      print(cli, options.json, mitigation, () => `banned ${host} (${mitigation.id})`);
    });

  common(
    program
      .command('unban')
      .description('release an address or prefix now, whoever banned it')
      .argument('<ip>', 'IPv4 or IPv6; a prefix for an attack on one', readSubject),
  ).action(async (host: string, options: Common) => {
    const { mitigation } = await askFor('unbanned', { kind: 'unban', host }, path(options));
    print(cli, options.json, mitigation, () => `released ${host} (${mitigation.id})`);
  });

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
        const { talkers } = await askFor('top', request, path(options));
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
    const { report } = await askFor('reloaded', { kind: 'reload' }, path(options));
    print(cli, options.json, report, () =>
      report.changes.length === 0 ? 'nothing changed' : report.changes.join('\n'),
    );
  });
}
