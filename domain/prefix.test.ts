/** Prefixes against the obvious model: the first bits of a string of bits. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { addressBytes, hostOfBytes } from './address.js';
import {
  comparePrefixes,
  contains,
  hostPrefix,
  networkOf,
  overlaps,
  parsePrefix,
  parsePrefixLenient,
  prefixLength,
  prefixOf,
  prefixSize,
} from './prefix.js';
import { prefixSet, prefixTable } from './prefix-table.js';
import type { HostKey, PrefixKey } from './units.js';

const bitsOf = (host: HostKey): string =>
  [...addressBytes(host)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
const modelOf = (prefix: PrefixKey): string => bitsOf(networkOf(prefix)).slice(0, prefixLength(prefix));

/** Few distinct bytes, so that one often contains another. */
const someByte = fc.constantFrom(0, 1, 128, 255);
const host: fc.Arbitrary<HostKey> = fc
  .constantFrom(4, 16)
  .chain((length) => fc.array(someByte, { minLength: length, maxLength: length }))
  .map((bytes) => {
    const made = hostOfBytes(Uint8Array.from(bytes));
    assert(made.ok);
    return made.value;
  });
const prefix: fc.Arbitrary<PrefixKey> = host.chain((at) =>
  fc.integer({ min: 0, max: bitsOf(at).length }).map((length) => prefixOf(at, length)),
);

const modelContains = (outer: PrefixKey, inner: string, bits: number): boolean =>
  bitsOf(networkOf(outer)).length === bits && inner.startsWith(modelOf(outer));

test('a prefix contains a host when the first bits are the same', () => {
  fc.assert(
    fc.property(prefix, host, (outer, inner) => {
      const bits = bitsOf(inner);
      assert.equal(contains(outer, inner), modelContains(outer, bits, bits.length));
    }),
  );
});

test('a prefix contains a prefix when its bits begin the other', () => {
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      const inside = modelContains(a, modelOf(b), bitsOf(networkOf(b)).length);
      assert.equal(contains(a, b), inside);
      assert.equal(overlaps(a, b), inside || contains(b, a));
    }),
  );
});

test('prefixOf keeps the first bits and clears the rest', () => {
  fc.assert(
    fc.property(host, fc.nat(128), (at, wanted) => {
      const bits = bitsOf(at);
      const length = Math.min(wanted, bits.length);
      const made = prefixOf(at, length);
      assert.equal(bitsOf(networkOf(made)), bits.slice(0, length).padEnd(bits.length, '0'));
      assert.equal(prefixSize(made), 2 ** (bits.length - length));
      assert(contains(made, at));
    }),
  );
});

test('the text of a prefix parses to itself, strictly and leniently', () => {
  fc.assert(
    fc.property(prefix, (made) => {
      assert.deepEqual(parsePrefix(made), { ok: true, value: made });
      const lenient = parsePrefixLenient(made);
      assert.deepEqual(lenient, {
        ok: true,
        value: { prefix: made, hostBitsCleared: false, bareAddress: false },
      });
    }),
  );
});

test('host bits: the lenient reading clears them and says so, the strict one refuses', () => {
  fc.assert(
    fc.property(host, fc.nat(128), (at, wanted) => {
      const bits = bitsOf(at);
      const length = Math.min(wanted, bits.length);
      const dirty = bits.slice(length).includes('1');
      const text = `${at}/${length}`;
      assert.equal(parsePrefix(text).ok, !dirty);
      const lenient = parsePrefixLenient(text);
      assert(lenient.ok);
      assert.equal(lenient.value.hostBitsCleared, dirty);
      assert.equal(lenient.value.prefix, prefixOf(at, length));
    }),
  );
});

test('order is by bits, the shorter first, and agrees with equality', () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 12 }), (list) => {
      const key = (one: PrefixKey): string => {
        const bits = bitsOf(networkOf(one));
        return `${bits.length === 32 ? 4 : 6} ${bits} ${String(prefixLength(one)).padStart(3, '0')}`;
      };
      const expected = [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
      assert.deepEqual([...list].sort(comparePrefixes), expected);
    }),
  );
});

test('the longest match is the longest of all that contain the subject', () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 20 }), fc.oneof(host, prefix), (list, inner) => {
      const holding = list.filter((one) => contains(one, inner));
      const best = Math.max(-1, ...holding.map(prefixLength));
      const found = prefixSet(list).longest(inner);
      assert.equal(found === null ? -1 : prefixLength(found), best);
      assert.equal(prefixSet(list).covers(inner), holding.length > 0);
      assert.equal(prefixSet(list).size, new Set(list).size);
    }),
  );
});

test('a table gives the value of the prefix that matched', () => {
  const table = prefixTable([
    ['192.0.2.0/24' as PrefixKey, 'lan'],
    ['192.0.2.128/25' as PrefixKey, 'upper'],
    ['::/0' as PrefixKey, 'six'],
  ]);
  assert.equal(table.longest('192.0.2.200' as HostKey)?.value, 'upper');
  assert.equal(table.longest('192.0.2.0/25' as PrefixKey)?.value, 'lan');
  assert.equal(table.longest('192.0.0.0/16' as PrefixKey), null);
  assert.equal(table.longest('2001:db8::1' as HostKey)?.value, 'six');
});

test('a bare address is a prefix of one host to the lenient reading alone', () => {
  assert.deepEqual(parsePrefixLenient('192.0.2.7'), {
    ok: true,
    value: { prefix: '192.0.2.7/32', hostBitsCleared: false, bareAddress: true },
  });
  assert.equal(parsePrefix('192.0.2.7').ok, false);
  assert.equal(hostPrefix('2001:db8::1' as HostKey), '2001:db8::1/128');
});

const refused = [
  ['192.0.2.0/33', /0 to 32/],
  ['2001:db8::/129', /0 to 128/],
  ['192.0.2.0/', /prefix length/],
  ['192.0.2.0/08', /prefix length/],
  ['192.0.2.0/8/8', /prefix length/],
  ['192.0.2.0/-1', /prefix length/],
  ['office/24', /not an IPv4 or IPv6 address/],
  ['/24', /not an IPv4 or IPv6 address/],
] as const;
for (const [text, detail] of refused) {
  test(`'${text}' is refused, and why`, () => {
    const parsed = parsePrefixLenient(text);
    assert(!parsed.ok);
    assert.match(parsed.error.detail, detail);
  });
}

test('a prefix longer than what it should surround is a bug and throws', () => {
  assert.throws(() => prefixOf('192.0.2.0/24' as PrefixKey, 25), RangeError);
});
