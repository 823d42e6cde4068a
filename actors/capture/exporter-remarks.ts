/**
 * What is worth a line in what an exporter has done since the last look. Pure.
 *
 * Each kind of remark counts on from where it was last said, so what was kept back by the pace is told with the next.
 */
import {
  clockSkewLimitSeconds,
  duplicateShareLimit,
  type ExporterCounter,
  type ExporterStats,
  leastDuplicatesLookedAt,
} from '../../domain/flow.js';
import type { LogFields } from '../../domain/ports.js';

export type Remark = {
  readonly kind: RemarkKind;
  readonly level: 'info' | 'warn';
  readonly phrase: string;
  readonly fields: LogFields;
};
export type RemarkKind = ExporterCounter | 'samplingRate' | 'clockSkewMicros';

/** What was last said of each kind. */
export type Said = { [K in RemarkKind]?: number };

type Told = {
  readonly counter: ExporterCounter;
  readonly level: Remark['level'];
  readonly phrase: string;
  readonly fields: (more: number, now: ExporterStats) => LogFields;
};

const clockSkewLimitMicros = clockSkewLimitSeconds * 1e6;

const told: readonly Told[] = [
  {
    counter: 'sequenceLost',
    level: 'warn',
    phrase: 'flow datagrams lost on the way',
    fields: (lost, { protocol }) => ({ lost, of: countsRecords(protocol) ? 'records' : 'datagrams' }),
  },
  {
    counter: 'deviceDrops',
    level: 'warn',
    phrase: 'exporter lost samples itself',
    fields: (lost) => ({ lost }),
  },
  {
    counter: 'decodeErrors',
    level: 'warn',
    phrase: 'exporter sends what cannot be read',
    fields: (errors) => ({ errors }),
  },
  {
    counter: 'samplingConflicts',
    level: 'warn',
    phrase: 'exporter contradicts itself about its sampling',
    fields: (times, { samplingRate, samplingOrigin }) => ({
      times,
      taken: samplingRate,
      from: samplingOrigin,
    }),
  },
  {
    counter: 'samplingZero',
    level: 'warn',
    phrase: 'exporter states a sampling of zero',
    fields: (times, { samplingRate }) => ({ times, taken: samplingRate }),
  },
  {
    counter: 'setsWithoutTemplate',
    level: 'info',
    phrase: 'flow records wait for their template',
    fields: (sets) => ({ sets }),
  },
  {
    counter: 'recordsRecovered',
    level: 'info',
    phrase: 'flow records counted after their template came',
    fields: (records) => ({ records }),
  },
  {
    counter: 'setsExpired',
    level: 'warn',
    phrase: 'flow records given up, their template did not come',
    fields: (sets) => ({ sets }),
  },
  {
    counter: 'templatesEvicted',
    level: 'warn',
    phrase: 'templates of an exporter gave way to others',
    fields: (templates) => ({ templates }),
  },
  {
    counter: 'templateChanges',
    level: 'info',
    phrase: 'exporter changed a template',
    fields: (times) => ({ times }),
  },
];

const countsRecords = (protocol: ExporterStats['protocol']): boolean =>
  protocol === 'netflow5' || protocol === 'ipfix';

/** `now` over all openings. */
export function remarksOf(said: Said, now: ExporterStats): readonly Remark[] {
  const counted = told.flatMap(({ counter, level, phrase, fields }): readonly Remark[] => {
    const more = now[counter] - (said[counter] ?? 0);
    return more > 0 ? [{ kind: counter, level, phrase, fields: fields(more, now) }] : [];
  });
  return [...samplingRemark(said, now), ...counted, ...duplicateRemark(said, now), ...skewRemark(said, now)];
}

/** A first statement is no change. */
function samplingRemark({ samplingRate: from }: Said, now: ExporterStats): readonly Remark[] {
  const { samplingRate: to, samplingOrigin: origin } = now;
  if (from === undefined || from === 0 || from === to) return [];
  const phrase = 'exporter changed its sampling';
  return [{ kind: 'samplingRate', level: 'info', phrase, fields: { from, to, origin } }];
}

function duplicateRemark({ duplicates: before = 0 }: Said, now: ExporterStats): readonly Remark[] {
  const { duplicates, duplicatesLookedAt: of } = now;
  if (duplicates <= before || of < leastDuplicatesLookedAt || duplicates < of * duplicateShareLimit)
    return [];
  const phrase = 'another exporter or interface reports the same records';
  return [{ kind: 'duplicates', level: 'warn', phrase, fields: { duplicates, of } }];
}

/** Said when it goes beyond the limit, and when it has come back. */
function skewRemark({ clockSkewMicros: before = 0 }: Said, now: ExporterStats): readonly Remark[] {
  if (now.clockSkewMicros === null) return [];
  const was = Math.abs(before) > clockSkewLimitMicros;
  const is = Math.abs(now.clockSkewMicros) > clockSkewLimitMicros;
  if (was === is) return [];
  const seconds = Math.round(now.clockSkewMicros / 1e6);
  return [
    is
      ? { kind: 'clockSkewMicros', level: 'warn', phrase: 'clock of an exporter is off', fields: { seconds } }
      : {
          kind: 'clockSkewMicros',
          level: 'info',
          phrase: 'clock of an exporter is right again',
          fields: { seconds },
        },
  ];
}

/** How things stand when an exporter is first seen: what it had lost by then is not news. */
export const saidAtFirst = (now: ExporterStats): Said => ({
  samplingRate: now.samplingRate,
});

export const saidNow = (now: ExporterStats, kind: RemarkKind): number => now[kind] ?? 0;
