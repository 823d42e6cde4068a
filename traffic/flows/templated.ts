/**
 * NetFlow version 9 (RFC 3954) and IPFIX (RFC 7011): sets of templates, of options templates, and of the data these
 * describe. What is due of templates stands at the front of a datagram, the records behind it.
 *
 *             header   ids of template sets   header counts   sequence, moved on by
 *   v9        20       0 and 1                records         each datagram
 *   IPFIX     16       2 and 3                bytes           each data record, options data included
 */
import { put16, put32 } from '../frames/checksum.js';
import type { FlowRecord } from './cache.js';
import { type Field, type OptionSet, optionSets, recordFields, templateIds } from './fields.js';
import type { FlowExporterOptions } from './options.js';
import { deviceClock, type Packer, putNumber } from './packer.js';

const setHeaderBytes = 4;
const lengthOf = (fields: readonly { readonly bytes: number }[]): number =>
  fields.reduce((sum, { bytes }) => sum + bytes, 0);
const padded = (bytes: number): number => (bytes + 3) & ~3;

type Kind = { readonly templateId: number; readonly fields: readonly Field[]; readonly bytes: number };

export function templatedPacker(options: FlowExporterOptions): Packer {
  const isIpfix = options.protocol === 'ipfix';
  const headerBytes = isIpfix ? 16 : 20;
  const clock = deviceClock(options);
  const kindOf = (family: 4 | 6, templateId: number): Kind => {
    const fields = recordFields(options, family);
    return { templateId, fields, bytes: lengthOf(fields) };
  };
  const ipv4 = kindOf(4, templateIds.ipv4);
  const ipv6 = kindOf(6, templateIds.ipv6);
  const sets = optionSets(options);
  const out = new Uint8Array(options.datagramBytes);
  let end = headerBytes;
  /** v9: records of all kinds in this datagram; IPFIX: data records in it. */
  let records = 0;
  let dataRecords = 0;
  let openSet: Kind | null = null;
  let openAt = 0;
  let sequence = 0;
  let templatesDue = options.templatesFromMicros;
  let templates = 0;
  let optionRecords = 0;

  if (headerBytes + templateBytes() + setHeaderBytes + ipv6.bytes + 3 > options.datagramBytes) {
    throw new RangeError(
      `datagrams of ${options.datagramBytes} bytes do not hold the templates and one record`,
    );
  }

  const begin = (micros: number): void => {
    if (micros < templatesDue) return;
    templatesDue = micros + options.templateMicros;
    writeTemplates();
  };
  const closeSet = (): void => {
    if (openSet === null) return;
    const filled = openAt + padded(end - openAt);
    out.fill(0, end, filled);
    end = filled;
    put16(out, openAt + 2, end - openAt);
    openSet = null;
  };

  return {
    carries: () => true,
    add(record, micros) {
      const kind = record.source.length === 4 ? ipv4 : ipv6;
      if (end === headerBytes) begin(micros);
      const isNewSet = openSet !== kind;
      const from = isNewSet ? openAt + padded(end - openAt) : end;
      const needed = (isNewSet ? setHeaderBytes : 0) + kind.bytes;
      // Room for the padding as well.
      if (from + needed + 3 > options.datagramBytes) return false;
      if (isNewSet) {
        closeSet();
        openSet = kind;
        openAt = end;
        put16(out, openAt, kind.templateId);
        end += setHeaderBytes;
      }
      writeRecord(kind.fields, record);
      records++;
      dataRecords++;
      return true;
    },
    advance(micros) {
      if (end === headerBytes) begin(micros);
    },
    isEmpty: () => end === headerBytes,
    finish(micros) {
      closeSet();
      writeHeader(micros);
      const datagram = out.subarray(0, end);
      sequence = (sequence + (isIpfix ? dataRecords : 1)) >>> 0;
      end = headerBytes;
      openAt = 0;
      records = 0;
      dataRecords = 0;
      return datagram;
    },
    templates: () => templates,
    optionRecords: () => optionRecords,
  };

  function writeHeader(micros: number): void {
    if (isIpfix) {
      put16(out, 0, 10);
      put16(out, 2, end);
      put32(out, 4, clock.unixSeconds(micros));
      put32(out, 8, sequence);
      put32(out, 12, options.domain);
      return;
    }
    put16(out, 0, 9);
    put16(out, 2, records);
    put32(out, 4, clock.uptimeMs(micros));
    put32(out, 8, clock.unixSeconds(micros));
    put32(out, 12, sequence);
    put32(out, 16, options.domain);
  }

  function writeRecord(fields: readonly Field[], record: FlowRecord): void {
    for (const { bytes, of } of fields) {
      const value = of(record);
      if (typeof value === 'number') putNumber(out, end, bytes, value);
      else out.set(value, end);
      end += bytes;
    }
  }

  function templateBytes(): number {
    let bytes = setHeaderBytes + 2 * 4 + 4 * (ipv4.fields.length + ipv6.fields.length);
    for (const set of sets) {
      const count = set.scope.length + set.fields.length;
      bytes += padded(setHeaderBytes + 6 + 4 * count);
      bytes += padded(setHeaderBytes + lengthOf(set.scope) + lengthOf(set.fields));
    }
    return bytes;
  }

  function writeTemplates(): void {
    const start = end;
    put16(out, start, isIpfix ? 2 : 0);
    end += setHeaderBytes;
    for (const { templateId, fields } of [ipv4, ipv6]) {
      word(templateId);
      word(fields.length);
      writeShapes(fields);
      records++;
      templates++;
    }
    put16(out, start + 2, end - start);
    for (const set of sets) writeOptions(set);
    openAt = end;
  }

  /** The options template (RFC 3954 section 6.1, RFC 7011 section 3.4.2.2), then its one record. */
  function writeOptions({ templateId, scope, fields }: OptionSet): void {
    const start = end;
    word(isIpfix ? 3 : 1);
    word(0);
    word(templateId);
    if (isIpfix) {
      word(scope.length + fields.length);
      word(scope.length);
    } else {
      word(scope.length * 4);
      word(fields.length * 4);
    }
    writeShapes(scope);
    writeShapes(fields);
    closeAt(start);
    templates++;
    const data = end;
    word(templateId);
    word(0);
    for (const { bytes, value } of [...scope, ...fields]) {
      putNumber(out, end, bytes, value);
      end += bytes;
    }
    closeAt(data);
    optionRecords++;
    records += 2;
    dataRecords++;
  }

  function writeShapes(fields: readonly { readonly element: number; readonly bytes: number }[]): void {
    for (const { element, bytes } of fields) {
      word(element);
      word(bytes);
    }
  }

  function word(value: number): void {
    put16(out, end, value);
    end += 2;
  }

  function closeAt(start: number): void {
    const filled = start + padded(end - start);
    out.fill(0, end, filled);
    end = filled;
    put16(out, start + 2, end - start);
  }
}
