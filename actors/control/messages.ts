/** Protocol of the control actor: an operator's questions and orders. Every console speaks to it alone. */
import type { Attack } from '../../domain/attack.js';
import type { AttackFilter } from '../../domain/attack-filter.js';
import type { DoctorReport } from '../../domain/diagnosis.js';
import type { Mitigation } from '../../domain/mitigation.js';
import type { EvidenceReport, Talker, TopBy } from '../../domain/ports.js';
import type { Result } from '../../domain/result.js';
import type { Direction } from '../../domain/traffic.js';
import type { Milliseconds } from '../../domain/units.js';
import type { TreeNode } from '../../supervision/spec.js';
import type { DeskReport } from '../attack/messages.js';
import type { ExporterReport, ListenerReport, SourceReport } from '../capture/messages.js';
import type { HostgroupReport } from '../hostgroup/messages.js';
import type { AnnouncerReport, LedgerReport, Stopped } from '../mitigation/messages.js';
import type { NoticeReport } from '../notice/messages.js';
import type { ScriptReport } from '../script/messages.js';

/** `dropped`: lost on this machine, for the socket's buffer was full. */
export type ListenerStatus = ListenerReport & {
  readonly state: string;
  readonly fault: string | null;
  readonly errors: { readonly [name: string]: number };
};

/** How many diagnoses `tidegate doctor` has to tell of. */
export type Findings = { readonly faults: number; readonly hints: number };
export type ExporterStatus = ExporterReport & { readonly doctor: Findings };

/** How the explaining of attacks stands, and their files. */
export type EvidenceStatus = { readonly desk: DeskReport; readonly files: EvidenceReport };

export type Status = {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly startedAt: string;
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number };
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number };
  readonly capture: {
    readonly interfaces: readonly {
      readonly name: string;
      readonly state: string;
      readonly fault: string | null;
      readonly packets: number;
      readonly bytes: number;
      readonly dropped: number;
      readonly unparsed: number;
      readonly pps: number;
      readonly bps: number;
    }[];
  };
  readonly flow: {
    readonly listeners: readonly ListenerStatus[];
    readonly exporters: readonly ExporterStatus[];
    /** Of the listeners themselves, and of devices that are no exporters of them. */
    readonly elsewhere: Findings;
  };
  readonly sources: readonly SourceReport[];
  readonly hostgroups: readonly HostgroupReport[];
  readonly attacks: number;
  /** null: the ledger did not answer in time. */
  readonly mitigation: LedgerReport | null;
  readonly speakers: readonly AnnouncerReport[];
  readonly evidence: EvidenceStatus;
  readonly script: ScriptReport | null;
  /** The receivers of notices, one each. */
  readonly notices: readonly NoticeReport[];
  readonly deadLetters: number;
  /** Actors that were too busy to answer in time: what is theirs is missing from the lists above. */
  readonly unanswered: readonly string[];
  readonly tree: TreeNode;
};

export type ControlRequest =
  | { readonly kind: 'status' }
  /** `history`: so many of the last that ended. `limit`: of those in progress; without one, all. */
  | {
      readonly kind: 'attacks';
      readonly history: number;
      readonly filter?: AttackFilter;
      readonly limit?: number;
    }
  | {
      readonly kind: 'ban';
      readonly host: string;
      readonly forMs: Milliseconds | null;
      readonly comment: string;
    }
  | { readonly kind: 'unban'; readonly host: string }
  /** Withdraw all that is announced, and announce nothing until `mitigation_start`; over restarts too. */
  | { readonly kind: 'mitigation_stop'; readonly comment: string }
  | { readonly kind: 'mitigation_start' }
  | { readonly kind: 'top'; readonly by: TopBy; readonly direction: Direction; readonly count: number }
  | { readonly kind: 'reload' }
  /** `listenMs`: to the wire; 0: not at all. */
  | { readonly kind: 'doctor'; readonly listenMs: Milliseconds };

/** `leaving`: over, and a speaker may still hold something of them. */
export type AttackList = {
  readonly active: readonly Mitigation[];
  readonly leaving: readonly Mitigation[];
  readonly ended: readonly Attack[];
};
export type ReloadReport = { readonly changes: readonly string[] };

export type ControlAnswer =
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'attacks'; readonly list: AttackList }
  | { readonly kind: 'banned'; readonly mitigation: Mitigation }
  | { readonly kind: 'unbanned'; readonly mitigation: Mitigation }
  /** null: it goes on. */
  | { readonly kind: 'announcing'; readonly stopped: Stopped | null }
  | { readonly kind: 'top'; readonly talkers: readonly Talker[] }
  | { readonly kind: 'reloaded'; readonly report: ReloadReport }
  | { readonly kind: 'doctor'; readonly report: DoctorReport };

export type ControlMessage =
  | {
      readonly kind: 'request';
      readonly request: ControlRequest;
      readonly reply: (answer: Result<ControlAnswer>) => void;
    }
  /** From its own timer: for the doctor's memory. */
  | { readonly kind: 'sample' };
