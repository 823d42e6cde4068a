/** Lists of networks and whitelists, and the addresses of the machine. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { test } from 'vitest';
import { hostOfBytes } from '../domain/address.js';
import { hostPrefix, prefixOf } from '../domain/prefix.js';
import { localAddresses, openvzAddresses } from './machine-addresses.js';
import { maxPrefixes, readPrefixList } from './prefix-list.js';

test('both families, comments, blank lines, DOS line ends and a byte order mark', () => {
  const text =
    '\uFEFF# ours\r\n192.0.2.0/24\r\n\r\n  2001:DB8::/32  # six\r\n198.51.100.7\r\n\t2001:db8:1::1\n';
  const { prefixes, remarks } = readPrefixList(text);
  assert.deepEqual(prefixes, ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7/32', '2001:db8:1::1/128']);
  assert.deepEqual(remarks, []);
});

test('any prefixes come back in order, each once, whatever stands between them', () => {
  const prefix = fc.uint8Array({ minLength: 4, maxLength: 4 }).chain((bytes) => {
    const host = hostOfBytes(bytes);
    assert(host.ok);
    return fc.integer({ min: 0, max: 32 }).map((length) => prefixOf(host.value, length));
  });
  const filler = fc.constantFrom('', '# note', '   ', '#');
  fc.assert(
    fc.property(fc.array(fc.tuple(prefix, filler), { maxLength: 30 }), (lines) => {
      const text = lines
        .map(([one, between]) => `${between}\n${one} ${between.startsWith('#') ? between : ''}\n`)
        .join('');
      assert.deepEqual(readPrefixList(text).prefixes, [...new Set(lines.map(([one]) => one))]);
    }),
  );
});

test('one faulty line costs itself alone', () => {
  const { prefixes, remarks } = readPrefixList('192.0.2.0/24\nnonsense\n198.51.100.0/24\n');
  assert.deepEqual(prefixes, ['192.0.2.0/24', '198.51.100.0/24']);
  assert.deepEqual(
    remarks.map(({ line, severity }) => [line, severity]),
    [[2, 'error']],
  );
});

test('a list ends with an error at the bound of the tables', () => {
  const lines = Array.from(
    { length: maxPrefixes + 2 },
    (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
  );
  const { prefixes, remarks } = readPrefixList(lines.join('\n'));
  assert.equal(prefixes.length, maxPrefixes);
  assert.deepEqual(
    remarks.map(({ line, severity }) => [line, severity]),
    [[maxPrefixes + 1, 'error']],
  );
});

test('local addresses: all interfaces and both families, without lo and what is good on one link alone', () => {
  const hosts = localAddresses({
    lo: [{ address: '127.0.0.1', internal: true }],
    'br-lan.7': [
      { address: '192.0.2.1', internal: false },
      { address: 'fe80::1', internal: false },
    ],
    dummy0: [
      { address: '2001:DB8::1', internal: false },
      { address: '192.0.2.1', internal: false },
    ],
    gone: undefined,
  });
  assert.deepEqual(hosts, ['192.0.2.1', '2001:db8::1']);
});

test('the addresses of this machine all are keys', () => {
  for (const host of localAddresses(networkInterfaces())) assert.match(hostPrefix(host), /\/(32|128)$/);
});

test('OpenVZ: the second word of each line but that of the version', () => {
  assert.deepEqual(openvzAddresses('Version: 2.2\n       101      203.0.113.9\n102 2001:db8::99\n103\n\n'), [
    '203.0.113.9',
    '2001:db8::99',
  ]);
});
