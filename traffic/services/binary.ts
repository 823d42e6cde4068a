/** Answers with a binary layout of their own: clocks, routing, tunnels, sessions, games. */
import type { Random } from '../random.js';
import { join, u16, u32, zeros } from './bytes.js';
import { word } from './naming.js';

const random8 = (random: Random, length: number): Uint8Array => random.fill(new Uint8Array(length));

/** NTP mode 7, MON_GETLIST_1: `count` entries of 72 bytes (ntp_request.h of the reference implementation). */
export function ntpMonlist(random: Random, count: number): Uint8Array {
  const entries = Array.from({ length: count }, () =>
    join(
      u32(random.below(90_000)),
      u32(random.below(90_000)),
      u32(0),
      u32(random.between(1, 5000)),
      random8(random, 4),
      random8(random, 4),
      u32(0),
      u16(123),
      [3, 4],
      u32(0),
      u32(0),
      zeros(32),
    ),
  );
  return join([0xd7, random.below(128), 3, 42], u16(count), u16(72), ...entries);
}

/** An ordinary NTP packet (RFC 5905 section 7.3), version 4. */
export const ntpPacket = (random: Random, mode: 3 | 4): Uint8Array =>
  join(
    [0x20 | mode, mode === 4 ? 2 : 0, 6, 0xec],
    u32(0x200),
    u32(0x300),
    random8(random, 4),
    ...[0, 1, 2, 3].map(() => join(u32(0xea000000 + random.below(0x100000)), u32(random.u32()))),
  );

/** RIP version 1, a full response of 25 routes (RFC 1058 section 3.1). */
export const ripAnswer = (random: Random): Uint8Array =>
  join(
    [2, 1, 0, 0],
    ...Array.from({ length: 25 }, () =>
      join(
        u16(2),
        u16(0),
        [10, random.below(256), random.below(256), 0],
        zeros(8),
        u32(random.between(1, 15)),
      ),
    ),
  );

/** IKEv2 IKE_SA_INIT with a NO_PROPOSAL_CHOSEN notice and a vendor id (RFC 7296 section 3). */
export function isakmpAnswer(random: Random): Uint8Array {
  const notify = join([43, 0], u16(8), [0, 0], u16(14));
  const vendor = join([0, 0], u16(24), random8(random, 20));
  const length = 28 + notify.length + vendor.length;
  return join(random8(random, 16), [41, 0x20, 34, 0x20], u32(0), u32(length), notify, vendor);
}

/** The same behind the four zeros that tell IKE from ESP on port 4500 (RFC 3948 section 2.2). */
export const natTraversalAnswer = (random: Random): Uint8Array => join(u32(0), isakmpAnswer(random));

/** P_CONTROL_HARD_RESET_SERVER_V2 with one acknowledgement. */
export const openvpnAnswer = (random: Random): Uint8Array =>
  join([0x40], random8(random, 8), [1], u32(0), random8(random, 8), u32(0));

/** A binding success response (RFC 8489): XOR-MAPPED-ADDRESS, SOFTWARE. */
export function stunAnswer(random: Random): Uint8Array {
  const name = word(random, 24);
  const attributes = join(
    u16(0x0020),
    u16(8),
    [0, 1],
    u16(random.below(65_536)),
    random8(random, 4),
    u16(0x8022),
    u16(24),
    name,
  );
  return join(u16(0x0101), u16(attributes.length), u32(0x2112a442), random8(random, 12), attributes);
}

/** 2.05 Content with a list of resources in link format (RFC 7252 section 3, RFC 6690). */
export function coapAnswer(random: Random): Uint8Array {
  const resources = Array.from({ length: 16 }, () => `</${word(random, 10)}>;rt="${word(random, 8)}"`).join(
    ',',
  );
  return join([0x60, 0x45], u16(random.below(65_536)), [0xc1, 40, 0xff], resources);
}

/** Apple remote management answers 5 bytes with about a thousand. */
export const armsAnswer = (random: Random): Uint8Array =>
  join(u16(1), u16(1000), word(random, 60), zeros(200), random8(random, 740));

/** The list of instances of a SQL Server (MC-SQLR section 2.2.5): text behind a little-endian length. */
export function mssqlAnswer(random: Random): Uint8Array {
  const text = Array.from(
    { length: 4 },
    () =>
      `ServerName;${word(random, 10)};InstanceName;${word(random, 10)};IsClustered;No;Version;15.0.2000.5;tcp;1433;;`,
  ).join('');
  return join([5, text.length & 0xff, text.length >> 8], text);
}

/** A2S_INFO of a Source engine server. */
export const steamAnswer = (random: Random): Uint8Array =>
  join(
    [0xff, 0xff, 0xff, 0xff, 0x49, 17],
    `${word(random, 40)}\0${word(random, 12)}\0csgo\0${word(random, 24)}\0`,
    [0xda, 2, 12, 32, 0],
    'dl',
    [0, 1],
    `1.38.0.1\0`,
  );

/** The status of a Quake 3 server, with its players. */
export const quakeAnswer = (random: Random): Uint8Array =>
  join(
    [0xff, 0xff, 0xff, 0xff],
    `statusResponse\n\\sv_hostname\\${word(random, 24)}\\mapname\\${word(random, 8)}\\gamename\\baseq3\n`,
    ...Array.from({ length: 12 }, () => `${random.below(50)} ${random.below(200)} "${word(random, 8)}"\n`),
    [0],
  );

/** What an access point of this maker says to its discovery: type, length, value. */
export function ubiquitiAnswer(random: Random): Uint8Array {
  const field = (kind: number, text: string): Uint8Array => join([kind], u16(text.length), text);
  const fields = join(
    join([1], u16(6), random8(random, 6)),
    join([2], u16(10), random8(random, 10)),
    field(3, `XM.ar7240.v5.6.${random.below(10)}`),
    field(0x0b, word(random, 20)),
    field(0x0c, word(random, 8)),
    field(0x0d, word(random, 16)),
  );
  return join([1, 0], u16(fields.length), fields);
}

/** BROWSE-like list of published applications; only its length and port matter. */
export const citrixAnswer = (random: Random): Uint8Array =>
  join([0xea, 0x02, 0x03, 0x06, 0x02, 0xfd, 0xa8, 0xe3], zeros(32), word(random, 400));

/** Willing (XDMCP section 4): authentication, host name and status, each behind its length. */
export function xdmcpAnswer(random: Random): Uint8Array {
  const text = (value: string): Uint8Array => join(u16(value.length), value);
  const body = join(
    text(''),
    text(word(random, 20)),
    text(`${random.below(9)} users, load 0.${random.below(99)}`),
  );
  return join(u16(1), u16(5), u16(body.length), body);
}

/** Text licences and device names that a few embedded services send back. */
export const deviceAnswer =
  (magic: readonly number[], size: number) =>
  (random: Random): Uint8Array =>
    join(magic, zeros(16), word(random, size));
