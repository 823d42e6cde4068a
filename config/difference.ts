/** What a reload changes: one entry a thing that differs between two settings. Pure; used at SIGHUP. */
import { isDeepStrictEqual } from 'node:util';
import type { MitigationPolicy, SpeakerPolicy } from '../domain/bgp.js';
import type { Hostgroup } from '../domain/hostgroup.js';
import type { PrefixKey } from '../domain/units.js';
import type {
  CaptureSettings,
  EvidenceSettings,
  ExporterSettings,
  InterfaceSettings,
  ListenerSettings,
  LogSettings,
  NotifySettings,
  Settings,
} from './settings.js';

export type ItemChange = 'added' | 'removed' | 'changed';
export type TableSettings = Omit<CaptureSettings, 'interfaces' | 'listeners' | 'exporters' | 'filters'>;

export type Change =
  | {
      readonly kind: 'networks' | 'whitelist';
      readonly added: readonly PrefixKey[];
      readonly removed: readonly PrefixKey[];
    }
  | {
      readonly kind: 'hostgroup';
      readonly name: string;
      readonly change: ItemChange;
      readonly fields: readonly (keyof Hostgroup)[];
    }
  | {
      readonly kind: 'interface';
      readonly name: string;
      readonly change: ItemChange;
      readonly fields: readonly (keyof InterfaceSettings)[];
    }
  | {
      readonly kind: 'listener';
      readonly name: string;
      readonly change: ItemChange;
      readonly fields: readonly (keyof ListenerSettings)[];
    }
  | { readonly kind: 'exporters'; readonly fields: readonly (keyof ExporterSettings)[] }
  | { readonly kind: 'filters'; readonly rules: number }
  /** Tick, table sizes, flow counting: of the data plane as a whole. */
  | { readonly kind: 'tables'; readonly fields: readonly (keyof TableSettings)[] }
  | { readonly kind: 'process'; readonly fields: readonly (keyof Settings['process'])[] }
  | { readonly kind: 'evidence'; readonly fields: readonly (keyof EvidenceSettings)[] }
  | { readonly kind: 'notify'; readonly fields: readonly (keyof NotifySettings)[] }
  | {
      readonly kind: 'speaker';
      readonly name: string;
      readonly change: ItemChange;
      readonly fields: readonly string[];
    }
  | { readonly kind: 'bgp'; readonly fields: readonly (keyof AnnouncementSettings)[] }
  | { readonly kind: 'log'; readonly fields: readonly (keyof LogSettings)[] }
  /** Under the feet of a running daemon: these wait for the next start. */
  | { readonly kind: 'state' | 'pid_file' };

export function difference(before: Settings, after: Settings): readonly Change[] {
  const tables = (capture: CaptureSettings): TableSettings => {
    const { interfaces: _, listeners: __, exporters: ___, filters: ____, ...rest } = capture;
    return rest;
  };
  return [
    ...prefixChanges('networks', before.networks, after.networks),
    ...prefixChanges('whitelist', before.whitelist, after.whitelist),
    ...items(before.hostgroups, after.hostgroups, ({ name }) => name).map(
      ({ key, ...rest }): Change => ({ kind: 'hostgroup', name: key, ...rest }),
    ),
    ...items(before.capture.interfaces, after.capture.interfaces, ({ name }) => name).map(
      ({ key, ...rest }): Change => ({ kind: 'interface', name: key, ...rest }),
    ),
    ...items(before.capture.listeners, after.capture.listeners, listenerName).map(
      ({ key, ...rest }): Change => ({ kind: 'listener', name: key, ...rest }),
    ),
    ...part('exporters', before.capture.exporters, after.capture.exporters),
    ...(isDeepStrictEqual(before.capture.filters, after.capture.filters)
      ? []
      : [{ kind: 'filters', rules: after.capture.filters.length } as const]),
    ...part('tables', tables(before.capture), tables(after.capture)),
    ...part('process', before.process, after.process),
    ...part('evidence', before.evidence, after.evidence),
    ...part('notify', before.notify, after.notify),
    ...items(speakersOf(before), speakersOf(after), ({ name }) => name).map(
      ({ key, ...rest }): Change => ({ kind: 'speaker', name: key, ...rest }),
    ),
    ...part('bgp', announcementsOf(before), announcementsOf(after)),
    ...part('log', before.log, after.log),
    ...(before.state.dir === after.state.dir ? [] : [{ kind: 'state' } as const]),
    ...(before.pidFile === after.pidFile ? [] : [{ kind: 'pid_file' } as const]),
  ];
}

