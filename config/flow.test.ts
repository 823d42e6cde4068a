/** Listeners, exporters and filters: from YAML to values. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import type { FlowFilter } from '../domain/flow.js';
import { filesOf } from './files.js';
import { loadSettings } from './load.js';
import type { CaptureSettings } from './settings.js';

function captureOf(yaml: string): CaptureSettings {
  const files = filesOf({ '/t.yaml': `networks: [192.0.2.0/24]\ncapture:\n${yaml}` });
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 4 });
  assert(loaded.ok, JSON.stringify(loaded.findings, null, 1));
  assert.deepEqual(loaded.findings, []);
  return loaded.settings.capture;
}
const filterOf = (rules: string): FlowFilter =>
  captureOf(`  sflow: ["0.0.0.0:6343"]\n  filters:\n${rules}`).filters;

test('a text is a listener with all defaults', () => {
  assert.deepEqual(captureOf('  netflow: ["0.0.0.0:2055"]\n').listeners, [
    {
      family: 'netflow',
      transport: 'udp',
      address: '0.0.0.0',
      port: 2055,
      workers: 1,
      receiveBufferBytes: 8 * 2 ** 20,
      lengthFromIp: false,
      maxExporters: 1_024,
      maxTemplates: 65_536,
      templateLifetimeMs: 5_400_000,
      waitingBytes: 4 * 2 ** 20,
      waitingMs: 60_000,
      spread: true,
      maxHeld: 262_144,
    },
  ]);
});

test('each family has listeners of its own, several each', () => {
  const { listeners } = captureOf(
    '  sflow: ["0.0.0.0:6343", "[::1]:6343"]\n  netflow: [{listen: "127.0.0.1:2055", spread: false, workers: auto}]\n' +
      '  ipfix: ["0.0.0.0:4739", {listen: "0.0.0.0:4739", transport: tcp}]\n',
  );
  assert.deepEqual(
    listeners.map(({ family, transport, address, port }) => [family, transport, address, port]),
    [
      ['sflow', 'udp', '0.0.0.0', 6343],
      ['sflow', 'udp', '::1', 6343],
      ['netflow', 'udp', '127.0.0.1', 2055],
      ['ipfix', 'udp', '0.0.0.0', 4739],
      ['ipfix', 'tcp', '0.0.0.0', 4739],
    ],
  );
  assert.equal(listeners[2]?.workers, 3);
  assert.equal(listeners[2]?.spread, false);
});

test('exporters: who may send, and what their records stand for', () => {
  const yaml = `  netflow: ["0.0.0.0:2055"]
  exporters:
    allow: [198.51.100.1, 203.0.113.0/24, "2001:db8::/32"]
    refuse_unknown: true
    sampling_fallback: 1000
    overrides:
      - {exporter: 198.51.100.1, sampling: 512}
      - {exporter: "2001:db8:0::7", interface: 12, sampling: 64}
`;
  assert.deepEqual(captureOf(yaml).exporters, {
    allow: ['198.51.100.1/32', '203.0.113.0/24', '2001:db8::/32'],
    refuseUnknown: true,
    samplingFallback: 1_000,
    overrides: [
      { exporter: '198.51.100.1', interface: null, rate: 512 },
      { exporter: '2001:db8::7', interface: 12, rate: 64 },
    ],
  });
});

test('without a word everybody may send, and nothing is left out', () => {
  const { exporters, filters } = captureOf('  interfaces: [eth0]\n');
  assert.deepEqual(exporters, { allow: [], refuseUnknown: false, samplingFallback: null, overrides: [] });
  assert.deepEqual(filters, []);
});

const rows: readonly { readonly claim: string; readonly rule: string; readonly is: FlowFilter[number] }[] = [
  {
    claim: 'all keys of a rule together, any of the values of a key',
    rule: 'drop: {exporter: 192.0.2.1, input: [3, 4]}',
    is: {
      action: 'drop',
      conditions: [
        { field: 'exporter', negated: false, ranges: [], prefixes: ['192.0.2.1/32'] },
        {
          field: 'input',
          negated: false,
          ranges: [
            [3, 3],
            [4, 4],
          ],
          prefixes: [],
        },
      ],
    },
  },
  {
    claim: 'a protocol by name, and what must not be',
    rule: 'drop: {protocol: gre, not: {source_as: 64500, output: 0}}',
    is: {
      action: 'drop',
      conditions: [
        { field: 'protocol', negated: false, ranges: [[47, 47]], prefixes: [] },
        { field: 'source_as', negated: true, ranges: [[64_500, 64_500]], prefixes: [] },
        { field: 'output', negated: true, ranges: [[0, 0]], prefixes: [] },
      ],
    },
  },
  {
    claim: 'ranges and prefixes',
    rule: 'keep: {port: [53, 1024-65535], address: 198.51.100.0/24}',
    is: {
      action: 'keep',
      conditions: [
        {
          field: 'port',
          negated: false,
          ranges: [
            [53, 53],
            [1024, 65_535],
          ],
          prefixes: [],
        },
        { field: 'address', negated: false, ranges: [], prefixes: ['198.51.100.0/24'] },
      ],
    },
  },
  {
    claim: 'protocols by number, in any case, and as a range',
    rule: 'keep: {protocol: [UDP, 6, 50-51]}',
    is: {
      action: 'keep',
      conditions: [
        {
          field: 'protocol',
          negated: false,
          ranges: [
            [17, 17],
            [6, 6],
            [50, 51],
          ],
          prefixes: [],
        },
      ],
    },
  },
];
for (const { claim, rule, is } of rows) {
  test(`a rule: ${claim}`, () => assert.deepEqual(filterOf(`    - ${rule}\n`), [is]));
}

test('rules stay in the order of the file', () => {
  const rules = filterOf('    - keep: {port: 53}\n    - drop: {port: 0-65535}\n    - keep: {as: 1}\n');
  assert.deepEqual(
    rules.map(({ action, conditions: [first] }) => [action, first?.field]),
    [
      ['keep', 'port'],
      ['drop', 'port'],
      ['keep', 'as'],
    ],
  );
});
