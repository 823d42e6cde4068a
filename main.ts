/**
 * The composition root: settings → ports → tree. The one file that knows everyone, with those beside it.
 *
 * Start: the control socket first, because it says whether another daemon has this state directory; then
 * the journal, read by the ledger; then the speakers, which are told what is wanted; then the script, the
 * hostgroups with the attacks that are still on, and the sources last. Stop is in reverse, within `stopLimitMs`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { settleMs } from './actors/control/doctor.js';
import type {
  ControlAnswer,
  ControlMessage,
  ControlRequest,
  ReloadReport,
} from './actors/control/messages.js';
import { applying, arrange } from './composition/applying.js';
import { machineClock } from './composition/clock.js';
import { type DataPlane, openDataPlane } from './composition/data-plane.js';
import { furnish, type Live, type Rooms } from './composition/rooms.js';
import { longestTemplateLifetimeMicros } from './composition/template-shelves.js';
import { takeVitals, type VitalSigns } from './composition/vitals.js';
import type { Loaded, LogSettings, Settings } from './config/settings.js';
import { socketName } from './console/api/lines.js';
import { type ControlServer, serveControl } from './console/api/server.js';
import type { Journal, KeptTemplate, Log, ScriptRunner } from './domain/ports.js';
import { type Failure, failure, type Result, success } from './domain/result.js';
import type { Milliseconds } from './domain/units.js';
import { openJournal } from './integrations/journal/journal.js';
import { startScriptRunner } from './integrations/script/runner.js';
import { ask } from './supervision/ask.js';
import type { Ref } from './supervision/behaviour.js';
import { startTree, type Tree } from './supervision/tree.js';

export type DaemonDeps = {
  readonly log: Log;
  readonly version: string;
  /** Reads the configuration again, for SIGHUP and `tidegate reload`. */
  readonly load: () => Loaded;
  /** Makes the log what a reload asks for. */
  readonly applyLog: (settings: LogSettings) => void;
  /** The native one unless given. */
  readonly openDataPlane?: (settings: Settings) => DataPlane;
  /** Real processes unless given. */
  readonly runScript?: ScriptRunner;
};

export type Daemon = {
  /** Loads the configuration again and applies the difference; a bad file changes nothing and says why. */
  readonly reload: () => Promise<Result<ReloadReport>>;
  readonly applySettings: (next: Settings) => Promise<Result<ReloadReport>>;
  /** As over the control socket. */
  readonly ask: (request: ControlRequest) => Promise<Result<ControlAnswer>>;
  /** May be called again. Mitigations stay as they are: the next start goes on with them. */
  readonly stop: () => Promise<void>;
  /** null after `stop`; DAEMON_GAVE_UP when the root's restart budget is spent. Never rejects. */
  readonly ended: Promise<Failure | null>;
};

export const stopLimitMs: Milliseconds = 5_000;
/** The control actor's own deadlines come first, so that its answers say more. */
const answerLimitMs: Milliseconds = 4_800;
/** A reload may have to stop and start everything that counts. */
const reloadLimitMs: Milliseconds = 60_000;
const ledgerLimitMs: Milliseconds = 20_000;

/** Errors: DAEMON_RUNNING, CONTROL_UNAVAILABLE, JOURNAL_UNWRITABLE. Nothing is left running after one, or after a throw. */
export async function startDaemon(settings: Settings, deps: DaemonDeps): Promise<Result<Daemon>> {
  const { log } = deps;
  const { dir } = settings.state;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o750 });
  } catch (error) {
    return failure('JOURNAL_UNWRITABLE', `the state directory ${dir} cannot be made: ${String(error)}`);
  }
  let answer = async (_request: ControlRequest): Promise<Result<ControlAnswer>> =>
    failure('CONTROL_BUSY', 'the daemon is starting; ask again in a moment');
  const server = await serveControl(join(dir, socketName), (request) => answer(request), log);
  if (!server.ok) return server;
  const journal = await openJournal({ dir });
  if (!journal.ok) {
    await server.value.close();
    return journal;
  }
  let house: House | null = null;
  const stop = once(() => shut(house, server.value, journal.value, log));
  try {
    house = await build(settings, deps, journal.value);
    if (!(await within(ledgerLimitMs, house.ledgerRead))) {
      await stop();
      return failure('JOURNAL_UNWRITABLE', `the journal in ${dir} could not be read; the log says why`);
    }
    const { rooms } = house;
    await arrange(rooms.speakers, rooms.wantedSpeakers());
    await arrange(rooms.outlets, rooms.wantedOutlets());
    await arrange(rooms.detection, rooms.wantedHostgroups());
    answer = (request) => askControl(rooms.control, request);
    await arrange(rooms.sensing, rooms.wantedSources());
  } catch (error) {
    await stop();
    throw error;
  }
  log.info('started', { version: deps.version, networks: settings.networks.length, state: dir });
  const { tree, reload, apply } = house;
  return success({
    reload,
    applySettings: apply,
    ask: (request) => answer(request),
    stop,
    ended: tree.ended.then(async ({ reason, error }) => {
      await stop();
      if (reason !== 'gave_up') return null;
      return { code: 'DAEMON_GAVE_UP', detail: error ?? 'too many crashes; the log tells of which' };
    }),
  });
}

