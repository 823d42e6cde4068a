/**
 * The closed list of attack vectors: what a fingerprint can say.
 *
 * `vector` of a fingerprint is one of `plainVectors`, `<service>_amplification` for a service below,
 * `ip_protocol_<n>` for a protocol without a name here, or `mixed:<a>+<b>` with the two leading ones.
 */

export const plainVectors = [
  'syn_flood',
  'syn_ack_flood',
  'ack_flood',
  'rst_flood',
  'fin_flood',
  'xmas_flood',
  'null_flood',
  'tcp_flood',
  'tcp_reflection',
  'udp_flood',
  'icmp_flood',
  'icmpv6_flood',
  'fragment_flood',
  'gre_flood',
  'esp_flood',
  'ah_flood',
  'sctp_flood',
  'igmp_flood',
  'ipip_flood',
  'random_protocol_flood',
  'unknown',
] as const;
export type PlainVector = (typeof plainVectors)[number];

/**
 * A UDP service that answers more than it is asked.
 * `minMeanIpBytes`: below this mean IP length the packets are not its amplified answers but requests,
 * ordinary answers or a flood that borrows the port.
 */
export type AmplifyingService = {
  readonly name: string;
  readonly ports: readonly number[];
  readonly minMeanIpBytes: number;
};

const service = (name: string, minMeanIpBytes: number, ...ports: number[]): AmplifyingService => ({
  name,
  ports,
  minMeanIpBytes,
});

export const amplifyingServices: readonly AmplifyingService[] = [
  service('echo', 60, 7),
  service('daytime', 50, 13),
  service('qotd', 60, 17),
  service('chargen', 100, 19),
  service('time', 32, 37),
  service('dns', 100, 53),
  service('tftp', 100, 69),
  service('rpcbind', 80, 111),
  service('ntp', 100, 123), // an ordinary answer is 76 (RFC 5905 section 7.3)
  service('netbios', 100, 137, 138),
  service('snmp', 100, 161),
  service('xdmcp', 60, 177),
  service('cldap', 200, 389),
  service('openafs', 80, 7001),
  service('slp', 80, 427),
  service('isakmp', 80, 500, 4500),
  service('rip', 80, 520),
  service('ripng', 80, 521),
  service('ipmi', 50, 623),
  service('openvpn', 50, 1194),
  service('citrix', 100, 1604),
  service('mssql', 100, 1434),
  service('l2tp', 80, 1701),
  service('ssdp', 200, 1900),
  service('digiman', 100, 2362),
  service('arms', 300, 3283),
  service('rdp', 500, 3389),
  service('stun', 50, 3478),
  service('wsd', 300, 3702),
  service('bfd', 50, 3784),
  service('kad', 60, 4672),
  service('sip', 200, 5060),
  service('mdns', 80, 5353),
  service('pcanywhere', 60, 5632),
  service('coap', 60, 5683),
  service('bittorrent', 80, 6881),
  service('fivem', 80, 30120),
  service('teamspeak', 60, 9987),
  service('ubiquiti', 80, 10001),
  service('micollab', 80, 10074),
  service('memcached', 200, 11211),
  service('steam', 80, 27015),
  service('quake3', 80, 27960),
  service('netis', 60, 53413),
  service('plex', 60, 32410, 32412, 32414),
  service('jenkins', 80, 33848),
  service('dvr', 80, 37810),
  service('crestron', 80, 41794),
  service('dtls', 80, 4433),
  service('lantronix', 40, 30718),
  service('sentinel', 100, 5093),
  service('ard_vnc', 80, 5900),
  service('vxworks', 80, 17185),
  service('dhcpdiscover', 80, 37020),
];

const byPort = new Map(amplifyingServices.flatMap((one) => one.ports.map((port) => [port, one] as const)));

export const amplifyingServiceAt = (port: number): AmplifyingService | null => byPort.get(port) ?? null;

/** TCP services whose SYN-ACKs reflectors send. Ports below 1024 all count. */
const tcpServicePorts = new Set([
  1080, 1433, 1723, 2000, 2083, 2087, 3128, 3306, 3389, 5060, 5222, 5432, 5900, 6379, 7547, 8000, 8080, 8081,
  8291, 8443, 8888, 9200, 27017,
]);
export const isTcpService = (port: number): boolean => port < 1024 || tcpServicePorts.has(port);

/** IANA protocol numbers that have a vector of their own. */
export const protocolVectors: { readonly [protocol: number]: PlainVector } = {
  1: 'icmp_flood',
  2: 'igmp_flood',
  4: 'ipip_flood',
  41: 'ipip_flood',
  47: 'gre_flood',
  50: 'esp_flood',
  51: 'ah_flood',
  58: 'icmpv6_flood',
  132: 'sctp_flood',
};

const protocolNames: { readonly [protocol: number]: string } = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipv4',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'ipv6-icmp',
  89: 'ospfigp',
  103: 'pim',
  112: 'vrrp',
  115: 'l2tp',
  132: 'sctp',
  136: 'udplite',
};

/** Lower-case IANA keyword of a protocol, or 'unknown'. */
export const protocolName = (protocol: number): string => protocolNames[protocol] ?? 'unknown';

/** True for every text a fingerprint may carry as its vector. */
export function isVector(text: string): boolean {
  if (text.startsWith('mixed:')) {
    const parts = text.slice('mixed:'.length).split('+');
    return parts.length === 2 && parts.every((part) => !part.startsWith('mixed:') && isVector(part));
  }
  if ((plainVectors as readonly string[]).includes(text)) return true;
  const amplified = /^(.+)_amplification$/.exec(text);
  if (amplified) return amplifyingServices.some((one) => one.name === amplified[1]);
  const numbered = /^ip_protocol_(\d{1,3})$/.exec(text);
  return numbered !== null && Number(numbered[1]) <= 255;
}
