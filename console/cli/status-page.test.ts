/** The pages as they stand on a screen, with made-up values. */
import picocolors from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../actors/control/messages.js';
import type { Attack } from '../../domain/attack.js';
import { unheardExporter, unheardListener } from '../../domain/flow.js';
import { type Mitigation, notAnnounced } from '../../domain/mitigation.js';
import { quietRates } from '../../domain/traffic.js';
import type { AttackId, HostKey, PrefixKey } from '../../domain/units.js';
import { renderAttacks, renderStatus, renderTree } from './status-page.js';
import type { Terminal } from './terminal.js';

const plain = picocolors.createColors(false);
const view = (width: number, colors = plain): Terminal => ({
  out: () => {},
  err: () => {},
  colors,
  errColors: colors,
  width,
  watched: false,
});
const unseen = Number.POSITIVE_INFINITY;
const nowMicros = 1_700_000_000_000_000;

type Node = Status['tree'];
const actor = (id: string, more: Partial<Node> = {}): Node => ({
  id,
  kind: 'actor',
  state: 'running',
  generation: 1,
  restarts: 0,
  queue: 0,
  queueBound: 64,
  dropped: 0,
  handled: 10,
  lastCrash: null,
  children: [],
  ...more,
});
const tree: Node = actor('root', {
  kind: 'supervisor',
  children: [
    actor('detection', {
      kind: 'supervisor',
      children: [actor('global', { children: [actor('A1')] }), actor('web', { queue: 3, dropped: 7 })],
    }),
    actor('eth0', { state: 'backing_off', generation: 4, restarts: 3, lastCrash: 'Error: bug' }),
  ],
});

const none = { packets: 0, bytes: 0 };
const totals = {
  incoming: { packets: 41_250, bytes: 5_156_250 },
  outgoing: { packets: 7, bytes: 700 },
  internal: { packets: 1, bytes: 60 },
  other: { packets: 2, bytes: 120 },
};
const stats = {
  packets: 1_234_567,
  bytes: 99,
  dropped: 12,
  unparsed: 0,
  errors: {},
  totals: { incoming: none, outgoing: none, internal: none, other: none },
  hosts: 3,
  hostOverflow: 0,
  flowOverflow: 0,
};
const source = {
  rates: totals,
  stats,
  opened: 1,
  undelivered: 0,
  kind: 'interface' as const,
  listener: null,
};
const status: Status = {
  version: '1.2.3',
  pid: 4711,
  uptimeSeconds: 4_000,
  startedAt: '2023-11-14T22:13:20.000000Z',
  memory: { rssBytes: 123_000_000, heapBytes: 1 },
  eventLoop: { p50Ms: 1, p99Ms: 2.34 },
  capture: { interfaces: [] },
  unanswered: [],
  flow: {
    elsewhere: { faults: 0, hints: 0 },
    listeners: [
      {
        ...unheardListener,
        family: 'sflow',
        transport: 'udp',
        address: '0.0.0.0:6343',
        state: 'up',
        fault: null,
        errors: {},
        datagrams: 9_000,
        records: 90_000,
        dropped: 7,
        refused: 2,
      },
    ],
    exporters: [
      {
        ...unheardExporter,
        doctor: { faults: 2, hints: 1 },
        agent: '10.0.0.1',
        address: '10.0.0.1',
        datagrams: 9_000,
        records: 90_000,
        sequenceLost: 5,
        samplingRate: 1_000,
        lastSeen: nowMicros,
        listener: 'sflow 0.0.0.0:6343',
        perSecond: { datagrams: 12.5, records: 1_250 },
      },
    ],
  },
  sources: [
    { ...source, name: 'eth0', state: 'up', fault: null },
    { ...source, name: 'eth1', state: 'down', fault: 'eth1: no such interface' },
  ],
  hostgroups: [],
  attacks: 1,
  mitigation: null,
  speakers: [],
  evidence: {
    desk: { seated: 512, waiting: 4, unseated: 6, queued: 9, explained: 77, refused: 1 },
    files: { waiting: 3, written: 70, failed: 2 },
  },
  notices: [],
  script: {
    script: '/opt/notify.sh',
    started: 5,
    running: 1,
    waiting: 0,
    failed: 2,
    timedOut: 1,
    dropped: 0,
  } as unknown as NonNullable<Status['script']>,
  deadLetters: 0,
  tree,
};

