/**
 * What actors need of the outside world. integrations/ and native/door implement these;
 * main.ts hands them over. No production code asks whether it is under test.
 */
import type { Attack, Cause, SampledPacket, Subject } from './attack.js';
import type { MitigationAction } from './bgp.js';
import type { ExporterStats, FlowListenerStats, StoredTemplate } from './flow.js';
import type { Mitigation } from './mitigation.js';
import type { Result } from './result.js';
import type { Direction, FlowDirection, HostRates } from './traffic.js';
import type { AttackId, HostKey, Milliseconds, UnixMicros } from './units.js';

export type Clock = {
  /** Monotonic. */
  readonly now: () => Milliseconds;
  /** Wall time at start plus monotonic time since: never steps. */
  readonly unixMicros: () => UnixMicros;
};

export type LogFields = { readonly [field: string]: unknown };
/** A line is a lower-case phrase with fields. */
export type Log = {
  readonly debug: (phrase: string, fields?: LogFields) => void;
  readonly info: (phrase: string, fields?: LogFields) => void;
  readonly warn: (phrase: string, fields?: LogFields) => void;
  readonly error: (phrase: string, fields?: LogFields) => void;
  readonly child: (fields: LogFields) => Log;
};

/** Counters of one source over one tick, for one hostgroup. Opaque; good for one `absorb`. */
export type Batch = { readonly type: 'batch' };

export type DrainedBatch = {
  readonly hostgroup: string;
  readonly batch: Batch;
  readonly hosts: number;
};

export type TrafficTotals = {
  readonly [D in FlowDirection]: { readonly packets: number; readonly bytes: number };
};

/** Monotonic counts since the source was opened. `packets` and `bytes` are as captured, sampling not undone. */
export type SourceStats = {
  readonly packets: number;
  readonly bytes: number;
  /** Lost in the kernel: ring full, socket buffer full. */
  readonly dropped: number;
  readonly unparsed: number;
  /** By name of the decode error; only those that happened. */
  readonly errors: { readonly [name: string]: number };
  /** Sampling undone. */
  readonly totals: TrafficTotals;
  readonly hosts: number;
  /** IPv6 hosts that found no row in the bounded table: counted in their network only. */
  readonly hostOverflow: number;
  readonly flowOverflow: number;
};

/** A capture interface or a flow listener. Opening is in `SourceOpener`. */
export type Source = {
  /** Hands over what was counted since the last drain. Small drains answer at once, large ones from another thread. */
  readonly drain: (at: UnixMicros) => readonly DrainedBatch[] | Promise<readonly DrainedBatch[]>;
  /**
   * Whether drains may come a few ticks apart: all hosts are far from every threshold. Once that has been said,
   * `tell` of `watchNear` is called when one is not.
   */
  readonly calm: () => boolean;
  /** To be called once. */
  readonly watchNear: (tell: () => void) => void;
  readonly stats: () => SourceStats;
  /** The devices that send to a flow listener, as of the last second at most; an interface has none. */
  readonly exporters: () => readonly ExporterStats[];
  /** How a flow listener stands; null: not one. */
  readonly flow: () => FlowListenerStats | null;
  /** Templates that are new or have changed since the last call, to be kept for the next start. */
  readonly takeTemplates: () => readonly StoredTemplate[];
  /** Gives back what was kept; to be called right after opening. How many were taken. */
  readonly restoreTemplates: (templates: readonly StoredTemplate[]) => number;
  /**
   * null while all is well; else why the source gives nothing. 'interface down' heals by itself; after any other
   * ('interface gone', …) the source has to be opened again.
   */
  readonly fault: () => string | null;
  readonly close: () => void;
};
export type SourceOpener = () => Result<Source>;

/** A subject that has passed a threshold since the last judgement. */
export type Exceeded = {
  readonly subject: Subject;
  readonly direction: Direction;
  readonly cause: Cause;
  readonly rates: HostRates;
};

/** How an attacked subject stands now, judged by the limits that caught it or any other of the same scope. */
export type Standing = {
  readonly subject: Subject;
  readonly direction: Direction;
  readonly over: boolean;
  readonly rates: HostRates;
};

export type Judgement = {
  readonly at: UnixMicros;
  readonly exceeded: readonly Exceeded[];
  readonly watched: readonly Standing[];
  /** Subjects over a threshold that did not fit this judgement; they come with the next. */
  readonly deferred: number;
};

export type TopBy = 'packets' | 'bytes' | 'flows';
export type Talker = { readonly host: HostKey; readonly rates: HostRates };
export type NetworkRates = { readonly network: string; readonly rates: HostRates };

/** Rates of one hostgroup. `absorb` and `judge` may answer from another thread; calls are carried out in order. */
export type Meter = {
  readonly absorb: (batch: Batch) => void | Promise<void>;
  readonly judge: (at: UnixMicros) => Judgement | Promise<Judgement>;
  /** Report this subject's standing at every judgement until `unwatch`. A watched subject is not reported as exceeded. */
  readonly watch: (subject: Subject, direction: Direction) => void;
  readonly unwatch: (subject: Subject, direction: Direction) => void;
  readonly total: (at: UnixMicros) => HostRates;
  readonly networks: (at: UnixMicros) => readonly NetworkRates[];
  readonly rates: (host: HostKey, at: UnixMicros) => HostRates | null;
  readonly top: (by: TopBy, direction: Direction, count: number, at: UnixMicros) => readonly Talker[];
  readonly stats: () => MeterStats;
  readonly close: () => void;
};
export type MeterStats = {
  readonly hosts: number;
  readonly exact: number;
  readonly exactBound: number;
  /** Times a host deserved exact buckets and none were free. */
  readonly exactRefused: number;
  readonly hostsRefused: number;
  readonly bytes: number;
};

