/**
 * The ends of ExaBGP's named pipes. Every call returns at once, whatever the other side does: the pipes are opened with
 * O_NONBLOCK, so that no thread of the process, nor of its thread pool, ever waits in the kernel for a reader.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';

/** A pipe that cannot be used, in plain words: 'nobody reads /run/exabgp.in'. `unread`: it may be read again in a moment. */
export type PipeFault = { readonly fault: string; readonly unread: boolean };
export const isFault = (value: unknown): value is PipeFault =>
  typeof value === 'object' && value !== null && 'fault' in value;

export type CommandPipe = {
  /** Bytes taken; 0: it is full. At most 4096 bytes are taken whole or not at all. */
  readonly write: (bytes: Uint8Array) => number | PipeFault;
  /** null while somebody reads this very pipe. */
  readonly check: () => PipeFault | null;
  readonly close: () => void;
};

export type AnswerPipe = {
  /** What has come, up to 64 KiB; null: nothing now. */
  readonly read: () => string | null | PipeFault;
  readonly check: () => PipeFault | null;
  readonly close: () => void;
};

const { O_WRONLY, O_RDWR, O_RDONLY, O_NONBLOCK } = constants;
const readBytes = 65_536;

export function openCommandPipe(path: string): CommandPipe | PipeFault {
  const fd = open(path, O_WRONLY | O_NONBLOCK);
  if (isFault(fd)) return fd;
  const own = fstatSync(fd);
  const closer = closing(fd);
  return {
    write(bytes) {
      if (closer.isClosed()) return closedFault(path);
      try {
        return writeSync(fd, bytes);
      } catch (error) {
        return codeOf(error) === 'EAGAIN' ? 0 : faultOf(error, path);
      }
    },
    check() {
      // ENXIO tells that nobody reads; a descriptor that is open for writing does not tell until it is written to.
      const again = open(path, O_WRONLY | O_NONBLOCK);
      if (isFault(again)) return again;
      const now = fstatSync(again);
      closeSync(again);
      return isSameFile(own, now) ? null : { fault: `${path} was replaced`, unread: false };
    },
    close: closer.close,
  };
}

/** Opened for both ways, so that it has no end whenever ExaBGP closes it, which it does after each line. */
export function openAnswerPipe(path: string): AnswerPipe | PipeFault {
  const both = open(path, O_RDWR | O_NONBLOCK);
  const fd = isFault(both) ? open(path, O_RDONLY | O_NONBLOCK) : both;
  if (isFault(fd)) return fd;
  const own = fstatSync(fd);
  const closer = closing(fd);
  const buffer = Buffer.allocUnsafe(readBytes);
  return {
    read() {
      if (closer.isClosed()) return closedFault(path);
      try {
        const length = readSync(fd, buffer);
        return length === 0 ? null : buffer.toString('latin1', 0, length);
      } catch (error) {
        return codeOf(error) === 'EAGAIN' ? null : faultOf(error, path);
      }
    },
    check() {
      try {
        return isSameFile(own, statSync(path)) ? null : { fault: `${path} was replaced`, unread: false };
      } catch (error) {
        return faultOf(error, path);
      }
    },
    close: closer.close,
  };
}

/** A number that was given back may be another file's by now. */
function closing(fd: number): { readonly isClosed: () => boolean; readonly close: () => void } {
  let closed = false;
  return {
    isClosed: () => closed,
    close() {
      if (!closed) closeSync(fd);
      closed = true;
    },
  };
}
const closedFault = (path: string): PipeFault => ({ fault: `${path} is closed`, unread: false });

function open(path: string, flags: number): number | PipeFault {
  try {
    const fd = openSync(path, flags);
    if (fstatSync(fd).isFIFO()) return fd;
    closeSync(fd);
    return { fault: `${path} is no named pipe`, unread: false };
  } catch (error) {
    return faultOf(error, path);
  }
}

const isSameFile = (a: Stats, b: Stats): boolean => a.ino === b.ino && a.dev === b.dev;
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

function faultOf(error: unknown, path: string): PipeFault {
  switch (codeOf(error)) {
    case 'ENXIO':
    case 'EPIPE':
      return { fault: `nobody reads ${path}`, unread: true };
    case 'ENOENT':
      return { fault: `there is no ${path}`, unread: false };
    case 'EACCES':
    case 'EPERM':
      return { fault: `${path} may not be opened by this user`, unread: false };
    default:
      return { fault: `${path}: ${error instanceof Error ? error.message : String(error)}`, unread: false };
  }
}
