/** What the doctor asks, in which order, and what it does without an answer. */
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { diagnosesOf } from '../../domain/diagnosis.js';
import type { ExporterStats, FlowListenerStats } from '../../domain/flow.js';
import type { MachineFacts, SourceStats, TrafficTotals, Witnessed } from '../../domain/ports.js';
import { failure, type Result, success } from '../../domain/result.js';
import type { SourceReport } from '../capture/messages.js';
import { emptyHistory } from './diagnosis/history.js';
import {
  healthyExporter,
  healthyListener,
  machine,
  netflowSetting,
  nowMicros,
  sight,
} from './diagnosis/rehearsal.js';
import { type Asked, type DoctorDeps, examine } from './doctor.js';

const none = { packets: 0, bytes: 0 };
const totals: TrafficTotals = { incoming: none, outgoing: none, internal: none, other: none };
const stats: SourceStats = {
  packets: 0,
  bytes: 0,
  dropped: 0,
  unparsed: 0,
  errors: {},
  totals,
  hosts: 0,
  hostOverflow: 0,
  flowOverflow: 0,
};
const report = (change: Partial<FlowListenerStats>, state: 'up' | 'down' = 'up'): SourceReport => ({
  name: netflowSetting.name,
  kind: 'listener',
  state,
  fault: state === 'up' ? null : 'EADDRINUSE',
  stats,
  rates: totals,
  opened: 1,
  undelivered: 0,
  listener: {
    ...healthyListener,
    ...change,
    address: '0.0.0.0:2055',
    family: 'netflow',
    transport: 'udp',
  },
});
const perSecond = { datagrams: 1, records: 1, packets: 1, bytes: 1 };
const asked = (
  listener: Partial<FlowListenerStats>,
  exporters: readonly Partial<ExporterStats>[],
  at = nowMicros,
): Asked => ({
  at,
  sources: [report(listener)],
  exporters: exporters.map((change) => ({
    ...healthyExporter,
    ...change,
    listener: netflowSetting.name,
    perSecond,
  })),
  unanswered: [],
});

type Told = {
  readonly answers: readonly Asked[];
  readonly wire?: Result<Witnessed>;
  readonly drops?: readonly number[];
  readonly listenMs?: number;
};
async function examined({ answers, wire, drops = [0, 0], listenMs = 3_000 }: Told) {
  const order: string[] = [];
  let asks = 0;
  let looks = 0;
  const deps: DoctorDeps = {
    settings: () => ({ listeners: [netflowSetting], windowMs: 1_000 }),
    machine: (): MachineFacts => ({ ...machine, rpFilterDrops: drops[looks++] ?? null }),
    witness: async (ports, forMs) => {
      order.push(`wire ${ports.join()} ${forMs}`);
      return wire ?? success({ seconds: 3, sights: [], unsorted: 0 });
    },
    startedAt: () => nowMicros - 600e6,
    wait: async () => void order.push('settle'),
  };
  const ask = async (): Promise<Asked> => {
    order.push('ask');
    const answer = answers[Math.min(asks++, answers.length - 1)];
    if (answer === undefined) throw new Error('no answer');
    return answer;
  };
  const doctor = await examine(ask, () => emptyHistory, deps, listenMs);
  return { order, doctor, codes: diagnosesOf(doctor).map(({ code }) => code) };
}

const seen = (change: Partial<Witnessed> = {}) =>
  success({ seconds: 3, sights: [{ ...sight, datagrams: 30 }], unsorted: 0, ...change });
const idle = asked({}, [{}]);
const later = nowMicros + 4.5e6;

test('it asks, listens, lets the counts settle, and asks again', async () => {
  const { order, doctor, codes } = await examined({ answers: [idle] });
  assert.deepEqual(order, ['ask', 'wire 2055 3000', 'settle', 'ask']);
  assert.deepEqual([codes, doctor.notes], [[], []]);
});

test('for 0 s it asks once and says that it did not listen', async () => {
  const { order, doctor } = await examined({ answers: [idle], listenMs: 0 });
  assert.deepEqual(order, ['ask']);
  assert.deepEqual(doctor.notes, ['the wire was not listened to']);
});

test('without the right to listen the diagnosis is left out, with a note', async () => {
  const wire = failure<Witnessed>('SOURCE_UNAVAILABLE', 'EPERM: packet socket, which needs CAP_NET_RAW');
  const { codes, doctor } = await examined({ answers: [idle], wire });
  assert.deepEqual(codes, []);
  assert.match(doctor.notes.join(), /not listened to, so .* CAP_NET_RAW/);
});

test('on the wire and not at the socket: a firewall, or rp_filter where it counts', async () => {
  const wire = seen();
  const firewall = await examined({ answers: [idle, asked({}, [{}], later)], wire });
  assert.deepEqual(firewall.codes, ['not_received']);
  assert.match(firewall.doctor.elsewhere[0]?.sentence ?? '', /most likely a firewall/);
  const filtered = await examined({ answers: [idle, asked({}, [{}], later)], wire, drops: [5, 35] });
  assert.match(filtered.doctor.elsewhere[0]?.sentence ?? '', /rp_filter of eth1 drops/);
  assert.deepEqual(filtered.doctor.elsewhere[0]?.commands[0]?.lines, [
    'sysctl -w net.ipv4.conf.eth1.rp_filter=2',
  ]);
});

const reached: readonly { readonly claim: string; readonly after: Asked }[] = [
  {
    claim: 'as an exporter that was known',
    after: asked({ datagrams: 631 }, [{}, { address: sight.source, datagrams: 631 }], later),
  },
  {
    claim: 'as strays of which the last came from another',
    after: asked({ strays: [{ protocol: 'sflow5', datagrams: 30, lastFrom: '192.0.2.44' }] }, [{}], later),
  },
  {
    claim: 'and were refused',
    after: asked({ refused: 30, lastRefused: '192.0.2.44' }, [{}], later),
  },
  { claim: 'from more exporters than are kept apart', after: asked({ datagrams: 640 }, [{}], later) },
];
for (const { claim, after } of reached) {
  test(`datagrams that reached the socket ${claim} were received`, async () => {
    const before = asked({}, [{}, { address: sight.source, datagrams: 600 }]);
    const { codes } = await examined({ answers: [before, after], wire: seen() });
    assert.ok(!codes.includes('not_received'), codes.join());
  });
}

test('more senders than the witness keeps apart accuse nobody', async () => {
  const wire = seen({ unsorted: 1_000 });
  const { codes } = await examined({ answers: [idle, asked({}, [{}], later)], wire });
  assert.deepEqual(codes, []);
});

test('a listener that is down or does not answer is a note', async () => {
  const down = { ...idle, sources: [report({}, 'down')] };
  assert.deepEqual((await examined({ answers: [down] })).doctor.notes, [
    'netflow 0.0.0.0:2055 is not open: EADDRINUSE',
  ]);
  const silent = { ...idle, sources: [], exporters: [] };
  assert.deepEqual((await examined({ answers: [silent] })).doctor.notes, [
    'netflow 0.0.0.0:2055 did not answer in time',
  ]);
});
