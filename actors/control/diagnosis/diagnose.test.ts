/** Each diagnosis from the facts that make it, and none from those a little short of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import {
  type Diagnosis,
  type DiagnosisCode,
  diagnosesOf,
  diagnosisCodes,
} from '../../../domain/diagnosis.js';
import { type ExporterStats, flowProtocols } from '../../../domain/flow.js';
import { diagnose } from './diagnose.js';
import type { Facts, WireFacts } from './facts.js';
import { factsOf, healthyExporter, healthyListener, machine, nowMicros, sight } from './rehearsal.js';

type Given = {
  readonly exporter?: Partial<ExporterStats>;
  readonly listener?: Partial<typeof healthyListener>;
  readonly change?: Partial<Facts>;
};
type Case = Given & { readonly code: DiagnosisCode; readonly short: readonly Given[]; readonly says: RegExp };

const wire = (change: Partial<WireFacts> = {}): Partial<Facts> => ({
  wire: {
    seconds: 3,
    sights: [sight],
    received: new Map(),
    unattributed: new Map(),
    rpFilterDrops: 0,
    ...change,
  },
});
const looksSampled = { samplingOrigin: 'unknown', samplingRate: 1, records: 5_000, packets: 5_100 } as const;
const strays = (datagrams: number) =>
  [{ protocol: 'sflow5' as const, datagrams, lastFrom: '192.0.2.7' }] as const;

const cases: readonly Case[] = [
  {
    code: 'template_missing',
    exporter: { setsWithoutTemplate: 40, templates: 0, records: 0, packets: 0, bytes: 0 },
    short: [
      { exporter: { setsWithoutTemplate: 9 } },
      { exporter: { setsWithoutTemplate: 40, recordsRecovered: 200 } },
      { exporter: { setsWithoutTemplate: 40, firstSeen: nowMicros - 100e6 } },
    ],
    says: /without the template/,
  },
  {
    code: 'template_late',
    exporter: { templateIntervalSeconds: 1_800 },
    short: [{ exporter: { templateIntervalSeconds: 600 } }],
    says: /only every 30 min/,
  },
  {
    code: 'template_late',
    exporter: { setsWithoutTemplate: 9, setsExpired: 3, recordsRecovered: 90 },
    short: [{ exporter: { setsWithoutTemplate: 9, setsExpired: 0, recordsRecovered: 90 } }],
    says: /given up/,
  },
  {
    code: 'sampling_absent',
    exporter: { ...looksSampled, bytes: 5_100 * 700 },
    short: [
      { exporter: { ...looksSampled, bytes: 5_100 * 60 } },
      { exporter: { ...looksSampled, bytes: 5_100 * 700, packets: 40_000 } },
      { exporter: { ...looksSampled, bytes: 5_100 * 700, records: 900, packets: 910 } },
      { exporter: { ...looksSampled, bytes: 5_100 * 700, samplingOrigin: 'configured' } },
      { exporter: { ...looksSampled, bytes: 5_100 * 700, samplingOrigin: 'fallback' } },
    ],
    says: /looks? sampled/,
  },
  {
    code: 'sampling_contradictory',
    exporter: { samplingConflicts: 500 },
    short: [
      { exporter: { samplingConflicts: 9 } },
      { exporter: { samplingConflicts: 50, records: 50_000 } },
      { exporter: { samplingConflicts: 500, samplingOrigin: 'configured' } },
    ],
    says: /contradict/,
  },
  {
    code: 'sampling_zero',
    exporter: { samplingZero: 3, samplingRate: 1 },
    short: [
      { exporter: { samplingZero: 3, samplingRate: 100 } },
      { exporter: { samplingZero: 3, samplingRate: 1, samplingOrigin: 'configured' } },
    ],
    says: /rate of 0/,
  },
  {
    code: 'active_timeout_longer_than_window',
    exporter: { activeTimeoutSeconds: 300 },
    short: [{ exporter: { activeTimeoutSeconds: 62 } }],
    says: /up to 5 min late/,
  },
  {
    code: 'active_timeout_longer_than_window',
    exporter: { activeTimeoutSeconds: 60 },
    listener: { spread: false },
    short: [{ exporter: { activeTimeoutSeconds: 1.5 }, listener: { spread: false } }],
    says: /up to 60 times too much/,
  },
  {
    code: 'inactive_timeout_long',
    exporter: { inactiveTimeoutSeconds: 300 },
    short: [{ exporter: { inactiveTimeoutSeconds: 60 } }],
    says: /only after 5 min of silence/,
  },
  {
    code: 'sequence_loss',
    exporter: { sequenceLost: 100 },
    short: [{ exporter: { sequenceLost: 4 } }, { exporter: { sequenceLost: 9, datagrams: 10_000 } }],
    says: /never came/,
  },
  {
    code: 'socket_drops',
    exporter: { sequenceLost: 100 },
    listener: { dropped: 100 },
    short: [{ listener: { dropped: 4 } }, { listener: { dropped: 9, datagrams: 10_000 } }],
    says: /This machine dropped/,
  },
  {
    code: 'clock_skew',
    exporter: { clockSkewMicros: -3_600e6 },
    short: [
      { exporter: { clockSkewMicros: 4e6 } },
      { exporter: { clockSkewMicros: -3_600e6, datagrams: 9, records: 90 } },
    ],
    says: /60 min behind/,
  },
  {
    code: 'duplicates',
    exporter: { duplicates: 300, duplicatesLookedAt: 500 },
    short: [
      { exporter: { duplicates: 60, duplicatesLookedAt: 500 } },
      { exporter: { duplicates: 80, duplicatesLookedAt: 90 } },
    ],
    says: /60 % of the flows/,
  },
  {
    code: 'outside_networks',
    exporter: { recordsOutside: 1_990 },
    short: [{ exporter: { recordsOutside: 1_800 } }, { exporter: { recordsOutside: 900, records: 900 } }],
    says: /neither comes from nor goes to/,
  },
  {
    code: 'short_headers',
    exporter: { shortHeaders: 1_000 },
    short: [{ exporter: { shortHeaders: 49 } }, { exporter: { shortHeaders: 60, records: 10_000 } }],
    says: /cut before/,
  },
  {
    code: 'wrong_protocol',
    listener: { strays: strays(12) },
    short: [{ listener: { strays: strays(9) } }],
    says: /192\.0\.2\.7 sends sFlow v5 to netflow/,
  },
  {
    code: 'refused',
    listener: { refused: 12, lastRefused: '192.0.2.8' },
    short: [{ listener: { refused: 9, lastRefused: '192.0.2.8' } }],
    says: /not in exporters.allow, the last from 192\.0\.2\.8/,
  },
  {
    code: 'not_received',
    change: wire(),
    short: [
      { change: wire({ sights: [{ ...sight, datagrams: 2 }] }) },
      { change: wire({ sights: [{ ...sight, port: 2_056 }] }) },
      { change: wire({ unattributed: new Map([['netflow 0.0.0.0:2055', 30]]) }) },
      { change: wire({ received: new Map([['netflow 0.0.0.0:2055 192.0.2.9', 1]]) }) },
    ],
    says: /most likely a firewall/,
  },
  {
    code: 'not_received',
    change: wire({ rpFilterDrops: 29 }),
    short: [],
    says: /at netflow 0\.0\.0\.0:2055: rp_filter of eth1/,
  },
  {
    code: 'silent',
    exporter: { lastSeen: nowMicros - 240e6 },
    short: [
      { exporter: { lastSeen: nowMicros - 120e6 } },
      { exporter: { lastSeen: nowMicros - 240e6, datagrams: 12, records: 60 } },
    ],
    says: /for 4 min/,
  },
];

const found = ({ exporter, listener, change }: Given): readonly Diagnosis[] =>
  diagnosesOf(
    diagnose(factsOf([{ ...healthyExporter, ...exporter }], { ...healthyListener, ...listener }, change), []),
  );
const codes = (given: Given): readonly string[] => found(given).map(({ code }) => code);

describe('each diagnosis', () => {
  for (const one of cases) {
    test(`${one.code} (${one.says.source}) is found alone`, () => {
      const [diagnosis, ...others] = found(one);
      assert.deepEqual([diagnosis?.code, others], [one.code, []]);
      assert.match(diagnosis?.sentence ?? '', one.says);
    });
    for (const [index, less] of one.short.entries()) {
      test(`${one.code} (${one.says.source}) is not found where little shows it, ${index + 1}`, () =>
        assert.deepEqual(codes(less), []));
    }
  }

  test('none is without a case', () =>
    assert.deepEqual([...new Set(cases.map(({ code }) => code))].sort(), [...diagnosisCodes].sort()));

  test('is one sentence, with a remedy of one', () => {
    for (const one of cases) {
      for (const { sentence, remedy } of found(one)) {
        for (const text of [sentence, remedy]) {
          assert.match(text, /^[A-Z0-9].*\.$/s);
          assert.doesNotMatch(text, /[a-z]\. [A-Z]|undefined|NaN|\n/);
        }
      }
    }
  });
});

describe('a healthy exporter', () => {
  for (const protocol of flowProtocols) {
    test(`of ${protocol} is well`, () => assert.deepEqual(codes({ exporter: { protocol } }), []));
  }
  test('is well on a machine whose wire was listened to', () =>
    assert.deepEqual(
      codes({
        change: {
          machine,
          ...wire({
            sights: [{ ...sight, source: healthyExporter.address }],
            received: new Map([[`netflow 0.0.0.0:2055 ${healthyExporter.address}`, 30]]),
          }),
        },
      }),
      [],
    ));
  test('is well when it has just been started', () =>
    assert.deepEqual(
      codes({
        exporter: {
          datagrams: 3,
          records: 20,
          setsWithoutTemplate: 3,
          templates: 0,
          firstSeen: nowMicros - 2e6,
          lastSeen: nowMicros,
        },
      }),
      [],
    ));
});

describe('one cause is named once', () => {
  test('what the socket dropped is no loss of the network; more than that is', () => {
    const dropped = { ...healthyListener, dropped: 100 };
    const loss = (sequenceLost: number) =>
      diagnosesOf(diagnose(factsOf([{ ...healthyExporter, sequenceLost }], dropped), [])).map(
        ({ code }) => code,
      );
    assert.deepEqual(loss(150), ['socket_drops']);
    assert.deepEqual(loss(500), ['sequence_loss', 'socket_drops']);
  });
  test('records that are numbered count as the datagrams they come in', () => {
    const v5 = { protocol: 'netflow5', datagrams: 1_000, records: 30_000 } as const;
    assert.deepEqual(codes({ exporter: { ...v5, sequenceLost: 60 } }), []);
    assert.deepEqual(codes({ exporter: { ...v5, sequenceLost: 600 } }), ['sequence_loss']);
  });
  test('of three short datagrams nobody can tell how many long ones the socket has dropped', () => {
    const began = { ...healthyExporter, protocol: 'netflow5', datagrams: 3, records: 11 } as const;
    const dropped = { ...healthyListener, datagrams: 3, dropped: 281 };
    const found = diagnose(factsOf([{ ...began, sequenceLost: 6_000 }], dropped), []);
    assert.deepEqual(
      diagnosesOf(found).map(({ code }) => code),
      ['socket_drops'],
    );
  });
  test('a device that has fallen silent is that alone', () =>
    assert.deepEqual(
      codes({ exporter: { lastSeen: nowMicros - 900e6, clockSkewMicros: 99e6, sequenceLost: 90 } }),
      ['silent'],
    ));
});
