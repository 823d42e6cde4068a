/**
 * NetFlow v1, v5, v7, v9 and IPFIX as a router would export them: sampling, flow cache, records, datagrams.
 *
 * Pure: time is that of the frames. The same options and frames give the same datagrams. Throws RangeError for
 * options that contradict the protocol.
 */

import { outgoing } from '../packet-writer.js';
import { createRandom } from '../random.js';
import type { SendDatagram } from '../sflow.js';
import type { FrameBatch } from '../stream.js';
import { flowCache, type TakeRecord } from './cache.js';
import { type FixedVersion, fixedPacker } from './fixed.js';
import { nothingObserved, observe } from './observe.js';
import type { FlowExporterOptions, FlowExportProtocol, FlowExportTotals } from './options.js';
import { downstreamInterface, type Packer, upstreamInterface } from './packer.js';
import { templatedPacker } from './templated.js';

export type FlowExporter = {
  /** Takes the next frames; calls `send` for each datagram that is full or due. The bytes are good until `send` returns. */
  readonly add: (batch: FrameBatch, send: SendDatagram) => void;
  /** Makes a record of every flow and sends all that waits. */
  readonly flush: (micros: number, send: SendDatagram) => void;
  readonly totals: () => FlowExportTotals;
};

const fixedVersions: { readonly [P in FlowExportProtocol]?: FixedVersion } = {
  netflow1: 1,
  netflow5: 5,
  netflow7: 7,
};

function packerOf(options: FlowExporterOptions): Packer {
  const version = fixedVersions[options.protocol];
  for (const { by } of options.stated) {
    const isPossible = version === undefined ? by !== 'header' : version === 5 && by === 'header';
    if (!isPossible) throw new RangeError(`${options.protocol} cannot state its sampling by ${by}`);
  }
  return version === undefined ? templatedPacker(options) : fixedPacker(version, options);
}

export function flowExporter(options: FlowExporterOptions): FlowExporter {
  const packer = packerOf(options);
  const cache = flowCache(options);
  const random = createRandom(options.seed, `flows ${options.domain}`);
  const seen = nothingObserved();
  const samples = !options.sampled && options.samplingRate > 1;
  let skip = nextSkip();
  let oldest = Number.POSITIVE_INFINITY;
  let nextLook = options.sweepMicros;
  const totals = {
    datagrams: 0,
    records: 0,
    packets: 0,
    bytes: 0,
    leftOutPackets: 0,
    leftOutBytes: 0,
    seenPackets: 0,
    seenBytes: 0,
  };

  function nextSkip(): number {
    return samples ? random.between(1, 2 * options.samplingRate - 1) : 1;
  }

  const emit = (micros: number, send: SendDatagram): void => {
    oldest = Number.POSITIVE_INFINITY;
    if (packer.isEmpty()) return;
    totals.datagrams++;
    send(packer.finish(micros), micros);
  };

  const take =
    (send: SendDatagram): TakeRecord =>
    (record, micros) => {
      if (!packer.carries(record)) {
        totals.leftOutPackets += record.packets;
        totals.leftOutBytes += record.bytes;
        return;
      }
      if (!packer.add(record, micros)) {
        emit(micros, send);
        if (!packer.add(record, micros)) throw new RangeError('a record that no datagram holds');
      }
      oldest = Math.min(oldest, micros);
      totals.records++;
      totals.packets += record.packets;
      totals.bytes += record.bytes;
    };

  /** What is due by the clock alone, each at its own time however long the silence was: timeouts, templates, waiting records. */
  const lookUntil = (micros: number, send: SendDatagram): void => {
    const keep = take(send);
    for (; nextLook <= micros; nextLook += options.sweepMicros) {
      cache.sweep(nextLook, keep);
      packer.advance(nextLook);
      if (packer.isEmpty()) continue;
      oldest = Math.min(oldest, nextLook);
      if (nextLook - oldest >= options.maxWaitMicros) emit(nextLook, send);
    }
  };

  return {
    add(batch, send) {
      const keep = take(send);
      for (let frame = 0; frame < batch.count; frame++) {
        const micros = batch.micros[frame] ?? 0;
        if (micros >= nextLook) lookUntil(micros, send);
        if (!observe(batch.bytes, batch.starts[frame] ?? 0, batch.starts[frame + 1] ?? 0, seen)) continue;
        totals.seenPackets++;
        totals.seenBytes += seen.bytes;
        if (--skip > 0) continue;
        skip = nextSkip();
        const isOutgoing = batch.directions[frame] === outgoing;
        const input = isOutgoing ? downstreamInterface : upstreamInterface;
        const output = isOutgoing ? upstreamInterface : downstreamInterface;
        cache.add(batch, seen, input, output, micros, keep);
      }
    },
    flush(micros, send) {
      lookUntil(micros, send);
      cache.flush(micros, take(send));
      emit(micros, send);
    },
    totals: () => ({ ...totals, templates: packer.templates(), optionRecords: packer.optionRecords() }),
  };
}
