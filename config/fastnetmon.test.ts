/** fastnetmon.conf: the stock file, what takes effect, and that an import is equal in effect. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { HostKey } from '../domain/units.js';
import { fastnetmonOptions, groupSwitches } from './fastnetmon-options.js';
import { type Files, filesOf } from './files.js';
import { importFastnetmon } from './import.js';
import { loadSettings } from './load.js';
import type { Loaded, Settings } from './settings.js';

const path = '/etc/fastnetmon.conf';
const script = '/usr/local/bin/notify_about_attack.sh';
const localAddresses = ['10.1.2.3', '2001:db8::5'] as HostKey[];
const filesWith = (
  conf: string,
  more: { readonly [path: string]: string } = {},
  programs = [script],
): Files =>
  filesOf(
    {
      '/etc/networks_list': '192.0.2.0/24\n2001:db8::/32\n',
      '/etc/networks_whitelist': '192.0.2.1\n',
      [path]: conf,
      ...more,
    },
    programs,
  );
const load = (conf: string, files = filesWith(conf), at = path): Loaded =>
  loadSettings({ path: at, env: {}, files, localAddresses, cpus: 4 });

function settingsOf(conf: string, files = filesWith(conf)): Settings {
  const loaded = load(conf, files);
  assert(loaded.ok, JSON.stringify(loaded.findings, null, 1));
  return loaded.settings;
}
const everyoneOf = (settings: Settings) => {
  const last = settings.hostgroups.at(-1);
  assert(last?.name === 'global');
  return last;
};

const base = 'mirror_afpacket = on\ninterfaces = eth0\n';

describe('the stock file of Debian', () => {
  const stock = '/etc/fastnetmon.conf';
  test.skipIf(!existsSync(stock))('loads without an error when interface and capture are set', () => {
    const text = readFileSync(stock, 'utf8')
      .replace(/^mirror_afpacket = off/m, 'mirror_afpacket = on')
      .replace(/^interfaces = .*/m, 'interfaces = eth0');
    const loaded = load(text);
    assert(loaded.ok, JSON.stringify(loaded.findings));
    const { settings } = loaded;
    const group = everyoneOf(settings);
    assert.deepEqual(group.thresholds, {
      incoming: { pps: 20_000, mbps: 1_000 },
      outgoing: { pps: 20_000, mbps: 1_000 },
      total: {},
      network: {},
    });
    assert.equal(group.windowMs, 5_000);
    assert.equal(group.confidence, null, 'FastNetMon judges an estimate as it is');
    assert.deepEqual(group.ban, {
      enabled: true,
      enabledIpv6: true,
      timeMs: 1_900_000,
      onlyIfFinished: true,
      calmMs: 5_000,
      probe: null,
    });
    assert.equal(settings.evidence.packets, 20);
    assert.equal(settings.evidence.directory, '/var/log/fastnetmon_attacks');
    assert.equal(settings.notify.script, script);
    assert.deepEqual(
      loaded.findings.filter(({ severity }) => severity !== 'note'),
      [],
    );
  });
});

describe('defaults', () => {
  const settings = settingsOf(base);
  test('bans and thresholds that are not set are off', () => {
    const group = everyoneOf(settings);
    assert.deepEqual(group.thresholds, { incoming: {}, outgoing: {}, total: {}, network: {} });
    assert.equal(group.ban.enabled || group.ban.enabledIpv6, false);
    assert.equal(group.ban.timeMs, 1_800_000);
    assert.equal(group.windowMs, 15_000);
  });
  test('lists, addresses of the machine and the pid file are where FastNetMon has them', () => {
    assert.deepEqual(settings.networks, ['192.0.2.0/24', '2001:db8::/32', '10.1.2.3/32', '2001:db8::5/128']);
    assert.deepEqual(settings.whitelist, ['192.0.2.1/32']);
    assert.equal(settings.pidFile, '/var/run/fastnetmon.pid');
  });
  test('workers leave one CPU for judging', () => assert.equal(settings.capture.interfaces[0]?.workers, 3));
});

