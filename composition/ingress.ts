/** What comes to a subject, by the names that people know sources by: the engine's counts of all sources that are open. */
import type { IngressCount, IngressOpener } from '../domain/ports.js';
import type { Result } from '../domain/result.js';
import type { Engine, WatchedSource } from '../native/door/engine.js';

export type Ingresses = {
  /** Counts it among the open ones under this name, until it is closed. */
  readonly named: <S extends WatchedSource>(name: string, opened: Result<S>) => Result<S>;
  readonly open: IngressOpener;
};

export function ingresses(engine: Pick<Engine, 'openIngress'>): Ingresses {
  const sources = new Map<WatchedSource, string>();
  return {
    named(name, opened) {
      if (!opened.ok) return opened;
      const source = opened.value;
      const watched = {
        ...source,
        close: () => {
          sources.delete(watched);
          source.close();
        },
      };
      sources.set(watched, name);
      return { ok: true, value: watched };
    },
    open(subject, at) {
      const opened = engine.openIngress(subject, at);
      if (opened === null) return null;
      const read = (): readonly IngressCount[] => {
        const sums = new Map<string, IngressCount>();
        for (const [source, name] of sources) {
          if (source.fault() !== null) continue; // blind, which is not the same as seeing nothing
          sums.set(name, { source: name, packets: 0, bytes: 0, ppsBefore: 0 });
          for (const { exporter, packets, bytes, ppsBefore } of source.seenOf(opened.handle)) {
            const whose = exporter === null ? name : `${name} ${exporter === '' ? 'others' : exporter}`;
            const sum = sums.get(whose) ?? { source: whose, packets: 0, bytes: 0, ppsBefore: 0 };
            sums.set(whose, {
              source: whose,
              packets: sum.packets + packets,
              bytes: sum.bytes + bytes,
              ppsBefore: sum.ppsBefore + ppsBefore,
            });
          }
        }
        return [...sums.values()];
      };
      return { read, close: opened.close };
    },
  };
}
