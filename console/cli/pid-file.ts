/** A pid file as old init scripts want it: one number, refused while a living process holds it, gone at a clean end. */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';

export type PidFile = { readonly remove: () => void };

/** The pid that `path` names, when that process lives; else null. */
export function livingHolder(path: string): number | null {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return null; // no file, no holder
  }
  if (!(pid > 0) || pid === process.pid) return null;
  try {
    process.kill(pid, 0);
    return isZombie(pid) ? null : pid;
  } catch (error) {
    // EPERM: it lives and is another user's
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : null;
  }
}

/** Ended, and nobody has asked how: where process 1 of a container does not, it stays so for ever. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the command's name stands in parentheses and may hold blanks
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false; // no /proc to ask: what answers a signal is taken to live
  }
}

/** Throws when the file cannot be written. */
export function writePidFile(path: string): PidFile {
  writeFileSync(path, `${process.pid}\n`);
  return {
    remove: () => {
      try {
        if (Number.parseInt(readFileSync(path, 'utf8'), 10) === process.pid) unlinkSync(path);
      } catch {
        // somebody was faster; there is nothing left to remove
      }
    },
  };
}