const attack = (id: string, subject: Attack['subject'], more: Partial<Attack> = {}): Attack => ({
  id: id as AttackId,
  origin: 'detected',
  subject,
  direction: 'incoming',
  hostgroup: 'global',
  cause: { scope: 'host', metric: 'pps', rate: 41_250, threshold: 20_000, samples: null, interval: null },
  startedAt: nowMicros - 30e6,
  endedAt: null,
  ratesAtStart: { incoming: quietRates, outgoing: quietRates },
  peak: { pps: 99_960, bps: 1e9 },
  fingerprint: null,
  files: [],
  evidence: 'gathering',
  whitelisted: false,
  returns: 0,
  ...more,
});
const host = (text: string): Attack['subject'] => ({ kind: 'host', host: text as HostKey });
const mitigation = (one: Attack, more: Partial<Mitigation> = {}): Mitigation => ({
  id: one.id,
  attack: one,
  state: 'wanted',
  since: one.startedAt,
  until: nowMicros + 95e6,
  comment: '',
  notified: 'ban',
  ...notAnnounced,
  ...more,
});

describe('the tree', () => {
  test('branches join, and a node says what is not as it should be', () => {
    expect(renderTree(tree, plain).split('\n')).toEqual([
      'root',
      '├─ detection',
      '│  ├─ global gen 1 queue 0/64',
      '│  │  └─ A1 gen 1 queue 0/64',
      '│  └─ web gen 1 queue 3/64 dropped 7',
      '└─ eth0 gen 4 queue 0/64 backing_off restarts 3 Error: bug',
    ]);
  });
});

