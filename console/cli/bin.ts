#!/usr/bin/env node
/** The program `tidegate`: hands the command line to `cli.ts` and ends with its code. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from './cli.js';
import { terminal } from './terminal.js';

/** Our package.json lies above us, at another height in the sources than in what is built. */
function version(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file))
      return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
    if (folder === dirname(folder)) return 'unknown';
  }
}

// a reader that has seen enough (`| head`) is no fault of ours
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// nor is a terminal, or a parent of `--daemonize`, that is gone: whoever guards a network does not end for it
process.stderr.on('error', () => undefined);

// not left to run out: a notify script that hangs must not keep a stopped daemon's process alive
process.exit(
  await runCli(process.argv.slice(2), {
    view: terminal(),
    env: process.env,
    version: version(),
    nowMicros: () => Date.now() * 1000,
  }),
);
