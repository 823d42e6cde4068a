/**
 * What is told of an attack once its packets are gathered: flowspec rules, the report for the script, and the files. In steps,
 * for the desk. Pure, but for the packets, which are taken when the work begins and not before: until then they lie in the tap.
 */
import type { Attack, SampledPacket } from '../../domain/attack.js';
import type { FlowspecPolicy } from '../../domain/bgp.js';
import type { EvidenceFile, PackedText, PackText } from '../../domain/ports.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Work } from '../../domain/work.js';
import { fingerprint } from './fingerprint.js';
import type { Compiled } from './flowspec/compile.js';
import { rulesFor } from './flowspec/evidence.js';
import { jsonReport } from './json-report.js';
import { captureFile } from './pcap.js';
import { detailsReport, evidenceName } from './report.js';

export type Gathered = {
  /** As it was when its evidence was complete. */
  readonly attack: Attack;
  readonly evidence: EvidenceTaker;
};
export type EvidenceTaker = {
  /** The next `most` packets, in their order. */
  readonly take: (most: number) => readonly SampledPacket[];
  /** Packets to the subject from long before. */
  readonly before: () => readonly SampledPacket[];
  /** All that is wanted has been taken. */
  readonly done: () => void;
};
/** `attack` with its fingerprint. */
export type Explained = Pick<Gathered, 'attack'> & {
  readonly compiled: Compiled;
  /** For the script, before which it may wait for long. */
  readonly report: PackedText;
  readonly files: readonly EvidenceFile[];
};
export type ExplainPolicy = {
  readonly flowspec: FlowspecPolicy;
  /** The window, and the ticks that a decision takes. */
  readonly reachMs: Milliseconds;
  readonly pack: PackText;
  /** Write a .pcap file beside the reports. */
  readonly pcap: boolean;
};

/** Some 5 µs each. */
const takenAtOnce = 200;

export function* explaining(
  { attack: decided, evidence }: Gathered,
  { flowspec, reachMs, pcap, pack }: ExplainPolicy,
): Work<Explained> {
  const packets: SampledPacket[] = [];
  for (let some = evidence.take(takenAtOnce); some.length > 0; some = evidence.take(takenAtOnce)) {
    packets.push(...some);
    yield;
  }
  const before = evidence.before();
  evidence.done();
  yield;
  const attack: Attack = {
    ...decided,
    evidence: 'complete',
    fingerprint: fingerprint(packets, decided.direction, decided.startedAt),
  };
  yield;
  const compiled = yield* rulesFor(attack, packets, before, reachMs, flowspec);
  yield;
  const report = detailsReport(attack, packets, compiled);
  yield;
  const name = evidenceName(attack);
  const capture = pcap ? captureFile(packets) : null;
  yield;
  const json = JSON.stringify(jsonReport(attack, packets, capture, compiled), null, 2);
  const files: EvidenceFile[] = [
    { name: `${name}.txt`, content: `${report}\n\n` },
    { name: `${name}.json`, content: `${json}\n` },
  ];
  if (capture !== null && capture.packets > 0) files.push({ name: `${name}.pcap`, content: capture.bytes });
  yield;
  return { attack, compiled, report: pack(report), files };
}
