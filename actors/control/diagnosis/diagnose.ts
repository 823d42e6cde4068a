/**
 * The doctor: from facts to diagnoses, each with its cause and its remedy.
 *
 * Pure; total. Each cause is named once: what follows from it is left out (records that cannot be read have no sampling to
 * judge; a device that has fallen silent is that alone; what the own socket dropped is no loss of the network).
 */
import type { Diagnosis, DoctorReport, ExporterVerdict } from '../../../domain/diagnosis.js';
import { duplicates, outsideNetworks, shortHeaders } from './content.js';
import { refused, sequenceLoss, socketDrops, wrongProtocol } from './delivery.js';
import type { ExporterFacts, Facts } from './facts.js';
import { samplingFaults } from './sampling.js';
import { templateFaults } from './templates.js';
import { activeTimeout, clockSkew, inactiveTimeout, silent } from './timing.js';
import { notReceived } from './wire.js';

export function diagnose(facts: Facts, notes: readonly string[]): DoctorReport {
  const exporters = facts.exporters.map((one) => verdictOf(one, facts));
  const elsewhere = [
    ...facts.listeners.flatMap((listener) => [
      ...socketDrops(listener, facts.machine),
      ...wrongProtocol(listener),
      ...refused(listener),
    ]),
    ...notReceived(facts),
  ];
  return { at: facts.at, periodSeconds: facts.periodSeconds, exporters, elsewhere, notes };
}

function verdictOf(one: ExporterFacts, facts: Facts): ExporterVerdict {
  const { now, period, listener } = one;
  return {
    exporter: now.address,
    agent: now.agent,
    domain: now.domain,
    protocol: now.protocol,
    listener,
    datagrams: period.datagrams,
    records: period.records,
    diagnoses: faultsOf(one, facts),
  };
}

function faultsOf(one: ExporterFacts, facts: Facts): readonly Diagnosis[] {
  const gone = silent(one, facts.at);
  if (gone.length > 0) return gone;
  const listener = facts.listeners.find(({ setting }) => setting.name === one.listener);
  return [
    ...templateFaults(one),
    ...samplingFaults(one),
    ...activeTimeout(one, facts.windowMs, listener?.setting.spread ?? true),
    ...inactiveTimeout(one),
    ...sequenceLoss(one, listener, facts.exporters),
    ...clockSkew(one),
    ...duplicates(one),
    ...outsideNetworks(one),
    ...shortHeaders(one),
  ];
}
