/** The thin shell of `files.ts` over the disk. */
import { accessSync, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { FileKind, Files, FileText } from './files.js';

/** A list of a million prefixes is 20 MB. */
export const maxFileBytes = 64 * 1024 * 1024;

export const diskFiles: Files = { read, stat };

function read(path: string): FileText {
  let file: number | null = null;
  try {
    // A FIFO would hold us for ever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (stats.isDirectory()) return { ok: false, missing: false, why: 'it is a directory' };
    if (!stats.isFile()) return { ok: false, missing: false, why: 'it is not a regular file' };
    if (stats.size > maxFileBytes) {
      return { ok: false, missing: false, why: `it is larger than ${maxFileBytes} bytes` };
    }
    return { ok: true, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { ok: false, missing: code === 'ENOENT' || code === 'ENOTDIR', why: reasonOf(code) };
  } finally {
    if (file !== null) closeSync(file);
  }
}

function stat(path: string): FileKind | null {
  try {
    const stats = statSync(path);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
    return { kind, executable: (stats.mode & 0o111) !== 0 && allowed(path) };
  } catch {
    return null; // not there, or not for us to see: the same to who needs it
  }
}

function allowed(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reasonOf(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    default:
      return `it cannot be read (${code ?? 'unknown reason'})`;
  }
}
