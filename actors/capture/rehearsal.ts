/** A source that is moved by hand, for tests of the sensing actors. */
import type { Batch, DrainedBatch, ExporterStats, Source, SourceStats } from '../../domain/ports.js';
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
  throws: string | null;
  /** What was asked of it. */
  opened: number;
  closed: number;
  drains: number;
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
    throws: null,
    opened: 0,
    closed: 0,
    drains: 0,
    open: () => {
      if (world.unavailable !== null) return failure('SOURCE_UNAVAILABLE', world.unavailable);
      world.opened += 1;
      return success({
        drain: () => {
          world.drains += 1;
          if (world.throws !== null) throw new Error(world.throws);
          return world.batches;
        },
        stats: () => world.stats,
        exporters: () => world.exporters,
        fault: () => world.fault,
        close: () => {
          world.closed += 1;
        },
      });
    },
  };
  return world;
}
