/** A question to an actor and its answer, as one value. */
import { failure, type Result, success } from '../domain/result.js';
import type { Milliseconds } from '../domain/units.js';
import type { Ref } from './behaviour.js';
import { nodeTimers, type Timers } from './timers.js';

/**
 * Sends the message that `toMessage` makes around a reply function, and waits for the first reply.
 * TIMEOUT when none came within `timeoutMs`, and at once when the message was dropped. Never rejects,
 * unless `toMessage` throws. Later replies are ignored.
 */
export function ask<M, R>(
  ref: Ref<M>,
  toMessage: (reply: (answer: R) => void) => M,
  timeoutMs: Milliseconds,
  timers: Timers = nodeTimers,
): Promise<Result<R>> {
  return new Promise((resolve) => {
    const cancel = timers.start(timeoutMs, () =>
      resolve(failure('TIMEOUT', `'${ref.id}' gave no answer within ${timeoutMs} ms`)),
    );
    const settle = (result: Result<R>): void => {
      cancel();
      resolve(result);
    };
    const taken = ref.send(toMessage((answer) => settle(success(answer))));
    if (!taken) settle(failure('TIMEOUT', `'${ref.id}' did not take the question`));
  });
}
