import { expect, test } from 'vitest';
import { filesOf } from '../config/files.js';
import { loadSettings } from '../config/load.js';
import type { Settings } from '../config/settings.js';
import { planReload } from './reloading.js';

type Given = { readonly [key: string]: unknown };
const plain: Given = {
  networks: ['192.0.2.0/24', '2001:db8::/32'],
  hostgroups: [{ name: 'web', networks: ['192.0.2.0/26'] }],
  capture: { interfaces: ['eth0'], sflow: ['127.0.0.1:6343'] },
};

function settingsOf(given: Given): Settings {
  const files = filesOf({ '/t.yaml': JSON.stringify({ ...plain, ...given }) }, ['/opt/notify.sh']); // JSON is YAML
  const loaded = loadSettings({ path: '/t.yaml', env: {}, files, localAddresses: [], cpus: 2 });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings));
  return loaded.settings;
}

const nothing = {
  engine: false,
  hostgroups: false,
  sources: false,
  outlets: false,
  announcements: false,
  log: false,
};
const web = { name: 'web', networks: ['192.0.2.0/26'] };
const rows: readonly { readonly claim: string; readonly after: Given; readonly plan: Given }[] = [
  { claim: 'nothing changed, nothing is done', after: {}, plan: nothing },
  {
    claim: 'another order of networks counts the same',
    after: { networks: ['2001:db8::/32', '192.0.2.0/24'] },
    plan: { ...nothing, announcements: true },
  },
  {
    claim: 'a new network needs an engine',
    after: { networks: ['192.0.2.0/24', '2001:db8::/32', '198.51.100.0/24'] },
    plan: { ...nothing, engine: true, announcements: true },
  },
  {
    claim: 'thresholds are told to the hostgroups',
    after: { hostgroups: [{ ...web, thresholds: { incoming: { pps: '5kpps' } } }] },
    plan: { ...nothing, hostgroups: true, announcements: true },
  },
  {
    claim: 'another network in a hostgroup needs an engine',
    after: { hostgroups: [{ ...web, networks: ['192.0.2.0/25'] }] },
    plan: { ...nothing, hostgroups: true, announcements: true, engine: true },
  },
  {
    claim: 'the whitelist is told to the hostgroups',
    after: { whitelist: ['192.0.2.1/32'] },
    plan: { ...nothing, hostgroups: true, announcements: true },
  },
  {
    claim: 'an interface more is a matter of sources',
    after: { capture: { interfaces: ['eth0', 'eth1'], sflow: ['127.0.0.1:6343'] } },
    plan: { ...nothing, sources: true },
  },
  {
    claim: 'a new script is a matter of outlets',
    after: { notify: { script: '/opt/notify.sh' } },
    plan: { ...nothing, outlets: true },
  },
  {
    claim: 'another speaker is a matter of announcements',
    after: { bgp: { gobgp: ['127.0.0.1:50051'] } },
    plan: { ...nothing, announcements: true },
  },
  {
    claim: 'a guard is a matter of announcements',
    after: { bgp: { guard: { dry_run: true } } },
    plan: { ...nothing, announcements: true },
  },
  { claim: 'the log is told', after: { log: { level: 'debug' } }, plan: { ...nothing, log: true } },
  {
    claim: 'the state directory waits for the next start',
    after: { state: { dir: '/other' } },
    plan: nothing,
  },
  {
    claim: 'how much evidence is gathered is asked at each attack',
    after: { evidence: { packets: 50 } },
    plan: nothing,
  },
];
for (const row of rows) {
  test(row.claim, () => {
    const { lines, ...plan } = planReload(settingsOf({}), settingsOf(row.after));
    expect(plan).toEqual(row.plan);
    expect(lines.length > 0).toBe(JSON.stringify(settingsOf({})) !== JSON.stringify(settingsOf(row.after)));
  });
}
