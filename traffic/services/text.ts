/** Answers that are text: HTTP over UDP, XML and plain lines. */
import type { Random } from '../random.js';
import { join, u16, u32, zeros } from './bytes.js';
import { word } from './naming.js';

const lines = (...rows: readonly string[]): Uint8Array => join(`${rows.join('\r\n')}\r\n`);
const uuid = (random: Random): string =>
  [8, 4, 4, 4, 12].map((length) => word(random, length).replace(/[g-z]/g, 'a')).join('-');

export const ssdpAnswer = (random: Random): Uint8Array =>
  lines(
    'HTTP/1.1 200 OK',
    'CACHE-CONTROL: max-age=120',
    'EXT:',
    `LOCATION: http://192.168.${random.below(255)}.1:49152/${word(random, 12)}.xml`,
    `SERVER: Linux/3.14 UPnP/1.0 ${word(random, 10)}/1.0`,
    'ST: upnp:rootdevice',
    `USN: uuid:${uuid(random)}::upnp:rootdevice`,
    '',
  );

export const sipAnswer = (random: Random): Uint8Array =>
  lines(
    'SIP/2.0 200 OK',
    `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${word(random, 16)}`,
    `From: <sip:probe@example>;tag=${word(random, 8)}`,
    `To: <sip:probe@example>;tag=${word(random, 8)}`,
    `Call-ID: ${word(random, 24)}`,
    'CSeq: 1 OPTIONS',
    `Server: ${word(random, 12)}`,
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE',
    'Supported: replaces, timer',
    'Content-Length: 0',
    '',
  );

export const plexAnswer = (random: Random): Uint8Array =>
  lines(
    'HTTP/1.0 200 OK',
    'Content-Type: plex/media-server',
    `Name: ${word(random, 12)}`,
    'Port: 32400',
    `Resource-Identifier: ${word(random, 40)}`,
    `Updated-At: ${random.between(1_600_000_000, 1_700_000_000)}`,
    'Version: 1.21.1',
    '',
  );

export const wsdAnswer = (random: Random): Uint8Array =>
  join(
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"',
    ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"',
    ' xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery"><soap:Header>',
    '<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action>',
    `<wsa:MessageID>urn:uuid:${uuid(random)}</wsa:MessageID></soap:Header><soap:Body><wsd:ProbeMatches>`,
    `<wsd:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:${uuid(random)}</wsa:Address>`,
    `</wsa:EndpointReference><wsd:Scopes>${word(random, 200)}</wsd:Scopes>`,
    '<wsd:MetadataVersion>1</wsd:MetadataVersion></wsd:ProbeMatch></wsd:ProbeMatches></soap:Body></soap:Envelope>',
  );

export const jenkinsAnswer = (random: Random): Uint8Array =>
  join(
    `<hudson><version>2.${random.between(100, 218)}</version><url>http://${word(random, 16)}.example/</url>`,
    `<server-id>${word(random, 32)}</server-id><slave-port>50000</slave-port></hudson>`,
  );

const printable = 95;
const firstPrintable = 0x20;

/** The rotating pattern of RFC 864: lines of 72 characters. */
export function chargenAnswer(random: Random, size: number): Uint8Array {
  const first = random.below(printable);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at++) {
    const column = at % 74;
    const row = Math.floor(at / 74);
    bytes[at] =
      column === 72 ? 13 : column === 73 ? 10 : firstPrintable + ((first + row + column) % printable);
  }
  return bytes;
}

export const quoteAnswer = (random: Random): Uint8Array =>
  join(
    `"${Array.from({ length: random.between(20, 50) }, () => word(random, random.between(2, 8))).join(' ')}"\r\n`,
  );

/** One datagram of the answer to 'get' or 'stats' (protocol.txt of memcached: an 8-byte frame header, then text). */
export const memcachedAnswer = (random: Random, size: number): Uint8Array =>
  join(
    u16(random.below(0x8000)),
    u16(0),
    u16(1),
    u16(0),
    `VALUE ${word(random, 1)} 0 ${size}\r\n`,
    word(random, size),
    '\r\nEND\r\n',
  );

/** What a video recorder says of itself: a 32-byte header and JSON. */
export function recorderAnswer(random: Random): Uint8Array {
  const json = JSON.stringify({
    mac: word(random, 12),
    method: 'client.notifyDevInfo',
    params: {
      deviceInfo: {
        AlarmInputChannels: 4,
        DeviceClass: 'NVR',
        DeviceType: word(random, 16),
        HttpPort: 80,
        IPv4Address: { DefaultGateway: '192.168.1.1', IPAddress: '192.168.1.108' },
        MachineName: word(random, 14),
        SerialNo: word(random, 15),
        Vendor: word(random, 10),
        Version: `3.${random.below(300)}.0`,
      },
    },
  });
  return join(
    [0x20, 0, 0, 0],
    'DHIP',
    zeros(8),
    littleEndian(json.length),
    zeros(4),
    littleEndian(json.length),
    zeros(4),
    json,
  );
}

const littleEndian = (value: number): number[] => u32(value).reverse();

/** 'call.startblast' and its kind are answered with a running log of test calls. */
export const micollabAnswer = (random: Random): Uint8Array =>
  join(...Array.from({ length: 8 }, (_, row) => `call.test ${row} ${word(random, 24)} status: ok\n`));
