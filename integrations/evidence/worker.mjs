/**
 * The thread that writes evidence: whole files or none, mode 0640, bounded in number and bytes. A file takes five calls of the
 * file system; on the main thread each of them would wait for a round of the event loop, which in a storm is what there is least of.
 *
 * Plain JavaScript, since a worker's entry must load as it lies, from the sources and from the build alike; the build
 * copies it. workerData: `{directory, maxFiles, maxBytes}`. In: `{attacks: [{attack, files}], synced}`. Out, to each: `{results}`,
 * one for an attack: the names of its files, or what went wrong.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @typedef {{name: string, content: string | Uint8Array}} File
 * @typedef {{name: string, bytes: number, modifiedMs: number}} Known
 * @typedef {{files: Map<string, Known>, bytes: number, writes: number}} Holdings
 */

/** @type {{directory: string, maxFiles: number, maxBytes: number}} */
const { directory, maxFiles, maxBytes } = workerData;
const fileMode = 0o640;
const folderMode = 0o750;
const ours = /\.(txt|json|pcap)$/;
/** The folder is read again after so many attacks; between them the counts are kept. */
const surveyEvery = 1000;

/** @type {Holdings | null} null: what lies there is to be read */
let holdings = null;

/** What lies in the folder, oldest first. @returns {Holdings} */
function survey() {
  /** @type {Known[]} */
  const found = [];
  for (const name of readdirSync(directory)) {
    if (!ours.test(name)) continue;
    const known = statSync(join(directory, name), { throwIfNoEntry: false }); // it may be gone meanwhile
    if (known?.isFile()) found.push({ name, bytes: known.size, modifiedMs: known.mtimeMs });
  }
  found.sort((a, b) => a.modifiedMs - b.modifiedMs);
  return {
    files: new Map(found.map((file) => [file.name, file])),
    bytes: found.reduce((sum, file) => sum + file.bytes, 0),
    writes: 0,
  };
}

/** @param {File} file @param {boolean} synced @returns {Known} */
function writeWhole({ name, content }, synced) {
  const beside = join(directory, `.${name}.tmp`);
  try {
    const file = openSync(beside, 'w', fileMode);
    try {
      writeFileSync(file, content);
      fchmodSync(file, fileMode);
      if (synced) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, join(directory, name));
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  return { name, bytes, modifiedMs: Date.now() };
}

/** @param {Holdings} folder @param {Known} file */
function keep(folder, file) {
  folder.bytes += file.bytes - (folder.files.get(file.name)?.bytes ?? 0);
  folder.files.delete(file.name); // to the end: newest last
  folder.files.set(file.name, file);
}

/** The newest writes stay whatever their size. @param {Holdings} folder @param {ReadonlySet<string>} fresh */
function prune(folder, fresh) {
  for (const file of folder.files.values()) {
    if (folder.files.size <= maxFiles && folder.bytes <= maxBytes) return;
    if (fresh.has(file.name)) continue;
    rmSync(join(directory, file.name), { force: true });
    folder.files.delete(file.name);
    folder.bytes -= file.bytes;
  }
}

/** @param {string} attack @param {readonly File[]} files @param {boolean} synced @returns {string[]} their names */
function write(attack, files, synced) {
  mkdirSync(directory, { recursive: true, mode: folderMode });
  if (holdings === null || holdings.writes >= surveyEvery) holdings = survey();
  const folder = holdings;
  folder.writes += 1;
  const named = files.map(({ name, content }) => ({
    name: folder.files.has(name) ? name.replace(ours, `_${attack}$&`) : name,
    content,
  }));
  for (const file of named) keep(folder, writeWhole(file, synced));
  const names = named.map(({ name }) => name);
  prune(folder, new Set(names));
  return names;
}

parentPort?.on('message', ({ attacks, synced }) => {
  const results = attacks.map((/** @type {{attack: string, files: readonly File[]}} */ { attack, files }) => {
    try {
      return { names: write(attack, files, synced) };
    } catch (error) {
      holdings = null; // what lies there now is to be read again
      return { error: error instanceof Error ? error.message : String(error) };
    }
  });
  parentPort?.postMessage({ results });
});
