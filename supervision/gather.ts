/** The same question to several actors, each with the deadline to itself: one dead room hangs no report of the others. */
import type { Milliseconds } from '../domain/units.js';
import { ask } from './ask.js';
import type { Ref } from './behaviour.js';

/** The answers in the order of `refs`; null for one that did not come within `timeoutMs`, or was not asked for lack of room. */
export const gather = <M, R>(
  refs: readonly Ref<M>[],
  toMessage: (reply: (answer: R) => void) => M,
  timeoutMs: Milliseconds,
): Promise<readonly (R | null)[]> =>
  Promise.all(
    refs.map(async (ref) => {
      const answer = await ask(ref, toMessage, timeoutMs);
      return answer.ok ? answer.value : null;
    }),
  );
