/**
 * Brings the running rooms to new settings, one reload after the other.
 *
 * A reload that cannot be carried out changes nothing: the new engine is made before the old one is let
 * go. Ledger and journal never stop, so mitigations stand through all of it.
 */
import type { ReloadReport } from '../actors/control/messages.js';
import type { Loaded, LogSettings, Settings } from '../config/settings.js';
import type { Log } from '../domain/ports.js';
import { failure, type Result, success } from '../domain/result.js';
import type { Milliseconds } from '../domain/units.js';
import { ask } from '../supervision/ask.js';
import type { Ref } from '../supervision/behaviour.js';
import type { RosterMessage, Wanted } from '../supervision/roster.js';
import type { DataPlane } from './data-plane.js';
import { planReload } from './reloading.js';
import { judgedIn, type Live, type Rooms } from './rooms.js';

export type Applying = {
  readonly apply: (next: Settings) => Promise<Result<ReloadReport>>;
  readonly reload: () => Promise<Result<ReloadReport>>;
};

export type ApplyDeps = {
  readonly live: Live;
  readonly rooms: () => Rooms;
  readonly load: () => Loaded;
  readonly openDataPlane: (settings: Settings) => DataPlane;
  readonly applyLog: (settings: LogSettings) => void;
  readonly log: Log;
};

const arrangeLimitMs: Milliseconds = 20_000;
const shownFindings = 5;

export function applying(deps: ApplyDeps): Applying {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
  const apply = async (next: Settings): Promise<Result<ReloadReport>> => {
    const result = await bring(next, deps);
    if (result.ok) deps.log.info('configuration applied', { changes: result.value.changes });
    else deps.log.error('configuration not applied', { ...result.error });
    return result;
  };
  return {
    apply: (next) => inTurn(() => apply(next)),
    reload: () =>
      inTurn(async () => {
        const loaded = deps.load();
        if (loaded.ok) return apply(loaded.settings);
        const detail = faultsOf(loaded);
        deps.log.error('configuration not applied', { code: 'CONFIG_INVALID', detail });
        return failure('CONFIG_INVALID', detail);
      }),
  };
}

async function bring(next: Settings, deps: ApplyDeps): Promise<Result<ReloadReport>> {
  const { live } = deps;
  const rooms = deps.rooms();
  const plan = planReload(live.settings, next);
  if (plan.engine) {
    let plane: DataPlane;
    try {
      plane = deps.openDataPlane(next);
    } catch (error) {
      return failure('CONFIG_INVALID', `no engine for these settings: ${String(error)}`);
    }
    await arrange(rooms.sensing, []);
    await arrange(rooms.detection, []);
    live.settings = next;
    live.plane = plane;
    live.planeSerial += 1;
    await arrange(rooms.detection, rooms.wantedHostgroups());
  } else {
    live.settings = next;
  }
  if (plan.announcements) await arrange(rooms.speakers, rooms.wantedSpeakers());
  if (plan.outlets) {
    await arrange(rooms.outlets, rooms.wantedOutlets());
    // What the old script actor had been handed and not begun is handed to the new one.
    rooms.ledger.send({ kind: 'script_restarted' });
  }
  if (plan.hostgroups && !plan.engine) {
    for (const group of next.hostgroups) {
      const { whitelist } = next;
      rooms.hostgroups
        .get(group.name)
        ?.send({ kind: 'reconfigure', group: judgedIn(group, next), whitelist });
    }
  }
  if (plan.sources || plan.engine) await arrange(rooms.sensing, rooms.wantedSources());
  if (plan.log) deps.applyLog(next.log);
  return success({ changes: plan.lines });
}

/** Waits until the roster has stopped and started who it had to. Throws when it does not answer. */
export async function arrange(roster: Ref<RosterMessage>, wanted: readonly Wanted[]): Promise<void> {
  const arranged = await ask<RosterMessage, void>(
    roster,
    (done) => ({ kind: 'arrange', wanted, done: () => done() }),
    arrangeLimitMs,
  );
  if (!arranged.ok) throw new Error(`${roster.id} was not arranged: ${arranged.error.detail}`);
}

function faultsOf({ findings }: Loaded): string {
  const faults = findings.filter(({ severity }) => severity === 'error');
  const shown = faults
    .slice(0, shownFindings)
    .map(
      ({ file, line, message, remedy }) => `${file}${line === null ? '' : `:${line}`}: ${message}; ${remedy}`,
    );
  const more = faults.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
