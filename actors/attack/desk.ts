/**
 * The desk at which attacks are explained, one for all hostgroups: a storm on thousands of hosts is explained one attack after
 * the other, and what is decided and announced meanwhile does not wait for it.
 *
 * - At most `mostSeats` attacks gather packets at once, and no more than may come to `mostBytes` of packets; the others wait for a seat
 *   in the order in which they asked. One that leaves without having had a seat is counted.
 * - Work is done in the order in which it came, what is hurried first, for `sliceMs` in each round of the event loop; a step of
 *   it that takes longer than that is done alone. Where all others have much to do, it gives way to them (supervision/way.ts). So
 *   nothing is lost here, it only comes later.
 * - At most `mostQueued` works wait; one more is refused, and counted: its attack has to do with a shorter explanation.
 */
import type { Milliseconds } from '../../domain/units.js';
import type { Outcome, Work } from '../../domain/work.js';
import type { Cancel } from '../../supervision/behaviour.js';
import { openWay } from '../../supervision/way.js';
import type { DeskReport } from './messages.js';

export type Seat = {
  /** Whether there is one now; else `seated` is called when there is. */
  readonly taken: () => boolean;
  /** Also of one that still waits. */
  readonly leave: () => void;
};

export type Job = {
  /** It goes before all that is not hurried. */
  readonly hurry: () => void;
  readonly cancel: Cancel;
};

/** What an attack may gather. */
export type Wants = { readonly packets: number; readonly sampleBytes: number };

export type Desk = {
  readonly seat: (wants: Wants, seated: () => void) => Seat;
  /** `done` hears its value, or what it threw. null: refused. */
  readonly explain: <T>(work: Work<T>, done: (outcome: Outcome<T>) => void) => Job | null;
  readonly report: () => DeskReport;
};

export type DeskDeps = {
  readonly now: () => Milliseconds;
  /** Calls back in the next round of the event loop. */
  readonly nextRound: (run: () => void) => void;
};

/** The native side has 1,024 taps; the rest is for attacks without a seat. */
export const mostSeats = 1000;
/** Of all packets that wait to be explained, and by this the most that evidence takes of memory before it is written. */
export const mostBytes = 32 * 2 ** 20;
/** A packet beside its bytes: its facts, and what an allocation takes. */
const factBytes = 200;
export const mostQueued = 16_384;
export const sliceMs: Milliseconds = 3;

type Asked = { readonly bytes: number; readonly seated: () => void };
type Entry = { readonly work: Work<unknown>; readonly done: (outcome: Outcome<unknown>) => void };

export const machineDesk = (): Desk =>
  openDesk({ now: () => performance.now(), nextRound: (run) => void setImmediate(run) });

export function openDesk({ now, nextRound }: DeskDeps): Desk {
  const taken = new Set<Asked>();
  const waiting = new Set<Asked>();
  let takenBytes = 0;
  let unseated = 0;
  const hurried = new Set<Entry>();
  const ordinary = new Set<Entry>();
  let scheduled = false;
  let ownMs: Milliseconds = 0;
  const isTheirs = openWay(now);
  let explained = 0;
  let refused = 0;

  /** The first may gather whatever it is. */
  const hasRoom = (bytes: number): boolean =>
    taken.size === 0 || (taken.size < mostSeats && takenBytes + bytes <= mostBytes);
  const sit = (one: Asked): void => {
    taken.add(one);
    takenBytes += one.bytes;
  };
  const seatNext = (): void => {
    for (const one of waiting) {
      if (!hasRoom(one.bytes)) return;
      waiting.delete(one);
      sit(one);
      one.seated();
    }
  };
  const first = (): Entry | undefined => hurried.values().next().value ?? ordinary.values().next().value;
  const drop = (entry: Entry): void => {
    hurried.delete(entry);
    ordinary.delete(entry);
  };

  function step(entry: Entry): void {
    try {
      const { done, value } = entry.work.next();
      if (done !== true) return;
      drop(entry);
      explained += 1;
      entry.done({ value });
    } catch (thrown) {
      drop(entry);
      entry.done({ thrown });
    }
  }
  function slice(): void {
    scheduled = false;
    const leaves = isTheirs(ownMs);
    const began = now();
    for (let entry = first(); entry !== undefined && !leaves; entry = first()) {
      step(entry);
      if (now() - began >= sliceMs) break;
    }
    ownMs = now() - began;
    goOn();
  }
  function goOn(): void {
    if (scheduled || first() === undefined) return;
    scheduled = true;
    nextRound(slice);
  }

  return {
    seat: ({ packets, sampleBytes }, seated) => {
      const one: Asked = { bytes: packets * (factBytes + sampleBytes), seated };
      if (waiting.size === 0 && hasRoom(one.bytes)) sit(one);
      else waiting.add(one);
      return {
        taken: () => taken.has(one),
        leave: () => {
          if (waiting.delete(one)) unseated += 1;
          if (!taken.delete(one)) return;
          takenBytes -= one.bytes;
          seatNext();
        },
      };
    },
    explain: <T>(work: Work<T>, done: (outcome: Outcome<T>) => void) => {
      if (hurried.size + ordinary.size >= mostQueued) {
        refused += 1;
        return null;
      }
      const entry: Entry = { work, done: done as Entry['done'] };
      ordinary.add(entry);
      goOn();
      return {
        hurry: () => {
          if (ordinary.delete(entry)) hurried.add(entry);
        },
        cancel: () => drop(entry),
      };
    },
    report: () => ({
      seated: taken.size,
      waiting: waiting.size,
      unseated,
      queued: hurried.size + ordinary.size,
      explained,
      refused,
    }),
  };
}
