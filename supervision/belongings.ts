/**
 * What an incarnation holds besides its state: timers and watches. All of it is let go at once when the
 * incarnation ends; its context takes no more orders by then.
 *
 * Bounds: `maxTimers` and `maxWatches` an incarnation; one more throws, which is a crash of the handler.
 */
import type { Milliseconds } from '../domain/units.js';
import type { Cancel, Ref } from './behaviour.js';
import type { Mailbox, Origin } from './mailbox.js';
import { tenantOf } from './place.js';
import type { Runtime } from './runtime.js';
import type { Exit } from './spec.js';

export const maxTimers = 4096;
export const maxWatches = 16_384;

export type Belongings<M> = {
  readonly after: (ms: Milliseconds, message: M) => Cancel;
  readonly every: (ms: Milliseconds, message: M) => Cancel;
  readonly watch: (ref: Ref<never>, toMessage: (exit: Exit) => M) => Cancel;
  readonly letGo: () => void;
};

const nothing: Cancel = () => {};

export function createBelongings<M>(
  runtime: Runtime,
  mailbox: Mailbox<M>,
  wake: () => void,
  crash: (error: unknown) => void,
): Belongings<M> {
  const { clock, timers, counters } = runtime;
  const running = new Set<{ cancel: Cancel }>();
  const watching = new Set<{ cancel: Cancel }>();

  const deliver = (message: M, origin: Origin): void => {
    mailbox.offerOwn(message, origin);
    wake();
  };

  const armed = (ms: Milliseconds): void => {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`a timer of ${ms} ms`);
    if (running.size >= maxTimers) throw new RangeError(`more than ${maxTimers} timers`);
  };

  return {
    after: (ms, message) => {
      armed(ms);
      const fire = (): void => {
        running.delete(timer);
        deliver(message, { pending: true });
      };
      const timer = { cancel: timers.start(ms, fire) };
      running.add(timer);
      return () => {
        timer.cancel();
        running.delete(timer);
      };
    },

    every: (ms, message) => {
      armed(ms);
      if (ms === 0) throw new RangeError('a period of 0 ms');
      const origin: Origin = { pending: false };
      let due = clock.now() + ms;
      const fire = (): void => {
        const now = clock.now();
        // Keeps the beat: a late tick does not shift the ones after it, and missed ones are not made up for.
        due += ms * (1 + Math.max(0, Math.floor((now - due) / ms)));
        timer.cancel = timers.start(Math.max(due - now, 0), fire);
        if (origin.pending) counters.skippedTicks += 1;
        else deliver(message, origin);
      };
      const timer = { cancel: timers.start(ms, fire) };
      running.add(timer);
      return () => {
        timer.cancel();
        running.delete(timer);
      };
    },

    watch: (ref, toMessage) => {
      const tenant = tenantOf(ref);
      if (tenant === null) throw new Error(`'${ref.id}' is no address of a running tree`);
      if (watching.size >= maxWatches) throw new RangeError(`more than ${maxWatches} watches`);
      const watch = { cancel: nothing };
      watching.add(watch);
      const tell = (exit: Exit): void => {
        if (!watching.delete(watch)) return;
        try {
          deliver(toMessage(exit), { pending: true });
        } catch (error) {
          crash(error); // `toMessage` is the actor's own code, run in another's turn
        }
      };
      watch.cancel = tenant.onEnd(tell);
      return () => {
        watching.delete(watch);
        watch.cancel();
      };
    },

    letGo: () => {
      for (const timer of running) timer.cancel();
      for (const watch of watching) watch.cancel();
      running.clear();
      watching.clear();
    },
  };
}
