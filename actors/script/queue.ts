/**
 * Which notify script runs when: at most `concurrency` at once, and for one attack one after the other, in the order
 * in which its actions came. A script that hangs holds up its own attack's later actions and one place, no more.
 *
 * Pure decisions on a table that the actor owns: `offer` and `finish` change it in place and name what to start.
 * Waiting jobs are bounded. When there is no room an `attack_details` gives way to a `ban` or an `unban`; one that
 * still finds no room is refused, so that its sender hands it over again. Nothing is lost without being counted.
 * An action that is offered again while the first is waiting or running is one and the same.
 */
import type { ScriptAction } from '../../domain/ports.js';
import type { AttackId } from '../../domain/units.js';

export type Job = { readonly attack: AttackId; readonly action: ScriptAction };

export type QueueBounds = {
  /** Programs running at once, at least 1. */
  readonly concurrency: number;
  /** Jobs waiting. */
  readonly waiting: number;
};

type Lane<J extends Job> = { running: J | null; readonly waiting: J[] };

export type ScriptQueue<J extends Job> = {
  readonly lanes: Map<AttackId, Lane<J>>;
  /** Lanes with work and nothing running, in the order in which they became so. */
  readonly ready: Set<AttackId>;
  running: number;
  waiting: number;
  /** `attack_details` dropped for want of room. */
  dropped: number;
  /** `ban` and `unban` sent back for want of room. */
  refused: number;
  /** Offered again while the first is still waiting or running. */
  repeated: number;
};

export const emptyQueue = <J extends Job>(): ScriptQueue<J> => ({
  lanes: new Map(),
  ready: new Set(),
  running: 0,
  waiting: 0,
  dropped: 0,
  refused: 0,
  repeated: 0,
});

export type Offered<J extends Job> = {
  readonly start: readonly J[];
  /** Of this offer or earlier: will not run. An `attack_details` is gone; a `ban` or `unban` must be offered again. */
  readonly out: readonly J[];
};

export function offer<J extends Job>(queue: ScriptQueue<J>, job: J, bounds: QueueBounds): Offered<J> {
  const lane = queue.lanes.get(job.attack);
  if (lane !== undefined && has(lane, job.action)) {
    queue.repeated++;
    return { start: [], out: [] };
  }
  const mustWait = queue.running >= bounds.concurrency || lane !== undefined;
  const out: J[] = [];
  if (mustWait && queue.waiting >= bounds.waiting) {
    const victim = job.action === 'attack_details' ? job : removeOldestDetails(queue);
    out.push(victim ?? job);
    if (victim === null) queue.refused++;
    else queue.dropped++;
    if (victim === null || victim === job) return { start: [], out };
  }
  const home = queue.lanes.get(job.attack) ?? { running: null, waiting: [] };
  queue.lanes.set(job.attack, home);
  home.waiting.push(job);
  queue.waiting++;
  if (home.running === null) queue.ready.add(job.attack);
  return { start: startable(queue, bounds), out };
}

const has = <J extends Job>(lane: Lane<J>, action: ScriptAction): boolean =>
  lane.running?.action === action || lane.waiting.some((job) => job.action === action);

/** The running job of `attack` has ended: what starts in its place. */
export function finish<J extends Job>(
  queue: ScriptQueue<J>,
  attack: AttackId,
  bounds: QueueBounds,
): readonly J[] {
  const lane = queue.lanes.get(attack);
  if (lane !== undefined && lane.running !== null) {
    lane.running = null;
    queue.running--;
    if (lane.waiting.length > 0) queue.ready.add(attack);
    else queue.lanes.delete(attack);
  }
  return startable(queue, bounds);
}

function startable<J extends Job>(queue: ScriptQueue<J>, bounds: QueueBounds): J[] {
  const start: J[] = [];
  for (const attack of queue.ready) {
    if (queue.running >= bounds.concurrency) break;
    queue.ready.delete(attack);
    const lane = queue.lanes.get(attack);
    const job = lane?.waiting.shift();
    if (lane === undefined || job === undefined) continue;
    lane.running = job;
    queue.running++;
    queue.waiting--;
    start.push(job);
  }
  return start;
}

/** Lanes are in the order of their birth, so the first found is among the oldest. */
function removeOldestDetails<J extends Job>(queue: ScriptQueue<J>): J | null {
  for (const [attack, lane] of queue.lanes) {
    const index = lane.waiting.findIndex((job) => job.action === 'attack_details');
    const job = lane.waiting[index];
    if (job === undefined) continue;
    lane.waiting.splice(index, 1);
    queue.waiting--;
    if (lane.waiting.length === 0) {
      queue.ready.delete(attack);
      if (lane.running === null) queue.lanes.delete(attack);
    }
    return job;
  }
  return null;
}
