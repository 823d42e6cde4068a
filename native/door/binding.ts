/**
 * The addon's functions as C++ exports them. Like contract.ts, but where there would be many small objects,
 * numbers come in one Float64Array, and directions are numbers. `native.ts` makes contract.ts of it.
 *
 * Rates of one subject are `hostValues` numbers, incoming first; of one direction: packets per second of
 * each counter class, bits per second of each, flows per second.
 */
import type { Batch } from '../../domain/ports.js';
import type {
  BenchPacketsOptions,
  BenchPacketsResult,
  EngineHandle,
  MeterHandle,
  NativeDoor,
  SourceHandle,
  SubjectText,
  TapHandle,
} from './contract.js';

export type RawJudgement = {
  readonly at: number;
  readonly deferred: number;
  /** Of each exceeded subject, its text. */
  readonly subjects: readonly string[];
  /** For each: scope, direction, metric, rate, threshold, samples (0: unsampled), ends of the interval; then its rates. */
  readonly exceeded: Float64Array;
  /** For each watched subject: its id, 1 if over; then its rates. */
  readonly watched: Float64Array;
};

/** Rates of each name, one after the other. */
export type RawNamedRates = { readonly names: readonly string[]; readonly rates: Float64Array };

/** `ticks`: batches of all hosts, tick after tick from `startedAt`, to be absorbed by a meter of `engine`. */
export type RawBenchResult = Omit<BenchPacketsResult, 'mainThreadMs'> & {
  readonly engine: EngineHandle;
  readonly ticks: readonly (readonly Batch[])[];
  readonly startedAt: number;
  readonly tickMicros: number;
};

export type RawBinding = Omit<
  NativeDoor,
  'judge' | 'benchPackets' | 'watch' | 'unwatch' | 'meterTotal' | 'meterNetworks' | 'meterRates' | 'meterTop'
> & {
  readonly judge: (meter: MeterHandle, at: number) => RawJudgement | Promise<RawJudgement>;
  readonly benchPackets: (options: BenchPacketsOptions) => Promise<RawBenchResult>;
  /** Ids are never given twice. Throws a RangeError when too many subjects are watched. */
  readonly watch: (meter: MeterHandle, subject: SubjectText, direction: number) => number;
  readonly unwatch: (meter: MeterHandle, id: number) => void;
  readonly meterTotal: (meter: MeterHandle, at: number) => Float64Array;
  readonly meterNetworks: (meter: MeterHandle, at: number) => RawNamedRates;
  readonly meterRates: (meter: MeterHandle, host: string, at: number) => Float64Array | null;
  readonly meterTop: (meter: MeterHandle, value: number, count: number, at: number) => RawNamedRates;
};

export type { EngineHandle, MeterHandle, SourceHandle, TapHandle };