/** Packets of one subject: some from before now, then the next ones. */
export type Tap = {
  /** Packets that it has taken so far, read or not. They are held beside V8's heap until they are read. */
  readonly gathered: () => number;
  /** The oldest `most` (all) that have come since the last read; sampled packets from before the tap was opened come first. */
  readonly read: (most?: number) => readonly SampledPacket[];
  /** It takes no more; what it has can still be read. */
  readonly seal: () => void;
  /**
   * Packets to the subject from the minutes before the tap was opened, few and far apart, oldest first: what is normal for
   * it. Empty once the tap is closed. Their `bytes` are empty where a packet was seen, null where a flow record was.
   */
  readonly before: () => readonly SampledPacket[];
  readonly close: () => void;
};
export type TapOpener = (subject: Subject, count: number) => Tap;

/** What one source has seen come to a subject from outside our networks, since it was watched; sampling undone. */
export type IngressCount = {
  /** 'eth1'; of a flow listener, with the exporter: 'netflow 0.0.0.0:2055 198.51.100.1'. */
  readonly source: string;
  /** Monotonic while the source is open; one that is opened again begins at zero. */
  readonly packets: number;
  readonly bytes: number;
  /** Packets per second at their highest in the two seconds before it was watched; estimated from what was sampled then. */
  readonly ppsBefore: number;
};
/** `read`: an entry for each source that is open and works, at least by its own name, and for each exporter that told of it. */
export type Ingress = { readonly read: () => readonly IngressCount[]; readonly close: () => void };
/** null: too many subjects are watched already. */
export type IngressOpener = (subject: Subject, at: UnixMicros) => Ingress | null;

/** The local journal. A write is durable when its promise resolves. */
export type Journal = {
  readonly append: (entries: readonly JournalEntry[]) => Promise<Result<void>>;
  readonly active: () => Promise<Result<readonly KeptMitigation[]>>;
  readonly history: (limit: number) => Promise<Result<readonly Attack[]>>;
  /** All notes, by key. */
  readonly notes: () => Promise<Result<ReadonlyMap<string, string>>>;
  /** The flow templates that were kept, of all listeners, and sent after that time; the one sent longest ago first. */
  readonly templates: (sentAfter: UnixMicros) => Promise<Result<readonly KeptTemplate[]>>;
  readonly close: () => Promise<void>;
};
/** `action` null: its record is from before announcing, and says nothing of what is to be announced. */
export type KeptMitigation = Omit<Mitigation, 'action'> & { readonly action: MitigationAction | null };
/** `listener`: the name of the one that it came to. */
export type KeptTemplate = { readonly listener: string; readonly template: StoredTemplate };
export type JournalEntry =
  | { readonly kind: 'mitigation'; readonly mitigation: Mitigation }
  | { readonly kind: 'attack'; readonly attack: Attack }
  /** A small thing to be known after a restart; takes the place of what was noted under the key. null: forget it. */
  | { readonly kind: 'note'; readonly key: string; readonly value: string | null }
  /** Replace those of the same exporter and id that the journal has of this listener. */
  | { readonly kind: 'templates'; readonly listener: string; readonly templates: readonly StoredTemplate[] };

/** A long text that may have to wait for long, at a fifth of its size: raw deflate (RFC 1951) of its UTF-8. */
export type PackedText = { readonly deflated: Uint8Array };
export type PackText = (text: string) => PackedText;

export type ScriptAction = 'ban' | 'unban' | 'attack_details';
export type ScriptRun = {
  readonly path: string;
  /** argv 1..4: address, direction, packets per second, action. */
  readonly args: readonly [string, string, string, ScriptAction];
  readonly stdin: string | PackedText;
  readonly timeoutMs: Milliseconds;
};
export type ScriptOutcome = {
  readonly exitCode: number;
  readonly output: string;
  readonly tookMs: Milliseconds;
};
/** Runs one program without a shell; kills its process group at the time limit. Calls `started` when it runs. */
export type ScriptRunner = (
  run: ScriptRun,
  signal: AbortSignal,
  started?: () => void,
) => Promise<Result<ScriptOutcome>>;

export type EvidenceFile = { readonly name: string; readonly content: string | Uint8Array };
/** Writes whole files into the evidence folder; returns their paths. */
/** Attacks whose files wait for the disk or are being written, are written, could not be. */
export type EvidenceReport = { readonly waiting: number; readonly written: number; readonly failed: number };

export type EvidenceStore = {
  readonly write: (attack: AttackId, files: readonly EvidenceFile[]) => Promise<Result<readonly string[]>>;
};

/** What of this machine decides whether a datagram reaches its socket; null: not to be read here. */
export type MachineFacts = {
  readonly rmemMaxBytes: number | null;
  /** By interface: 0 off, 1 strict, 2 loose; of its own value and that of all the one in force. */
  readonly rpFilter: { readonly [name: string]: number };
  /** Packets that rp_filter has dropped since the machine started. */
  readonly rpFilterDrops: number | null;
};

/** Datagrams that came by one interface, from one address to one socket address. */
export type WireSight = {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly interface: string;
  readonly datagrams: number;
};
export type Witnessed = {
  readonly seconds: number;
  readonly sights: readonly WireSight[];
  /** Datagrams of which the source is not known: too many sources, or too many datagrams. */
  readonly unsorted: number;
};
/** Counts what arrives at this machine for UDP ports, whether or not a socket gets it. SOURCE_UNAVAILABLE without the right to. */
export type WireWitness = (ports: readonly number[], forMs: Milliseconds) => Promise<Result<Witnessed>>;
