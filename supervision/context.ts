/**
 * What an incarnation's handlers are given. Signal and log are made when first asked for: most handlers
 * never do, and ten thousand attack actors must stay cheap.
 */
import type { Log } from '../domain/ports.js';
import type { Context, Ref } from './behaviour.js';
import type { Belongings } from './belongings.js';
import type { Nursery } from './nursery.js';
import type { Runtime } from './runtime.js';

type Parts<M> = {
  readonly ref: Ref<M>;
  readonly path: string;
  readonly generation: number;
  readonly runtime: Runtime;
  readonly nursery: Nursery;
  readonly belongings: Belongings<M>;
  readonly finish: () => void;
};

export function createContext<M>(parts: Parts<M>): { context: Context<M>; abort: () => void } {
  const { ref, path, generation, runtime, nursery, belongings } = parts;
  let controller: AbortController | null = null;
  let aborted = false;
  let log: Log | null = null;

  const context: Context<M> = {
    self: ref,
    id: ref.id,
    generation,
    clock: runtime.clock,
    get signal() {
      if (controller === null) {
        controller = new AbortController();
        if (aborted) controller.abort();
      }
      return controller.signal;
    },
    get log() {
      log ??= runtime.log.child({ actor: path });
      return log;
    },
    after: belongings.after,
    every: belongings.every,
    watch: belongings.watch,
    spawn: nursery.spawn,
    stopChild: nursery.stopChild,
    children: nursery.ids,
    finish: parts.finish,
  };
  return {
    context,
    abort: () => {
      aborted = true;
      controller?.abort();
    },
  };
}
