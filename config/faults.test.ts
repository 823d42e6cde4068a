/** Bad configurations: each has a message of its own, at its line, with its key and what would be right. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { type Files, filesOf } from './files.js';
import { loadSettings } from './load.js';
import type { Finding, Severity } from './settings.js';

type Row = {
  readonly claim: string;
  /** Of the configuration; lines are counted from 1. */
  readonly text: string;
  /** '.yaml' unless said otherwise. */
  readonly conf?: true;
  /** Files beside it, by absolute path. */
  readonly beside?: { readonly [path: string]: string };
  readonly env?: { readonly [name: string]: string };
  readonly severity?: Severity;
  /** The configuration itself unless said otherwise. */
  readonly file?: string;
  readonly line: number | null;
  readonly key: string | null;
  readonly message: RegExp;
  readonly remedy: RegExp;
};

const valid = 'networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0]}\n'; // two lines
const minimalConf =
  'mirror_afpacket = on\ninterfaces = eth0\nenable_ban = on\nban_for_pps = on\nthreshold_pps = 20000\n'; // five

const yamlRows: readonly Row[] = [
  // Syntax
  {
    claim: 'tab indentation',
    text: 'capture:\n\ttick: 100ms\n',
    line: 2,
    key: null,
    message: /tab is used as indentation/,
    remedy: /blanks/,
  },
  {
    claim: 'a key set twice',
    text: `${valid}window: 1s\nwindow: 2s\n`,
    line: 4,
    key: null,
    message: /key 'window' is set twice/,
    remedy: /keep one/,
  },
  {
    claim: 'an open bracket',
    text: 'networks: [192.0.2.0/24\ncapture: {}\n',
    line: 2,
    key: null,
    message: /./,
    remedy: /brackets?/,
  },
  {
    claim: 'an open quote',
    text: 'networks_file: "/etc/networks\n',
    line: 2,
    key: null,
    message: /not closed/,
    remedy: /close the quote/,
  },
  {
    claim: 'two documents',
    text: `${valid}---\nwindow: 1s\n`,
    line: 3,
    key: null,
    message: /more than one YAML document/,
    remedy: /---/,
  },
  {
    claim: 'a value that holds a colon',
    text: 'networks_file: a: b\n',
    line: 1,
    key: null,
    message: /less indentation/,
    remedy: /quotes around/,
  },
  {
    claim: 'an alias of nothing',
    text: `${valid}window: *w\n`,
    line: 3,
    key: 'window',
    message: /alias '\*w' stands for nothing/,
    remedy: /'&w'/,
  },
  // Shape
  {
    claim: 'a root that is a list',
    text: '- networks\n',
    line: null,
    key: null,
    message: /holds a list in place of keys/,
    remedy: /networks:/,
  },
  {
    claim: 'a root that is a word',
    text: 'hello\n',
    line: null,
    key: null,
    message: /holds 'hello' in place of keys/,
    remedy: /begin with a key/,
  },
  {
    claim: 'a misspelt key',
    text: `${valid}whitlist: []\n`,
    line: 3,
    key: 'whitlist',
    message: /no key 'whitlist'/,
    remedy: /did you mean 'whitelist'\?/,
  },
  {
    claim: 'a key like no other',
    text: `${valid}frobnication: 1\n`,
    line: 3,
    key: 'frobnication',
    message: /no key 'frobnication'/,
    remedy: /known keys: networks,/,
  },
  {
    claim: 'a name of fastnetmon.conf',
    text: `${valid}threshold_pps: 1\n`,
    line: 3,
    key: 'threshold_pps',
    message: /no key 'threshold_pps'/,
    remedy: /FastNetMon's name; here it is thresholds.incoming.pps/,
  },
  {
    claim: 'an unknown metric',
    text: `${valid}thresholds:\n  incoming:\n    gre_pps: 5\n`,
    line: 5,
    key: 'thresholds.incoming.gre_pps',
    message: /no key 'gre_pps'/,
    remedy: /did you mean|known keys/,
  },
  {
    claim: 'a merge key',
    text: `${valid}ban: {<<: {time: 1s}}\n`,
    line: 3,
    key: 'ban.<<',
    message: /merge keys/,
    remedy: /alias/,
  },
  {
    claim: 'a value where keys belong',
    text: 'networks: [192.0.2.0/24]\ncapture: eth0\n',
    line: 2,
    key: 'capture',
    message: /'eth0' stands where keys/,
    remedy: /tick/,
  },
  {
    claim: 'a list where keys belong',
    text: `${valid}ban: [1s]\n`,
    line: 3,
    key: 'ban',
    message: /a list stands where keys/,
    remedy: /enabled/,
  },
  {
    claim: 'a value where a list belongs',
    text: 'networks: 192.0.2.0/24\n',
    line: 1,
    key: 'networks',
    message: /'192.0.2.0\/24' stands where a list/,
    remedy: /- 192.0.2.0\/24/,
  },
  {
    claim: 'a mapping where a list belongs',
    text: `${valid}hostgroups:\n  web: {}\n`,
    line: 3,
    key: 'hostgroups',
    message: /a mapping stands where a list/,
    remedy: /'- '/,
  },
  {
    claim: 'a mapping where a value belongs',
    text: `${valid}window: {seconds: 1}\n`,
    line: 3,
    key: 'window',
    message: /a mapping stands where one value/,
    remedy: /duration/,
  },
  {
    claim: 'a list where a value belongs',
    text: `${valid}notify:\n  script: [/bin/true]\n`,
    line: 4,
    key: 'notify.script',
    message: /a list stands where one value/,
    remedy: /path/,
  },
  // Values
  {
    claim: 'a duration without a unit',
    text: `${valid}window: 5\n`,
    line: 3,
    key: 'window',
    message: /'5' is a duration without a unit/,
    remedy: /write 5s/,
  },
  {
    claim: 'a duration in weeks',
    text: `${valid}ban: {time: 2w}\n`,
    line: 3,
    key: 'ban.time',
    message: /'2w' is not a duration/,
    remedy: /1900s/,
  },
  {
    claim: 'a negative duration',
    text: `${valid}ban: {calm: -5s}\n`,
    line: 3,
    key: 'ban.calm',
    message: /'-5s' is not a duration/,
    remedy: /number with ms/,
  },
  {
    claim: 'a tick too short',
    text: `${valid}capture2: 1\n`.replace('capture: {', 'capture: {tick: 1ms, ').replace('capture2: 1\n', ''),
    line: 2,
    key: 'capture.tick',
    message: /1ms is too small/,
    remedy: /10ms to 1s/,
  },
  {
    claim: 'a window too long',
    text: `${valid}window: 1h\n`,
    line: 3,
    key: 'window',
    message: /1h is too large/,
    remedy: /100ms to 5m/,
  },
  {
    claim: 'a boolean that is a word',
    text: `${valid}monitor_local_addresses: nope\n`,
    line: 3,
    key: 'monitor_local_addresses',
    message: /'nope' is neither true nor false/,
    remedy: /without quotes/,
  },
  {
    claim: 'a boolean in the manner of YAML 1.1',
    text: `${valid}ban:\n  enabled: yes\n`,
    line: 4,
    key: 'ban.enabled',
    message: /'yes' is neither/,
    remedy: /true or false/,
  },
  {
    claim: 'a packet rate in bits',
    text: `${valid}thresholds: {incoming: {pps: 20mbps}}\n`,
    line: 3,
    key: 'thresholds.incoming.pps',
    message: /counts bits, this threshold counts packets/,
    remedy: /20kpps/,
  },
  {
    claim: 'a bit rate in bytes',
    text: `${valid}thresholds: {incoming: {mbps: 100MBps}}\n`,
    line: 3,
    key: 'thresholds.incoming.mbps',
    message: /counts bytes/,
    remedy: /1Gbit/,
  },
  {
    claim: 'a bit rate of no unit',
    text: `${valid}thresholds: {incoming: {mbps: 1G}}\n`,
    line: 3,
    key: 'thresholds.incoming.mbps',
    message: /'1G' has an unknown unit/,
    remedy: /1Gbit/,
  },
  {
    claim: 'a negative threshold',
    text: `${valid}thresholds: {outgoing: {pps: -1}}\n`,
    line: 3,
    key: 'thresholds.outgoing.pps',
    message: /'-1' is negative/,
    remedy: /off/,
  },
  {
    claim: 'a threshold of zero',
    text: `${valid}thresholds: {outgoing: {flows: 0}}\n`,
    line: 3,
    key: 'thresholds.outgoing.flows',
    message: /every packet an attack/,
    remedy: /off/,
  },
  {
    claim: 'a threshold in words',
    text: `${valid}thresholds: {total: {udp_pps: many}}\n`,
    line: 3,
    key: 'thresholds.total.udp_pps',
    message: /'many' is not a rate/,
    remedy: /20000/,
  },
  {
    claim: 'a prefix too long',
    text: 'networks: [192.0.2.0/33]\ncapture: {interfaces: [eth0]}\n',
    line: 1,
    key: 'networks[0]',
    message: /'33' is not a prefix length; it is 0 to 32|'33' is not a prefix length/,
    remedy: /./,
  },
  {
    claim: 'a prefix with host bits',
    text: 'networks:\n  - 192.0.2.0/24\n  - 198.51.100.7/24\ncapture: {interfaces: [eth0]}\n',
    line: 3,
    key: 'networks[1]',
    message: /bits set beyond its length/,
    remedy: /write 198.51.100.0\/24/,
  },
  {
    claim: 'an address for a prefix',
    text: 'networks: ["2001:db8::1"]\ncapture: {interfaces: [eth0]}\n',
    line: 1,
    key: 'networks[0]',
    message: /has no length/,
    remedy: /write 2001:db8::1\/128/,
  },
  {
    claim: 'a name for a prefix',
    text: `${valid}whitelist: [office]\n`,
    line: 3,
    key: 'whitelist[0]',
    message: /'office' is not an IPv4 or IPv6 address/,
    remedy: /192.0.2.0\/24/,
  },
  {
    claim: 'port 0',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  sflow:\n    - 0.0.0.0:0\n',
    line: 4,
    key: 'capture.sflow[0].listen',
    message: /'0' is not a port/,
    remedy: /1 to 65535/,
  },
  {
    claim: 'a port beyond',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  sflow:\n    - {listen: "0.0.0.0:70000"}\n',
    line: 4,
    key: 'capture.sflow[0].listen',
    message: /'70000' is not a port/,
    remedy: /65535/,
  },
  {
    claim: 'a listener without a port',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  sflow:\n    - 0.0.0.0\n',
    line: 4,
    key: 'capture.sflow[0].listen',
    message: /not an address with a port/,
    remedy: /6343/,
  },
  {
    claim: 'a listener by name',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  sflow:\n    - localhost:6343\n',
    line: 4,
    key: 'capture.sflow[0].listen',
    message: /'localhost' is not an address to listen on/,
    remedy: /numeric/,
  },
  {
    claim: 'an interface without a name',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - workers: 2\n',
    line: 4,
    key: 'capture.interfaces[0].name',
    message: /required and missing/,
    remedy: /interface name/,
  },
  {
    claim: 'an interface name too long',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - verylonginterface0\n',
    line: 4,
    key: 'capture.interfaces[0].name',
    message: /cannot be an interface name/,
    remedy: /15/,
  },
  {
    claim: 'no workers',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - name: eth0\n      workers: 0\n',
    line: 5,
    key: 'capture.interfaces[0].workers',
    message: /0 is too small/,
    remedy: /1 to 64/,
  },
  {
    claim: 'workers in words',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - name: eth0\n      workers: all\n',
    line: 5,
    key: 'capture.interfaces[0].workers',
    message: /'all' is not a number of workers/,
    remedy: /auto/,
  },
  {
    claim: 'an unknown fanout',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - {name: eth0, fanout: rss}\n',
    line: 4,
    key: 'capture.interfaces[0].fanout',
    message: /'rss' is not among the choices/,
    remedy: /queue_mapping/,
  },
  {
    claim: 'a size without a unit',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - {name: eth0, ring: 33554432}\n',
    line: 4,
    key: 'capture.interfaces[0].ring',
    message: /size without a unit/,
    remedy: /32MiB/,
  },
  {
    claim: 'a size of no kind',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - {name: eth0, ring: big}\n',
    line: 4,
    key: 'capture.interfaces[0].ring',
    message: /'big' is not a size/,
    remedy: /whole bytes/,
  },
  {
    claim: 'a table that is no power of two',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces: [eth0]\n  ipv6_hosts: 50000\n',
    line: 4,
    key: 'capture.ipv6_hosts',
    message: /50000 is not a power of two/,
    remedy: /65536/,
  },
  {
    claim: 'a fraction for a count',
    text: `${valid}evidence: {packets: 2.5}\n`,
    line: 3,
    key: 'evidence.packets',
    message: /'2.5' is not a whole number/,
    remedy: /whole number/,
  },
  {
    claim: 'a number for a path',
    text: `${valid}log: {file: 5}\n`,
    line: 3,
    key: 'log.file',
    message: /'5' is not a path/,
    remedy: /as text/,
  },
  {
    claim: 'an unknown log level',
    text: `${valid}log: {level: verbose}\n`,
    line: 3,
    key: 'log.level',
    message: /'verbose' is not among the choices/,
    remedy: /debug, info/,
  },
  {
    claim: 'a group name with a blank',
    text: `${valid}hostgroups:\n  - name: my hosts\n    networks: [192.0.2.0/25]\n`,
    line: 4,
    key: 'hostgroups[0].name',
    message: /'my hosts' cannot be a name/,
    remedy: /letters/,
  },
  // Across keys
  {
    claim: 'no networks',
    text: 'capture: {interfaces: [eth0]}\n',
    line: null,
    key: 'networks',
    message: /no network to protect/,
    remedy: /networks_file/,
  },
  {
    claim: 'no source',
    text: 'networks: [192.0.2.0/24]\n',
    line: null,
    key: 'capture',
    message: /nothing would be captured/,
    remedy: /capture.interfaces/,
  },
  {
    claim: 'both directions off',
    text: `${valid}process: {incoming: false, outgoing: false}\n`,
    line: 3,
    key: 'process',
    message: /both directions are off/,
    remedy: /process.incoming/,
  },
  {
    claim: 'an interface twice',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  interfaces:\n    - eth0\n    - name: eth0\n',
    line: 5,
    key: 'capture.interfaces[1]',
    message: /interface 'eth0' is listed twice, first on line 4/,
    remedy: /remove one/,
  },
  {
    claim: 'a listener twice',
    text: 'networks: [192.0.2.0/24]\ncapture:\n  sflow:\n    - "[::]:6343"\n    - "[0::0]:6343"\n',
    line: 5,
    key: 'capture.sflow[1]',
    message: /listener on port 6343 of :: is listed twice/,
    remedy: /remove one/,
  },
  {
    claim: 'two groups of one name',
    text: `${valid}hostgroups:\n  - {name: web, networks: [192.0.2.0/26]}\n  - {name: web, networks: [192.0.2.64/26]}\n`,
    line: 5,
    key: 'hostgroups[1].name',
    message: /two hostgroups named 'web'/,
    remedy: /rename/,
  },
  {
    claim: "a group named 'global'",
    text: `${valid}hostgroups:\n  - {name: global, networks: [192.0.2.0/26]}\n`,
    line: 4,
    key: 'hostgroups[0].name',
    message: /cannot be named 'global'/,
    remedy: /top level/,
  },
  {
    claim: 'a prefix in two groups',
    text: `${valid}hostgroups:\n  - {name: web, networks: [192.0.2.0/26]}\n  - {name: dns, networks: [192.0.2.0/26]}\n`,
    line: 5,
    key: 'hostgroups[1].networks',
    message: /192.0.2.0\/26 is in the hostgroups 'web' and 'dns'/,
    remedy: /one of the two/,
  },
  {
    claim: 'a group without networks',
    text: `${valid}hostgroups:\n  - name: web\n`,
    line: 4,
    key: 'hostgroups[0].networks',
    message: /'web' has no networks/,
    remedy: /list the prefixes/,
  },
  {
    claim: 'a window shorter than a tick',
    text: 'networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0], tick: 500ms}\nwindow: 200ms\n',
    line: 3,
    key: 'window',
    message: /window of 200ms is shorter than a tick of 500ms/,
    remedy: /at least 500ms/,
  },
  {
    claim: 'flows judged and not counted',
    severity: 'warning',
    text: 'networks: [192.0.2.0/24]\ncapture: {interfaces: [eth0], count_flows: false}\nthresholds: {incoming: {flows: 3500}}\n',
    line: 3,
    key: 'thresholds.incoming.flows',
    message: /judged but not counted/,
    remedy: /capture.count_flows/,
  },
  {
    claim: 'networks beyond the tables',
    text: 'networks: [0.0.0.0/0]\ncapture: {interfaces: [eth0]}\n',
    line: 1,
    key: 'networks',
    message: /16777216 blocks/,
    remedy: /prefixes that are yours/,
  },
  {
    claim: 'a group outside our networks',
    severity: 'warning',
    text: `${valid}hostgroups:\n  - {name: web, networks: [203.0.113.0/26]}\n`,
    line: 4,
    key: 'hostgroups[0].networks',
    message: /203.0.113.0\/26 of the hostgroup 'web' is in none of our networks/,
    remedy: /networks/,
  },
  {
    claim: 'a group inside another',
    severity: 'note',
    text: `${valid}hostgroups:\n  - {name: web, networks: [192.0.2.0/25]}\n  - {name: dns, networks: [192.0.2.0/26]}\n`,
    line: 5,
    key: 'hostgroups[1].networks',
    message: /192.0.2.0\/26 of 'dns' lies in 192.0.2.0\/25 of 'web'/,
    remedy: /obey 'dns'/,
  },
  {
    claim: 'nothing judged',
    severity: 'warning',
    text: `${valid}thresholds: {incoming: {pps: off, mbps: off}, outgoing: {pps: off, mbps: off}}\n`,
    line: 3,
    key: 'thresholds',
    message: /'global' judges nothing/,
    remedy: /set a limit/,
  },
  {
    claim: 'a network that is whitelisted',
    severity: 'warning',
    text: `${valid}whitelist: [192.0.0.0/16]\n`,
    line: 3,
    key: 'whitelist',
    message: /all of 192.0.2.0\/24 is whitelisted/,
    remedy: /off one of the lists/,
  },
  {
    claim: 'a network twice',
    severity: 'warning',
    text: 'networks: [192.0.2.0/24, 192.0.2.0/24]\ncapture: {interfaces: [eth0]}\n',
    line: 1,
    key: 'networks',
    message: /192.0.2.0\/24 is listed twice/,
    remedy: /remove one/,
  },
  {
    claim: 'a feature not built yet',
    severity: 'note',
    text: `${valid}bgp:\n  gobgp:\n    address: 127.0.0.1:50051\n`,
    line: 4,
    key: 'bgp.gobgp',
    message: /known, not supported yet: GoBGP/,
    remedy: /no effect/,
  },
  // The disk and the environment
  {
    claim: 'a script that is not there',
    text: `${valid}notify: {script: /opt/gone.sh}\n`,
    line: 3,
    key: 'notify.script',
    message: /no '\/opt\/gone.sh'/,
    remedy: /install the script/,
  },
  {
    claim: 'a script that is not executable',
    text: `${valid}notify: {script: /opt/notify.sh}\n`,
    beside: { '/opt/notify.sh': '#!/bin/sh\n' },
    line: 3,
    key: 'notify.script',
    message: /not executable/,
    remedy: /chmod \+x \/opt\/notify.sh/,
  },
  {
    claim: 'a script that is a directory',
    text: `${valid}notify: {script: /opt}\n`,
    beside: { '/opt/notify.sh': '' },
    line: 3,
    key: 'notify.script',
    message: /'\/opt' is not a file/,
    remedy: /program itself/,
  },
  {
    claim: 'a state directory that is a file',
    text: `${valid}state: {dir: /var/state}\n`,
    beside: { '/var/state': '' },
    line: 3,
    key: 'state.dir',
    message: /'\/var\/state' is not a directory/,
    remedy: /is made/,
  },
  {
    claim: 'a log file that is a directory',
    text: `${valid}log: {file: /var/log}\n`,
    beside: { '/var/log/x': '' },
    line: 3,
    key: 'log.file',
    message: /'\/var\/log' is a directory/,
    remedy: /the file in it/,
  },
  {
    claim: 'a networks file that is not there',
    text: `${valid}networks_file: mine.list\n`,
    line: 3,
    key: 'networks_file',
    message: /'\/etc\/tidegate\/mine.list' is not read: no such file/,
    remedy: /correct the path/,
  },
  {
    claim: 'a state directory of the environment',
    text: valid,
    env: { TIDEGATE_STATE_DIR: 'x'.repeat(5_000) },
    file: 'environment',
    line: null,
    key: 'TIDEGATE_STATE_DIR',
    message: /5000 characters is too long/,
    remedy: /4096/,
  },
];

