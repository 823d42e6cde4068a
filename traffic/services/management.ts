/** Answers of directories and management: CLDAP (RFC 4511), SNMP (RFC 3416), rpcbind (RFC 1833), IPMI, SLP, TFTP. */
import type { Random } from '../random.js';
import { ber, join, u16, u32, zeros } from './bytes.js';
import { word } from './naming.js';

const octets = (text: string): Uint8Array => ber(0x04, text);
const berInteger = (value: number): Uint8Array => ber(0x02, u32(value & 0x7fffffff));

const rootAttributes: readonly (readonly [string, number, number])[] = [
  ['currentTime', 1, 17],
  ['subschemaSubentry', 1, 70],
  ['dsServiceName', 1, 110],
  ['namingContexts', 5, 42],
  ['defaultNamingContext', 1, 24],
  ['schemaNamingContext', 1, 50],
  ['configurationNamingContext', 1, 42],
  ['supportedControl', 36, 24],
  ['supportedLDAPVersion', 2, 1],
  ['supportedLDAPPolicies', 20, 18],
  ['dnsHostName', 1, 28],
  ['ldapServiceName', 1, 40],
  ['serverName', 1, 90],
  ['supportedCapabilities', 7, 24],
];

/** The root entry of a directory, about 2.5 kB, and the end of the search. */
export function cldapAnswer(random: Random): Uint8Array {
  const id = berInteger(random.between(1, 7));
  const attributes = rootAttributes.map(([name, count, length]) =>
    ber(0x30, octets(name), ber(0x31, ...Array.from({ length: count }, () => octets(word(random, length))))),
  );
  const entry = ber(0x30, id, ber(0x64, octets(''), ber(0x30, ...attributes)));
  const done = ber(0x30, id, ber(0x65, ber(0x0a, [0]), octets(''), octets('')));
  return join(entry, done);
}

/** A GetBulk answer of `count` rows of the interface table. */
export function snmpAnswer(random: Random, count: number): Uint8Array {
  const rows = Array.from({ length: count }, (_, index) =>
    ber(0x30, ber(0x06, [0x2b, 6, 1, 2, 1, 2, 2, 1, 2, index + 1]), octets(`Gigabit ${word(random, 12)}`)),
  );
  return ber(
    0x30,
    ber(0x02, [1]),
    octets('public'),
    ber(0xa2, berInteger(random.u32()), ber(0x02, [0]), ber(0x02, [0]), ber(0x30, ...rows)),
  );
}

/** The reply to DUMP: program, version, protocol and port of every service, as an XDR list. */
export function rpcbindAnswer(random: Random): Uint8Array {
  const programs = [100_000, 100_003, 100_005, 100_021, 100_024, 100_227];
  const entries = programs.flatMap((program) =>
    [2, 3, 4].flatMap((version) =>
      [6, 17].map((protocol) =>
        join(u32(1), u32(program), u32(version), u32(protocol), u32(random.between(111, 2049))),
      ),
    ),
  );
  return join(u32(random.u32()), u32(1), u32(0), u32(0), u32(0), u32(0), ...entries, u32(0));
}

/** A data block of 512 bytes (RFC 1350 section 5). */
export const tftpBlock = (random: Random): Uint8Array =>
  join(u16(3), u16(1), random.fill(new Uint8Array(512)));

/** Get Channel Authentication Capabilities, answered over RMCP (IPMI 2.0 section 13). */
export function ipmiAnswer(random: Random): Uint8Array {
  const body = [0x81, 0x1c, 0x63, 0x20, random.below(64) << 2, 0x38, 0, 1, 0x80, 0x04, 0x03, 0, 0, 0, 0];
  const check = -body.slice(3).reduce((sum, byte) => sum + byte, 0) & 0xff;
  return join([6, 0, 0xff, 7], [0], u32(0), u32(0), [body.length + 1], body, [check]);
}

/** A service reply (RFC 2608 section 8.2) with URLs. */
export function slpAnswer(random: Random, count: number): Uint8Array {
  const urls = Array.from({ length: count }, () => {
    const url = `service:${word(random, 8)}://${word(random, 20)}.example`;
    return join([0], u16(10_800), u16(url.length), url, [0]);
  });
  const body = join(u16(0), u16(count), ...urls);
  const language = join(u16(2), 'en');
  const length = 12 + language.length + body.length;
  return join([2, 2, 0], u16(length), u16(0), zeros(3), u16(random.below(65_536)), language, body);
}
