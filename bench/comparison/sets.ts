/**
 * Which files of a folder belong together, and what is known of them. A folder's `expected.json` names sequences of
 * bare datagrams; every other capture and file of datagrams stands alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Sums are as exported, sampling not undone. */
export type Totals = {
  readonly datagrams: number;
  readonly records: number;
  readonly packets: number;
  readonly bytes: number;
};

/** What a reader, or `expected.json`, could tell; null: it has no count of that. */
export type Told = { readonly [K in keyof Totals]: number | null };

export type CaptureSet = {
  /** Relative to the folder asked for. */
  readonly name: string;
  readonly paths: readonly string[];
  readonly kind: 'capture' | 'datagrams' | 'messages';
  /** null: nothing is said of flow telemetry in it. */
  readonly expected: Told | null;
};

type Counts = {
  readonly sum?: { readonly packets?: number; readonly bytes?: number; readonly frame_bytes?: number };
  readonly data_records?: number;
  readonly [name: string]: unknown;
};
type Expected = {
  readonly file?: string;
  readonly files?: readonly string[];
  readonly counts?: Counts;
  readonly flow_counts?: Counts;
};

const captureEnding = /\.(pcap|pcapng|cap)$/;
const datagramEnding = /\.(dat|bin)$/;
const messagesEnding = /\.ipfix$/;

const kindOf = (path: string): CaptureSet['kind'] | null => {
  if (captureEnding.test(path)) return 'capture';
  if (datagramEnding.test(path)) return 'datagrams';
  return messagesEnding.test(path) ? 'messages' : null;
};

/** Numbers whose name ends so, summed. */
const sumOf = (counts: Counts, ending: RegExp): number =>
  Object.entries(counts).reduce(
    (sum, [name, value]) => (ending.test(name) && typeof value === 'number' ? sum + value : sum),
    0,
  );

/** Sums are of deltas alone: records that hold totals since a flow began have none there. */
function totalsOf(counts: Counts | undefined): Told | null {
  if (counts === undefined) return null;
  const datagrams = sumOf(counts, /^(v\d|ipfix|sflow\d)_datagrams$/);
  if (datagrams === 0) return null;
  // A sampled packet is one record of one packet.
  const samples = sumOf(counts, /^(exp_)?flow_samples$/);
  const records = (counts.data_records ?? 0) + sumOf(counts, /^v\d_records$/) + samples;
  return {
    datagrams,
    records,
    packets: counts.sum === undefined && records > 0 ? null : (counts.sum?.packets ?? 0) + samples,
    bytes:
      counts.sum === undefined && records > 0
        ? null
        : (counts.sum?.bytes ?? 0) + (counts.sum?.frame_bytes ?? 0),
  };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    })
    .sort();
}

/** In the order of their names. Throws when the folder or an `expected.json` in it cannot be read. */
export function captureSets(root: string): readonly CaptureSet[] {
  const files = filesIn(resolve(root));
  const sets: CaptureSet[] = [];
  const taken = new Set<string>();
  for (const file of files.filter((path) => path.endsWith('/expected.json'))) {
    for (const entry of JSON.parse(readFileSync(file, 'utf8')) as Expected[]) {
      const paths = (entry.files ?? [entry.file ?? '']).map((name) => join(dirname(file), name));
      const [first = ''] = paths;
      const kind = kindOf(first);
      if (kind === null || !paths.every((path) => existsSync(path))) continue;
      for (const path of paths) taken.add(path);
      sets.push({
        name: relative(resolve(root), first),
        paths,
        kind,
        expected: totalsOf(entry.counts ?? entry.flow_counts),
      });
    }
  }
  for (const path of files) {
    const kind = kindOf(path);
    if (kind === null || taken.has(path)) continue;
    sets.push({ name: relative(resolve(root), path), paths: [path], kind, expected: null });
  }
  return sets.sort((a, b) => (a.name < b.name ? -1 : 1));
}