type House = {
  readonly tree: Tree;
  readonly rooms: Rooms;
  readonly vitals: VitalSigns;
  readonly ledgerRead: Promise<void>;
  readonly reload: Daemon['reload'];
  readonly apply: Daemon['applySettings'];
};

async function build(settings: Settings, deps: DaemonDeps, journal: Journal): Promise<House> {
  const { log } = deps;
  const open = deps.openDataPlane ?? openDataPlane;
  const keptTemplates = await readTemplates(journal, log);
  const live: Live = { settings, plane: open(settings), planeSerial: 1 };
  let read: () => void = () => {};
  const ledgerRead = new Promise<void>((resolve) => {
    read = resolve;
  });
  const { load, applyLog } = deps;
  const { apply, reload } = applying({ live, rooms: () => rooms, load, openDataPlane: open, applyLog, log });
  const startedAt = machineClock.unixMicros();
  const rooms: Rooms = furnish({
    live,
    journal,
    keptTemplates,
    runScript: deps.runScript ?? startScriptRunner(),
    vitals: () => vitals.read(),
    reload,
    startedAt,
    ledgerRead: () => read(),
  });
  const tree = await startTree(rooms.tree, { clock: machineClock, log, random: Math.random });
  const { version } = deps;
  const vitals = takeVitals({ version, startedAt, tree: tree.snapshot, deadLetters: tree.deadLetters });
  return { tree, rooms, vitals, ledgerRead, reload, apply };
}

/** Without them the exporters send theirs again after a while: no reason not to start. */
async function readTemplates(journal: Journal, log: Log): Promise<readonly KeptTemplate[]> {
  const kept = await journal.templates(machineClock.unixMicros() - longestTemplateLifetimeMicros);
  if (kept.ok) return kept.value;
  log.warn('kept templates not read, exporters have to send theirs again', { ...kept.error });
  return [];
}

function limitOf(request: ControlRequest): Milliseconds {
  if (request.kind === 'reload') return reloadLimitMs;
  return request.kind === 'doctor' ? request.listenMs + settleMs + answerLimitMs : answerLimitMs;
}

async function askControl(
  control: Ref<ControlMessage>,
  request: ControlRequest,
): Promise<Result<ControlAnswer>> {
  const limitMs = limitOf(request);
  const answer = await ask<ControlMessage, Result<ControlAnswer>>(
    control,
    (reply) => ({ kind: 'request', request, reply }),
    limitMs,
  );
  return answer.ok ? answer.value : answer;
}

/** Sources first, the journal last. What is not down within the limit is left to the end of the process. */
async function shut(house: House | null, server: ControlServer, journal: Journal, log: Log): Promise<void> {
  const down = async (): Promise<void> => {
    await house?.tree.stop();
    house?.vitals.close();
    await server.close();
    await journal.close();
  };
  if (await within(stopLimitMs, down())) log.info('stopped');
  else log.error('not everything stopped in time', { limitMs: stopLimitMs });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let under: Promise<void> | null = null;
  return () => {
    under ??= work();
    return under;
  };
}

/** Whether `work` was done within `limitMs`. */
function within(limitMs: Milliseconds, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    work.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