describe('status', () => {
  test('on a page of any width', () => {
    expect(renderStatus(status, view(unseen)).split('\n')).toEqual([
      'tidegate 1.2.3  pid 4711  up 1h06m  memory 123MB  event loop p99 2.3 ms  attacks 1',
      '',
      'source  state                    received  dropped  unparsed  in pps     in /s  out pps    out /s  else pps',
      'eth0    up                          1.23M       12         0   41.3k  41.3Mbit        7  5.60kbit         3',
      'eth1    eth1: no such interface     1.23M       12         0   41.3k  41.3Mbit        7  5.60kbit         3',
      '',
      'listener  address       datagrams  records  dropped  strange  templates',
      'sflow     0.0.0.0:6343      9.00k    90.0k        7        2          0',
      '',
      'exporter  protocol  dgrams/s  records/s  sampling  lost  records  doctor',
      '10.0.0.1  sflow5          13      1.25k    1:1000     5    90.0k  2 faults',
      '',
      "flow telemetry: 2 faults, 1 hint; run 'tidegate doctor' for the causes",
      '',
      'hostgroup  hosts  in pps  in /s  out pps  out /s  attacks',
      '',
      'notify script: 5 started, 1 running, 0 waiting, 2 failed, 1 timed out, 0 dropped',
      '',
      'evidence: 77 attacks explained, 512 gather packets, 4 wait to, 9 wait to be explained',
      '          6 found no room to gather in time, 1 told without packets',
      '          files of 70 written, of 3 waiting, of 2 failed',
      '',
      ...renderTree(tree, plain).split('\n'),
    ]);
  });

  test('who did not answer in time is named', () => {
    const unanswered = ['sensing/sflow', 'detection/global'];
    expect(renderStatus({ ...status, unanswered }, view(unseen)).split('\n')).toContain(
      'did not answer in time, so missing above: sensing/sflow, detection/global',
    );
    expect(renderStatus(status, view(unseen))).not.toContain('did not answer');
  });

  test('no line of a table is wider than a terminal of 80, and every figure is still whole', () => {
    const lines = renderStatus({ ...status, attacks: 0 }, view(80)).split('\n');
    const tables = lines.slice(
      1,
      lines.indexOf('notify script: 5 started, 1 running, 0 waiting, 2 failed, 1 timed out, 0 dropped'),
    );
    for (const line of tables) expect(line.length, line).toBeLessThanOrEqual(80);
    for (const figure of ['1.23M', '41.3k', '41.3Mbit', '5.60kbit'])
      expect(tables.join('\n')).toContain(figure);
  });

  test('an exporter is told whole in 80 columns, however long its address; what can be asked for otherwise goes first', () => {
    const [first] = status.flow.exporters;
    if (first === undefined) throw new Error('there is one');
    const agent = '2001:db8:1234:5678:9abc:def0:1234:5678';
    const exporters = [
      { ...first, agent, protocol: 'netflow9' as const, domain: 4_294_967_295, samplingRate: 1_000_000 },
      { ...first, samplingRate: 0 },
    ];
    const flow = { ...status.flow, exporters };
    const lines = renderStatus({ ...status, flow }, view(80)).split('\n');
    const table = lines.slice(
      lines.findIndex((line) => line.startsWith('exporter')),
      lines.indexOf('notify'),
    );
    expect(table[1]).toContain(`${agent} #4294967295`);
    expect(table[0]).toContain('sampling');
    expect(table[2]).toMatch(/^10\.0\.0\.1 +.*\?/);
    for (const line of table.slice(0, 3)) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('of a thousand exporters the busiest are shown and the rest counted', () => {
    const [first] = status.flow.exporters;
    if (first === undefined) throw new Error('there is one');
    const exporters = Array.from({ length: 1_000 }, (_, i) => ({
      ...first,
      agent: `10.0.${i >> 8}.${i & 255}`,
      perSecond: { datagrams: 1, records: i },
    }));
    const text = renderStatus({ ...status, flow: { ...status.flow, exporters } }, view(80));
    const shown = text.split('\n').filter((line) => line.startsWith('10.0.'));
    expect(shown.length).toBe(50);
    expect(shown[0]).toMatch(/^10\.0\.3\.231 /);
    expect(text).toContain('950 more exporters: tidegate status --json');
  });

  test('colour is where it is wanted: what is down is red, what is up green', () => {
    const text = renderStatus(status, view(unseen, picocolors.createColors(true)));
    expect(text).toContain('\x1b[32mup\x1b[39m');
    expect(text).toContain('\x1b[31meth1: no such interface\x1b[39m');
    expect(renderStatus(status, view(unseen))).not.toContain('\x1b');
  });

  test('without a source it says so, and without a script nothing of one', () => {
    const text = renderStatus({ ...status, sources: [], script: null }, view(unseen));
    expect(text).toContain('\nno sources\n');
    expect(text).not.toContain('notify script');
  });
});

describe('attacks', () => {
  const detected = mitigation(attack('A1', host('203.0.113.66')));
  const byHand = mitigation(
    attack('A2', host('2001:db8::7'), {
      origin: 'manual',
      cause: null,
      direction: 'other',
      evidence: 'none',
    }),
    { until: null, comment: 'ticket 7' },
  );
  const over = attack(
    'A0',
    { kind: 'prefix', prefix: '203.0.113.0/24' as PrefixKey },
    {
      endedAt: nowMicros - 20e6,
      evidence: 'complete',
      fingerprint: {
        vector: 'udp_flood',
        share: 1,
        protocol: 'udp',
        topSources: [],
        topSourcePorts: [],
        topDestinationPorts: [],
        sources: 1,
        samples: 1,
        samplesBefore: 0,
      },
    },
  );

  test('in progress and ended, by hand and detected', () => {
    const list = { active: [detected, byHand], leaving: [], ended: [over] };
    expect(renderAttacks(list, view(unseen), nowMicros).split('\n')).toEqual([
      'host          direction  hostgroup  cause              vector     peak     since                left',
      '203.0.113.66  incoming   global     pps 41.3k > 20.0k  gathering  100kpps  2023-11-14T22:12:50  1m35s',
      '2001:db8::7   other      global     by hand: ticket 7  none       100kpps  2023-11-14T22:12:50  released by hand',
      '',
      'ended           direction  hostgroup  vector     peak     began                lasted',
      '203.0.113.0/24  incoming   global     udp_flood  100kpps  2023-11-14T22:12:50  10s',
    ]);
  });

  test('a comment is shown, not obeyed', () => {
    const list = { active: [{ ...byHand, comment: 'two\nlines \x1b[31mred\r' }], leaving: [], ended: [] };
    const text = renderAttacks(list, view(unseen), nowMicros);
    expect(text).toContain(' by hand: two lines  [31mred ');
    expect(text.split('\n').length).toBe(2);
  });

  test('none', () => {
    expect(renderAttacks({ active: [], leaving: [], ended: [] }, view(80), nowMicros)).toBe(
      'no attack in progress',
    );
  });

  test('a sampled rate says its interval and its samples; a record from before there were any says nothing', () => {
    const cause = { scope: 'host', metric: 'pps', rate: 41_250, threshold: 20_000 } as const;
    const text = (of: Attack['cause']): string =>
      renderAttacks(
        { active: [mitigation(attack('A1', host('192.0.2.7'), { cause: of }))], leaving: [], ended: [] },
        view(unseen),
        nowMicros,
      );
    expect(text({ ...cause, samples: 412, interval: { low: 37_000, high: 45_000 } })).toContain(
      'pps 41.3k > 20.0k (37.0k-45.0k, 412 samples)',
    );
    expect(text({ ...cause, samples: 412, interval: null })).toContain('pps 41.3k > 20.0k (412 samples)');
    expect(text(cause as unknown as Attack['cause'])).toContain('pps 41.3k > 20.0k  gathering');
  });
  test('fits 80 columns, with every address whole', () => {
    const longest = '2001:db8:1111:2222:3333:4444:5555:6666';
    const list = {
      active: [detected, byHand, mitigation(attack('A3', host(longest)))],
      leaving: [],
      ended: [over],
    };
    const text = renderAttacks(list, view(80), nowMicros);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    for (const whole of ['203.0.113.66', longest, '203.0.113.0/24']) expect(text).toContain(whole);
  });
});
