/** What a flow listener or a replay of flows is opened with: its defaults, and the checks of what is given. */
import { flowFamilies } from '../../domain/flow.js';
import { oneOf, text, whole } from './checks.js';
import { type FlowListenerOptions, type FlowReadingOptions, flowTransports } from './contract.js';

/** Every family, from anybody, nothing left out. */
export const usualFlowReading: FlowReadingOptions = {
  accepts: flowFamilies,
  lengthFromIp: false,
  maxExporters: 1024,
  maxTemplates: 65_536,
  templateLifetimeMicros: 1_800_000_000,
  waitingBytes: 4 * 2 ** 20,
  waitingMicros: 300_000_000,
  samplingFallback: null,
  samplingOverrides: [],
  filter: [],
  spread: true,
  windowMicros: 1_000_000,
  maxHeld: 262_144,
};

const maxRate = 2 ** 32 - 1;
const daysMicros = 7 * 86_400e6;

/** Throws a RangeError or TypeError that names the field. */
export function checkFlowReading(options: FlowReadingOptions): void {
  if (options.accepts.length === 0) throw new RangeError('accepts must name a family');
  for (const family of options.accepts) oneOf('accepts', family, flowFamilies);
  whole('maxExporters', options.maxExporters, 1, 2 ** 20);
  whole('maxTemplates', options.maxTemplates, 1, 2 ** 24);
  whole('templateLifetimeMicros', options.templateLifetimeMicros, 1e6, daysMicros);
  whole('waitingBytes', options.waitingBytes, 0, 2 ** 30);
  whole('waitingMicros', options.waitingMicros, 0, daysMicros);
  if (options.samplingFallback !== null) whole('samplingFallback', options.samplingFallback, 1, maxRate);
  for (const { exporter, interface: index, rate } of options.samplingOverrides) {
    text('samplingOverrides.exporter', exporter);
    if (index !== null) whole('samplingOverrides.interface', index, 0, maxRate);
    whole('samplingOverrides.rate', rate, 1, maxRate);
  }
  whole('windowMicros', options.windowMicros, 1_000, 3_600e6);
  whole('maxHeld', options.maxHeld, 1, 2 ** 22);
}

/** Throws as `checkFlowReading` does. */
export function checkFlowListener(options: FlowListenerOptions): void {
  text('address', options.address);
  whole('port', options.port, 0, 65_535);
  oneOf('transport', options.transport, flowTransports);
  whole('workers', options.workers, 1, 64);
  whole('receiveBufferBytes', options.receiveBufferBytes, 4096, 2 ** 30);
  for (const prefix of options.allow) text('allow', prefix);
  checkFlowReading(options);
}
