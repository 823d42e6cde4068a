/**
 * Asks several actors the same thing and waits for all answers, but never longer than the deadline:
 * one dead room does not hang a report of the others.
 *
 * A reply that comes late, or twice, is let fall. An ask that its mailbox refused is not waited for.
 */
import type { Milliseconds } from '../domain/units.js';

/** Sends one question; false when the mailbox did not take it. */
export type Ask<T> = (reply: (answer: T) => void) => boolean;

/** The answers in the order of the asks; null for one that did not come in time. */
export function gather<T>(asks: readonly Ask<T>[], deadlineMs: Milliseconds): Promise<readonly (T | null)[]> {
  const answers = new Array<T | null>(asks.length).fill(null);
  if (asks.length === 0) return Promise.resolve(answers);
  return new Promise((resolve) => {
    let open = true;
    let missing = asks.length;
    const finish = (): void => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      resolve(answers);
    };
    const timer = setTimeout(finish, deadlineMs);
    for (const [index, ask] of asks.entries()) {
      let answered = false;
      const settle = (answer: T | null): void => {
        if (!open || answered) return;
        answered = true;
        answers[index] = answer;
        missing -= 1;
        if (missing === 0) finish();
      };
      if (!ask(settle)) settle(null);
    }
  });
}

/** One question; null when the answer did not come in time. */
export const askOne = async <T>(ask: Ask<T>, deadlineMs: Milliseconds): Promise<T | null> =>
  (await gather([ask], deadlineMs))[0] ?? null;