type Effect = { readonly line: string; readonly sees: (settings: Settings) => unknown; readonly is: unknown };
const group = everyoneOf;
const gobgp = (s: Settings) => s.bgp.policy.speakers.find(({ name }) => name === 'gobgp');
const exabgp = (s: Settings) => s.bgp.policy.speakers.find(({ name }) => name === 'exabgp');
const gobgpOn = 'gobgp = on\ngobgp_announce_host = on\ngobgp_announce_whole_subnet = on';
const gobgp6On = 'gobgp = on\ngobgp_announce_host_ipv6 = on\ngobgp_announce_whole_subnet_ipv6 = on';
const exabgpOn =
  'exabgp = on\nexabgp_command_pipe = /run/exa.cmd\nexabgp_next_hop = 10.0.3.114\nexabgp_announce_host = on\nexabgp_announce_whole_subnet = on';
const standard = (...list: readonly [number, number][]) => ({ standard: list, large: [], extended: [] });
const effects: readonly Effect[] = [
  { line: gobgpOn, sees: (s) => gobgp(s)?.ipv4.host?.nextHop, is: '0.0.0.0' },
  { line: 'gobgp = on', sees: (s) => gobgp(s)?.ipv4, is: { host: null, subnet: null } },
  {
    line: `${gobgpOn}\ngobgp_next_hop = 10.0.3.1`,
    sees: (s) => gobgp(s)?.ipv4.subnet?.nextHop,
    is: '10.0.3.1',
  },
  {
    line: `${gobgpOn}\ngobgp_next_hop = 10.0.3.1\ngobgp_next_hop_host_ipv4 = 10.0.3.2`,
    sees: (s) => [gobgp(s)?.ipv4.host?.nextHop, gobgp(s)?.ipv4.subnet?.nextHop],
    is: ['10.0.3.2', '10.0.3.1'],
  },
  {
    line: `${gobgpOn}\ngobgp_next_hop_subnet_ipv4 = 10.0.3.2`,
    sees: (s) => gobgp(s)?.ipv4.subnet?.nextHop,
    is: '10.0.3.2',
  },
  {
    line: `${gobgpOn}\ngobgp_community_host = 65001:1\ngobgp_community_subnet = 65001:2`,
    sees: (s) => [gobgp(s)?.ipv4.host?.communities, gobgp(s)?.ipv4.subnet?.communities],
    is: [standard([65_001, 1]), standard([65_001, 2])],
  },
  {
    line: gobgp6On,
    sees: (s) => gobgp(s)?.ipv6.host,
    is: { nextHop: '100::1', communities: standard([65_001, 668]) },
  },
  {
    line: `${gobgp6On}\ngobgp_next_hop_ipv6 = 100::2\ngobgp_next_hop_host_ipv6 = 100::3`,
    sees: (s) => [gobgp(s)?.ipv6.host?.nextHop, gobgp(s)?.ipv6.subnet?.nextHop],
    is: ['100::3', '100::2'],
  },
  {
    line: `${gobgp6On}\ngobgp_next_hop_subnet_ipv6 = 100::4\ngobgp_community_host_ipv6 = 65001:3\ngobgp_community_subnet_ipv6 = 65001:4`,
    sees: (s) => gobgp(s)?.ipv6.subnet,
    is: { nextHop: '100::4', communities: standard([65_001, 4]) },
  },
  {
    line: `${exabgpOn}\nexabgp_community = [65001:666 65001:777]`,
    sees: (s) => exabgp(s)?.ipv4.host,
    is: { nextHop: '10.0.3.114', communities: standard([65_001, 666], [65_001, 777]) },
  },
  {
    line: `${exabgpOn}\nexabgp_community = 65001:666\nexabgp_community_host = 65001:5\nexabgp_community_subnet = 65001:6`,
    sees: (s) => [
      exabgp(s)?.ipv4.host?.communities,
      exabgp(s)?.ipv4.subnet?.communities,
      exabgp(s)?.ipv6.host,
    ],
    is: [standard([65_001, 5]), standard([65_001, 6]), null],
  },
  { line: exabgpOn, sees: (s) => s.bgp.exabgp[0]?.pipe, is: '/run/exa.cmd' },
  { line: 'enable_ban = on', sees: (s) => group(s).ban.enabled, is: true },
  { line: 'enable_ban_ipv6 = on', sees: (s) => group(s).ban.enabledIpv6, is: true },
  { line: 'logging_level = debug', sees: (s) => s.log.level, is: 'debug' },
  { line: 'pid_path = /run/x.pid', sees: (s) => s.pidFile, is: '/run/x.pid' },
  { line: 'networks_list_path = /etc/other', sees: (s) => s.networks[0], is: '198.51.100.0/24' },
  { line: 'white_list_path = /etc/other', sees: (s) => s.whitelist, is: ['198.51.100.0/24'] },
  { line: 'monitor_local_ip_addresses = off', sees: (s) => s.networks.length, is: 2 },
  {
    line: 'monitor_openvz_vps_ip_addresses = on',
    sees: (s) => s.networks.slice(-2),
    is: ['203.0.113.9/32', '2001:db8::99/128'],
  },
  { line: 'process_incoming_traffic = off', sees: (s) => s.process.incoming, is: false },
  { line: 'process_outgoing_traffic = off', sees: (s) => s.process.outgoing, is: false },
  { line: 'enable_connection_tracking = off', sees: (s) => s.capture.countFlows, is: false },
  { line: 'average_calculation_time = 7', sees: (s) => group(s).windowMs, is: 7_000 },
  { line: 'ban_time = 60', sees: (s) => group(s).ban.timeMs, is: 60_000 },
  { line: 'ban_time = 0', sees: (s) => group(s).ban.timeMs, is: null },
  { line: 'unban_only_if_attack_finished = off', sees: (s) => group(s).ban.onlyIfFinished, is: false },
  { line: 'ban_details_records_count = 7', sees: (s) => s.evidence.packets, is: 7 },
  {
    line: 'collect_attack_pcap_dumps = on',
    sees: (s) => [s.evidence.pcap, s.evidence.sampleBytes],
    is: [true, 1_500],
  },
  {
    line: 'mirror_af_packet_custom_sampling_rate = 8',
    sees: (s) => s.capture.interfaces[0]?.sampling,
    is: 8,
  },
  { line: 'mirror_af_packet_fanout_mode = hash', sees: (s) => s.capture.interfaces[0]?.fanout, is: 'hash' },
  {
    line: 'af_packet_read_packet_length_from_ip_header = on',
    sees: (s) => s.capture.interfaces[0]?.lengthFromIp,
    is: true,
  },
  {
    line: 'sflow = on\nsflow_port = 6343, 6344',
    sees: (s) => s.capture.listeners.map(({ family, address, port }) => [family, address, port]),
    is: [
      ['sflow', '0.0.0.0', 6343],
      ['sflow', '0.0.0.0', 6344],
    ],
  },
  {
    line: 'sflow = on\nsflow_port = 6343\nsflow_host = ::',
    sees: (s) => s.capture.listeners[0]?.address,
    is: '::',
  },
  {
    line: 'sflow = on\nsflow_port = 6343\nsflow_read_packet_length_from_ip_header = on',
    sees: (s) => s.capture.listeners[0]?.lengthFromIp,
    is: true,
  },
  {
    line: 'netflow = on\nnetflow_port = 2055,9995',
    sees: (s) => s.capture.listeners.map(({ family, address, port }) => [family, address, port]),
    is: [
      ['netflow', '0.0.0.0', 2055],
      ['netflow', '0.0.0.0', 9995],
    ],
  },
  {
    line: 'netflow = on\nnetflow_port = 2055\nnetflow_host = 2001:db8::1',
    sees: (s) => s.capture.listeners[0]?.address,
    is: '2001:db8::1',
  },
  {
    line: 'netflow = on\nnetflow_port = 2055\nnetflow_sampling_ratio = 1000',
    sees: (s) => s.capture.exporters.samplingFallback,
    is: 1_000,
  },
  { line: 'notify_script_path = /opt/other.sh', sees: (s) => s.notify.script, is: '/opt/other.sh' },
  { line: 'notify_script_path = /opt/gone.sh', sees: (s) => s.notify.script, is: null },
  {
    line: 'hostgroup = web:192.0.2.7/32',
    sees: (s) => s.hostgroups.map(({ name }) => name),
    is: ['web', 'global'],
  },
  { line: 'mirror_afpacket = off\nsflow = on\nsflow_port = 1', sees: (s) => s.capture.interfaces, is: [] },
  {
    line: 'interfaces = eth1,eth2',
    sees: (s) => s.capture.interfaces.map(({ name }) => name),
    is: ['eth1', 'eth2'],
  },
  ...groupSwitches.map(({ flag, threshold, metric }) => ({
    line: `${flag} = on\n${threshold} = 77`,
    sees: (s: Settings) => [group(s).thresholds.incoming, group(s).thresholds.outgoing],
    is: [{ [metric]: 77 }, { [metric]: 77 }],
  })),
];
const beside = {
  '/etc/other': '198.51.100.0/24\n',
  '/proc/vz/version': '4',
  '/proc/vz/veip': 'Version: 2.2\n       101      203.0.113.9\n       102 2001:db8::99\n',
};
const conf = (line: string): string => `${base}${line}\n`;
const filesOfLine = (line: string): Files => filesWith(conf(line), beside, [script, '/opt/other.sh']);

