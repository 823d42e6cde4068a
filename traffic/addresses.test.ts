import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostOfBytes } from '../domain/address.js';
import { prefixSet } from '../domain/prefix-table.js';
import type { PrefixKey } from '../domain/units.js';
import { addressLength, type Block, blockContains, drawInside, outsideOf, parseBlock } from './addresses.js';
import { createRandom } from './random.js';

const block = (text: string): Block => {
  const parsed = parseBlock(text);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
};
const reserved = prefixSet([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
] as unknown as PrefixKey[]);

const networks = ['203.0.112.0/22', '8.0.0.0/7', '198.51.100.128/25', '2a00::/16', '2600:1234:5678::/48'].map(
  block,
);

for (const family of [4, 6] as const) {
  test(`IPv${family}: an address outside is in no network of ours and in no reserved range`, () => {
    const outside = outsideOf(networks, family);
    const random = createRandom(9);
    const address = new Uint8Array(addressLength(family));
    const wrong: string[] = [];
    for (let draw = 0; draw < 20_000; draw++) {
      outside.draw(random, address);
      const host = hostOfBytes(address);
      const ours = networks.some((network) => blockContains(network, address));
      if (!host.ok || ours || reserved.covers(host.value)) wrong.push(address.join('.'));
    }
    expect(wrong).toEqual([]);
  });
}

test('nested, touching and repeated networks are taken out once', () => {
  const size = (...texts: string[]): number => outsideOf(texts.map(block), 4).size;
  const all = size();
  expect(all - size('8.0.0.0/8', '8.1.0.0/16', '9.0.0.0/9', '8.0.0.0/8')).toBe(2 ** 24 + 2 ** 23);
  expect(all - size('9.255.255.0/24', '9.255.254.0/24', '10.0.0.0/8')).toBe(512);
});

test('networks that cover everything leave nothing outside', () => {
  expect(outsideOf([block('0.0.0.0/0')], 4).size).toBe(0);
  expect(outsideOf([block('::/0')], 6).size).toBe(0);
  expect(outsideOf([block('::/0')], 4).size).toBeGreaterThan(3e9);
});

test('an address drawn inside a prefix lies in it, and all of its bits are used', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 32 }), (seed, bits) => {
      const prefix = block(`203.0.113.77/${bits}`);
      const random = createRandom(seed);
      const address = new Uint8Array(4);
      let varied = 0;
      for (let draw = 0; draw < 64; draw++) {
        drawInside(prefix, random, address);
        expect(blockContains(prefix, address)).toBe(true);
        for (let i = 0; i < 4; i++) varied |= ((address[i] ?? 0) ^ (prefix.bytes[i] ?? 0)) << (24 - 8 * i);
      }
      expect(varied >>> 0).toBe(2 ** (32 - bits) - 1);
    }),
  );
});
