/**
 * Reads a capture once more and shows every packet to some subjects, in order: what samples cannot tell.
 *
 * The packets come through taps, which hold a bounded number between two looks: the capture is read in steps so short that
 * they suffice, and a pass in which they did not is none (`null`), never a smaller count.
 */
import type { SampledPacket, Subject } from '../domain/attack.js';
import type { Tap } from '../domain/ports.js';
import { failure, type Result, success } from '../domain/result.js';
import type { UnixMicros } from '../domain/units.js';
import { mostTapPackets } from '../native/door/tap.js';
import {
  type OpenedReplay,
  openReplaySource,
  type ReplayCapture,
  type ReplaySettings,
} from './replay-source.js';

/** How much of the capture is read at a time: the shorter where the longer holds too many packets. */
const stepsMs = [10, 1] as const;
/** A tap with less room than this is replaced before the next step. */
const leastRoom = mostTapPackets / 2;

export type Watched = { readonly subject: Subject; readonly see: (packet: SampledPacket) => void };

/** `start` makes what watches, anew for each attempt. CAPTURE_UNREADABLE; null: too many packets at once. */
export async function passOver<W>(
  settings: ReplaySettings,
  capture: ReplayCapture,
  start: () => { readonly watched: readonly Watched[]; readonly result: W },
): Promise<Result<W | null>> {
  for (const stepMs of stepsMs) {
    const opened = openReplaySource(settings, capture, stepMs);
    if (!opened.ok) return opened;
    const { watched, result } = start();
    try {
      if (await showAll(opened.value, watched)) return success(result);
    } catch (error) {
      return failure('CAPTURE_UNREADABLE', error instanceof Error ? error.message : String(error));
    } finally {
      opened.value.source.close();
    }
  }
  return success(null);
}

type Looking = { readonly one: Watched; tap: Tap; room: number };

async function showAll({ engine, source }: OpenedReplay, watched: readonly Watched[]): Promise<boolean> {
  const looking: Looking[] = watched.map((one) => ({
    one,
    tap: engine.openTap(one.subject, mostTapPackets),
    room: mostTapPackets,
  }));
  try {
    let from: UnixMicros = Number.NEGATIVE_INFINITY;
    for (let done = false, steps = 0; !done; steps += 1) {
      const step = source.step();
      done = step.done;
      for (const look of looking) if (!show(look, from)) return false;
      for (const look of looking) if (look.room < leastRoom) replace(look, engine);
      from = step.at;
      if (steps % yieldEvery === yieldEvery - 1) await new Promise(setImmediate);
    }
    return true;
  } finally {
    for (const { tap } of looking) tap.close();
  }
}

/** Steps between which signals and streams get their turn. */
const yieldEvery = 256;

/** A new tap begins with packets that have been seen already, which are older than the step. */
function show(look: Looking, from: UnixMicros): boolean {
  const packets = look.tap.read();
  look.room -= packets.length;
  for (const packet of packets) if (packet.at >= from) look.one.see(packet);
  return look.room > 0;
}

function replace(look: Looking, engine: OpenedReplay['engine']): void {
  look.tap.close();
  look.tap = engine.openTap(look.one.subject, mostTapPackets);
  look.room = mostTapPackets;
}