describe('what takes effect', () => {
  for (const { line, sees, is } of effects) {
    test(line.replaceAll('\n', ', '), () => {
      assert.deepEqual(sees(settingsOf(conf(line), filesOfLine(line))), is);
      if (!line.startsWith('interfaces'))
        assert.notDeepEqual(sees(settingsOf(base, filesWith(base, beside))), is);
    });
  }
  test('every option that the table says takes effect is among these', () => {
    for (const { name, effect } of fastnetmonOptions) {
      if (effect.kind === 'taken')
        assert(
          effects.some(({ line }) => line.split('\n').some((one) => one.startsWith(`${name} =`))),
          name,
        );
    }
  });
});

describe('what takes none', () => {
  for (const { name, effect } of fastnetmonOptions) {
    if (effect.kind === 'taken') continue;
    const { told } = effect;
    const lines = typeof told === 'object' ? `${told.with} = on\n${name} = 1` : `${name} = on`;
    test(`${name} is told once`, () => {
      const found = load(conf(lines)).findings.filter(({ message }) =>
        message.startsWith('known, not supported'),
      );
      assert.equal(found.length, 1);
      const [finding] = found;
      const switchName = typeof told === 'object' ? told.with : name;
      const misleading = /^(exabgp_flow_spec_announces|mirror_afxdp)$/.test(switchName);
      assert.equal(finding?.severity, misleading ? 'warning' : 'note');
      assert(finding.key === name || finding.message.includes(name));
      assert.match(finding.message, effect.kind === 'later' ? /not supported yet/ : /not supported any more/);
      assert.notEqual(finding.remedy, '');
    });
  }
  test('a switch that is off is as it is without a word', () => {
    const { findings } = load(
      conf('gobgp = off\ngobgp_next_hop = 1.1.1.1\nredis_enabled = off\nkafka_traffic_export = off'),
    );
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'note'),
      [],
    );
  });
});

