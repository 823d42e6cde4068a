/** Lists of prefixes with one fault each; `faults.test.ts` tries them. */
import type { BadConfiguration } from './bad-configuration.js';

const listed = (list: string): Pick<BadConfiguration, 'text' | 'beside' | 'file' | 'key'> => ({
  text: `networks_file: /etc/mine\nmonitor_local_addresses: true\ncapture: {interfaces: [eth0]}\n`,
  beside: { '/etc/mine': list },
  file: '/etc/mine',
  key: null,
});
export const badLists: readonly BadConfiguration[] = [
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
