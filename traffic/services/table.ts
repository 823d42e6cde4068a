/**
 * Services that answer far more than they are asked: port, families and the answers themselves.
 *
 * Names are those of the detector. Where a service splits its answer over datagrams, one datagram is shown; where
 * it leaves that to IP (DNS, CLDAP), answers beyond the MTU become fragments.
 */
import type { Family } from '../../domain/address.js';
import type { Random } from '../random.js';
import {
  armsAnswer,
  citrixAnswer,
  coapAnswer,
  deviceAnswer,
  isakmpAnswer,
  mssqlAnswer,
  natTraversalAnswer,
  ntpMonlist,
  openvpnAnswer,
  quakeAnswer,
  ripAnswer,
  steamAnswer,
  stunAnswer,
  ubiquitiAnswer,
  xdmcpAnswer,
} from './binary.js';
import { cldapAnswer, ipmiAnswer, rpcbindAnswer, slpAnswer, snmpAnswer, tftpBlock } from './management.js';
import { dnsAnswer, mdnsAnswer, netbiosStatus } from './naming.js';
import {
  chargenAnswer,
  jenkinsAnswer,
  memcachedAnswer,
  micollabAnswer,
  plexAnswer,
  quoteAnswer,
  recorderAnswer,
  sipAnswer,
  ssdpAnswer,
  wsdAnswer,
} from './text.js';

export type ReflectedService = {
  readonly name: string;
  readonly port: number;
  readonly families: readonly Family[];
  readonly answer: (random: Random) => Uint8Array;
  /** The answer begins with an identifier: this many bytes change from packet to packet. */
  readonly idBytes: number;
  /** Some answers are longer than the MTU. */
  readonly fragments: boolean;
};

type Rest = Partial<Omit<ReflectedService, 'name' | 'port' | 'answer'>>;

const service = (
  name: string,
  port: number,
  answer: (random: Random) => Uint8Array,
  rest: Rest = {},
): ReflectedService => ({ families: [4], idBytes: 0, fragments: false, ...rest, name, port, answer });

const both: Rest = { families: [4, 6] };

export const reflectedServices: readonly ReflectedService[] = [
  service('qotd', 17, quoteAnswer),
  service('chargen', 19, (random) => chargenAnswer(random, random.between(512, 1460))),
  service('dns', 53, (random) => dnsAnswer(random, random.pick([1180, 1220, 2900, 3840])), {
    families: [4, 6],
    idBytes: 2,
    fragments: true,
  }),
  service('tftp', 69, tftpBlock),
  service('rpcbind', 111, rpcbindAnswer),
  service('ntp', 123, (random) => ntpMonlist(random, 6), both),
  service('netbios', 137, (random) => netbiosStatus(random, random.between(4, 10))),
  service('snmp', 161, (random) => snmpAnswer(random, random.between(20, 35)), both),
  service('xdmcp', 177, xdmcpAnswer),
  service('cldap', 389, cldapAnswer, { fragments: true }),
  service('slp', 427, (random) => slpAnswer(random, random.between(8, 20))),
  service('isakmp', 500, isakmpAnswer, both),
  service('isakmp_nat', 4500, natTraversalAnswer, both),
  service('rip', 520, ripAnswer),
  service('ipmi', 623, ipmiAnswer),
  service('openvpn', 1194, openvpnAnswer, both),
  service('mssql', 1434, mssqlAnswer),
  service('citrix', 1604, citrixAnswer),
  service('ssdp', 1900, ssdpAnswer, both),
  service('digiman', 2362, deviceAnswer([0x44, 0x49, 0x47, 0x49], 140)),
  service('arms', 3283, armsAnswer),
  service('stun', 3478, stunAnswer, both),
  service('wsd', 3702, wsdAnswer, both),
  service('sip', 5060, sipAnswer, both),
  service('sentinel', 5093, deviceAnswer([0x7a, 0, 0, 0, 0, 0], 1180)),
  service('mdns', 5353, mdnsAnswer, both),
  service('coap', 5683, coapAnswer, both),
  service('ubiquiti', 10001, ubiquitiAnswer),
  service('micollab', 10074, micollabAnswer),
  service('memcached', 11211, (random) => memcachedAnswer(random, random.between(1200, 1380))),
  service('steam', 27015, steamAnswer),
  service('quake3', 27960, quakeAnswer),
  service('plex', 32414, plexAnswer),
  service('jenkins', 33848, jenkinsAnswer),
  service('dvr', 37810, recorderAnswer),
  service('crestron', 41794, deviceAnswer([0x15, 0, 0, 0], 340)),
];
