/**
 * Writes the evidence of attacks into one folder: whole files or none, mode 0640, bounded in number and bytes.
 *
 * A file appears under its name complete (written beside, synced, renamed); a name that is taken, as by an attack on the
 * same host in the same second, gets the attack's id. While more than `unsyncedFrom` attacks wait for the disk, files are left to
 * the system to sync: a machine that loses power then may lose some of them. When the folder holds more than
 * `maxFiles` or `maxBytes`, the oldest files of ours are deleted first. Files with other endings are not ours and
 * are neither counted nor touched. One write at a time.
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
/** Writes waiting for the disk. */
const maxQueued = 1000;

type Known = { readonly name: string; readonly bytes: number; readonly modifiedMs: number };
type Holdings = { readonly files: Map<string, Known>; bytes: number; writes: number };

export function evidenceStore(
  options: EvidenceOptions,
): EvidenceStore & { readonly report: () => EvidenceReport } {
  const { directory, maxFiles = defaultMaxFiles, maxBytes = defaultMaxBytes } = options;
  let holdings: Holdings | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let queued = 0;
  const count = { written: 0, failed: 0 };

  const writeAll = async (
    attack: AttackId,
    files: readonly EvidenceFile[],
  ): Promise<Result<readonly string[]>> => {
    try {
      await mkdir(directory, { recursive: true, mode: folderMode });
      if (holdings === null || holdings.writes >= surveyEvery) holdings = await survey(directory);
      holdings.writes++;
      const fresh = new Set<string>();
      for (const { name, content } of files) {
        const free = holdings.files.has(name) ? name.replace(ours, `_${attack}$&`) : name;
        keep(holdings, await writeWhole(directory, { name: free, content }, queued <= unsyncedFrom));
        fresh.add(free);
      }
      await prune(directory, holdings, { maxFiles, maxBytes }, fresh);
      return success([...fresh].map((name) => join(directory, name)));
    } catch (error) {
      holdings = null;
      return failure(
        'EVIDENCE_UNWRITABLE',
        `${directory}: ${error instanceof Error ? error.message : error}`,
      );
    }
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
      const written = last.then(async () => {
        const result = await writeAll(attack, files);
        queued--;
        count[result.ok ? 'written' : 'failed']++;
        return result;
      });
      last = written;
      return written;
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

/** The newest write stays whatever its size. */
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
