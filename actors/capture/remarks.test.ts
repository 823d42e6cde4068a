/** What exporters and listeners have to say, by what has been counted of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import {
  clockSkewLimitSeconds,
  type ExporterStats,
  type FlowListenerStats,
  unheardExporter,
  unheardListener,
} from '../../domain/flow.js';
import { remarksOf, type Said } from './exporter-remarks.js';
import { bufferRemark, listenerRemarks } from './listener-remarks.js';
import { emptyTally, receivedBy, tallied } from './listener-tally.js';

const clockSkewLimitMicros = clockSkewLimitSeconds * 1e6;

type Row = {
  readonly claim: string;
  readonly said?: Said;
  readonly now: Partial<ExporterStats>;
  readonly says: readonly string[];
};
const changed = 'info exporter changed its sampling';
const off = 'warn clock of an exporter is off';
const rows: readonly Row[] = [
  { claim: 'all is well', now: { samplingRate: 100, templates: 5 }, says: [] },
  { claim: 'a first sampling is no change', said: { samplingRate: 0 }, now: { samplingRate: 9 }, says: [] },
  { claim: 'another sampling', said: { samplingRate: 5 }, now: { samplingRate: 9 }, says: [changed] },
  {
    claim: 'statements that contradict each other, and one of zero',
    now: { samplingConflicts: 1, samplingZero: 2 },
    says: ['warn exporter contradicts itself about its sampling', 'warn exporter states a sampling of zero'],
  },
  { claim: 'a gap', now: { sequenceLost: 3 }, says: ['warn flow datagrams lost on the way'] },
  { claim: 'a gap that was told', said: { sequenceLost: 3 }, now: { sequenceLost: 3 }, says: [] },
  {
    claim: 'sets that wait, come in and expire',
    now: { setsWithoutTemplate: 3, recordsRecovered: 20, setsExpired: 1 },
    says: [
      'info flow records wait for their template',
      'info flow records counted after their template came',
      'warn flow records given up, their template did not come',
    ],
  },
  {
    claim: 'templates that go and change',
    now: { templatesEvicted: 1, templateChanges: 1 },
    says: ['warn templates of an exporter gave way to others', 'info exporter changed a template'],
  },
  {
    claim: 'samples lost on the device',
    now: { deviceDrops: 1 },
    says: ['warn exporter lost samples itself'],
  },
  { claim: 'a clock a little off', now: { clockSkewMicros: clockSkewLimitMicros }, says: [] },
  { claim: 'a clock far ahead', now: { clockSkewMicros: clockSkewLimitMicros + 1 }, says: [off] },
  { claim: 'a clock far behind', now: { clockSkewMicros: -clockSkewLimitMicros - 1 }, says: [off] },
  {
    claim: 'a clock still off',
    said: { clockSkewMicros: 1e9 },
    now: { clockSkewMicros: 2e9 },
    says: [],
  },
  {
    claim: 'a clock that was set',
    said: { clockSkewMicros: 1e9 },
    now: { clockSkewMicros: 0 },
    says: ['info clock of an exporter is right again'],
  },
  {
    claim: 'records that come twice',
    now: { duplicates: 30, duplicatesLookedAt: 100 },
    says: ['warn another exporter or interface reports the same records'],
  },
  { claim: 'a few that do', now: { duplicates: 19, duplicatesLookedAt: 100 }, says: [] },
  { claim: 'too few to tell', now: { duplicates: 30, duplicatesLookedAt: 40 }, says: [] },
];
describe('an exporter', () => {
  for (const { claim, said = {}, now, says } of rows) {
    test(claim, () => {
      const remarks = remarksOf(said, { ...unheardExporter, ...now });
      assert.deepEqual(
        remarks.map(({ level, phrase }) => `${level} ${phrase}`),
        says,
      );
    });
  }
  test('a remark counts from where it was last said', () => {
    const [remark] = remarksOf(
      { sequenceLost: 10 },
      { ...unheardExporter, protocol: 'ipfix', sequenceLost: 15 },
    );
    assert.deepEqual(remark?.fields, { lost: 5, of: 'records' });
  });
});

const listener = (change: Partial<FlowListenerStats>): FlowListenerStats => ({
  ...unheardListener,
  templatesBound: 100,
  heldBound: 10,
  ...change,
});
const stray = (protocol: 'sflow5' | 'unknown', datagrams: number) => ({
  protocol,
  datagrams,
  lastFrom: '192.0.2.9',
});
const netflow = { family: 'netflow', refusesUnknown: true } as const;

describe('a listener', () => {
  test('a buffer that the system cut is told with what to set', () => {
    assert.equal(bufferRemark(listener({ receiveBufferAsked: 8, receiveBuffer: 8 })), null);
    const remark = bufferRemark(listener({ receiveBufferAsked: 8_388_608, receiveBuffer: 212_992 }));
    assert.match(String(remark?.fields.remedy), /sysctl -w net\.core\.rmem_max=8388608/);
    assert.deepEqual([remark?.fields.asked, remark?.fields.granted], [8_388_608, 212_992]);
  });
  const grown: readonly {
    readonly claim: string;
    readonly before?: Partial<FlowListenerStats>;
    readonly now: Partial<FlowListenerStats>;
    readonly says: readonly string[];
  }[] = [
    {
      claim: 'datagrams of another protocol are named',
      now: { strays: [stray('sflow5', 3)] },
      says: ['sFlow v5 datagrams on the NetFlow port'],
    },
    {
      claim: 'and so is what is no flow telemetry at all',
      now: { strays: [stray('unknown', 3)] },
      says: ['datagrams that are no flow telemetry on the NetFlow port'],
    },
    {
      claim: 'strays that were told before are not told again',
      before: { strays: [stray('sflow5', 3)] },
      now: { strays: [stray('sflow5', 3)] },
      says: [],
    },
    {
      claim: 'strangers are refused',
      now: { refused: 1, lastRefused: '192.0.2.9' },
      says: ['datagrams of exporters that are not allowed, refused'],
    },
    {
      claim: 'tables that are full',
      now: { exportersRefused: 1, heldRefused: 1, templates: 100 },
      says: [
        'more exporters than are kept apart',
        'more long flows than can be spread, the rest counts at once',
        'template table is full',
      ],
    },
    { claim: 'a table that was full before', before: { templates: 100 }, now: { templates: 100 }, says: [] },
  ];
  for (const { claim, before, now, says } of grown) {
    test(claim, () => {
      const remarks = listenerRemarks(before === undefined ? null : listener(before), listener(now), netflow);
      assert.deepEqual(
        remarks.map(({ phrase }) => phrase),
        says,
      );
    });
  }
  test('who sends what does not belong here is told with where it belongs', () => {
    const [remark] = listenerRemarks(null, listener({ strays: [stray('sflow5', 3)] }), netflow);
    assert.equal(remark?.fields.from, '192.0.2.9');
    assert.match(String(remark?.fields.remedy), /capture\.sflow/);
  });
  test('strangers who are read all the same are told as that', () => {
    const [remark] = listenerRemarks(null, listener({ refused: 1 }), { ...netflow, refusesUnknown: false });
    assert.match(remark?.phrase ?? '', /read all the same/);
  });

  test('counts go on over openings, levels are the last', () => {
    let tally = tallied(
      emptyTally,
      listener({ datagrams: 5, held: 9, strays: [stray('sflow5', 2)], lastRefused: 'a' }),
      1,
    );
    tally = tallied(
      tally,
      listener({ datagrams: 8, held: 4, strays: [stray('sflow5', 2)], lastRefused: 'a' }),
      1,
    );
    tally = tallied(
      tally,
      listener({ datagrams: 1, held: 1, strays: [stray('sflow5', 1), stray('unknown', 1)] }),
      2,
    );
    const total = receivedBy(tally);
    assert.deepEqual([total.datagrams, total.held, total.lastRefused], [9, 1, 'a']);
    assert.deepEqual(
      total.strays.map(({ protocol, datagrams }) => [protocol, datagrams]),
      [
        ['sflow5', 3],
        ['unknown', 1],
      ],
    );
  });
});
