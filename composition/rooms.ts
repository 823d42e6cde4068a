/**
 * The rooms of the daemon, furnished: addresses made first, then the children that live at them.
 *
 * The static tree holds what lives as long as the daemon. Sources, hostgroups and the script follow the
 * configuration; they are children of rosters, told what is wanted by `wanted*`.
 */
import { attackActor } from '../actors/attack/actor.js';
import { machineDesk } from '../actors/attack/desk.js';
import { attackPower, banReport } from '../actors/attack/report.js';
import { interfaceActor } from '../actors/capture/interface.js';
import { listenerActor } from '../actors/capture/listener.js';
import type { SourceMessage } from '../actors/capture/messages.js';
import { type ControlDeps, controlActor } from '../actors/control/actor.js';
import type { ControlMessage } from '../actors/control/messages.js';
import { type HostgroupDeps, hostgroupActor } from '../actors/hostgroup/actor.js';
import type { HostgroupMessage } from '../actors/hostgroup/messages.js';
import { journalActor } from '../actors/journal/actor.js';
import type { JournalMessage } from '../actors/journal/messages.js';
import { ledgerActor } from '../actors/mitigation/actor.js';
import type { AnnouncerMessage } from '../actors/mitigation/announcer-messages.js';
import type { LedgerMessage } from '../actors/mitigation/messages.js';
import { proofActor } from '../actors/mitigation/proof.js';
import type { NoticeMessage } from '../actors/notice/messages.js';
import { scriptActor } from '../actors/script/actor.js';
import type { ScriptMessage } from '../actors/script/messages.js';
import { listenerName, listenText } from '../config/difference.js';
import type { Settings } from '../config/settings.js';
import { type Attack, attackId, type Subject } from '../domain/attack.js';
import { globalGroup, type Hostgroup } from '../domain/hostgroup.js';
import type { Journal, KeptTemplate, ScriptRunner } from '../domain/ports.js';
import { prefixTable } from '../domain/prefix-table.js';
import type { UnixMicros } from '../domain/units.js';
import { evidenceStore } from '../integrations/evidence/store.js';
import { packText } from '../integrations/script/pack-text.js';
import type { Ref } from '../supervision/behaviour.js';
import { createPlace, type Place } from '../supervision/place.js';
import { type RosterMessage, rosterActor, type Wanted } from '../supervision/roster.js';
import type { Backoff, SupervisorSpec } from '../supervision/spec.js';
import type { DataPlane } from './data-plane.js';
import { doctorDeps } from './doctor-rooms.js';
import { flowPolicy } from './flow-listening.js';
import { newsTo, wantedReceivers } from './receivers.js';
import { wantedAnnouncers } from './speakers.js';
import { keepsTemplates, templateShelves } from './template-shelves.js';

/** What is in force now. A reload replaces it. */
export type Live = { settings: Settings; plane: DataPlane; planeSerial: number };

export type RoomDeps = {
  readonly live: Live;
  readonly journal: Journal;
  readonly runScript: ScriptRunner;
  readonly vitals: ControlDeps['vitals'];
  readonly reload: ControlDeps['reload'];
  /** Flow templates of the runs before this one. */
  readonly keptTemplates: readonly KeptTemplate[];
  readonly startedAt: UnixMicros;
  /** Each time the ledger has read the journal. */
  readonly ledgerRead: () => void;
};

export type Rooms = {
  readonly tree: SupervisorSpec;
  readonly ledger: Ref<LedgerMessage>;
  readonly control: Ref<ControlMessage>;
  readonly speakers: Ref<RosterMessage>;
  readonly outlets: Ref<RosterMessage>;
  readonly detection: Ref<RosterMessage>;
  readonly sensing: Ref<RosterMessage>;
  readonly hostgroups: ReadonlyMap<string, Ref<HostgroupMessage>>;
  readonly wantedSpeakers: () => readonly Wanted[];
  readonly wantedOutlets: () => readonly Wanted[];
  readonly wantedHostgroups: () => readonly Wanted[];
  readonly wantedSources: () => readonly Wanted[];
};

const backoff: Backoff = { baseMs: 100, factor: 2, maxMs: 5_000, jitter: 0.2, resetMs: 30_000 };
/** A root that gives up ends the daemon: a service manager then starts it anew. */
const rootBudget = { intensity: 10, periodMs: 60_000 };
const mitigationBudget = { intensity: 5, periodMs: 60_000 };
const rosterStopMs = 500;
/** Of the attacks that ended last, so many are looked through for subjects that may come back. */
const recalledAttacks = 2_000;
/** A script still running at stop goes on by itself: it runs in a process group of its own. */
const scriptStopMs = 2_500;

