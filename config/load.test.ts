/** Whatever stands in a file, loading it gives settings or findings: it never throws and says nothing empty. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { filterFields } from '../domain/flow.js';
import type { Keys, Node, Section } from './declaration.js';
import { fastnetmonOptions } from './fastnetmon-options.js';
import { filesOf } from './files.js';
import { importFastnetmon } from './import.js';
import { loadSettings } from './load.js';
import { schema } from './schema.js';
import type { Loaded, Settings } from './settings.js';

const load = (path: string, text: string): Loaded =>
  loadSettings({
    path,
    env: {},
    files: filesOf({ [path]: text, '/etc/networks_list': '192.0.2.0/24\n' }),
    localAddresses: [],
    cpus: 2,
  });

/** Settings as the rooms rely on them. */
function holds({ hostgroups, networks, capture }: Settings): void {
  assert.equal(hostgroups.at(-1)?.name, 'global');
  assert.equal(new Set(networks).size, networks.length);
  for (const { windowMs, thresholds } of hostgroups) {
    assert(windowMs >= capture.tickMs);
    for (const limits of Object.values(thresholds)) {
      for (const limit of Object.values(limits)) assert(limit > 0 && Number.isFinite(limit));
    }
  }
  for (const { workers, ringBytes } of capture.interfaces)
    assert(workers >= 1 && Number.isInteger(ringBytes));
  for (const { port, workers } of capture.listeners) {
    assert(port >= 1 && port <= 65_535);
    assert(Number.isInteger(workers) && workers >= 1);
  }
  for (const { conditions } of capture.filters) {
    assert(conditions.length > 0);
    for (const { ranges, prefixes } of conditions) {
      assert(ranges.length > 0 !== prefixes.length > 0);
      for (const [first, last] of ranges) assert(first >= 0 && first <= last && last <= 0xffff_ffff);
    }
  }
}

function sound(loaded: Loaded, text: string): void {
  const lines = text.split('\n').length;
  for (const { line, message, remedy, file } of loaded.findings) {
    assert(
      message !== '' && remedy !== '' && !/undefined|NaN|\[object/.test(message + remedy),
      `${message}; ${remedy}`,
    );
    if (file.startsWith('/t.')) assert(line === null || (line >= 1 && line <= lines));
  }
  assert.equal(loaded.ok, !loaded.findings.some(({ severity }) => severity === 'error'));
  if (loaded.ok) holds(loaded.settings);
}

const scalars = fc.oneof(
  fc.constantFrom<unknown>(
    'off',
    'auto',
    '1s',
    '5m',
    '20kpps',
    '1Gbit',
    '32MiB',
    '256B',
    'never',
    true,
    false,
    null,
    0,
    1,
    4096,
    -1,
  ),
  fc.constantFrom<unknown>(
    'eth0',
    '192.0.2.0/24',
    '2001:db8::/32',
    '0.0.0.0:6343',
    '[::]:1',
    '/var/x',
    'cpu',
    'nope',
    '',
    'toString',
  ),
  fc.string({ maxLength: 8 }),
  fc.double(),
);

const conditions = fc.dictionary(
  fc.constantFrom(...filterFields, 'not', 'toString', 'prot'),
  fc.oneof(scalars, fc.array(scalars, { maxLength: 3 }), fc.constantFrom('gre', '1-5', '5-1', 65_536)),
  { maxKeys: 4 },
);
const rules = fc.dictionary(
  fc.constantFrom('drop', 'keep', 'dorp'),
  fc.oneof(conditions, fc.record({ not: conditions }), scalars),
  { maxKeys: 2 },
);

/** Mostly of the right shape, now and then not. */
function valuesFor(node: Node): fc.Arbitrary<unknown> {
  const junk = fc.oneof(
    { weight: 5, arbitrary: scalars },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  );
  switch (node.kind) {
    case 'leaf':
      return junk;
    case 'later':
      return junk;
    case 'grammar':
      return fc.oneof(
        { weight: 8, arbitrary: fc.array(rules, { maxLength: 3 }) },
        { weight: 1, arbitrary: junk },
      );
    case 'list':
      return fc.oneof(
        { weight: 8, arbitrary: fc.array(valuesFor(node.item), { maxLength: 3 }) },
        { weight: 1, arbitrary: junk },
      );
    case 'section':
      return fc.oneof({ weight: 8, arbitrary: keysOf(node) }, { weight: 1, arbitrary: junk });
  }
}
const keysOf = (section: Section<Keys>): fc.Arbitrary<unknown> =>
  fc
    .record(Object.fromEntries(Object.entries(section.keys).map(([key, node]) => [key, valuesFor(node)])), {
      requiredKeys: [],
    })
    .chain((keys) => fc.constantFrom(keys, keys, keys, { ...keys, constructor: 1, __proto__x: 2 }));

describe('YAML', () => {
  test('any values under the known keys', () => {
    fc.assert(
      fc.property(keysOf(schema), (values) => {
        const text = JSON.stringify(values, null, 1); // JSON is YAML, and has lines
        sound(load('/t.yaml', text), text);
      }),
      { numRuns: 120 },
    );
  });
  test('any text', () => {
    const piece = fc.constantFrom(
      'networks',
      ': ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '"',
      '#',
      '&a',
      '*a',
      '|',
      '\t',
      '---',
      '!',
      '?',
      'x',
      '<<',
      '\u0000',
      '%',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        sound(load('/t.yaml', text), text);
      }),
      { numRuns: 500 },
    );
  });
  test('aliases that multiply end at a bound', () => {
    const levels = Array.from(
      { length: 30 },
      (_, at) => `x${at}: &x${at} [${at === 0 ? '1' : `*x${at - 1}, *x${at - 1}, *x${at - 1}`}]`,
    );
    const started = performance.now();
    const loaded = load('/t.yaml', levels.join('\n'));
    assert.equal(loaded.ok, false);
    assert(loaded.findings.some(({ message }) => /more than \d+ values|levels deep/.test(message)));
    assert(performance.now() - started < 10_000);
  });
  test('a mapping within itself ends at a bound', () => {
    const loaded = load('/t.yaml', 'bgp: &b\n  gobgp: *b\n');
    assert(loaded.findings.some(({ message }) => /levels deep|stands for nothing/.test(message)));
  });
  test('keys that name what every object has are unknown keys', () => {
    for (const key of ['constructor', '__proto__', 'hasOwnProperty', 'prototype']) {
      const { findings } = load('/t.yaml', `networks: [192.0.2.0/24]\n${key}: {prototype: {x: 1}}\n`);
      assert(
        findings.some((finding) => finding.line === 2 && finding.message.includes(`no key '${key}'`)),
        key,
      );
    }
    assert.equal(Reflect.get({}, 'x'), undefined);
  });
});

