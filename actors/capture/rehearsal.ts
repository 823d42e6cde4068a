/** A source that is moved by hand, for tests of the sensing actors. */
import type { ExporterStats, FlowListenerStats, StoredTemplate } from '../../domain/flow.js';
import type { Batch, DrainedBatch, Source, SourceStats } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import { emptyStats } from './tally.js';

export type Stage = {
  readonly open: () => Result<Source>;
  /** What the world is like now. */
  unavailable: string | null;
  fault: string | null;
  batches: readonly DrainedBatch[] | Promise<readonly DrainedBatch[]>;
  stats: SourceStats;
  exporters: readonly ExporterStats[];
  flow: FlowListenerStats | null;
  /** Handed over at the next asking. */
  templates: readonly StoredTemplate[];
  throws: string | null;
  calm: boolean;
  /** Of the source opened last. */
  tellNear: () => void;
  /** What was asked of it. */
  opened: number;
  closed: number;
  drains: number;
  restored: readonly StoredTemplate[];
};

export const aBatch = (hostgroup: string): DrainedBatch => ({
  hostgroup,
  batch: { type: 'batch' } satisfies Batch,
  hosts: 1,
});

export function stage(): Stage {
  const world: Stage = {
    unavailable: null,
    fault: null,
    batches: [],
    stats: emptyStats,
    exporters: [],
    flow: null,
    templates: [],
    throws: null,
    calm: false,
    tellNear: () => {},
    opened: 0,
    closed: 0,
    drains: 0,
    restored: [],
    open: () => {
      if (world.unavailable !== null) return failure('SOURCE_UNAVAILABLE', world.unavailable);
      world.opened += 1;
      return success({
        drain: () => {
          world.drains += 1;
          if (world.throws !== null) throw new Error(world.throws);
          return world.batches;
        },
        calm: () => world.calm,
        watchNear: (tell) => {
          world.tellNear = tell;
        },
        stats: () => world.stats,
        exporters: () => world.exporters,
        flow: () => world.flow,
        takeTemplates: () => {
          const taken = world.templates;
          world.templates = [];
          return taken;
        },
        restoreTemplates: (templates) => {
          world.restored = templates;
          return templates.length;
        },
        fault: () => world.fault,
        close: () => {
          world.closed += 1;
        },
      });
    },
  };
  return world;
}
