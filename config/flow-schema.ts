/** The keys of flow telemetry: listeners, exporters and filters. A part of `schema.ts`. */
import { choice, leaf, list, required, section, type ValuesOf } from './declaration.js';
import { filterGrammar } from './flow-filter.js';

const maxSampling = 2 ** 31;

const socketKeys = {
  workers: leaf<number | 'auto'>(
    'workers',
    1,
    'Threads. An exporter stays on one of them. `auto`: one per CPU but one, 8 at most.',
    { min: 1, max: 64 },
  ),
  receive_buffer: leaf<string>('size', '8MiB', 'Socket receive buffer of each thread.', {
    min: 4096,
    max: 2 ** 30,
  }),
  length_from_ip: leaf<boolean>(
    'boolean',
    false,
    'Of sampled packets count the length in the IP header, for devices that report a wrong frame length.',
  ),
  max_exporters: leaf<number>('count', 1_024, 'Exporters kept apart. What others send counts all the same.', {
    min: 1,
    max: 32_768, // each has an actor, and an actor has 65,536 children at most
  }),
} as const;

/** Three refreshes of 30 minutes, the interval of most routers: RFC 7011 section 8.4 asks for three at least. */
const usualTemplateLifetime = '90m';

const recordKeys = {
  max_templates: leaf<number>(
    'count',
    65_536,
    'Templates kept of all exporters together; then the one used longest ago goes.',
    {
      min: 16,
      max: 4_194_304,
    },
  ),
  template_lifetime: leaf<string>(
    'duration',
    usualTemplateLifetime,
    'A template that is not sent again for so long is forgotten (UDP). At least three times the interval of the devices.',
    { min: 60_000, max: 7 * 86_400_000 },
  ),
  waiting: section('Records that came before their template.', {
    size: leaf<string>(
      'size',
      '4MiB',
      'They wait in this much memory of each thread. `0B`: they do not wait.',
      {
        min: 0,
        max: 2 ** 30,
      },
    ),
    time: leaf<string>('duration', '1m', 'After this they are counted as expired.', {
      min: 1_000,
      max: 3_600_000,
    }),
  }),
  spread: leaf<boolean>(
    'boolean',
    true,
    'Count a record over its own span. `false`: all of it when it comes, as FastNetMon does: a long flow then looks like a burst.',
  ),
  max_held: leaf<number>(
    'count',
    262_144,
    'Records that may be counted over their span at one time. One beyond it counts all at once.',
    { min: 1, max: 16_777_216 },
  ),
} as const;

export const sflowListener = section('', {
  listen: required<string>('listen', 'Address and UDP port; 6343 is usual.'),
  ...socketKeys,
});
export const netflowListener = section('', {
  listen: required<string>('listen', 'Address and UDP port; 2055 is usual.'),
  ...socketKeys,
  ...recordKeys,
});
export const ipfixListener = section('', {
  listen: required<string>('listen', 'Address and port; 4739 is usual.'),
  transport: choice(['udp', 'tcp'], 'udp', 'For both of one port write two listeners.'),
  ...socketKeys,
  ...recordKeys,
});

export const flowKeys = {
  sflow: list('sFlow v2, v4 and v5 listeners. A text stands for `listen` alone.', sflowListener, 'listen'),
  netflow: list(
    'NetFlow v1, v5, v7 and v9 listeners, which take IPFIX too. A text stands for `listen` alone.',
    netflowListener,
    'listen',
  ),
  ipfix: list('IPFIX listeners. A text stands for `listen` alone.', ipfixListener, 'listen'),
  exporters: section('Devices that send to the listeners, whichever of these.', {
    allow: list(
      'Who may send. None: anybody. Datagrams of others are counted as unknown.',
      required<string>('prefix_or_address', ''),
    ),
    refuse_unknown: leaf<boolean>('boolean', false, 'Do not read what others than `allow` send.'),
    sampling_fallback: leaf<number | null>(
      'count',
      null,
      'What a record stands for where its exporter does not say.',
      { min: 1, max: maxSampling, words: '1' },
    ),
    overrides: list(
      'Sampling of exporters that state none or a wrong one.',
      section('', {
        exporter: required<string>('address', 'Its address: the one its datagrams come from.'),
        interface: leaf<number | null>('count', null, 'ifIndex that the record came in by.', {
          min: 0,
          max: 0xffff_ffff,
          words: 'all of its interfaces',
        }),
        sampling: required<number>('count', 'One in so many.', { min: 1, max: maxSampling }),
      }),
    ),
  }),
  filters: filterGrammar('Which records count. See [Filters](#filters).'),
} as const;

export type SflowValues = ValuesOf<typeof sflowListener>;
export type NetflowValues = ValuesOf<typeof netflowListener>;
export type IpfixValues = ValuesOf<typeof ipfixListener>;
