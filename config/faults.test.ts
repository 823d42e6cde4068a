/** Bad configurations: each has a message of its own, at its line, with its key and what would be right. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type Files, filesOf } from './files.js';
import { loadSettings } from './load.js';
import type { Finding } from './settings.js';
import { badBgp } from './tables/bad-bgp.js';
import type { BadConfiguration } from './tables/bad-configuration.js';
import { badFastnetmon } from './tables/bad-fastnetmon.js';
import { badFlow } from './tables/bad-flow.js';
import { badLists } from './tables/bad-lists.js';
import { badNotices } from './tables/bad-notices.js';
import { badYaml } from './tables/bad-yaml.js';

const rows = [...badYaml, ...badFlow, ...badBgp, ...badNotices, ...badLists, ...badFastnetmon];

function findingsOf(row: BadConfiguration): {
  readonly path: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
} {
  const path = row.conf ? '/etc/fastnetmon.conf' : '/etc/tidegate/tidegate.yaml';
  const lists = row.conf ? { '/etc/networks_list': '192.0.2.0/24\n', '/etc/networks_whitelist': '' } : {};
  const files: Files = filesOf({ ...lists, ...row.beside, [path]: row.text }, [
    '/usr/local/bin/notify_about_attack.sh',
  ]);
  const localAddresses: readonly [] = [];
  const loaded = loadSettings({ path, env: row.env ?? {}, files, localAddresses, cpus: 2 });
  return { path, ok: loaded.ok, findings: loaded.findings };
}

const matching = (row: BadConfiguration, findings: readonly Finding[]): readonly Finding[] =>
  findings.filter((finding) => row.message.test(finding.message) && finding.key === row.key);

for (const row of rows) {
  test(`${row.claim} is told at its line, with what would be right`, () => {
    const { path, ok, findings } = findingsOf(row);
    const [finding, ...more] = matching(row, findings);
    assert(finding, `not told among: ${JSON.stringify(findings, null, 1)}`);
    assert.equal(more.length, 0, 'told more than once');
    const { severity = 'error', file = path, line, key } = row;
    assert.deepEqual(
      { ...finding, message: '', remedy: '' },
      { severity, file, line, key, message: '', remedy: '' },
    );
    assert.match(finding.remedy, row.remedy);
    if (severity === 'error') assert.equal(ok, false);
  });
}

test('there are at least forty, and no two of one dialect have the same message', () => {
  assert(rows.length >= 40);
  const messages = new Map<string, string>();
  for (const row of rows) {
    const message = `${row.conf ?? 'yaml'} ${matching(row, findingsOf(row).findings)[0]?.message}`;
    assert.equal(
      messages.get(message),
      undefined,
      `'${row.claim}' and '${messages.get(message)}': ${message}`,
    );
    messages.set(message, row.claim);
  }
});

test('nothing but what is wrong is told: a row alone has its own finding and what follows from it', () => {
  for (const row of rows) {
    const { findings } = findingsOf(row);
    assert(findings.length <= 5, `${row.claim}: ${JSON.stringify(findings, null, 1)}`);
  }
});

test('all faults of a file are told at once, in the order of its lines', () => {
  const text =
    'networks: [nowhere]\nwindow: 5\nban: {enabled: maybe}\ncapture:\n  interfaces: [eth0, eth0]\n  sflow: ["0.0.0.0:0"]\nhostgroups:\n  - {networks: []}\n';
  const { ok, findings } = findingsOf({ claim: '', text, line: 1, key: null, message: /./, remedy: /./ });
  assert.equal(ok, false);
  const errors = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ line, key }) => `${line} ${key}`);
  assert.deepEqual(errors, [
    '1 networks[0]',
    '2 window',
    '3 ban.enabled',
    '5 capture.interfaces[1]',
    '6 capture.sflow[0].listen',
    '8 hostgroups[0].name',
  ]);
});

test('a configuration that is not there is told as such', () => {
  const loaded = loadSettings({
    path: '/gone.yaml',
    env: {},
    files: filesOf({}),
    localAddresses: [],
    cpus: 1,
  });
  assert.equal(loaded.ok, false);
  assert.match(loaded.findings[0]?.message ?? '', /not read: no such file/);
  assert.match(loaded.findings[0]?.remedy ?? '', /--config/);
});
