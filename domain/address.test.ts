/** Addresses against the obvious model: a string of bits. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { test } from 'vitest';
import {
  addressBytes,
  compareHosts,
  formatAddress,
  hostOfBytes,
  parseAddress,
  parseHost,
} from './address.js';
import type { HostKey } from './units.js';

const bitsOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');

const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
// Zeros are frequent, so that runs to shorten come up.
const bytes16 = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff])));
const anyBytes = fc.oneof(bytes4, bytes16);

const textOf = (bytes: Uint8Array): HostKey => {
  const host = hostOfBytes(bytes);
  assert(host.ok);
  return host.value;
};

test('bytes to text to bytes gives the same bytes', () => {
  fc.assert(fc.property(anyBytes, (bytes) => bitsOf(addressBytes(textOf(bytes))) === bitsOf(bytes)));
});

test('the text is an address to the platform too, of the right family', () => {
  fc.assert(fc.property(anyBytes, (bytes) => isIP(textOf(bytes)) === (bytes.length === 4 ? 4 : 6)));
});

test('every way to write an IPv6 address comes to one text', () => {
  fc.assert(
    fc.property(bytes16, fc.boolean(), fc.integer({ min: 1, max: 4 }), (bytes, upper, width) => {
      const groups = Array.from({ length: 8 }, (_, at) =>
        (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16).padStart(width, '0'),
      );
      const long = upper ? groups.join(':').toUpperCase() : groups.join(':');
      const tail = `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
      for (const text of [long, [...groups.slice(0, 6), tail].join(':')]) {
        const parsed = parseHost(text);
        assert(parsed.ok, text);
        assert.equal(parsed.value, textOf(bytes));
      }
    }),
  );
});

test('order is that of the bits, IPv4 first', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const expected =
        a.length === b.length ? bitsOf(a).localeCompare(bitsOf(b)) : Math.sign(a.length - b.length);
      assert.equal(Math.sign(compareHosts(textOf(a), textOf(b))), expected);
    }),
  );
});

test('what parses is what the platform takes, zones and nothing else aside', () => {
  const soup = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.'.split('')), maxLength: 24 });
  fc.assert(
    fc.property(soup, (text) => (parseAddress(text) !== null) === (isIP(text) !== 0)),
    { numRuns: 2000 },
  );
});

const canonical = [
  ['2001:0DB8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['1:0:0:0:0:0:0:0', '1::'],
  ['::FFFF:192.0.2.7', '::ffff:192.0.2.7'],
  ['::ffff:c000:207', '::ffff:192.0.2.7'],
  ['::192.0.2.7', '::c000:207'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
] as const;
for (const [text, expected] of canonical) {
  test(`RFC 5952: ${text} is written ${expected}`, () => {
    const address = parseAddress(text);
    assert(address !== null);
    assert.equal(formatAddress(address), expected);
  });
}

const refused = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  ' 1.2.3.4',
  '1.2.3.4/32',
  '0x1.2.3.4',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  '::12345',
  '::g',
  'fe80::1%eth0',
  '1.2.3.4::',
  '::1.2.3.256',
  '1:2:3:4:5:6:7:1.2.3.4',
];
for (const text of refused) {
  test(`'${text}' is not an address`, () => assert.equal(parseAddress(text), null));
}
