/** The documentation, the examples and the schema say the same. `vitest run -u` writes the page anew. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { defaultPlan } from './defaults.js';
import { configurationPage } from './document.js';
import { filesOf } from './files.js';
import { loadSettings } from './load.js';
import type { Settings } from './settings.js';

const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, '..', 'docs', 'configuration.md');
const example = (name: string): string => readFileSync(join(here, 'examples', name), 'utf8');

function settingsOf(text: string): Settings {
  const files = filesOf({ '/t.yaml': text });
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
  assert(loaded.ok, JSON.stringify(loaded.findings, null, 1));
  assert.deepEqual(loaded.findings, []);
  return loaded.settings;
}

test('docs/configuration.md is what the schema makes of it', async () => {
  assert(existsSync(page), 'a missing file would be written, not compared');
  await expect(configurationPage()).toMatchFileSnapshot(page);
});

test('the built-in defaults are those of the design', () => {
  const { plan } = defaultPlan('/t.yaml', null);
  const [everyone] = plan.hostgroups;
  const limits = { pps: 20_000, mbps: 1_000 };
  assert.deepEqual(everyone?.thresholds, { incoming: limits, outgoing: limits, total: {}, network: {} });
  assert.equal(everyone?.windowMs, 1_000);
  assert.equal(everyone?.confidence, 0.95);
  assert.deepEqual(everyone?.ban, {
    enabled: true,
    enabledIpv6: true,
    timeMs: 1_900_000,
    onlyIfFinished: true,
    calmMs: 5_000,
    probe: null,
  });
  assert.equal(everyone?.action, 'blackhole');
  assert.deepEqual(plan.bgp.policy.speakers, [], 'nothing is announced to anybody');
  assert.equal(plan.capture.tickMs, 100);
  assert.equal(plan.evidence.directory, '/var/lib/tidegate/attacks');
});

test('without a file the defaults hold, and a replay needs no source', () => {
  const loaded = loadSettings({
    path: null,
    env: {},
    files: filesOf({}),
    localAddresses: [],
    cpus: 2,
    needs: { sources: false, networks: false },
  });
  assert(loaded.ok);
  assert.deepEqual(loaded.findings, []);
});

test('the state directory of the environment moves the evidence too', () => {
  const files = filesOf({ '/t.yaml': example('minimal.yaml') });
  const loaded = loadSettings({
    path: '/t.yaml',
    env: { TIDEGATE_STATE_DIR: '/s' },
    files,
    localAddresses: [],
    cpus: 2,
  });
  assert(loaded.ok);
  assert.equal(loaded.settings.state.dir, '/s');
  assert.equal(loaded.settings.evidence.directory, '/s/attacks');
});

test('the minimal example is defaults and nothing else', () => {
  const { networks, capture, ...rest } = settingsOf(example('minimal.yaml'));
  const {
    networks: _,
    capture: defaultCapture,
    origins,
    networksFile,
    whitelistFile,
    monitorLocalAddresses,
    monitorOpenvz,
    ...defaults
  } = defaultPlan('/t.yaml', null).plan;
  assert.deepEqual(rest, defaults);
  assert.deepEqual(networks, ['192.0.2.0/24', '2001:db8::/32']);
  assert.deepEqual({ ...capture, interfaces: [] }, { ...defaultCapture, interfaces: [] });
});

test('the full example loads without a finding', () => {
  const { hostgroups, capture } = settingsOf(example('tidegate.yaml'));
  assert.deepEqual(
    hostgroups.map(({ name }) => name),
    ['dns', 'global'],
  );
  assert.deepEqual(hostgroups[0]?.thresholds.incoming, {
    pps: 100_000,
    mbps: 1_000,
    tcp_syn_pps: 10_000,
    udp_mbps: 500,
  });
  assert.deepEqual(hostgroups[0]?.thresholds.outgoing, { pps: 20_000 });
  assert.equal(capture.interfaces.length, 2);
});

test('what the full example has as a comment is the default', () => {
  const text = example('tidegate.yaml');
  // Paths that must be there, and values that stand for 'none', are not defaults.
  const notDefaults =
    /^ *# (networks_file|whitelist_file|flows|total|network|script|pid_file|sampling_fallback|Tidegate|All)\b|^# {3}script:/;
  const uncommented = text
    .split('\n')
    .map((line) =>
      notDefaults.test(line) || !/^ *# *[a-z_]+:/.test(line) ? line : line.replace(/^( *)# ?/, '$1'),
    )
    .join('\n');
  assert(uncommented.split('\n').filter((line, index) => line !== text.split('\n')[index]).length > 25);
  assert.deepEqual(settingsOf(uncommented), settingsOf(text));
});

test('the full example mentions every key of the schema', () => {
  const text = example('tidegate.yaml');
  const page = configurationPage();
  const keys = [...page.matchAll(/^\| `([a-z0-9_.[\]]+)` \| /gm)].map(([, key = '']) => key);
  const own = keys.slice(0, keys.indexOf('pid_file') + 1);
  assert(own.length > 100);
  const later = /^(export|store|api)/;
  const classes = /_(pps|mbps)$/; // named as a family
  for (const key of own) {
    const last = key.split('.').at(-1)?.replace('[]', '') ?? '';
    if (!later.test(key) && !classes.test(last)) assert(text.includes(`${last}:`), key);
  }
});
