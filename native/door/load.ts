/**
 * Finds the addon and loads it once. The binary lies in build/Release of the package, which is above this
 * file both as it is written and as it is compiled into dist/.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RawBinding } from './binding.js';
import type { NativeDoor } from './contract.js';
import { nativeDoor } from './native.js';

const relativeBinary = join('build', 'Release', 'tidegate.node');

/** The folder that holds package.json, upwards from `from`; null at the root of the file system. */
function packageRoot(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return null;
  }
}

/** The binary of the package that `folder` lies in. Throws an Error that says what to run when there is none. */
export function binaryFor(folder: string): string {
  const root = packageRoot(folder);
  if (root === null) throw new Error(`no package.json above ${folder}: the installation is not whole`);
  const binary = join(root, relativeBinary);
  if (existsSync(binary)) return binary;
  throw new Error(`the native part is not built (${binary} is missing): run 'node native/door/build.mjs'`);
}

let loaded: NativeDoor | null = null;

/** The native side. Throws an Error that says what to run when there is no binary, or none that fits. */
export function loadDoor(): NativeDoor {
  if (loaded !== null) return loaded;
  const binary = binaryFor(dirname(fileURLToPath(import.meta.url)));
  const require = createRequire(import.meta.url);
  try {
    loaded = nativeDoor(require(binary) as RawBinding);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `the native part does not load (${why}): run 'node native/door/build.mjs --force' with Node ${process.version}`,
      { cause },
    );
  }
  return loaded;
}
