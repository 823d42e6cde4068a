/**
 * contract.ts made of the addon's exports: rows of numbers become domain values, and the ids of watched
 * subjects their names.
 */
import type { Cause, Subject } from '../../domain/attack.js';
import type { Judgement } from '../../domain/ports.js';
import { counterClasses, type Direction, directions, metrics } from '../../domain/traffic.js';
import type { HostKey, PrefixKey } from '../../domain/units.js';
import { benchPackets } from './bench.js';
import type { RawBinding, RawJudgement, RawNamedRates } from './binding.js';
import type { MeterHandle, NativeDoor } from './contract.js';
import { directionAt, flowsAt, hostRates, hostValues } from './rates.js';

const scopes = ['host', 'network', 'hostgroup'] as const;
const placeOf = { packets: 0, bytes: counterClasses.length, flows: flowsAt } as const;

/** A subject as the native side writes it: canonical text, so its brand is earned. */
export const subjectOf = (text: string): Subject =>
  text.includes('/')
    ? { kind: 'prefix', prefix: text as PrefixKey }
    : { kind: 'host', host: text as HostKey };

type Watch = { readonly id: number; readonly subject: Subject; readonly direction: Direction };
/** The watched subjects of one meter, by id and by direction and text. */
type Watches = { readonly byId: Map<number, Watch>; readonly byName: Map<string, Watch> };

const nameOf = (text: string, direction: Direction): string => `${direction} ${text}`;

function directionIndex(direction: Direction): number {
  const index = directions.indexOf(direction);
  if (index < 0) throw new RangeError(`direction '${direction}' is neither incoming nor outgoing`);
  return index;
}

const exceededNumbers = 8 + hostValues;
const watchedNumbers = 2 + hostValues;

/** No samples: every packet was observed. An open end: of sampled flows nobody knows how many there were. */
const certaintyOf = (samples: number, low: number, high: number): Pick<Cause, 'samples' | 'interval'> => ({
  samples: samples > 0 ? samples : null,
  interval: samples > 0 && Number.isFinite(high) ? { low, high } : null,
});

function judgementOf(raw: RawJudgement, watches: Watches): Judgement {
  const exceeded = raw.subjects.map((text, i) => {
    const at = i * exceededNumbers;
    const cause: Cause = {
      scope: scopes[raw.exceeded[at] ?? 0] ?? 'host',
      metric: metrics[raw.exceeded[at + 2] ?? 0] ?? 'pps',
      rate: raw.exceeded[at + 3] ?? 0,
      threshold: raw.exceeded[at + 4] ?? 0,
      ...certaintyOf(raw.exceeded[at + 5] ?? 0, raw.exceeded[at + 6] ?? 0, raw.exceeded[at + 7] ?? 0),
    };
    const direction = directions[raw.exceeded[at + 1] ?? 0] ?? 'incoming';
    return { subject: subjectOf(text), direction, cause, rates: hostRates(raw.exceeded, at + 8) };
  });
  const watched = [];
  for (let at = 0; at < raw.watched.length; at += watchedNumbers) {
    const watch = watches.byId.get(raw.watched[at] ?? 0);
    if (watch === undefined) continue; // unwatched while this judgement was on its way
    const place = at + 2;
    watched.push({
      subject: watch.subject,
      direction: watch.direction,
      over: raw.watched[at + 1] === 1,
      // Thousands of standings come ten times a second, and one in ten is told to anybody.
      get rates() {
        return hostRates(raw.watched, place);
      },
    });
  }
  return { at: raw.at, exceeded, watched, deferred: raw.deferred };
}

const namedRates = <Name extends string>(raw: RawNamedRates) =>
  raw.names.map((name, i) => ({ name: name as Name, rates: hostRates(raw.rates, i * hostValues) }));

export function nativeDoor(binding: RawBinding): NativeDoor {
  const all = new WeakMap<MeterHandle, Watches>();
  const watchesOf = (meter: MeterHandle): Watches => {
    const known = all.get(meter);
    if (known !== undefined) return known;
    const made: Watches = { byId: new Map(), byName: new Map() };
    all.set(meter, made);
    return made;
  };
  return {
    ...binding,
    judge(meter, at) {
      const watches = watchesOf(meter);
      const raw = binding.judge(meter, at);
      return raw instanceof Promise
        ? raw.then((late) => judgementOf(late, watches))
        : judgementOf(raw, watches);
    },
    watch(meter, text, direction) {
      const watches = watchesOf(meter);
      const name = nameOf(text, direction);
      if (watches.byName.has(name)) return;
      const id = binding.watch(meter, text, directionIndex(direction));
      const watch: Watch = { id, subject: subjectOf(text), direction };
      watches.byId.set(id, watch);
      watches.byName.set(name, watch);
    },
    unwatch(meter, text, direction) {
      const watches = watchesOf(meter);
      const watch = watches.byName.get(nameOf(text, direction));
      if (watch === undefined) return;
      binding.unwatch(meter, watch.id);
      watches.byId.delete(watch.id);
      watches.byName.delete(nameOf(text, direction));
    },
    benchPackets: (options) => benchPackets(binding, options),
    meterTotal: (meter, at) => hostRates(binding.meterTotal(meter, at)),
    meterNetworks: (meter, at) =>
      namedRates(binding.meterNetworks(meter, at)).map(({ name, rates }) => ({ network: name, rates })),
    meterRates(meter, host, at) {
      const row = binding.meterRates(meter, host, at);
      return row === null ? null : hostRates(row);
    },
    meterTop(meter, by, direction, count, at) {
      if (placeOf[by] === undefined) throw new RangeError(`by '${by}' is none of packets, bytes, flows`);
      directionIndex(direction);
      const raw = binding.meterTop(meter, directionAt(direction) + placeOf[by], count, at);
      return namedRates<HostKey>(raw).map(({ name, rates }) => ({ host: name, rates }));
    },
  };
}