describe('host groups', () => {
  const text = conf(
    'enable_ban = on\nhostgroup = web:192.0.2.7/32,2001:db8:1::/48\nban_for_pps = on\nthreshold_pps = 9\nweb_enable_ban = on\nweb_ban_for_udp_pps = on\nweb_threshold_udp_pps = 5\nweb_threshold_pps = 4',
  );
  test('a group inherits nothing, and a threshold without its flag is not judged', () => {
    const [web] = settingsOf(text).hostgroups;
    assert.deepEqual(web?.thresholds.incoming, { udp_pps: 5 });
    assert.deepEqual(web?.networks, ['192.0.2.7/32', '2001:db8:1::/48']);
  });
  test('the global switches are masters of the groups', () => {
    const [web] = settingsOf(text).hostgroups;
    assert.deepEqual([web?.ban.enabled, web?.ban.enabledIpv6], [true, false]);
    const [off] = settingsOf(text.replace('enable_ban = on', 'enable_ban = off')).hostgroups;
    assert.equal(off?.ban.enabled, false);
  });
});

describe('syntax', () => {
  test('blanks, runs of =, comments and blank lines', () => {
    const settings = settingsOf('  mirror_afpacket==on\r\n\n # x = y\n\tinterfaces =\teth0 \n');
    assert.equal(settings.capture.interfaces[0]?.name, 'eth0');
  });
  test('the last of several lines wins', () =>
    assert.equal(group(settingsOf(conf('ban_time = 1\nban_time = 2'))).ban.timeMs, 2_000));
});