describe('fastnetmon.conf', () => {
  const name = fc.constantFrom(
    ...fastnetmonOptions.map((option) => option.name),
    'web_ban_for_pps',
    'web_threshold_pps',
    'nonsense',
    '',
    '#',
  );
  const value = fc.oneof(
    fc.constantFrom(
      'on',
      'off',
      '5',
      '0',
      '',
      'eth0,eth1',
      '6343',
      'web:192.0.2.0/25',
      '::',
      '/x',
      '20k',
      'on # why',
    ),
    fc.string({ maxLength: 10 }),
  );
  const lines = fc.array(fc.tuple(name, fc.constantFrom(' = ', '=', ' ', '=='), value), { maxLength: 30 });
  const textOf = (parts: readonly (readonly [string, string, string])[]): string =>
    parts.map(([left, between, right]) => `${left}${between}${right.replaceAll(/[\r\n]/g, '')}\n`).join('');

  test('any options with any values', () => {
    fc.assert(
      fc.property(lines, (parts) => {
        const text = `mirror_afpacket = on\ninterfaces = eth0\n${textOf(parts)}`;
        sound(load('/t.conf', text), text);
      }),
      { numRuns: 120 },
    );
  });
  test('what is imported is YAML that loads without an error, whatever it was made from', () => {
    fc.assert(
      fc.property(lines, (parts) => {
        const text = `mirror_afpacket = on\ninterfaces = eth0\n${textOf(parts)}`;
        const files = filesOf({ '/t.conf': text, '/etc/networks_list': '192.0.2.0/24\n' });
        const request = { env: {}, files, localAddresses: [], cpus: 2 };
        const loaded = loadSettings({ ...request, path: '/t.conf' });
        const imported = importFastnetmon({ path: '/t.conf', env: {}, files });
        if (!loaded.ok || !imported.ok) return;
        const both = {
          ...files,
          read: (at: string) =>
            at === '/t.yaml' ? ({ ok: true, text: imported.yaml } as const) : files.read(at),
        };
        const again = loadSettings({ ...request, files: both, path: '/t.yaml' });
        assert(again.ok, `${JSON.stringify(again.findings, null, 1)}\n${text}\n${imported.yaml}`);
        assert.deepEqual(again.settings, loaded.settings);
      }),
      { numRuns: 200 },
    );
  });
});
