/**
 * The last step of the build: what dist/ needs and the compiler does not write. Threads start from plain
 * JavaScript files (*.mjs), because the same file must load beside TypeScript sources and beside compiled ones;
 * protocols of others are read from their *.proto when the program starts.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Every worker.mjs and *.proto below `folder`. */
function assets(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return assets(path);
    return name === 'worker.mjs' || name.endsWith('.proto') ? [path] : [];
  });
}

for (const path of assets('integrations')) {
  const target = join('dist', path);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(path, target);
}
chmodSync(join('dist', 'console', 'cli', 'bin.js'), 0o755);
