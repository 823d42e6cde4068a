/** Datagrams that arrive at this machine and never reach the socket: the kernel has dropped them in between. Pure. */
import type { Diagnosis, VendorCommand } from '../../../domain/diagnosis.js';
import type { WireSight } from '../../../domain/ports.js';
import type { Facts, ListenerFacts } from './facts.js';
import { senderKey } from './facts.js';
import { leastWireDatagrams } from './limits.js';

const anyAddress = new Set(['0.0.0.0', '::']);

const isFor = ({ setting }: ListenerFacts, { port, destination }: WireSight): boolean =>
  setting.transport === 'udp' &&
  setting.port === port &&
  (anyAddress.has(setting.address) || setting.address === destination);

export function notReceived(facts: Facts): readonly Diagnosis[] {
  const { wire } = facts;
  if (wire === null) return [];
  return facts.listeners.flatMap((listener) => {
    const sent = new Map<string, { sight: WireSight; datagrams: number }>();
    for (const sight of wire.sights.filter((each) => isFor(listener, each))) {
      const before = sent.get(sight.source)?.datagrams ?? 0;
      sent.set(sight.source, { sight, datagrams: before + sight.datagrams });
    }
    return [...sent.values()].flatMap(({ sight, datagrams }) => {
      const { name } = listener.setting;
      const received = wire.received.get(senderKey(name, sight.source)) ?? 0;
      const perhapsItsOwn = wire.unattributed.get(name) ?? 0;
      const isLost = datagrams >= leastWireDatagrams && received === 0 && datagrams > perhapsItsOwn;
      return isLost ? [lost(facts, listener, sight, datagrams)] : [];
    });
  });
}

function lost(facts: Facts, { setting }: ListenerFacts, sight: WireSight, datagrams: number): Diagnosis {
  const drops = facts.wire?.rpFilterDrops ?? 0;
  const strict = facts.machine?.rpFilter[sight.interface] ?? 0;
  // The kernel counts these drops for the whole machine: as many as we miss are ours.
  const byRpFilter = drops >= datagrams / 2;
  const cause = byRpFilter
    ? `rp_filter of ${sight.interface} drops them, because the route back to ${sight.source} does not lead there`
    : `a firewall of this machine drops them${strict === 1 ? `, or rp_filter of ${sight.interface}, which is strict` : ''}`;
  return {
    code: 'not_received',
    severity: 'fault',
    listener: setting.name,
    exporter: sight.source,
    sentence:
      `${datagrams} datagrams from ${sight.source} arrived on ${sight.interface} within ` +
      `${facts.wire?.seconds ?? 0} s and none of them at ${setting.name}: ${byRpFilter ? '' : 'most likely '}${cause}.`,
    remedy: byRpFilter
      ? `Set rp_filter of ${sight.interface} to loose, or give ${sight.source} a route through it.`
      : `Let UDP port ${setting.port} from ${sight.source} pass.`,
    commands: byRpFilter ? looseCommands(sight.interface) : openCommands(sight, setting.port),
    evidence: { datagrams, received: 0, rpFilterDrops: drops, rpFilter: strict, port: setting.port },
  };
}

const looseCommands = (name: string): readonly VendorCommand[] => [
  { system: 'this machine', lines: [`sysctl -w net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter=2`] },
];

function openCommands({ source }: WireSight, port: number): readonly VendorCommand[] {
  const ipv6 = source.includes(':');
  return [
    {
      system: 'iptables',
      lines: [`${ipv6 ? 'ip6tables' : 'iptables'} -I INPUT -p udp -s ${source} --dport ${port} -j ACCEPT`],
    },
    {
      system: 'nftables',
      lines: [
        `nft insert rule inet filter input ${ipv6 ? 'ip6' : 'ip'} saddr ${source} udp dport ${port} accept`,
      ],
    },
  ];
}
