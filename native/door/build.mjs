/**
 * Builds the native part: `node native/door/build.mjs [--force]`.
 *
 * Does nothing when the binary is newer than all that it is made of. Headers that came with this Node are
 * used where there are any, so that nothing need be downloaded.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const force = process.argv.includes('--force');
const binary = join(root, 'build', 'Release', 'tidegate.node');

/** Newest change of a C++ source or a build file, in milliseconds since the Unix epoch. */
function newestSource() {
  let newest = statSync(join(root, 'binding.gyp')).mtimeMs;
  const folders = [join(root, 'native')];
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && entry.name !== 'tests' && entry.name !== 'fuzz') folders.push(path);
      if (/\.(cpp|hpp|txt)$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs);
    }
  }
  return newest;
}

function build() {
  const require = createRequire(import.meta.url);
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js');
  const prefix = resolve(dirname(process.execPath), '..');
  const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  // node-gyp builds with this many compilers at once.
  const jobs = ['--jobs', process.env.TIDEGATE_BUILD_JOBS ?? '2'];
  // 'rebuild' would clear build/, where other things are built, too; and compile what has not changed.
  const steps = force ? ['clean', 'configure', 'build'] : ['configure', 'build'];
  for (const step of steps) {
    const done = spawnSync(process.execPath, [nodeGyp, step, ...headers, ...jobs], {
      cwd: root,
      stdio: 'inherit',
    });
    if (done.status !== 0) return done.status ?? 1;
  }
  return 0;
}

const upToDate = existsSync(binary) && statSync(binary).mtimeMs >= newestSource();
if (upToDate && !force) {
  console.log('native part is up to date');
} else {
  process.exitCode = build();
}