const listed = (list: string): Pick<Row, 'text' | 'beside' | 'file' | 'key'> => ({
  text: `networks_file: /etc/mine\nmonitor_local_addresses: true\ncapture: {interfaces: [eth0]}\n`,
  beside: { '/etc/mine': list },
  file: '/etc/mine',
  key: null,
});
const listRows: readonly Row[] = [
  {
    claim: 'a list: two entries on a line',
    ...listed('192.0.2.0/24\n198.51.100.0/24, 203.0.113.0/24\n'),
    line: 2,
    message: /more than one entry/,
    remedy: /a line/,
  },
  {
    claim: 'a list: a range',
    ...listed('# ours\n\n192.0.2.0-192.0.2.255\n'),
    line: 3,
    message: /is a range/,
    remedy: /as prefixes/,
  },
  {
    claim: 'a list: a length beyond',
    ...listed('2001:db8::/200\n'),
    line: 1,
    message: /'200' is not a prefix length/,
    remedy: /./,
  },
  {
    claim: 'a list: a host name',
    ...listed('www.example.net\n'),
    line: 1,
    message: /'www.example.net' is not an IPv4/,
    remedy: /192.0.2.0\/24/,
  },
  {
    claim: 'a list: host bits',
    ...listed('192.0.2.7/24\n'),
    severity: 'warning',
    line: 1,
    message: /taken as 192.0.2.0\/24/,
    remedy: /write 192.0.2.0\/24/,
  },
  {
    claim: 'a list: a repeat',
    ...listed('192.0.2.0/24\n\n192.0.2.0/24 # again\n'),
    severity: 'note',
    line: 3,
    message: /listed again, first on line 1/,
    remedy: /remove/,
  },
];

