/**
 * Real captures through the whole detection, told by the `expected.json` beside them: every frame is counted once and
 * to the byte, ordinary traffic raises nothing, real attacks are found and named. Skipped, by name, where the captures
 * do not lie beside the repository.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { pcapFile, udpFrame } from '../native/door/test-frames.js';
import { captureFolder, groupOf, rehearsalEpoch, replayed, settingsOf } from './detection-rehearsal.js';

const folder = captureFolder();
afterAll(folder.close);
const root = fileURLToPath(new URL('../../shared/captures', import.meta.url));
const present = existsSync(root);

type FlowCounts = {
  readonly sflow5_datagrams?: number;
  readonly v5_datagrams?: number;
  readonly v9_datagrams?: number;
  readonly ipfix_datagrams?: number;
  readonly v5_records?: number;
  readonly data_records?: number;
  readonly flow_samples?: number;
  readonly exp_flow_samples?: number;
  readonly sum?: { readonly frame_bytes?: number; readonly packets?: number; readonly bytes?: number };
};
type Expected = {
  readonly file?: string;
  readonly files?: readonly string[];
  /** null: of frames that readers count differently nothing is claimed. */
  readonly packets?: number | null;
  readonly wire_bytes?: number | null;
  readonly flow_counts?: FlowCounts;
  readonly counts?: FlowCounts;
};
type Capture = Expected & { readonly collection: string };

const collections = present
  ? readdirSync(root).filter((name) => existsSync(join(root, name, 'expected.json')))
  : [];
const captures: readonly Capture[] = collections.flatMap((collection) =>
  (JSON.parse(readFileSync(join(root, collection, 'expected.json'), 'utf8')) as Expected[]).map(
    (expected) => ({
      ...expected,
      collection,
    }),
  ),
);
const isCapture = /\.(pcap|pcapng|cap)$/;

/** Private, shared and documentation space and all of global IPv6: who is 'ours' in most captures. */
const usualNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/16',
  '2000::/3',
  'fc00::/7',
  'fe80::/10',
];
const usualLimits = { pps: 20_000, mbps: 1_000 };
const usual = settingsOf(usualNetworks, [
  groupOf('global', [], { incoming: usualLimits, outgoing: usualLimits }),
]);

const pathOf = ({ collection }: Capture, file: string): string => join(root, collection, file);

describe.skipIf(!present)('captures of others', () => {
  const counted = captures.filter(
    ({ file, packets }) => file !== undefined && isCapture.test(file) && packets !== null,
  );

  test('there are more than a hundred of them, in five collections', () => {
    expect(counted.length).toBeGreaterThan(100);
    expect(new Set(counted.map(({ collection }) => collection)).size).toBeGreaterThanOrEqual(5);
  });

  for (const collection of new Set(counted.map((one) => one.collection))) {
    const own = counted.filter((one) => one.collection === collection);
    test(`${collection}: each frame is counted once, and nothing is raised`, async () => {
      for (const { file = '', packets, wire_bytes: bytes } of own) {
        const { summary, stats, started } = await replayed(usual, join(root, collection, file));
        expect({ packets: summary.packets, bytes: summary.bytes }, file).toEqual({ packets, bytes });
        const { incoming, outgoing, internal, other } = stats.totals;
        const sorted = incoming.packets + outgoing.packets + internal.packets + other.packets;
        expect(sorted + summary.unparsed, `${file}: a frame has a direction or a named error`).toBe(packets);
        expect(started, file).toEqual([]);
      }
    }, 120_000);
  }
});

/** Captures of attacks: what is attacked, and what the detector must call it. */
const attacks = [
  { file: 'packet-captures/amp.TCP.reflection.SYNACK.pcap', host: '10.10.10.10', vector: 'tcp_reflection' },
  { file: 'packet-captures/amp.UDP.snmp.src161.pcapng', host: '10.10.10.10', vector: 'snmp_amplification' },
  { file: 'packet-captures/amp.UDP.isakmp.pcap', host: '10.10.10.10', vector: 'isakmp_amplification' },
  { file: 'packet-captures/pkt.TCP.DOMINATE.syn.ecn.cwr.pcapng', host: '10.10.10.10', vector: 'syn_flood' },
  {
    file: 'suricata-verify/tests/ipv6-evasion/ipv6-dos-with-ext-headers-5/denial6-5.pcap',
    host: '2001:db8:1::1',
    vector: 'icmpv6_flood',
  },
  {
    file: 'suricata-verify/tests/dhcp-request-flood/test.pcap',
    host: '255.255.255.255',
    vector: 'udp_flood',
  },
] as const;

