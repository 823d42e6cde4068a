/** Packets that look drawn, the same at every run, for tests of rules. */
import type { SampledPacket } from '../../../domain/attack.js';
import { aPacket } from '../../../domain/rehearsal.js';

export const bytes = new Uint8Array(0);

/** Numbers that look drawn, the same at every run. */
export function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}
export type Draw = ReturnType<typeof drawing>;
export const many = (
  count: number,
  make: (draw: Draw) => Partial<SampledPacket>,
  seed = 7,
): SampledPacket[] => {
  const draw = drawing(seed);
  return Array.from({ length: count }, () =>
    aPacket({
      bytes,
      source: `${1 + draw(200)}.${draw(256)}.${draw(256)}.${1 + draw(250)}`,
      ...make(draw),
    }),
  );
};
export const pick = <T>(draw: Draw, list: readonly [T, ...T[]]): T => list[draw(list.length)] ?? list[0];
