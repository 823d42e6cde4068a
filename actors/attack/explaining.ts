/**
 * What is told of an attack once its packets are gathered: flowspec rules, the report for the script, and the files. In steps,
 * for the desk. Pure.
 */
import type { Attack, SampledPacket } from '../../domain/attack.js';
import type { FlowspecPolicy } from '../../domain/bgp.js';
import type { EvidenceFile } from '../../domain/ports.js';
import type { Milliseconds } from '../../domain/units.js';
import type { Work } from '../../domain/work.js';
import type { Compiled } from './flowspec/compile.js';
import { rulesFor } from './flowspec/evidence.js';
import { jsonReport } from './json-report.js';
import { captureFile } from './pcap.js';
import { detailsReport, evidenceName } from './report.js';

export type Gathered = {
  readonly attack: Attack;
  readonly packets: readonly SampledPacket[];
  /** Packets to the subject from long before. */
  readonly before: readonly SampledPacket[];
};
export type Explained = Pick<Gathered, 'attack'> & {
  readonly compiled: Compiled;
  readonly report: string;
  readonly files: readonly EvidenceFile[];
};
export type ExplainPolicy = {
  readonly flowspec: FlowspecPolicy;
  /** The window, and the ticks that a decision takes. */
  readonly reachMs: Milliseconds;
  /** Write a .pcap file beside the reports. */
  readonly pcap: boolean;
};

export function* explaining(
  { attack, packets, before }: Gathered,
  { flowspec, reachMs, pcap }: ExplainPolicy,
): Work<Explained> {
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
  return { attack, compiled, report, files };
}