describe('real attacks', () => {
  for (const { file, host, vector } of attacks) {
    test.skipIf(!existsSync(join(root, file)))(
      `${basename(file)} is ${vector} at ${host} alone`,
      async () => {
        const network = host.includes(':') ? `${host}/128` : `${host}/32`;
        const settings = settingsOf([network], [groupOf('global', [], { incoming: { pps: 500 } })]);
        const { started } = await replayed(settings, join(root, file));
        expect(started).toMatchObject([
          {
            host,
            direction: 'incoming',
            hostgroup: 'global',
            vector,
            cause: { metric: 'pps', threshold: 500 },
          },
        ]);
        expect(started[0]?.cause.rate).toBeGreaterThan(500);
      },
    );
  }

  /** Source and destination are one address in each packet. */
  const toThemselves = [
    { file: 'tcpdump/tests/ntp-mode7.pcap', network: '127.0.0.0/8', packets: 8, bytes: 1688 },
    {
      file: 'suricata-verify/tests/ipv6-evasion/ipv6-rsmurf/rsmurf6.pcap',
      network: 'ff02::/16',
      packets: 1000,
      bytes: 78_000,
    },
  ];
  for (const { file, network, packets, bytes } of toThemselves) {
    test.skipIf(!existsSync(join(root, file)))(
      `${basename(file)} goes from hosts of ours to themselves: internal, no attack at any limit`,
      async () => {
        const none = { pps: 0 };
        const judged = { incoming: none, outgoing: none, total: none, network: none };
        const settings = settingsOf([network], [groupOf('global', [], judged)]);
        const { started, stats } = await replayed(settings, join(root, file));
        expect(started).toEqual([]);
        expect(stats.totals.internal).toEqual({ packets, bytes });
      },
    );
  }
});

describe.skipIf(!present)('flow datagrams of others, decoded in place of the packets that carry them', () => {
  /** Datagrams alone are put into UDP, to a port that says nothing, as one exporter's. */
  function capturing(payloads: readonly Uint8Array[]): string {
    const path = folder.path('datagrams.pcap');
    const frames = payloads.map((payload, index) => ({
      at: rehearsalEpoch + index,
      frame: udpFrame({
        source: [192, 0, 2, 1],
        destination: [192, 0, 2, 2],
        sourcePort: 40_000,
        destinationPort: 40_001,
        payload,
      }),
    }));
    writeFileSync(path, pcapFile(frames));
    return path;
  }

  const datagramsIn = (one: FlowCounts | undefined): number =>
    (one?.sflow5_datagrams ?? 0) +
    (one?.v5_datagrams ?? 0) +
    (one?.v9_datagrams ?? 0) +
    (one?.ipfix_datagrams ?? 0);
  /** A file of messages is no datagram. */
  const ofMessages = ({ file, files }: Capture): boolean => (file ?? files?.[0] ?? '').endsWith('.ipfix');
  const exported = captures.filter(
    (capture) =>
      [capture.counts, capture.flow_counts].some((one) => datagramsIn(one) > 0) && !ofMessages(capture),
  );
  test('there are some, as captures and as datagrams', () => {
    expect(exported.filter(({ file }) => file !== undefined).length).toBeGreaterThanOrEqual(2);
    expect(exported.filter(({ files }) => files !== undefined).length).toBeGreaterThanOrEqual(30);
  });

  /** Flows of both directions in one record: two of ours, which the readers behind expected.json do not sum up. */
  const bothWays: { readonly [file: string]: { records: number; packets: number; bytes: number } } = {
    'netflow9_test_cisco_asa_1_tpl.dat': { records: 14, packets: 14, bytes: 888 },
    'ipfix_test_yaf_tpls_option_tpl.dat': { records: 4, packets: 10, bytes: 596 },
    'ipfix_0.bin': { records: 56, packets: 1070, bytes: 577_437 },
  };
  for (const capture of exported) {
    const files = capture.files ?? [capture.file ?? ''];
    test(`${capture.collection}: ${files.map((file) => basename(file)).join(', ')}`, async () => {
      const wanted = capture.counts ?? capture.flow_counts ?? {};
      const path =
        capture.file === undefined
          ? capturing(files.map((file) => readFileSync(pathOf(capture, file))))
          : pathOf(capture, capture.file);
      const { summary, started } = await replayed(usual, path, true);
      const samples = (wanted.flow_samples ?? 0) + (wanted.exp_flow_samples ?? 0);
      expect(summary.flow).toMatchObject({
        datagrams: datagramsIn(wanted),
        records: samples + (wanted.v5_records ?? 0) + (wanted.data_records ?? 0),
        samples,
        packets: samples + (wanted.sum?.packets ?? 0),
        bytes: (wanted.sum?.frame_bytes ?? 0) + (wanted.sum?.bytes ?? 0),
        decode_errors: 0,
        ...bothWays[basename(files[0] ?? '')],
      });
      expect(started).toEqual([]);
    });
  }
});
