/**
 * NetFlow versions 1, 5 and 7: fixed records of IPv4 flows (Cisco, NetFlow Services Solutions Guide, appendix on the
 * datagram formats). All fields big-endian; times of records are the exporter's uptime in milliseconds.
 *
 *   version   header   record   records at most   sequence
 *   1         16       48       24                none
 *   5         24       48       30                flows sent before
 *   7         24       52       27                flows sent before
 */
import { put16, put32 } from '../frames/checksum.js';
import type { FlowRecord } from './cache.js';
import type { FlowExporterOptions } from './options.js';
import { deviceClock, neighbourAs, ownAs, type Packer, statedRate, upstreamInterface } from './packer.js';

export type FixedVersion = 1 | 5 | 7;

const shapes: { readonly [V in FixedVersion]: { header: number; record: number; most: number } } = {
  1: { header: 16, record: 48, most: 24 },
  5: { header: 24, record: 48, most: 30 },
  7: { header: 24, record: 52, most: 27 },
};
/** Sampling mode in the upper two bits of the v5 header's last field, the interval in the others. */
const randomSampling = 2 << 14;
const maxInterval = 0x3fff;
const prefixBits = 24;

export function fixedPacker(version: FixedVersion, options: FlowExporterOptions): Packer {
  const shape = shapes[version];
  const clock = deviceClock(options);
  const out = new Uint8Array(shape.header + shape.most * shape.record);
  const interval = statedRate(options, 'header');
  if (interval !== null && interval > maxInterval)
    throw new RangeError(`NetFlow v5 cannot state 1:${interval}`);
  let count = 0;
  let sequence = 0;

  return {
    carries: (record) => record.source.length === 4,
    add(record, _micros) {
      if (count === shape.most) return false;
      writeRecord(out, shape.header + count * shape.record, record);
      count++;
      return true;
    },
    advance: () => undefined,
    isEmpty: () => count === 0,
    finish(micros) {
      put16(out, 0, version);
      put16(out, 2, count);
      put32(out, 4, clock.uptimeMs(micros));
      put32(out, 8, clock.unixSeconds(micros));
      put32(out, 12, clock.nanosOfSecond(micros));
      if (version !== 1) {
        put32(out, 16, sequence);
        put32(out, 20, 0);
      }
      if (version === 5) {
        put16(out, 20, options.domain);
        put16(out, 22, interval === null ? 0 : randomSampling | interval);
      }
      sequence = (sequence + count) >>> 0;
      const end = shape.header + count * shape.record;
      count = 0;
      return out.subarray(0, end);
    },
    templates: () => 0,
    optionRecords: () => 0,
  };

  function writeRecord(to: Uint8Array, at: number, record: FlowRecord): void {
    const isIncoming = record.input === upstreamInterface;
    to.set(record.source, at);
    to.set(record.destination, at + 4);
    put32(to, at + 8, 0);
    put16(to, at + 12, record.input);
    put16(to, at + 14, record.output);
    put32(to, at + 16, record.packets);
    put32(to, at + 20, record.bytes);
    put32(to, at + 24, clock.uptimeMs(record.firstMicros));
    put32(to, at + 28, clock.uptimeMs(record.lastMicros));
    put16(to, at + 32, record.sourcePort);
    put16(to, at + 34, record.destinationPort);
    if (version === 1) {
      put16(to, at + 36, 0);
      to[at + 38] = record.protocol;
      to[at + 39] = record.typeOfService;
      to[at + 40] = record.tcpFlags;
      to.fill(0, at + 41, at + shape.record);
      return;
    }
    to[at + 36] = 0;
    to[at + 37] = record.tcpFlags;
    to[at + 38] = record.protocol;
    to[at + 39] = record.typeOfService;
    put16(to, at + 40, isIncoming ? neighbourAs : ownAs);
    put16(to, at + 42, isIncoming ? ownAs : neighbourAs);
    to[at + 44] = prefixBits;
    to[at + 45] = prefixBits;
    put16(to, at + 46, 0);
    // v7: the router that was bypassed; none.
    if (version === 7) put32(to, at + 48, 0);
  }
}
