/**
 * A log file that nobody waits for: the lines of a round of the event loop are handed to the system together, one write at a time, by
 * Node's threads.
 *
 * A write to a disk that is busy with the journal and the evidence can take some tenths of a second, and one to a disk that hangs for
 * ever; the daemon decides meanwhile. At most `maxWaitingBytes` wait; lines beyond are dropped, and a line says how many as soon as
 * there is room. At a `kill -9` the lines of the last round may be lost; at any other end `flush` writes what waits.
 */
import { closeSync, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { Milliseconds } from '../../domain/units.js';

export type LogFile = {
  readonly write: (line: string) => void;
  /** The file may have been renamed: what follows goes to a new one. Throws as `openLogFile`, and then stays with the old one. */
  readonly reopen: () => void;
  /** Everything that waits, now. */
  readonly flush: () => void;
};

const maxWaitingBytes = 4 * 2 ** 20;
const fileMode = 0o644;
/** For a write under way to be done, before what waits behind it is written. */
const patienceMs: Milliseconds = 500;

/** `dropped` makes the line that says how many were dropped. Throws when the file cannot be opened, with the system's reason. */
export function openLogFile(path: string, dropped: (lines: number) => string): LogFile {
  let fd = openSync(path, 'a', fileMode);
  let waiting: string[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let scheduled = false;
  /** Under way, to the file that was open then; `size`: of that file when it is done. */
  let underWay: { readonly fd: number; readonly size: number } | null = null;

  const take = (): Buffer => {
    const lines = lost > 0 ? [...waiting, dropped(lost)] : waiting;
    waiting = [];
    waitingBytes = 0;
    lost = 0;
    return Buffer.from(lines.join(''));
  };
  const go = (): void => {
    scheduled = false;
    if (underWay !== null || waiting.length === 0) return;
    const bytes = take();
    const own = { fd, size: sizeOf(fd) + bytes.length };
    underWay = own;
    send(own.fd, bytes, () => {
      underWay = null;
      if (own.fd !== fd) close(own.fd);
      go();
    });
  };
  const flush = (): void => {
    if (underWay !== null) {
      const { fd: busy, size } = underWay;
      for (const end = Date.now() + patienceMs; sizeOf(busy) < size && Date.now() < end; ) sleep(1);
    }
    sendNow(fd, take());
  };
  return {
    write: (line) => {
      if (waitingBytes + line.length > maxWaitingBytes) {
        lost += 1;
        return;
      }
      waiting.push(line);
      waitingBytes += line.length;
      if (scheduled || underWay !== null) return;
      scheduled = true;
      setImmediate(go);
    },
    reopen: () => {
      const next = openSync(path, 'a', fileMode);
      flush();
      const before = fd;
      fd = next;
      if (underWay === null) close(before);
    },
    flush,
  };
}

/** A full disk or a closed pipe must not end what guards a network: what cannot be written is gone. */
function send(fd: number, bytes: Buffer, done: () => void): void {
  write(fd, bytes, 0, bytes.length, null, (error, written) => {
    if (error !== null || written === 0 || written >= bytes.length) done();
    else send(fd, bytes.subarray(written), done);
  });
}

function sendNow(fd: number, bytes: Buffer): void {
  try {
    for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
  } catch {
    // as above
  }
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // nothing is left to be done about it
  }
}

/** Bytes; of what is no file, as if all had been written. */
function sizeOf(fd: number): number {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() ? stat.size : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const sleep = (ms: Milliseconds): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