const confRows: readonly Row[] = (
  [
    {
      claim: 'a line without =',
      text: `${minimalConf}threshold_mbps 1000\n`,
      line: 6,
      key: null,
      message: /'threshold_mbps 1000' is not 'name = value'/,
      remedy: /'='/,
    },
    {
      claim: 'a line without a name',
      text: `${minimalConf}= on\n`,
      line: 6,
      key: null,
      message: /no name before '='/,
      remedy: /name of an option/,
    },
    {
      claim: 'a value with =',
      text: `${minimalConf}networks_list_path = /a=b\n`,
      line: 6,
      key: null,
      message: /value of 'networks_list_path' holds a '='/,
      remedy: /one '='/,
    },
    {
      claim: 'an inline comment',
      text: `${minimalConf}gobgp = on # soon\n`,
      line: 6,
      key: 'gobgp',
      message: /comment on the same line belongs to the value/,
      remedy: /line of its own/,
    },
    {
      claim: 'a boolean that is a word',
      text: `${minimalConf}enable_ban_ipv6 = nope\n`,
      line: 6,
      key: 'enable_ban_ipv6',
      message: /'nope' is neither on nor off/,
      remedy: /on or off/,
    },
    {
      claim: 'a yes',
      severity: 'warning',
      text: `${minimalConf}enable_ban_ipv6 = yes\n`,
      line: 6,
      key: 'enable_ban_ipv6',
      message: /'yes' means off to FastNetMon/,
      remedy: /write on/,
    },
    {
      claim: 'a no',
      severity: 'warning',
      text: `${minimalConf}enable_ban_ipv6 = no\n`,
      line: 6,
      key: 'enable_ban_ipv6',
      message: /'no' is taken as off/,
      remedy: /write off/,
    },
    {
      claim: 'a number with a unit',
      text: `${minimalConf}ban_time = 30m\n`,
      line: 6,
      key: 'ban_time',
      message: /'30m' is not a whole number/,
      remedy: /whole number/,
    },
    {
      claim: 'a negative number',
      text: `${minimalConf}ban_details_records_count = -1\n`,
      line: 6,
      key: 'ban_details_records_count',
      message: /'-1' is negative/,
      remedy: /0 to 10000/,
    },
    {
      claim: 'a number out of range',
      text: `${minimalConf}average_calculation_time = 0\n`,
      line: 6,
      key: 'average_calculation_time',
      message: /'0' is out of range/,
      remedy: /1 to 300/,
    },
    {
      claim: 'an option twice',
      severity: 'warning',
      text: `${minimalConf}threshold_pps = 5\n`,
      line: 6,
      key: 'threshold_pps',
      message: /set again, first on line 5; the last one wins/,
      remedy: /keep one/,
    },
    {
      claim: 'an unknown option',
      severity: 'warning',
      text: `${minimalConf}treshold_mbps = 5\n`,
      line: 6,
      key: 'treshold_mbps',
      message: /no such option/,
      remedy: /did you mean 'threshold_mbps'\?/,
    },
    {
      claim: 'a flag without its threshold',
      text: `${minimalConf}ban_for_flows = on\n`,
      line: 6,
      key: 'ban_for_flows',
      message: /threshold_flows is not set, which would ban every host/,
      remedy: /set threshold_flows/,
    },
    {
      claim: 'a flag with a threshold of 0',
      text: `${minimalConf}ban_for_bandwidth = on\nthreshold_mbps = 0\n`,
      line: 6,
      key: 'ban_for_bandwidth',
      message: /threshold_mbps is not above 0/,
      remedy: /set threshold_mbps/,
    },
    {
      claim: 'no interface',
      text: 'mirror_afpacket = on\n',
      line: 1,
      key: 'mirror_afpacket',
      message: /no interface is named/,
      remedy: /interfaces = eth0/,
    },
    {
      claim: 'an empty place among interfaces',
      text: 'mirror_afpacket = on\ninterfaces = eth0,,eth1\n',
      line: 2,
      key: 'interfaces',
      message: /'' is not an interface name/,
      remedy: /eth0/,
    },
    {
      claim: 'a blank among interfaces',
      severity: 'warning',
      text: 'mirror_afpacket = on\ninterfaces = eth0, eth1\n',
      line: 2,
      key: 'interfaces',
      message: /blank beside 'eth1'/,
      remedy: /blanks around commas/,
    },
    {
      claim: 'an unknown fanout mode',
      text: `${minimalConf}mirror_af_packet_fanout_mode = rss\n`,
      line: 6,
      key: 'mirror_af_packet_fanout_mode',
      message: /'rss' is not a fanout mode/,
      remedy: /rollover/,
    },
    {
      claim: 'two ways to capture',
      text: `${minimalConf}mirror_afxdp = on\n`,
      line: 6,
      key: 'mirror_afxdp',
      message: /mirror_afpacket is on too/,
      remedy: /off/,
    },
    {
      claim: 'Netmap beside PF_RING',
      text: `${minimalConf}mirror_netmap = on\nmirror = on\n`,
      line: 6,
      key: 'mirror_netmap',
      message: /mirror is on too/,
      remedy: /mirror_afpacket/,
    },
    {
      claim: 'sFlow without a port',
      text: 'sflow = on\n',
      line: 1,
      key: 'sflow',
      message: /no port is set/,
      remedy: /6343/,
    },
    {
      claim: 'sFlow on port 0',
      text: 'sflow = on\nsflow_port = 6343,0\n',
      line: 2,
      key: 'sflow_port',
      message: /'0' is not a port/,
      remedy: /65535/,
    },
    {
      claim: 'sFlow by host name',
      text: 'sflow = on\nsflow_port = 6343\nsflow_host = collector\n',
      line: 3,
      key: 'sflow_host',
      message: /'collector' is not an address/,
      remedy: /0.0.0.0/,
    },
    {
      claim: 'nothing to capture',
      text: 'netflow = on\nnetflow_port = 2055\n',
      line: null,
      key: 'interfaces',
      message: /nothing would be captured/,
      remedy: /interfaces or sflow_port/,
    },
    {
      claim: 'a log level',
      severity: 'warning',
      text: `${minimalConf}logging_level = trace\n`,
      line: 6,
      key: 'logging_level',
      message: /'trace' is not a level and is taken as info/,
      remedy: /debug/,
    },
    {
      claim: 'a host group without a colon',
      text: `${minimalConf}hostgroup = web\n`,
      line: 6,
      key: 'hostgroup',
      message: /no ':' between/,
      remedy: /name:10/,
    },
    {
      claim: 'a host group with a bad net',
      text: `${minimalConf}hostgroup = web:192.0.2.0/25,192.0.2.200\n`,
      line: 6,
      key: 'hostgroup',
      message: /'192.0.2.200' in the host group 'web' is not a prefix/,
      remedy: /192.0.2.200\/32/,
    },
    {
      claim: 'a host group twice',
      severity: 'warning',
      text: `${minimalConf}hostgroup = web:192.0.2.0/25\nhostgroup = web:192.0.2.128/25\n`,
      line: 7,
      key: 'hostgroup',
      message: /'web' is there already, so this line is ignored/,
      remedy: /one line/,
    },
    {
      claim: 'a net in two host groups',
      severity: 'warning',
      text: `${minimalConf}hostgroup = web:192.0.2.0/25\nhostgroup = dns:192.0.2.0/25\n`,
      line: 7,
      key: 'hostgroup',
      message: /in the host group 'web' already/,
      remedy: /once/,
    },
    {
      claim: "a host group named 'global'",
      text: `${minimalConf}hostgroup = global:192.0.2.0/25\n`,
      line: 6,
      key: 'hostgroup',
      message: /cannot be named 'global'/,
      remedy: /another name/,
    },
    {
      claim: 'a host group that judges nothing',
      severity: 'warning',
      text: `${minimalConf}hostgroup = web:192.0.2.0/25\n`,
      line: 6,
      key: 'hostgroup',
      message: /'web' judges nothing/,
      remedy: /inherits none/,
    },
    {
      claim: 'settings of no host group',
      severity: 'note',
      text: `${minimalConf}web_ban_for_pps = on\n`,
      line: 6,
      key: 'web_ban_for_pps',
      message: /host group 'web', which no hostgroup line makes/,
      remedy: /hostgroup = web:/,
    },
    {
      claim: 'an option for later',
      severity: 'note',
      text: `${minimalConf}gobgp = on\ngobgp_next_hop = 10.0.0.1\n`,
      line: 6,
      key: 'gobgp',
      message: /known, not supported yet \(with gobgp_next_hop\)/,
      remedy: /notify script/,
    },
    {
      claim: 'an option of the past',
      severity: 'note',
      text: `${minimalConf}enable_pf_ring_zc_mode = on\n`,
      line: 6,
      key: 'enable_pf_ring_zc_mode',
      message: /known, not supported any more/,
      remedy: /mirror_afpacket/,
    },
    {
      claim: 'a script that is not there',
      severity: 'warning',
      text: `${minimalConf}notify_script_path = /opt/gone.sh\n`,
      line: 6,
      key: 'notify_script_path',
      message: /no '\/opt\/gone.sh'/,
      remedy: /install/,
    },
    {
      claim: 'an empty path',
      severity: 'warning',
      text: `${minimalConf}white_list_path =\n`,
      line: 6,
      key: 'white_list_path',
      message: /it is empty/,
      remedy: /networks_whitelist/,
    },
    {
      claim: 'a networks list that is not there',
      severity: 'warning',
      text: `${minimalConf}networks_list_path = /etc/gone\n`,
      line: 6,
      key: 'networks_list_path',
      message: /'\/etc\/gone' is not read: no such file/,
      remedy: /correct the path/,
    },
  ] satisfies readonly Row[]
).map((row: Row) => ({ ...row, conf: true, claim: `fastnetmon.conf: ${row.claim}` }));

const rows = [...yamlRows, ...listRows, ...confRows];

function findingsOf(row: Row): {
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

const matching = (row: Row, findings: readonly Finding[]): readonly Finding[] =>
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
