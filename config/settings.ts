/**
 * What the files and the environment come to: domain values, checked, in the program's units.
 * main.ts hands each room its part; the shape of a file never travels further in.
 */
import type { MitigationPolicy } from '../domain/bgp.js';
import type { FlowFamily, FlowFilter, SamplingOverride } from '../domain/flow.js';
import type { Hostgroup } from '../domain/hostgroup.js';
import type { Milliseconds, PrefixKey } from '../domain/units.js';

export type InterfaceSettings = {
  readonly name: string;
  readonly workers: number;
  readonly fanout: 'cpu' | 'lb' | 'hash' | 'random' | 'rollover' | 'queue_mapping';
  readonly promiscuous: boolean;
  readonly snapLength: number;
  readonly ringBytes: number;
  readonly blockTimeoutMs: Milliseconds;
  readonly sampling: number;
  readonly lengthFromIp: boolean;
};

/** One socket address that flow telemetry comes to. */
export type ListenerSettings = {
  /** Of which list it is; `acceptedBy` says what it takes. */
  readonly family: FlowFamily;
  readonly transport: 'udp' | 'tcp';
  readonly address: string;
  readonly port: number;
  readonly workers: number;
  readonly receiveBufferBytes: number;
  readonly lengthFromIp: boolean;
  readonly maxExporters: number;
  /** Of all exporters together. */
  readonly maxTemplates: number;
  readonly templateLifetimeMs: Milliseconds;
  readonly waitingBytes: number;
  readonly waitingMs: Milliseconds;
  readonly spread: boolean;
  readonly maxHeld: number;
};

/** What holds for every exporter, whichever listener it sends to. */
export type ExporterSettings = {
  /** Empty: anybody. */
  readonly allow: readonly PrefixKey[];
  readonly refuseUnknown: boolean;
  /** null: 1. */
  readonly samplingFallback: number | null;
  readonly overrides: readonly SamplingOverride[];
};

export type CaptureSettings = {
  readonly tickMs: Milliseconds;
  readonly ipv6Hosts: number;
  readonly countFlows: boolean;
  readonly flowSlots: number;
  readonly interfaces: readonly InterfaceSettings[];
  readonly listeners: readonly ListenerSettings[];
  readonly exporters: ExporterSettings;
  readonly filters: FlowFilter;
};

export type EvidenceSettings = {
  readonly packets: number;
  readonly timeLimitMs: Milliseconds;
  readonly directory: string;
  readonly pcap: boolean;
  readonly sampleBytes: number;
};

export type NotifySettings = {
  /** null: no script. */
  readonly script: string | null;
  readonly timeoutMs: Milliseconds;
  readonly concurrency: number;
  readonly queue: number;
  readonly receivers: readonly ReceiverSettings[];
};

/** Who is told of attacks beside the script. `name`: unique among them. */
export type ReceiverSettings = { readonly name: string; readonly deadlineMs: Milliseconds } & (
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: string | null }
  | { readonly kind: 'slack'; readonly url: string }
  | { readonly kind: 'telegram'; readonly server: string; readonly token: string; readonly chat: string }
  | {
      readonly kind: 'mail';
      readonly server: string;
      readonly port: number;
      readonly security: 'starttls' | 'opportunistic' | 'tls' | 'none';
      readonly user: string | null;
      readonly password: string | null;
      readonly from: string;
      readonly to: readonly string[];
    }
);

/** How a GoBGP is reached. `address`: a host, or 'unix:/path', which has no port. `tls` null: in the clear. */
export type GobgpSettings = {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tls: {
    /** Paths; null: the machine's authorities, no certificate of ours. */
    readonly ca: string | null;
    readonly certificate: string | null;
    readonly key: string | null;
    readonly serverName: string | null;
  } | null;
  /** Path identifier of what is ours. */
  readonly mark: number;
  readonly localPreference: number | null;
};

export type ExabgpSettings = {
  readonly name: string;
  readonly pipe: string;
  readonly answers: string | null;
  readonly mark: readonly [asn: number, first: number, second: number] | null;
};

/** Each speaker's policy is in `policy.speakers`, by its name. */
export type BgpSettings = {
  readonly gobgp: readonly GobgpSettings[];
  readonly exabgp: readonly ExabgpSettings[];
  readonly policy: MitigationPolicy;
};

export type LogSettings = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly file: string | null;
  readonly format: 'json' | 'pretty' | 'auto';
};

export type StateSettings = { readonly dir: string };

export type Settings = {
  readonly networks: readonly PrefixKey[];
  readonly whitelist: readonly PrefixKey[];
  /** `global` is always among them, and last. */
  readonly hostgroups: readonly Hostgroup[];
  readonly capture: CaptureSettings;
  readonly evidence: EvidenceSettings;
  readonly notify: NotifySettings;
  readonly bgp: BgpSettings;
  readonly state: StateSettings;
  readonly log: LogSettings;
  readonly pidFile: string | null;
  /** Directions that are judged and counted for hosts at all. */
  readonly process: { readonly incoming: boolean; readonly outgoing: boolean };
};

export type Severity = 'error' | 'warning' | 'note';

/** One fault or remark: where, what is wrong, what would be right. */
export type Finding = {
  readonly severity: Severity;
  readonly file: string;
  /** 1-based; null when the fault is of the file as a whole. */
  readonly line: number | null;
  readonly key: string | null;
  readonly message: string;
  readonly remedy: string;
};

export type Loaded =
  | { readonly ok: true; readonly settings: Settings; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };
