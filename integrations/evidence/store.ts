/**
 * Writes the evidence of attacks into one folder: whole files or none, mode 0640, bounded in number and bytes.
 *
 * A file appears under its name complete (written beside, synced, renamed); a name that is taken, as by an attack on the
 * same host in the same second, gets the attack's id. While more than `unsyncedFrom` attacks wait for the disk, files are left to
 * the system to sync: a machine that loses power then may lose some of them. When the folder holds more than
 * `maxFiles` or `maxBytes`, the oldest files of ours are deleted first. Files with other endings are not ours and
 * are neither counted nor touched. The files of up to `atOnce` attacks are written at once.
 *
 * Errors: EVIDENCE_UNWRITABLE, with the path and the reason.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvidenceFile, EvidenceReport, EvidenceStore } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { AttackId } from '../../domain/units.js';

export type EvidenceOptions = {
  /** Made when absent. */
  readonly directory: string;
  readonly maxFiles?: number;
  readonly maxBytes?: number;
};

const defaultMaxFiles = 30_000;
const defaultMaxBytes = 2 * 1024 ** 3;
const fileMode = 0o640;
const folderMode = 0o750;
const ours = /\.(txt|json|pcap)$/;
/** The folder is read again after so many writes; between them the counts are kept. */
const surveyEvery = 1000;
const unsyncedFrom = 16;
/** Attacks waiting for the disk, and those whose files are written at once: each step of a write takes a round of the event loop. */
const maxQueued = 1000;
const atOnce = 8;

type Known = { readonly name: string; readonly bytes: number; readonly modifiedMs: number };
type Order = {
  readonly attack: AttackId;
  readonly files: readonly EvidenceFile[];
  readonly done: (result: Result<readonly string[]>) => void;
};
type Holdings = { readonly files: Map<string, Known>; bytes: number; writes: number };

export function evidenceStore(
  options: EvidenceOptions,
): EvidenceStore & { readonly report: () => EvidenceReport } {
  const { directory, maxFiles = defaultMaxFiles, maxBytes = defaultMaxBytes } = options;
  let holdings: Holdings | null = null;
  let queue: Order[] = [];
  let queued = 0;
  let working = false;
  const count = { written: 0, failed: 0 };

  /** Files that come together are written together, up to `atOnce` attacks; the folder is looked at and tidied between. */
  const work = async (): Promise<void> => {
    working = true;
    while (queue.length > 0) {
      const batch = queue.slice(0, atOnce);
      queue = queue.slice(atOnce);
      const results = await writeTogether(batch);
      queued -= batch.length;
      for (const [index, { done }] of batch.entries()) {
        const result = results[index] ?? failure('EVIDENCE_UNWRITABLE', directory);
        count[result.ok ? 'written' : 'failed']++;
        done(result);
      }
    }
    working = false;
  };
  const unwritable = (error: unknown): Result<never> => {
    holdings = null; // what lies there now is to be read again
    return failure('EVIDENCE_UNWRITABLE', `${directory}: ${error instanceof Error ? error.message : error}`);
  };
  const writeTogether = async (batch: readonly Order[]): Promise<readonly Result<readonly string[]>[]> => {
    try {
      await mkdir(directory, { recursive: true, mode: folderMode });
      if (holdings === null || holdings.writes >= surveyEvery) holdings = await survey(directory);
    } catch (error) {
      return batch.map(() => unwritable(error));
    }
    const folder = holdings;
    const synced = queued <= unsyncedFrom;
    const fresh = new Set<string>();
    const results = await Promise.all(
      batch.map(async ({ attack, files }): Promise<Result<readonly string[]>> => {
        folder.writes++;
        const named = files.map(({ name, content }) => {
          const taken = folder.files.has(name) || fresh.has(name);
          return { name: taken ? name.replace(ours, `_${attack}$&`) : name, content };
        });
        for (const { name } of named) fresh.add(name);
        try {
          const known = await Promise.all(named.map((file) => writeWhole(directory, file, synced)));
          for (const file of known) keep(folder, file);
          return success(named.map(({ name }) => join(directory, name)));
        } catch (error) {
          return unwritable(error);
        }
      }),
    );
    try {
      await prune(directory, folder, { maxFiles, maxBytes }, fresh);
    } catch (error) {
      return batch.map(() => unwritable(error));
    }
    return results;
  };
  const refuse = (detail: string): Promise<Result<never>> => {
    count.failed++;
    return Promise.resolve(failure('EVIDENCE_UNWRITABLE', detail));
  };
  return {
    report: () => ({ waiting: queued, ...count }),
    write(attack, files) {
      const odd = files.find(({ name }) => !ours.test(name) || name.includes('/') || name.startsWith('.'));
      if (odd !== undefined) return refuse(`not a name for evidence: ${odd.name}`);
      if (queued >= maxQueued) return refuse(`${directory}: ${maxQueued} attacks wait for the disk already`);
      queued++;
      return new Promise((done) => {
        queue.push({ attack, files, done });
        if (!working) void work();
      });
    },
  };
}

async function writeWhole(
  directory: string,
  { name, content }: EvidenceFile,
  synced: boolean,
): Promise<Known> {
  const beside = join(directory, `.${name}.tmp`);
  try {
    const file = await open(beside, 'w', fileMode);
    try {
      await file.writeFile(content);
      await file.chmod(fileMode);
      if (synced) await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, join(directory, name));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  return { name, bytes, modifiedMs: Date.now() };
}

function keep(holdings: Holdings, file: Known): void {
  holdings.bytes += file.bytes - (holdings.files.get(file.name)?.bytes ?? 0);
  holdings.files.delete(file.name); // to the end: newest last
  holdings.files.set(file.name, file);
}

/** What lies in the folder, oldest first. */
async function survey(directory: string): Promise<Holdings> {
  const found: Known[] = [];
  for (const name of await readdir(directory)) {
    if (!ours.test(name)) continue;
    const known = await stat(join(directory, name)).catch(() => null); // gone meanwhile
    if (known?.isFile()) found.push({ name, bytes: known.size, modifiedMs: known.mtimeMs });
  }
  found.sort((a, b) => a.modifiedMs - b.modifiedMs);
  return {
    files: new Map(found.map((file) => [file.name, file])),
    bytes: found.reduce((sum, file) => sum + file.bytes, 0),
    writes: 0,
  };
}

/** The newest writes stay whatever their size. */
async function prune(
  directory: string,
  holdings: Holdings,
  bounds: { readonly maxFiles: number; readonly maxBytes: number },
  fresh: ReadonlySet<string>,
): Promise<void> {
  for (const file of holdings.files.values()) {
    if (holdings.files.size <= bounds.maxFiles && holdings.bytes <= bounds.maxBytes) return;
    if (fresh.has(file.name)) continue;
    await rm(join(directory, file.name), { force: true });
    holdings.files.delete(file.name);
    holdings.bytes -= file.bytes;
  }
}
