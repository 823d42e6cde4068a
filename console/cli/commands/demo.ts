/** `demo`: an attack found, recorded and reported on this machine, live, within 30 seconds. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type DemoEvent, runDemo } from '../../../composition/demo.js';
import type { Cli } from '../cli.js';
import { failed } from '../exit.js';
import { duration, figure } from '../terminal.js';

function lineOf(event: DemoEvent, cli: Cli): string {
  const { colors } = cli.view;
  switch (event.kind) {
    case 'daemon_started':
      return `daemon started, process ${event.pid}, listening for sFlow on 127.0.0.1:${event.port}`;
    case 'traffic_started':
      return `sending normal traffic: ${figure(event.pps)} packets/s as sFlow, sampled 1 in ${event.sampling}`;
    case 'attack_sent':
      return colors.yellow(
        `sending an attack too: ${event.vector} amplification at ${event.host}, ${figure(event.pps)} packets/s`,
      );
    case 'detected': {
      const { cause, direction } = event.attack;
      const why = cause === null ? '' : `${cause.metric} ${figure(cause.rate)} > ${figure(cause.threshold)}`;
      return colors.red(
        `ATTACK found ${(event.afterMs / 1000).toFixed(2)} s after its first packet: ${direction} ${why}`,
      );
    }
    case 'script_called':
      return `notify script called: ${colors.bold(event.args.join(' '))}`;
    case 'explained': {
      const print = event.attack.fingerprint;
      const what =
        print === null
          ? 'no evidence'
          : `${print.vector}, ${print.samples} packets (${print.samplesBefore} from before the decision), ${print.sources} sources`;
      return `evidence complete: ${what}`;
    }
    case 'attack_stopped':
      return colors.yellow('the attack has stopped');
    case 'released':
      return colors.green(
        `released ${duration(((event.attack.endedAt ?? 0) - event.attack.startedAt) / 1e6)} after it was found`,
      );
  }
}

export function registerDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description(
      'start the daemon on loopback, send it normal traffic and an attack, and watch; no root, no servers',
    )
    .option('--json', 'one JSON object a line')
    .action(async (options: { readonly json?: true }) => {
      const began = performance.now();
      const directory = mkdtempSync(join(tmpdir(), 'tidegate-demo-'));
      const stamp = () =>
        cli.view.colors.dim(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)}s`);
      const demonstrated = await runDemo({
        directory,
        daemon: (config) => [process.execPath, process.argv[1] ?? '', 'run', '--config', config],
        tell: (event) =>
          cli.view.out(options.json ? JSON.stringify(event) : `${stamp()}  ${lineOf(event, cli)}`),
      });
      if (!demonstrated.ok) throw failed(demonstrated.error);
      const summary = demonstrated.value;
      if (options.json) {
        cli.view.out(JSON.stringify({ kind: 'summary', ...summary }));
        return;
      }
      const rows = [
        ...summary.files.map((file) => ['evidence', file]),
        ['script calls', summary.scriptLog],
        ['configuration', summary.config],
        ['log', summary.log],
      ];
      cli.view.out(`\nWhat it left, in ${summary.directory}:`);
      for (const [what = '', path = ''] of rows) cli.view.out(`  ${what.padEnd(14)} ${path}`);
      cli.view.out(`\nNext: tidegate check --config ${summary.config}, and docs/operations/install.md.`);
    });
}
