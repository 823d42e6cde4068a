/**
 * The local journal: a SQLite database in the state folder, written by a thread of its own (`worker.mjs`).
 *
 * A write is one transaction in WAL mode with `synchronous=FULL`: when its promise resolves, it survives a crash of the
 * machine. Requests are answered in order. An open that fails changes nothing on disk: a file that is damaged or not
 * ours is named, never replaced.
 *
 * Errors: JOURNAL_UNWRITABLE, with the path and the reason; TIMEOUT when the disk does not answer.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Journal, KeptTemplate } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import { keptAttack, keptMitigation, type WrittenAttack, type WrittenMitigation } from './records.js';

export type JournalOptions = {
  /** The state folder; made when absent. */
  readonly dir: string;
  /** Ended attacks kept; the oldest go. */
  readonly maxAttacks?: number;
  /** Flow templates kept; those sent longest ago go. */
  readonly maxTemplates?: number;
};

const fileName = 'journal.db';
const defaultMaxAttacks = 100_000;
const defaultMaxTemplates = 262_144;
const folderMode = 0o750;
const openLimitMs = 10_000;
/** A write that waits this long for the disk has failed for its asker; it may still be carried out. */
const answerLimitMs = 15_000;
const maxPending = 10_000;
const maxHistory = 10_000;

type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly reason: string };
type Request = { readonly op: string; readonly [field: string]: unknown };

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export async function openJournal(options: JournalOptions): Promise<Result<Journal>> {
  const path = join(options.dir, fileName);
  try {
    mkdirSync(options.dir, { recursive: true, mode: folderMode });
  } catch (error) {
    return failure('JOURNAL_UNWRITABLE', `${path}: ${reasonOf(error)}`);
  }
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: {
      path,
      maxAttacks: options.maxAttacks ?? defaultMaxAttacks,
      maxTemplates: options.maxTemplates ?? defaultMaxTemplates,
    },
    execArgv: [],
  });
  const link = linkTo(worker, path);
  const opened = await link.first;
  if (!opened.ok) {
    await worker.terminate();
    return opened;
  }
  // A damaged page shows when it is read: read all that the daemon starts from.
  const readable = await link.ask<readonly WrittenMitigation[]>({ op: 'active' });
  if (!readable.ok) {
    await worker.terminate();
    return readable;
  }
  return success(journalOver(worker, link));
}

type Link = {
  readonly first: Promise<Result<unknown>>;
  readonly ask: <T>(request: Request) => Promise<Result<T>>;
};

function journalOver(worker: Worker, link: Link): Journal {
  let closing: Promise<void> | null = null;
  return {
    append: async (entries) => {
      const written = await link.ask<null>({ op: 'append', entries });
      return written.ok ? success(undefined) : written;
    },
    active: async () => {
      const written = await link.ask<readonly WrittenMitigation[]>({ op: 'active' });
      return written.ok ? success(written.value.map(keptMitigation)) : written;
    },
    history: async (limit) => {
      const bounded = Math.max(0, Math.min(limit, maxHistory));
      const written = await link.ask<readonly WrittenAttack[]>({ op: 'history', limit: bounded });
      return written.ok ? success(written.value.map(keptAttack)) : written;
    },
    notes: () => link.ask<ReadonlyMap<string, string>>({ op: 'notes' }),
    templates: (sentAfter) => link.ask<readonly KeptTemplate[]>({ op: 'templates', sentAfter }),
    close: () => {
      closing ??= link.ask<null>({ op: 'close' }).then(async () => {
        await worker.terminate();
      });
      return closing;
    },
  };
}

/** Questions and their answers; every question is answered, by the worker, its death or the time limit. */
function linkTo(worker: Worker, path: string): Link {
  type Waiting = { readonly resolve: (result: Result<unknown>) => void; readonly timer: NodeJS.Timeout };
  const pending = new Map<number, Waiting>();
  let dead: string | null = null;
  let lastId = 0;

  const answer = (id: number, result: Result<unknown>): void => {
    const waiting = pending.get(id);
    if (waiting === undefined) return; // answered by the time limit before
    pending.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(result);
  };
  const wait = (id: number, limitMs: number): Promise<Result<unknown>> =>
    new Promise((resolve) => {
      const late = failure('TIMEOUT', `${path}: no answer within ${limitMs} ms`);
      pending.set(id, { resolve, timer: setTimeout(() => answer(id, late), limitMs) });
    });
  const die = (reason: string): void => {
    dead ??= reason;
    for (const id of [...pending.keys()]) answer(id, failure('JOURNAL_UNWRITABLE', `${path}: ${dead}`));
  };

  const first = wait(0, openLimitMs);
  worker.on('message', (message: Answer) => {
    const result = message.ok
      ? success(message.value)
      : failure('JOURNAL_UNWRITABLE', `${path}: ${message.reason}`);
    answer(message.id, result);
  });
  worker.on('error', (error: unknown) => die(reasonOf(error)));
  worker.on('exit', () => die('the journal is closed'));

  return {
    first,
    async ask<T>(request: Request): Promise<Result<T>> {
      if (dead !== null) return failure('JOURNAL_UNWRITABLE', `${path}: ${dead}`);
      if (pending.size >= maxPending) {
        return failure('JOURNAL_UNWRITABLE', `${path}: ${maxPending} requests wait for the disk`);
      }
      const id = ++lastId;
      const asked = wait(id, answerLimitMs);
      worker.postMessage({ ...request, id });
      return (await asked) as Result<T>; // the worker answers each op with its own kind of value
    },
  };
}
