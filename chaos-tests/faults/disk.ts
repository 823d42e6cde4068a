/** A disk that is full: a small one of its own for a folder, and a file that takes all of what is left. Needs root. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type SmallDisk = { readonly remove: () => void };

/** `folder` is made, and becomes a disk of `mebibytes`. */
export function smallDisk(folder: string, mebibytes: number): SmallDisk {
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  return { remove: () => void execFileSync('umount', ['-l', folder]) };
}

/** Writes until nothing more goes in; what makes room again. */
export function fill(folder: string): () => void {
  const path = join(folder, 'somebody-else');
  const file = openSync(path, 'w');
  for (const size of [65_536, 4_096, 512, 1]) {
    const chunk = Buffer.alloc(size);
    try {
      for (;;) if (writeSync(file, chunk) === 0) break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
  return () => rmSync(path);
}
