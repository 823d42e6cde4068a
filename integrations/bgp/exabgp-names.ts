/**
 * The words that ExaBGP prints in place of numbers when it lists its routes. 4 and 5 differ: 5 also names ports.
 *
 * It is told numbers alone; these tables are only for reading back. A name that is not in them is looked up among the
 * rules that are known (see `exabgp-rib.ts`), so a missing row costs nothing but certainty about routes nobody knows.
 */

type Names = { readonly [name: string]: number };

export const protocolNames: Names = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  egp: 8,
  udp: 17,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  ospf: 89,
  ipip: 94,
  pim: 103,
  sctp: 132,
};

/** ICMP type names of IPv4; it prints them for ICMPv6 as well. */
export const icmpTypeNames: Names = {
  'echo-reply': 0,
  unreachable: 3,
  'source-quench': 4,
  redirect: 5,
  'echo-request': 8,
  'router-advertisement': 9,
  'router-solicit': 10,
  'time-exceeded': 11,
  'parameter-problem': 12,
  timestamp: 13,
  'timestamp-reply': 14,
  'info-request': 15,
  'info-reply': 16,
  'mask-request': 17,
  'mask-reply': 18,
  traceroute: 30,
  photuris: 40,
  'experimental-mobility': 41,
  'extended-echo-request': 42,
  'extended-echo-reply': 43,
  'experimental-one': 253,
  'experimental-two': 254,
};

export const tcpFlagNames: Names = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  push: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
  ns: 0x100,
};

/** RFC 1997, RFC 3765, RFC 7999. */
export const communityNames: { readonly [name: string]: readonly [number, number] } = {
  'no-export': [65535, 65281],
  'no-advertise': [65535, 65282],
  'no-export-subconfed': [65535, 65283],
  'no-peer': [65535, 65284],
  blackhole: [65535, 666],
};

/** IANA's names of the ports that floods come from or go to; 5 prints names for some thousands. */
export const portNames: Names = {
  discard: 9,
  daytime: 13,
  qotd: 17,
  chargen: 19,
  'ftp-data': 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  time: 37,
  domain: 53,
  bootps: 67,
  bootpc: 68,
  tftp: 69,
  http: 80,
  pop3: 110,
  sunrpc: 111,
  ntp: 123,
  'netbios-ns': 137,
  'netbios-dgm': 138,
  'netbios-ssn': 139,
  imap: 143,
  snmp: 161,
  snmptrap: 162,
  bgp: 179,
  ldap: 389,
  https: 443,
  'microsoft-ds': 445,
  isakmp: 500,
  syslog: 514,
  mdns: 5353,
  'ipsec-msft': 4500,
  ssdp: 1900,
  sip: 5060,
  'sip-tls': 5061,
  'ms-wbt-server': 3389,
  mysql: 3306,
  postgresql: 5432,
};