export function furnish(deps: RoomDeps): Rooms {
  const { live } = deps;
  const journal = createPlace<JournalMessage>('journal');
  const ledger = createPlace<LedgerMessage>('ledger');
  const script = createPlace<ScriptMessage>('script');
  const control = createPlace<ControlMessage>('control');
  const speakers = createPlace<RosterMessage>('speakers');
  const outlets = createPlace<RosterMessage>('outlets');
  const detection = createPlace<RosterMessage>('detection');
  const sensing = createPlace<RosterMessage>('sensing');
  const groupPlaces = new Map<string, Place<HostgroupMessage>>();
  const sourcePlaces = new Map<string, Place<SourceMessage>>();
  const announcerPlaces = new Map<string, Place<AnnouncerMessage>>();
  const hostgroups = new Map<string, Ref<HostgroupMessage>>();
  const sources = new Map<string, Ref<SourceMessage>>();
  const announcers = new Map<string, Ref<AnnouncerMessage>>();
  const receiverPlaces = new Map<string, Place<NoticeMessage>>();
  const receivers = new Map<string, Ref<NoticeMessage>>();
  const shelves = templateShelves(deps.keptTemplates);
  let serials = 0;
  const serial = (): number => serials++;

  const hasGroup = (name: string): boolean => live.settings.hostgroups.some((group) => group.name === name);
  /** An attack whose group is no more belongs to `global`: somebody must end it. */
  const homeOf = (attack: Attack): string => (hasGroup(attack.hostgroup) ? attack.hostgroup : globalGroup);
  const scriptRef = (): Ref<ScriptMessage> | null =>
    live.settings.notify.script === null ? null : script.ref;

  const desk = machineDesk();
  // One store a folder: it counts what lies there.
  const firstDirectory = live.settings.evidence.directory;
  let store = { directory: firstDirectory, of: evidenceStore({ directory: firstDirectory }) };
  const startAttack: HostgroupDeps['startAttack'] = (spawn, attack, mode, hooks) => {
    const { evidence } = live.settings;
    const { directory } = evidence;
    if (store.directory !== directory) store = { directory, of: evidenceStore({ directory }) };
    const make = attackActor({
      openTap: live.plane.openTap,
      desk,
      evidence: store.of,
      pack: packText,
      flowspec: live.settings.bgp.policy.flowspec,
      limits: evidence,
    });
    const spec = make(attack, mode, { ...hooks, ledger: ledger.ref });
    return { id: spec.id, ref: spawn(spec) };
  };

  const tree: SupervisorSpec = {
    kind: 'supervisor',
    id: 'root',
    strategy: 'one_for_one',
    budget: rootBudget,
    backoff,
    children: [
      {
        kind: 'supervisor',
        id: 'mitigation',
        strategy: 'rest_for_one',
        budget: mitigationBudget,
        backoff,
        children: [
          journal.child(journalActor({ journal: deps.journal })),
          ledger.child(
            ledgerActor({
              journal: journal.ref,
              get script() {
                return scriptRef();
              },
              announcer: (speaker) => announcers.get(speaker) ?? null,
              policy: () => live.settings.bgp.policy,
              guarded: () => live.settings,
              actionOf: (attack) =>
                live.settings.hostgroups.find(({ name }) => name === homeOf(attack))?.action ?? 'none',
              hostgroupOf: (subject) => hostgroupOf(live.settings.hostgroups, subject),
              newId: (at) => attackId(at, serial()),
              banReport,
              power: attackPower,
              endAttack: (attack) => {
                hostgroups.get(homeOf(attack))?.send({ kind: 'release', attack: attack.id });
              },
              news: newsTo(() => receivers.values()),
              restored: (attacks) => {
                for (const [name, ref] of hostgroups) {
                  const own = attacks.filter((attack) => homeOf(attack) === name);
                  if (own.length > 0) ref.send({ kind: 'restored', attacks: own });
                }
                deps.ledgerRead();
              },
            }),
          ),
          speakers.child(rosterActor('speakers', rosterStopMs)),
          proofActor({
            ledger: ledger.ref,
            open: (subject, at) => live.plane.openIngress(subject, at),
            plane: () => live.plane,
            policy: () => live.settings.bgp.policy.proof,
          }),
        ],
      },
      outlets.child(rosterActor('outlets', rosterStopMs)),
      detection.child(rosterActor('detection', rosterStopMs)),
      control.child(
        controlActor({
          vitals: deps.vitals,
          sources: () => [...sources.values()],
          hostgroups: () => hostgroups,
          ledger: ledger.ref,
          announcers: () => [...announcers.values()],
          journal: journal.ref,
          script: scriptRef,
          receivers: () => [...receivers.values()],
          evidence: () => ({ desk: desk.report(), files: store.of.report() }),
          reload: deps.reload,
          doctor: doctorDeps(live, deps.startedAt),
        }),
      ),
      sensing.child(rosterActor('sensing', rosterStopMs)),
    ],
  };

  const wantedSpeakers = (): readonly Wanted[] => {
    announcers.clear();
    return wantedAnnouncers(live.settings.bgp, ledger.ref, (name) => {
      const place = placeOf(announcerPlaces, name);
      announcers.set(name, place.ref);
      return place;
    });
  };

  const wantedOutlets = (): readonly Wanted[] => {
    receivers.clear();
    const told = wantedReceivers(live.settings.notify.receivers, (id) => {
      const place = placeOf(receiverPlaces, id);
      receivers.set(id, place.ref);
      return place;
    });
    const { script: path, timeoutMs, concurrency, queue } = live.settings.notify;
    if (path === null) return told;
    const restarted = (): void => void ledger.ref.send({ kind: 'script_restarted' });
    const spec = scriptActor({ run: deps.runScript, path, timeoutMs, concurrency, queue, restarted });
    return [
      {
        edition: JSON.stringify([path, timeoutMs, concurrency, queue]),
        spec: script.child({ ...spec, stopDeadlineMs: scriptStopMs }),
      },
      ...told,
    ];
  };

  const wantedHostgroups = (): readonly Wanted[] => {
    const { hostgroups: groups, whitelist, capture } = live.settings;
    const { plane } = live;
    for (const name of hostgroups.keys()) if (!hasGroup(name)) hostgroups.delete(name);
    return groups.map((group) => {
      const place = placeOf(groupPlaces, group.name);
      hostgroups.set(group.name, place.ref);
      const spec = hostgroupActor({
        group: judgedIn(group, live.settings),
        whitelist,
        tickMs: capture.tickMs,
        openMeter: plane.openMeter,
        startAttack,
        ledger: ledger.ref,
        adopts: (attack) => homeOf(attack) === group.name,
        askHistory: (reply) => {
          journal.ref.send({
            kind: 'history',
            limit: recalledAttacks,
            reply: (ended) => reply(ended.ok ? ended.value : []),
          });
        },
        serial,
      });
      return { edition: String(live.planeSerial), spec: place.child(spec) };
    });
  };

  const wantedSources = (): readonly Wanted[] => {
    const { interfaces, listeners, tickMs } = live.settings.capture;
    const { plane } = live;
    const policy = flowPolicy(live.settings);
    shelves.retain(listeners.map(listenerName));
    sources.clear();
    const place = (name: string): Place<SourceMessage> => {
      const made = placeOf(sourcePlaces, name);
      sources.set(name, made.ref);
      return made;
    };
    const edition = (settings: unknown): string => JSON.stringify([live.planeSerial, tickMs, settings]);
    return [
      ...interfaces.map((one): Wanted => {
        const open = () => plane.openInterface(one);
        const spec = interfaceActor({ name: one.name, open, tickMs, hostgroups });
        return { edition: edition(one), spec: place(one.name).child(spec) };
      }),
      ...listeners.map((one): Wanted => {
        const name = listenerName(one);
        const id = name.replaceAll(' ', '/'); // as the tree wants its ids
        const spec = listenerActor({
          id,
          name,
          address: listenText(one),
          family: one.family,
          transport: one.transport,
          open: () => plane.openFlows(one, policy),
          tickMs,
          hostgroups,
          maxExporters: one.maxExporters,
          refusesUnknown: policy.refuseUnknown,
          keeping: keepsTemplates(one)
            ? {
                shelf: shelves.of(name, one.maxTemplates),
                lifetimeMicros: one.templateLifetimeMs * 1_000,
                journal: journal.ref,
              }
            : null,
        });
        return { edition: edition([one, policy]), spec: place(id).child(spec) };
      }),
    ];
  };

  return {
    tree,
    ledger: ledger.ref,
    control: control.ref,
    speakers: speakers.ref,
    outlets: outlets.ref,
    detection: detection.ref,
    sensing: sensing.ref,
    hostgroups,
    wantedSpeakers,
    wantedOutlets,
    wantedHostgroups,
    wantedSources,
  };
}

/** The group as it is judged: a direction that is not processed has no limits. */
export function judgedIn(group: Hostgroup, { process }: Pick<Settings, 'process'>): Hostgroup {
  const { thresholds } = group;
  return {
    ...group,
    thresholds: {
      ...thresholds,
      incoming: process.incoming ? thresholds.incoming : {},
      outgoing: process.outgoing ? thresholds.outgoing : {},
    },
  };
}

function hostgroupOf(groups: readonly Hostgroup[], subject: Subject): string {
  const table = prefixTable(
    groups.flatMap(({ name, networks }) => networks.map((prefix) => [prefix, name] as const)),
  );
  return table.longest(subject.kind === 'host' ? subject.host : subject.prefix)?.value ?? globalGroup;
}

function placeOf<M>(places: Map<string, Place<M>>, name: string): Place<M> {
  const known = places.get(name);
  if (known !== undefined) return known;
  const made = createPlace<M>(name);
  places.set(name, made);
  return made;
}
