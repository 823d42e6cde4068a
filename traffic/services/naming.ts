/** Answers of naming services: DNS (RFC 1035), mDNS (RFC 6762), NetBIOS name service (RFC 1002). */
import type { Random } from '../random.js';
import { join, u16, u32, zeros } from './bytes.js';

const labels = (name: string): Uint8Array =>
  join(...name.split('.').map((label) => join([label.length], label)), [0]);

const typeTxt = 16;
const typeDnskey = 48;
const classIn = 1;
const pointerToQuestion = [0xc0, 12];
const longestText = 255;
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const word = (random: Random, length: number): string =>
  Array.from({ length }, () => letters[random.below(letters.length)]).join('');

const record = (
  name: readonly number[] | Uint8Array,
  type: number,
  ttl: number,
  data: Uint8Array,
): Uint8Array => join(name, u16(type), u16(classIn), u32(ttl), u16(data.length), data);

/** An answer to ANY, of about `size` bytes: TXT records and one DNSKEY. Its id is 0. */
export function dnsAnswer(random: Random, size: number): Uint8Array {
  const question = join(labels(`${word(random, 8)}.example`), u16(255), u16(classIn));
  const key = record(
    pointerToQuestion,
    typeDnskey,
    3600,
    join([1, 1, 3, 8], random.fill(new Uint8Array(132))),
  );
  const texts: Uint8Array[] = [];
  let left = size - 12 - question.length - key.length - 11;
  while (left > 14) {
    const length = Math.min(longestText, left - 13);
    texts.push(record(pointerToQuestion, typeTxt, 3600, join([length], word(random, length))));
    left -= 13 + length;
  }
  // The additional record is EDNS(0), RFC 6891: without it an answer beyond 512 bytes could not be.
  const edns = join([0], u16(41), u16(4096), u32(0), u16(0));
  return join(
    u16(0),
    u16(0x8580),
    u16(1),
    u16(1 + texts.length),
    u16(0),
    u16(1),
    question,
    key,
    ...texts,
    edns,
  );
}

/** One question for `name`, type A, its id 0. */
export const dnsQuestion = (name: string): Uint8Array =>
  join(u16(0), u16(0x0100), u16(1), u16(0), u16(0), u16(0), labels(name), u16(1), u16(classIn));

/** The answer to `dnsQuestion(name)` with some addresses. */
export const dnsAddresses = (name: string, random: Random, count: number): Uint8Array =>
  join(
    u16(0),
    u16(0x8180),
    u16(1),
    u16(count),
    u16(0),
    u16(0),
    labels(name),
    u16(1),
    u16(classIn),
    ...Array.from({ length: count }, () => record(pointerToQuestion, 1, 300, random.fill(new Uint8Array(4)))),
  );

/** Services found by DNS-SD, as answers to one query. */
export function mdnsAnswer(random: Random): Uint8Array {
  const service = labels('_services._dns-sd._udp.local');
  const kinds = ['_http', '_ssh', '_workstation', '_ipp', '_smb', '_airplay', '_printer'];
  const found = kinds
    .slice(0, random.between(3, kinds.length))
    .map((kind) => record(service, 12, 10, labels(`${kind}._tcp.local`)));
  return join(u16(0), u16(0x8400), u16(0), u16(found.length), u16(0), u16(0), ...found);
}

/** A node status response (RFC 1002 section 4.2.18) with `count` names. */
export function netbiosStatus(random: Random, count: number): Uint8Array {
  const encoded = `CK${'A'.repeat(30)}`;
  const names = Array.from({ length: count }, (_, index) =>
    join(word(random, 8).toUpperCase().padEnd(15, ' '), [index === 0 ? 0x20 : 0x00], u16(0x0400)),
  );
  const data = join([count], ...names, random.fill(new Uint8Array(6)), zeros(40));
  return join(
    u16(random.below(65_536)),
    u16(0x8400),
    u16(0),
    u16(1),
    u16(0),
    u16(0),
    [32],
    encoded,
    [0],
    u16(0x21),
    u16(classIn),
    u32(0),
    u16(data.length),
    data,
  );
}
