/** Where the built programs lie, seen from the sources as from dist/. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

const dist = join(packageRoot(), 'dist');
export const cliPath = join(dist, 'console', 'cli', 'bin.js');
export const sendPath = join(dist, 'bench', 'send.js');
/** A program of `make -C native bench`. */
export const nativePath = (name: string): string => join(packageRoot(), 'build', 'native', name);