type AnnouncementSettings = Omit<MitigationPolicy, 'speakers'>;
const announcementsOf = ({ bgp }: Settings): AnnouncementSettings => {
  const { speakers: _, ...rest } = bgp.policy;
  return rest;
};

/** How each speaker is reached and what it is told, by its name. */
function speakersOf({ bgp }: Settings): readonly ({ readonly name: string } & SpeakerPolicy)[] {
  const links = new Map<string, object>([...bgp.gobgp, ...bgp.exabgp].map((link) => [link.name, link]));
  return bgp.policy.speakers.map((policy) => ({ ...links.get(policy.name), ...policy }));
}

/** '0.0.0.0:6343', '[::]:6343'. */
export const listenText = ({ address, port }: Pick<ListenerSettings, 'address' | 'port'>): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** 'netflow 0.0.0.0:2055', 'ipfix tcp [::]:4739'; unique. */
export const listenerName = (one: ListenerSettings): string =>
  `${one.family}${one.transport === 'udp' ? '' : ` ${one.transport}`} ${listenText(one)}`;

/** One line for an operator. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'networks':
    case 'whitelist':
      return change.added.length + change.removed.length === 0
        ? `${change.kind}: another order`
        : `${change.kind}: ${change.added.length} added, ${change.removed.length} removed`;
    case 'hostgroup':
      return itemText(`hostgroup ${change.name}`, change);
    case 'interface':
      return itemText(`interface ${change.name}`, change);
    case 'listener':
      return itemText(`listener ${change.name}`, change);
    case 'speaker':
      return itemText(`speaker ${change.name}`, change);
    case 'filters':
      return `filters: ${change.rules} ${change.rules === 1 ? 'rule' : 'rules'} now`;
    case 'exporters':
    case 'tables':
    case 'process':
    case 'evidence':
    case 'notify':
    case 'bgp':
      return `${change.kind}: ${change.fields.join(', ')} changed`;
    case 'log': {
      const now = change.fields.filter((field) => field === 'level');
      const later = change.fields.filter((field) => field !== 'level');
      return `log: ${[
        ...now.map((field) => `${field} changed`),
        ...(later.length === 0 ? [] : [`${later.join(', ')} at the next start`]),
      ].join('; ')}`;
    }
    case 'state':
    case 'pid_file':
      return `${change.kind}: changes at the next start`;
  }
}

const itemText = (
  what: string,
  { change, fields }: { readonly change: ItemChange; readonly fields: readonly string[] },
): string => (change === 'changed' ? `${what}: ${fields.join(', ')} changed` : `${what}: ${change}`);

function prefixChanges(
  kind: 'networks' | 'whitelist',
  before: readonly PrefixKey[],
  after: readonly PrefixKey[],
): readonly Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, now] = [new Set(before), new Set(after)];
  return [
    {
      kind,
      added: after.filter((prefix) => !old.has(prefix)),
      removed: before.filter((prefix) => !now.has(prefix)),
    },
  ];
}

type Difference<T> = {
  readonly key: string;
  readonly change: ItemChange;
  readonly fields: readonly (keyof T)[];
};

function items<T extends object>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (item: T) => string,
): readonly Difference<T>[] {
  const old = new Map(before.map((item) => [keyOf(item), item]));
  const now = new Map(after.map((item) => [keyOf(item), item]));
  const removed = [...old.keys()]
    .filter((key) => !now.has(key))
    .map((key) => ({ key, change: 'removed' as const, fields: [] }));
  const kept = [...now].flatMap(([key, item]): readonly Difference<T>[] => {
    const previous = old.get(key);
    if (previous === undefined) return [{ key, change: 'added', fields: [] }];
    const fields = differing(previous, item);
    return fields.length === 0 ? [] : [{ key, change: 'changed', fields }];
  });
  return [...removed, ...kept];
}

const differing = <T extends object>(before: T, after: T): readonly (keyof T)[] =>
  (Object.keys(after) as (keyof T)[]).filter((field) => !isDeepStrictEqual(before[field], after[field]));

const part = <K extends string, T extends object>(
  kind: K,
  before: T,
  after: T,
): readonly { readonly kind: K; readonly fields: readonly (keyof T)[] }[] => {
  const fields = differing(before, after);
  return fields.length === 0 ? [] : [{ kind, fields }];
};
