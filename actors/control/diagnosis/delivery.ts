/** What was sent and never counted: lost on the way, lost on this machine, refused, or of no use at the port it came to. Pure. */
import type { Diagnosis } from '../../../domain/diagnosis.js';
import type { ExporterStats, FlowProtocol, StrayProtocol } from '../../../domain/flow.js';
import type { MachineFacts } from '../../../domain/ports.js';
import type { ExporterFacts, ListenerFacts } from './facts.js';
import {
  leastDatagramsForMean,
  leastDatagramsLost,
  leastRefusedDatagrams,
  leastStrayDatagrams,
  lossShare,
} from './limits.js';
import { commandsFor } from './tables/commands.js';
import { isSflow, nameOf, ofExporter, percentText, protocolTitle, share } from './wording.js';

/** NetFlow v9 and sFlow number their datagrams; the others number records (RFC 7011 section 3.1). */
const numbersDatagrams = (protocol: FlowProtocol): boolean => protocol === 'netflow9' || isSflow(protocol);

/** In datagrams, of the period. */
function lostDatagrams({ protocol, sequenceLost, datagrams, records }: ExporterStats): number {
  if (numbersDatagrams(protocol)) return sequenceLost;
  return sequenceLost / Math.max(1, share(records, datagrams));
}

/** Whether what this listener's exporters miss is what this machine's own socket has dropped. */
function isOwnLoss(listener: ListenerFacts | undefined, exporters: readonly ExporterFacts[]): boolean {
  if (listener === undefined || listener.period.dropped === 0) return false;
  const own = exporters.filter((each) => each.listener === listener.setting.name);
  const came = own.reduce((sum, { period }) => sum + period.datagrams, 0);
  if (came < leastDatagramsForMean) return listener.period.dropped >= leastDatagramsLost;
  const lost = own.reduce((sum, { period }) => sum + lostDatagrams(period), 0);
  return listener.period.dropped >= lost / 2;
}

export function sequenceLoss(
  facts: ExporterFacts,
  listener: ListenerFacts | undefined,
  exporters: readonly ExporterFacts[],
): readonly Diagnosis[] {
  const { now, period } = facts;
  const lost = lostDatagrams(period);
  const lostShare = share(lost, lost + period.datagrams);
  if (lost < leastDatagramsLost || lostShare < lossShare || isOwnLoss(listener, exporters)) return [];
  return [
    ofExporter(facts, {
      code: 'sequence_loss',
      severity: 'fault',
      sentence:
        `${percentText(lostShare)} of the ${protocolTitle(now.protocol)} datagrams of ${nameOf(now)} never came, and this ` +
        'machine has dropped none of them: its rates are too low by as much.',
      remedy:
        'Look for drops on the way from the device to here: its export queue, policers and QoS for UDP, full links, and ' +
        'fragments of datagrams longer than the MTU.',
      commands: [],
      evidence: {
        datagramsLost: Math.round(lost),
        datagrams: period.datagrams,
        sequenceLost: period.sequenceLost,
        sequenceRestarts: period.sequenceRestarts,
      },
    }),
  ];
}

export function socketDrops(facts: ListenerFacts, machine: MachineFacts | null): readonly Diagnosis[] {
  const { setting, now, period } = facts;
  const lostShare = share(period.dropped, period.dropped + period.datagrams);
  if (period.dropped < leastDatagramsLost || lostShare < lossShare) return [];
  const { receiveBuffer, receiveBufferAsked } = now;
  const capped = receiveBuffer < receiveBufferAsked;
  const allowed = machine?.rmemMaxBytes ?? null;
  return [
    {
      code: 'socket_drops',
      severity: 'fault',
      listener: setting.name,
      exporter: null,
      sentence:
        `This machine dropped ${percentText(lostShare)} of the datagrams to ${setting.name} because the socket's buffer was full` +
        (capped
          ? `; of the ${receiveBufferAsked} bytes asked for the kernel granted ${receiveBuffer}.`
          : `; it has the ${receiveBuffer} bytes that were asked for.`),
      remedy: capped
        ? 'Let the kernel grant the buffer, then restart the daemon.'
        : "Raise the listener's receive_buffer, or its workers if one CPU is busy with it.",
      commands: capped ? commandsFor('larger_receive_buffer', 'sflow5', { bytes: receiveBufferAsked }) : [],
      evidence: {
        dropped: period.dropped,
        datagrams: period.datagrams,
        receiveBufferBytes: receiveBuffer,
        receiveBufferAskedBytes: receiveBufferAsked,
        ...(allowed === null ? {} : { rmemMaxBytes: allowed }),
      },
    },
  ];
}

const strayTitle = (protocol: StrayProtocol): string =>
  protocol === 'unknown' ? 'nothing known as flow telemetry' : protocolTitle(protocol);

const families = { sflow: 'sFlow', netflow: 'NetFlow', ipfix: 'IPFIX' } as const;

export function wrongProtocol({ setting, period }: ListenerFacts): readonly Diagnosis[] {
  const taken = setting.accepts.map((family) => families[family]).join(' and ');
  return period.strays
    .filter(({ datagrams }) => datagrams >= leastStrayDatagrams)
    .map(({ protocol, datagrams, lastFrom }) => ({
      code: 'wrong_protocol' as const,
      severity: 'fault' as const,
      listener: setting.name,
      exporter: lastFrom,
      sentence:
        `${lastFrom} sends ${strayTitle(protocol)} to ${setting.name}, which takes ${taken}: ` +
        `${datagrams} datagrams were not read.`,
      remedy:
        protocol === 'unknown'
          ? 'Have the device send flow telemetry to that port, or nothing.'
          : `Have the device send it to a port that takes it, or configure a ${protocol === 'ipfix' ? 'listener of IPFIX' : isSflow(protocol) ? 'listener of sFlow' : 'listener of NetFlow'} and name its port on the device.`,
      commands: protocol === 'unknown' ? [] : commandsFor('send_to_right_port', protocol),
      evidence: { datagrams, port: setting.port },
    }));
}

export function refused({ setting, now, period }: ListenerFacts): readonly Diagnosis[] {
  if (period.refused < leastRefusedDatagrams) return [];
  const last = now.lastRefused;
  return [
    {
      code: 'refused',
      severity: 'hint',
      listener: setting.name,
      exporter: last,
      sentence:
        `${period.refused} datagrams to ${setting.name} came from addresses that are not in exporters.allow` +
        `${last === null ? '' : `, the last from ${last}`}.`,
      remedy: `If ${last ?? 'the sender'} is a device of yours, add its address to exporters.allow.`,
      commands: [],
      evidence: { refused: period.refused },
    },
  ];
}
