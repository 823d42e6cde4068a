/**
 * The fields of v9 and IPFIX records as most routers send them: some 20 for each IP version. Element numbers are
 * those of RFC 3954 section 8 and, the same up to 127, of IANA's registry of IPFIX information elements.
 */
import type { FlowRecord } from './cache.js';
import type { FlowExporterOptions } from './options.js';
import {
  type DeviceClock,
  deviceClock,
  neighbourAs,
  ownAs,
  statedRate,
  upstreamInterface,
} from './packer.js';

export type Field = {
  readonly element: number;
  readonly bytes: number;
  readonly of: (record: FlowRecord) => number | Uint8Array;
};

export const templateIds = {
  ipv4: 256,
  ipv6: 257,
  exporterOptions: 258,
  interfaceOptions: 259,
  samplerOptions: 260,
} as const;

/** The sampler that records name. */
export const samplerId = 1;
const ingress = 0;
const prefixBits: { readonly [bytes: number]: number } = { 4: 24, 16: 48 };
const isIncoming = (record: FlowRecord): boolean => record.input === upstreamInterface;

/** `family`: of the addresses. */
export function recordFields(options: FlowExporterOptions, family: 4 | 6): readonly Field[] {
  const clock = deviceClock(options);
  const isIpfix = options.protocol === 'ipfix';
  const counterBytes = isIpfix ? 8 : 4;
  const addressBytes = family === 4 ? 4 : 16;
  const sampling = statedRate(options, 'record');
  const noNextHop = new Uint8Array(addressBytes);
  const field = (element: number, bytes: number, of: Field['of']): Field => ({ element, bytes, of });
  return [
    field(family === 4 ? 8 : 27, addressBytes, (record) => record.source),
    field(family === 4 ? 12 : 28, addressBytes, (record) => record.destination),
    field(family === 4 ? 15 : 62, addressBytes, () => noNextHop),
    field(10, 4, (record) => record.input),
    field(14, 4, (record) => record.output),
    field(2, counterBytes, (record) => record.packets),
    field(1, counterBytes, (record) => record.bytes),
    ...timeFields(clock, isIpfix),
    field(7, 2, (record) => record.sourcePort),
    field(11, 2, (record) => record.destinationPort),
    field(6, isIpfix ? 2 : 1, (record) => record.tcpFlags),
    field(4, 1, (record) => record.protocol),
    field(5, 1, (record) => record.typeOfService),
    field(16, 4, (record) => (isIncoming(record) ? neighbourAs : ownAs)),
    field(17, 4, (record) => (isIncoming(record) ? ownAs : neighbourAs)),
    field(family === 4 ? 9 : 29, 1, () => prefixBits[addressBytes] ?? 0),
    field(family === 4 ? 13 : 30, 1, () => prefixBits[addressBytes] ?? 0),
    field(61, 1, () => ingress),
    ...(isIpfix ? [field(136, 1, (record) => record.end)] : []),
    ...(statedRate(options, 'sampler') === null
      ? []
      : [field(isIpfix ? 302 : 48, isIpfix ? 8 : 1, () => samplerId)]),
    ...(sampling === null ? [] : [field(34, 4, () => sampling)]),
  ];
}

/** FIRST_SWITCHED and LAST_SWITCHED (v9), flowStartMilliseconds and flowEndMilliseconds (IPFIX). */
const timeFields = (clock: DeviceClock, isIpfix: boolean): readonly Field[] =>
  isIpfix
    ? [
        { element: 152, bytes: 8, of: (record) => clock.unixMs(record.firstMicros) },
        { element: 153, bytes: 8, of: (record) => clock.unixMs(record.lastMicros) },
      ]
    : [
        { element: 22, bytes: 4, of: (record) => clock.uptimeMs(record.firstMicros) },
        { element: 21, bytes: 4, of: (record) => clock.uptimeMs(record.lastMicros) },
      ];

/** One options template and the one record it describes. */
export type OptionSet = {
  readonly templateId: number;
  /** v9: scope types (RFC 3954 section 6.1); IPFIX: elements. */
  readonly scope: readonly OptionField[];
  readonly fields: readonly OptionField[];
};
export type OptionField = { readonly element: number; readonly bytes: number; readonly value: number };

const randomAlgorithm = 2;
/** IE 304: systematic, by count (RFC 5477 section 8.2.1), the selector that most devices name. */
const countingSelector = 1;
const [scopeSystem, scopeInterface] = [1, 2];

/** What the exporter says of its sampling in options data, in the order of its template ids. */
export function optionSets(options: FlowExporterOptions): readonly OptionSet[] {
  const isIpfix = options.protocol === 'ipfix';
  const field = (element: number, bytes: number, value: number): OptionField => ({ element, bytes, value });
  const interval = (rate: number): readonly OptionField[] => [
    field(34, 4, rate),
    field(35, 1, randomAlgorithm),
  ];
  const sets: OptionSet[] = [];
  const exporter = statedRate(options, 'exporter');
  if (exporter !== null) {
    const scope = isIpfix ? field(149, 4, options.domain) : field(scopeSystem, 4, options.domain);
    sets.push({ templateId: templateIds.exporterOptions, scope: [scope], fields: interval(exporter) });
  }
  const onInterface = statedRate(options, 'interface');
  if (onInterface !== null) {
    const scope = field(isIpfix ? 10 : scopeInterface, 4, upstreamInterface);
    sets.push({ templateId: templateIds.interfaceOptions, scope: [scope], fields: interval(onInterface) });
  }
  const sampler = statedRate(options, 'sampler');
  if (sampler !== null) {
    sets.push({
      templateId: templateIds.samplerOptions,
      scope: [isIpfix ? field(302, 8, samplerId) : field(scopeSystem, 4, options.domain)],
      fields: isIpfix
        ? // One packet taken, all others of N left out (RFC 5477 sections 8.2.2 and 8.2.3); no rate at all: neither.
          [
            field(304, 2, countingSelector),
            field(305, 4, Math.min(sampler, 1)),
            field(306, 4, Math.max(sampler - 1, 0)),
          ]
        : [field(48, 1, samplerId), field(49, 1, randomAlgorithm), field(50, 4, sampler)],
    });
  }
  return sets;
}
