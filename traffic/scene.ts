/**
 * What ready-made scenarios build on: our networks, hosts of them by label, and rates with the scale applied.
 */
import { type Family, hostOfBytes } from '../domain/address.js';
import { addressLength, type Block, drawInside } from './addresses.js';
import type { Random } from './random.js';

/** `pps` applies the scale. */
export type Scene = {
  readonly pps: (rate: number) => number;
  /** A host of ours, another for each call, decided by seed and label. */
  readonly host: (family: Family, label: string) => string;
  /** The largest of our networks of a family. */
  readonly network: (family: Family) => string;
  readonly families: readonly Family[];
};

/** Draws before a label that keeps hitting taken hosts takes one of them: in a network too small for all labels. */
const maxDraws = 1_000;

export function sceneOf(networks: readonly Block[], scale: number, random: Random): Scene {
  const families = ([4, 6] as const).filter((family) => networks.some((block) => block.family === family));
  const taken = new Set<string>();
  const largest = (family: Family): Block => {
    const [first] = networks.filter((block) => block.family === family).sort((a, b) => a.bits - b.bits);
    if (first === undefined) throw new RangeError(`no IPv${family} network`);
    return first;
  };
  const host = (family: Family, label: string): string => {
    const draws = random.fork(label);
    const block = largest(family);
    const address = new Uint8Array(addressLength(family));
    for (let draw = 1; ; draw++) {
      drawInside(block, draws, address);
      const drawn = hostOfBytes(address);
      if (!drawn.ok) throw new RangeError(drawn.error.detail);
      if (taken.has(drawn.value) && draw < maxDraws) continue;
      taken.add(drawn.value);
      return drawn.value;
    }
  };
  return { pps: (rate) => rate * scale, host, network: (family) => largest(family).key, families };
}