function equalAfterImport(text: string, files: Files): void {
  const loaded = load(text, files);
  assert(loaded.ok, JSON.stringify(loaded.findings));
  const imported = importFastnetmon({ path, env: {}, files });
  assert(imported.ok);
  const both: Files = {
    ...files,
    read: (at) => (at === '/etc/tidegate.yaml' ? { ok: true, text: imported.yaml } : files.read(at)),
  };
  const again = load(text, both, '/etc/tidegate.yaml');
  assert(again.ok, `${JSON.stringify(again.findings, null, 1)}\n${imported.yaml}`);
  assert.deepEqual(again.settings, loaded.settings);
}

describe('an import is equal in effect', () => {
  for (const { line } of effects) {
    test(line.replaceAll('\n', ', '), () => equalAfterImport(conf(line), filesOfLine(line)));
  }
  test('for any mixture of them', () => {
    const some = fc.subarray(
      effects.map(({ line }) => line).filter((line) => !line.startsWith('mirror_afpacket')),
    );
    const groupLines = fc
      .subarray(groupSwitches.flatMap(({ flag, threshold }) => [`web_${flag} = on\nweb_${threshold} = 3`]))
      .map((lines) => `hostgroup = web:192.0.2.8/29,10.1.2.3/32\n${lines.join('\n')}`);
    fc.assert(
      fc.property(some, fc.option(groupLines), (lines, web) => {
        // A later 'hostgroup = web' line would be ignored, with a warning.
        const text = `${base}${lines.filter((line) => web === null || !line.startsWith('hostgroup')).join('\n')}\n${web ?? ''}\n`;
        const files = filesWith(text, beside, [script, '/opt/other.sh']);
        const both = /process_incoming_traffic = off[\s\S]*process_outgoing_traffic = off/.test(text);
        if (!both) equalAfterImport(text, files);
      }),
      { numRuns: 60 },
    );
  });
  test('lists and scripts that are not there are comments', () => {
    const text = conf(
      'networks_list_path = /gone/n\nwhite_list_path = /gone/w\nnotify_script_path = /gone/s',
    );
    equalAfterImport(text, filesWith(text));
  });
  test('what is not carried over is written at the end', () => {
    const imported = importFastnetmon({ path, env: {}, files: filesWith(conf('redis_enabled = on')) });
    assert(imported.ok);
    assert.match(
      imported.yaml,
      /# Not carried over from \/etc\/fastnetmon.conf:\n# {3}redis_enabled: known, not supported yet/,
    );
  });
  test('a file with errors is not imported', () => {
    const imported = importFastnetmon({ path, env: {}, files: filesWith(conf('ban_time = soon')) });
    assert.equal(imported.ok, false);
  });
});
