/** `check` and `import`: what a configuration comes to, every fault at once; and FastNetMon's as YAML. */
import type { Command } from 'commander';
import {
  type Finding,
  importFastnetmon,
  readConfiguration,
  renderFindings,
  thisMachine,
} from '../../../composition/configure.js';
import type { Cli } from '../cli.js';
import { CommandFailure, exitUsage } from '../exit.js';

type CheckOptions = { readonly config?: string; readonly json?: true };

export const defaultConfig = '/etc/tidegate/tidegate.yaml';

/** Prints findings to stderr, where there are any, in the operator's colours. */
export function showFindings(cli: Cli, findings: readonly Finding[]): void {
  const text = renderFindings(findings, { color: cli.view.errColors.isColorSupported }).trimEnd();
  if (text !== '') cli.view.err(text);
}

const counted = (findings: readonly Finding[], severity: Finding['severity']): string => {
  const count = findings.filter((finding) => finding.severity === severity).length;
  return `${count} ${severity}${count === 1 ? '' : 's'}`;
};

export function registerCheck(program: Command, cli: Cli): void {
  program
    .command('check')
    .description(
      'read a configuration and say everything that is wrong with it; exit code 2 when it cannot be used',
    )
    .argument('[file]', 'the same as --config')
    .option('--config <file>', `YAML, or FastNetMon's when it ends in .conf (default: "${defaultConfig}")`)
    .option('--json', 'one JSON document on stdout')
    .action((file: string | undefined, options: CheckOptions) => {
      if (file !== undefined && options.config !== undefined && file !== options.config) {
        throw new CommandFailure(`which one? ${file}, or ${options.config}: check takes one file`, exitUsage);
      }
      const path = file ?? options.config ?? defaultConfig;
      const loaded = readConfiguration(path, cli.env);
      if (options.json) cli.view.out(JSON.stringify({ ok: loaded.ok, findings: loaded.findings }, null, 2));
      else {
        showFindings(cli, loaded.findings);
        const count = (['error', 'warning', 'note'] as const)
          .map((severity) => counted(loaded.findings, severity))
          .join(', ');
        cli.view.out(
          `${path}: ${loaded.ok ? cli.view.colors.green('usable') : cli.view.colors.red('not usable')} (${count})`,
        );
      }
      if (!loaded.ok) throw new CommandFailure('', exitUsage);
    });

  program
    .command('import')
    .description('write the YAML that means the same as a fastnetmon.conf')
    .argument('<file.conf>', 'the fastnetmon.conf')
    .option('--json', 'one JSON document on stdout: { yaml, findings }')
    .action((path: string, options: { readonly json?: true }) => {
      const imported = importFastnetmon({ path, ...thisMachine(cli.env) });
      if (!options.json) showFindings(cli, imported.findings);
      if (options.json) {
        cli.view.out(
          JSON.stringify({ yaml: imported.ok ? imported.yaml : null, findings: imported.findings }, null, 2),
        );
      } else if (imported.ok) cli.view.out(imported.yaml.trimEnd());
      if (!imported.ok) throw new CommandFailure('', exitUsage);
    });
}
