/**
 * When the packets of a part are sent. Times are microseconds since the part's start, with fractions;
 * packet i of a part never comes after packet i + 1. Pure.
 */

export type Profile =
  | { readonly kind: 'constant' }
  /** At full rate for `onMicros`, then silent for `offMicros`, and again. */
  | { readonly kind: 'pulse'; readonly onMicros: number; readonly offMicros: number }
  /** The rate moves evenly from `fromPps` to the part's rate at its end. */
  | { readonly kind: 'ramp'; readonly fromPps: number };

export type Timing = { readonly count: number; readonly at: (index: number) => number };

/** Guards against 0.999… where the product should be whole. */
const rounding = 1e-6;
const second = 1e6;

export function timingOf(profile: Profile, pps: number, durationMicros: number): Timing {
  switch (profile.kind) {
    case 'constant':
      return {
        count: Math.floor((pps * durationMicros) / second + rounding),
        at: (index) => (index * second) / pps,
      };
    case 'pulse': {
      const { onMicros, offMicros } = profile;
      const period = onMicros + offMicros;
      const whole = Math.floor(durationMicros / period);
      const busy = whole * onMicros + Math.min(onMicros, durationMicros - whole * period);
      return {
        count: Math.floor((pps * busy) / second + rounding),
        at: (index) => {
          const sending = (index * second) / pps;
          return sending + Math.floor(sending / onMicros) * offMicros;
        },
      };
    }
    case 'ramp': {
      const { fromPps } = profile;
      const slope = (pps - fromPps) / durationMicros;
      return {
        count: Math.floor((((fromPps + pps) / 2) * durationMicros) / second + rounding),
        // The root of fromPps·t + slope·t²/2 = index, in the form that loses no digits when slope is near 0.
        at: (index) =>
          index === 0
            ? 0
            : (2 * index * second) /
              (fromPps + Math.sqrt(Math.max(0, fromPps * fromPps + 2 * slope * index * second))),
      };
    }
  }
}
