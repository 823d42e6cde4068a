/**
 * Who has much to do and little hurry gives way: work in slices that is offered a part of every round of the event loop takes it where
 * the others took little time of the round before, and else leaves it to them, at most `mostLeft` rounds in a row.
 *
 * A round in which nobody has anything to do is over at once, so on a quiet machine giving way costs nothing. Who decides and announces
 * makes a step a round, and does not find every second one prolonged by those who explain.
 */
import type { Milliseconds } from '../domain/units.js';

/** Others are at work when they take longer than this. */
export const busyMs: Milliseconds = 1;
export const mostLeft = 4;

/** Asked once a round: whether it is to be left to others. `ownMs`: what was taken since it was asked last. */
export type Way = (ownMs: Milliseconds) => boolean;

export function openWay(now: () => Milliseconds): Way {
  let since: Milliseconds | null = null;
  let left = 0;
  return (ownMs) => {
    const at = now();
    const isTheirs = since !== null && at - since - ownMs > busyMs && left < mostLeft;
    left = isTheirs ? left + 1 : 0;
    since = at;
    return isTheirs;
  };
}
