/** One capture, or sequence of bare datagrams, put before every reader. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messagesOf, wrap } from './datagrams.js';
import { knownFaults } from './faults.js';
import { nfcapdTotals, telemetryIn, tidegateReads, tsharkReads } from './readers.js';
import type { CaptureSet, Told } from './sets.js';
import { judge, type Reading, type Verdict } from './verdict.js';

export type Row = Reading & { readonly name: string; readonly verdict: Verdict };

/** A set as one capture. */
function asCapture(set: CaptureSet, folder: string): string {
  const [first = ''] = set.paths;
  if (set.kind === 'capture') return first;
  const path = join(folder, 'wrapped.pcap');
  const files = set.paths.map((one) => readFileSync(one));
  wrap(path, set.kind === 'messages' ? files.flatMap(messagesOf) : files);
  return path;
}

/** null: the set holds no flow telemetry. nfcapd is asked where tshark leaves a difference, or `alwaysNfcapd`. */
export async function compareSet(
  set: CaptureSet,
  folder: string,
  alwaysNfcapd: boolean,
): Promise<Row | null> {
  const path = asCapture(set, folder);
  const found = telemetryIn(path, set.kind !== 'capture');
  if (found.length === 0 && set.expected === null) return null;
  const ours = await tidegateReads(path);
  const shark = tsharkReads(path, found);
  const reading: Reading = { ours, expected: set.expected, tshark: shark, nfcapd: null };
  const verdict = judge(set.name, reading, knownFaults);
  if (!alwaysNfcapd && verdict.kind !== 'differs') return { name: set.name, ...reading, verdict };
  const told = await nfcapdTotals(found);
  const nfcapd: Told | null = told === null ? null : { datagrams: null, ...told };
  const asked = { ...reading, nfcapd };
  return { name: set.name, ...asked, verdict: judge(set.name, asked, knownFaults) };
}
