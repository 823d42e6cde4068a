/**
 * Writes the evidence of attacks into one folder: whole files or none, mode 0640, bounded in number and bytes.
 *
 * A file appears under its name complete (written beside, synced, renamed); a name that is taken, as by an attack on the
 * same host in the same second, gets the attack's id. While more than `unsyncedFrom` attacks wait, files are left to
 * the system to sync: a machine that loses power then may lose some of them. When the folder holds more than
 * `maxFiles` or `maxBytes`, the oldest files of ours are deleted first. Files with other endings are not ours and
 * are neither counted nor touched.
 *
 * A thread writes them (worker.mjs), the files of up to `atOnce` attacks at a time. It starts with the first write and ends when
 * nothing has been written for `idleMs`, so that a daemon without attacks does without its memory. What waits for it is bounded,
 * in attacks and in bytes.
 *
 * Errors: EVIDENCE_UNWRITABLE, with the path and the reason.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { EvidenceFile, EvidenceReport, EvidenceStore } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { AttackId } from '../../domain/units.js';

export type EvidenceOptions = {
  /** Made when absent. */
  readonly directory: string;
  readonly maxFiles?: number;
  readonly maxBytes?: number;
  /** Of what waits to be written. */
  readonly maxWaitingBytes?: number;
};

const defaultMaxFiles = 30_000;
const defaultMaxBytes = 2 * 1024 ** 3;
const ours = /\.(txt|json|pcap)$/;
const unsyncedFrom = 16;
const maxWaiting = 1000;
/** Some 60 KB an attack of a hundred packets. */
const defaultMaxWaitingBytes = 32 * 2 ** 20;
const atOnce = 16;
const idleMs = 30_000;
/** It only passes on what it is sent: 16 MB, as V8 would allow it, are never needed. */
const youngGenerationMb = 4;

type Order = {
  readonly attack: AttackId;
  readonly files: readonly EvidenceFile[];
  readonly bytes: number;
  readonly done: (result: Result<readonly string[]>) => void;
};
type Answer = {
  readonly results: readonly ({ readonly names: readonly string[] } | { readonly error: string })[];
};

const bytesOf = (files: readonly EvidenceFile[]): number =>
  files.reduce((sum, { content }) => sum + content.length, 0);

export function evidenceStore(
  options: EvidenceOptions,
): EvidenceStore & { readonly report: () => EvidenceReport } {
  const { directory, maxFiles = defaultMaxFiles, maxBytes = defaultMaxBytes } = options;
  const { maxWaitingBytes = defaultMaxWaitingBytes } = options;
  const queue: Order[] = [];
  /** Of the orders that are with the thread. */
  let batch: readonly Order[] = [];
  let waitingBytes = 0;
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  const count = { written: 0, failed: 0 };

  const waiting = (): number => queue.length + batch.length;
  const unwritable = (detail: string): Result<never> =>
    failure('EVIDENCE_UNWRITABLE', `${directory}: ${detail}`);
  const settle = (order: Order, result: Result<readonly string[]>): void => {
    waitingBytes -= order.bytes;
    count[result.ok ? 'written' : 'failed']++;
    order.done(result);
  };
  const finish = (outcome: (index: number) => Result<readonly string[]>): void => {
    const over = batch;
    batch = [];
    for (const [index, order] of over.entries()) settle(order, outcome(index));
    next();
  };
  const hear = ({ results }: Answer): void =>
    finish((index) => {
      const result = results[index];
      if (result === undefined) return unwritable('no word of it');
      return 'error' in result
        ? unwritable(result.error)
        : success(result.names.map((name) => join(directory, name)));
    });
  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { directory, maxFiles, maxBytes },
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    const lost = (reason: string): void => {
      if (thread !== worker) return;
      thread = null;
      finish(() => unwritable(`the thread that writes ended: ${reason}`));
    };
    worker.on('message', hear);
    worker.on('error', (error: unknown) => lost(String(error)));
    worker.on('exit', (code) => lost(`exit code ${code}`));
    return worker;
  };
  /** It keeps the process alive while it has something to write, and no longer. */
  const next = (): void => {
    if (batch.length > 0) return;
    clearTimeout(idle);
    if (queue.length === 0) {
      thread?.unref();
      idle = setTimeout(end, idleMs).unref();
      return;
    }
    const synced = queue.length <= unsyncedFrom;
    batch = queue.splice(0, atOnce);
    thread ??= start();
    thread.ref();
    thread.postMessage({ attacks: batch.map(({ attack, files }) => ({ attack, files })), synced });
  };
  const end = (): void => {
    const ending = thread;
    thread = null;
    void ending?.terminate();
  };
  const refuse = (detail: string): Promise<Result<never>> => {
    count.failed++;
    return Promise.resolve(failure('EVIDENCE_UNWRITABLE', detail));
  };
  return {
    report: () => ({ waiting: waiting(), ...count }),
    write(attack, files) {
      const odd = files.find(({ name }) => !ours.test(name) || name.includes('/') || name.startsWith('.'));
      if (odd !== undefined) return refuse(`not a name for evidence: ${odd.name}`);
      if (waiting() >= maxWaiting)
        return refuse(`${directory}: ${maxWaiting} attacks wait for the disk already`);
      const bytes = bytesOf(files);
      if (waiting() > 0 && waitingBytes + bytes > maxWaitingBytes)
        return refuse(`${directory}: ${waitingBytes} bytes wait for the disk already`);
      waitingBytes += bytes;
      return new Promise((done) => {
        queue.push({ attack, files, bytes, done });
        next();
      });
    },
  };
}
