/** `attacks`, and what an operator orders about them: `ban`, `unban`, `mitigation stop`, `mitigation start`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseHost } from '../../../domain/address.js';
import type { AttackOrigin } from '../../../domain/attack.js';
import { type ListState, listStates } from '../../../domain/attack-filter.js';
import { parsePrefix, parsePrefixLenient } from '../../../domain/prefix.js';
import type { PrefixKey } from '../../../domain/units.js';
import type { Cli } from '../cli.js';
import { askFor } from '../daemon.js';
import { renderAttacks } from '../status-page.js';
import { type Common, common, path, print, readCount } from './operate.js';

/** Ten years: a ban that is meant to stay says so by having no end. */
const longestBanMs = 3_650 * 86_400_000;

/** What the daemon takes. */
const longestComment = 1_024;

/** '30m', '90s', '1h', '2d' or '500ms' in milliseconds. */
function readDuration(text: string): number {
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

function readComment(text: string): string {
  if (text.length > longestComment) throw new InvalidArgumentError(`at most ${longestComment} characters.`);
  return text;
}

/** An address or a prefix; of its text, what is asked of the daemon: its own spelling. */
function readSubject(text: string): string {
  if (text.includes('/')) {
    const prefix = parsePrefix(text);
    if (!prefix.ok) throw new InvalidArgumentError(`${prefix.error.detail}.`);
    return prefix.value;
  }
  const host = parseHost(text);
  if (!host.ok)
    throw new InvalidArgumentError(`${host.error.detail}; write it like 192.0.2.7 or 2001:db8::7.`);
  return host.value;
}

function readPrefix(text: string): PrefixKey {
  const prefix = parsePrefixLenient(text);
  if (!prefix.ok) throw new InvalidArgumentError(`${prefix.error.detail}.`);
  return prefix.value.prefix;
}

type AttacksOptions = Common & {
  readonly history: number;
  readonly limit?: number;
  readonly host?: PrefixKey;
  readonly hostgroup?: string;
  readonly state?: ListState;
  readonly origin?: AttackOrigin;
  readonly active?: true;
  readonly ended?: true;
};

export function registerAttacks(program: Command, cli: Cli): void {
  common(program.command('attacks').description('attacks in progress, and the last that ended'))
    .option('--host <prefix>', 'on addresses in this prefix, or on networks around it', readPrefix)
    .option('--hostgroup <name>', 'of this hostgroup')
    .addOption(new Option('--state <state>', 'as the mitigation stands').choices([...listStates]))
    .addOption(new Option('--origin <origin>', 'found, or ordered by hand').choices(['detected', 'manual']))
    .addOption(new Option('--active', 'no ended ones').conflicts('ended'))
    .option('--ended', 'ended ones alone')
    .option('--limit <count>', 'so many in progress, and so many ended', readCount)
    .option('--history <count>', 'how many ended ones', readCount, 10)
    .action(async (options: AttacksOptions) => {
      const { host = null, hostgroup = null, origin = null, state = null, limit } = options;
      const request = {
        kind: 'attacks',
        history: options.active ? 0 : (limit ?? options.history),
        ...(options.ended ? { limit: 0 } : limit === undefined ? {} : { limit }),
        filter: { prefix: host, hostgroup, origin, state },
      } as const;
      const { list } = await askFor('attacks', request, path(cli, options));
      const shown = options.ended ? { ...list, leaving: [] } : list;
      print(cli, options.json, shown, () => renderAttacks(shown, cli.view, cli.nowMicros()));
    });

  common(
    program
      .command('ban')
      .description('ban an address or a prefix of ours by hand')
      .argument('<ip>', 'IPv4 or IPv6, or a prefix', readSubject),
  )
    .option(
      '--for <duration>',
      'release it by itself after this, e.g. 30m; else it stays until `unban`',
      readDuration,
    )
    .option('--comment <text>', 'kept with the ban', readComment, '')
    .action(async (host: string, options: Common & { readonly for?: number; readonly comment: string }) => {
      const request = { kind: 'ban', host, forMs: options.for ?? null, comment: options.comment } as const;
      const { mitigation } = await askFor('banned', request, path(cli, options));
      print(cli, options.json, mitigation, () => `banned ${host} (${mitigation.id})`);
    });

  common(
    program
      .command('unban')
      .description('release an address or prefix now, whoever banned it')
      .argument('<ip>', 'IPv4 or IPv6; a prefix for an attack on one', readSubject),
  ).action(async (host: string, options: Common) => {
    const { mitigation } = await askFor('unbanned', { kind: 'unban', host }, path(cli, options));
    print(cli, options.json, mitigation, () => `released ${host} (${mitigation.id})`);
  });

  const mitigation = program
    .command('mitigation')
    .description('stop all announcing, or let it go on; detection, script and notices go on either way');
  common(mitigation.command('stop').description('withdraw all that is announced, and announce nothing'))
    .option('--comment <text>', 'why, for `status`', readComment, '')
    .action(async (options: Common & { readonly comment: string }) => {
      const { comment } = options;
      const { stopped } = await askFor(
        'announcing',
        { kind: 'mitigation_stop', comment },
        path(cli, options),
      );
      print(cli, options.json, { stopped }, () => 'stopped: nothing is announced until `mitigation start`');
    });
  common(
    mitigation.command('start').description('announce again what is wanted, as fast as the guards let it'),
  ).action(async (options: Common) => {
    const { stopped } = await askFor('announcing', { kind: 'mitigation_start' }, path(cli, options));
    print(cli, options.json, { stopped }, () => 'announcing goes on');
  });
}
