/** Whether a device says how it samples, once, and rightly. Pure. A rate that the operator has configured ends all questions. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import type { ExporterFacts } from './facts.js';
import {
  leastSampledRecords,
  leastSamplingConflicts,
  sampledBytesPerPacket,
  sampledPacketsPerRecord,
  samplingConflictShare,
} from './limits.js';
import { commandsFor } from './tables/commands.js';
import { isSflow, nameOf, ofExporter, protocolTitle, share } from './wording.js';

const override = (address: string, rate: string): string =>
  `or state it here: exporters.overrides with exporter ${address} and sampling ${rate}`;

export function samplingFaults(facts: ExporterFacts): readonly Diagnosis[] {
  const { now } = facts;
  if (now.samplingOrigin === 'configured') return [];
  const found = zero(facts) ?? contradictory(facts) ?? absent(facts);
  return found === null ? [] : [found];
}

function zero(facts: ExporterFacts): Diagnosis | null {
  const { now, period } = facts;
  // Devices with several samplers state zero for those that are off.
  if (period.samplingZero === 0 || now.samplingRate > 1) return null;
  return ofExporter(facts, {
    code: 'sampling_zero',
    severity: 'fault',
    sentence:
      `${nameOf(now)} states a sampling rate of 0, which means nothing: its ${protocolTitle(now.protocol)} records ` +
      'are counted as they are, too low by as much as it samples.',
    remedy: `Set the rate on the device so that it is stated, ${override(now.address, 'N')}.`,
    commands: commandsFor('state_sampling', now.protocol),
    evidence: { samplingZero: period.samplingZero, records: period.records },
  });
}

function contradictory(facts: ExporterFacts): Diagnosis | null {
  const { now, period } = facts;
  const conflicts = period.samplingConflicts;
  if (conflicts < leastSamplingConflicts || share(conflicts, period.records) < samplingConflictShare)
    return null;
  return ofExporter(facts, {
    code: 'sampling_contradictory',
    severity: 'fault',
    sentence:
      `${nameOf(now)} states two sampling rates that contradict each other; 1:${now.samplingRate} from its ` +
      `${now.samplingOrigin === 'options' ? 'options data' : now.samplingOrigin} is used, and its rates may be off by their quotient.`,
    remedy: `Make the device state one rate, the one it samples by, ${override(now.address, 'N')}.`,
    commands: commandsFor('state_sampling', now.protocol),
    evidence: { samplingConflicts: conflicts, samplingRate: now.samplingRate, records: period.records },
  });
}

/**
 * Nothing says that a device samples if it does not; its records do: a flow of which one packet in many is seen is
 * seen once.
 */
function absent(facts: ExporterFacts): Diagnosis | null {
  const { now, period } = facts;
  if (isSflow(now.protocol) || now.samplingOrigin !== 'unknown') return null;
  const packetsPerRecord = share(period.packets, period.records);
  const bytesPerPacket = share(period.bytes, period.packets);
  if (period.records < leastSampledRecords || packetsPerRecord > sampledPacketsPerRecord) return null;
  if (bytesPerPacket < sampledBytesPerPacket) return null;
  return ofExporter(facts, {
    code: 'sampling_absent',
    severity: 'fault',
    sentence:
      `${nameOf(now)} does not say that it samples, and its records look sampled (${packetsPerRecord.toFixed(2)} ` +
      'packets a record): they are counted as they are, too low by as much as it samples.',
    remedy: `Have the device state its sampling, ${override(now.address, 'N')}; sampling 1 if it does not sample.`,
    commands: commandsFor('state_sampling', now.protocol),
    evidence: { packetsPerRecord, bytesPerPacket, records: period.records },
  });
}
