/** What a reload changes, from files to words. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { describeChange, difference } from './difference.js';
import { filesOf } from './files.js';
import { loadSettings } from './load.js';
import type { Settings } from './settings.js';

const before = {
  networks: ['192.0.2.0/24', '2001:db8::/32'],
  whitelist: ['192.0.2.1/32'],
  hostgroups: [{ name: 'web', networks: ['192.0.2.0/26'] }],
  capture: { interfaces: ['eth0'], sflow: ['0.0.0.0:6343'] },
};
type Given = { readonly [key: string]: unknown };

function settingsOf(given: Given): Settings {
  const files = filesOf({ '/t.yaml': JSON.stringify(given) }, ['/opt/n.sh']); // JSON is YAML
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
  assert(loaded.ok, JSON.stringify(loaded.findings));
  return loaded.settings;
}

const rows: readonly { readonly claim: string; readonly after: Given; readonly says: readonly string[] }[] = [
  { claim: 'nothing', after: {}, says: [] },
  {
    claim: 'a network',
    after: { networks: ['192.0.2.0/24', '198.51.100.0/24'] },
    says: ['networks: 1 added, 1 removed'],
  },
  {
    claim: 'the order of networks',
    after: { networks: ['2001:db8::/32', '192.0.2.0/24'] },
    says: ['networks: another order'],
  },
  { claim: 'the whitelist', after: { whitelist: [] }, says: ['whitelist: 0 added, 1 removed'] },
  { claim: 'a group gone', after: { hostgroups: [] }, says: ['hostgroup web: removed'] },
  {
    claim: 'a group more',
    after: { hostgroups: [...before.hostgroups, { name: 'dns', networks: ['192.0.2.64/26'] }] },
    says: ['hostgroup dns: added'],
  },
  {
    claim: "a group's networks and thresholds",
    after: {
      hostgroups: [{ name: 'web', networks: ['192.0.2.0/27'], thresholds: { incoming: { pps: 5 } } }],
    },
    says: ['hostgroup web: networks, thresholds changed'],
  },
  {
    claim: 'a ban that all inherit',
    after: { ban: { time: 'never' } },
    says: ['hostgroup web: ban changed', 'hostgroup global: ban changed'],
  },
  {
    claim: 'a window',
    after: { window: '2s' },
    says: ['hostgroup web: windowMs changed', 'hostgroup global: windowMs changed'],
  },
  {
    claim: 'a confidence that all inherit',
    after: { confidence: '99.9%' },
    says: ['hostgroup web: confidence changed', 'hostgroup global: confidence changed'],
  },
  {
    claim: 'sources',
    after: { capture: { interfaces: [{ name: 'eth0', sampling: 10 }, 'eth1'], sflow: ['[::]:6343'] } },
    says: [
      'interface eth0: sampling changed',
      'interface eth1: added',
      'listener sflow 0.0.0.0:6343: removed',
      'listener sflow [::]:6343: added',
    ],
  },
  {
    claim: 'NetFlow and IPFIX',
    after: {
      capture: {
        ...before.capture,
        sflow: [{ listen: '0.0.0.0:6343', workers: 2 }],
        netflow: ['0.0.0.0:2055'],
        ipfix: ['0.0.0.0:4739', { listen: '0.0.0.0:4739', transport: 'tcp' }],
      },
    },
    says: [
      'listener sflow 0.0.0.0:6343: workers changed',
      'listener netflow 0.0.0.0:2055: added',
      'listener ipfix 0.0.0.0:4739: added',
      'listener ipfix tcp 0.0.0.0:4739: added',
    ],
  },
  {
    claim: 'who may send, and what counts',
    after: {
      capture: {
        ...before.capture,
        exporters: { allow: ['198.51.100.1'], overrides: [{ exporter: '198.51.100.1', sampling: 100 }] },
        filters: [{ drop: { protocol: 'gre' } }],
      },
    },
    says: ['exporters: allow, overrides changed', 'filters: 1 rule now'],
  },
  {
    claim: 'the tick',
    after: { capture: { ...before.capture, tick: '50ms' } },
    says: ['tables: tickMs changed'],
  },
  { claim: 'a direction', after: { process: { outgoing: false } }, says: ['process: outgoing changed'] },
  {
    claim: 'the script',
    after: { notify: { script: '/opt/n.sh', timeout: '5s' } },
    says: ['notify: script, timeoutMs changed'],
  },
  {
    claim: 'where the log goes, and how',
    after: { log: { level: 'debug', file: '/var/log/t.log', format: 'json' } },
    says: ['log: level changed; file, format at the next start'],
  },
  { claim: 'the log', after: { log: { level: 'debug' } }, says: ['log: level changed'] },
  {
    claim: 'the state directory, and evidence with it',
    after: { state: { dir: '/s' } },
    says: ['evidence: directory changed', 'state: changes at the next start'],
  },
  { claim: 'the pid file', after: { pid_file: '/run/t.pid' }, says: ['pid_file: changes at the next start'] },
];

for (const { claim, after, says } of rows) {
  test(`what changes with ${claim}`, () => {
    assert.deepEqual(
      difference(settingsOf(before), settingsOf({ ...before, ...after })).map(describeChange),
      says,
    );
  });
}
