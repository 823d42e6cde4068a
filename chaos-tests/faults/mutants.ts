/** Damaged datagrams, by a seeded mutator: what a broken device, a bad link or an attacker sends to a collector. */
import type { Random } from '../../traffic/random.js';

/** Larger ones a UDP socket does not take over loopback in one piece on every machine. */
const mostBytes = 8_192;
/** Numbers at which lengths and counts go wrong. */
const oddNumbers = [0, 1, 3, 4, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;

type Damage = (datagram: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const flipBits: Damage = (datagram, random) => {
  for (let left = random.between(1, 8); left > 0; left--) {
    const at = random.below(datagram.length);
    datagram[at] = (datagram[at] ?? 0) ^ (1 << random.below(8));
  }
  return datagram;
};

const cut: Damage = (datagram, random) => datagram.slice(0, random.between(1, datagram.length));

/** A piece comes twice in a row. */
const repeat: Damage = (datagram, random) => {
  const from = random.below(datagram.length);
  const to = random.between(from + 1, datagram.length);
  return joined(datagram.subarray(0, to), datagram.subarray(from));
};

/** One 16-bit number, most often where headers are, is one off or odd. */
const tweakNumber: Damage = (datagram, random) => {
  if (datagram.length < 2) return datagram;
  const within = random.chance(0.5) ? Math.min(64, datagram.length) : datagram.length;
  const at = random.below(within - 1);
  const was = (datagram[at] ?? 0) * 256 + (datagram[at + 1] ?? 0);
  const now = random.chance(0.5) ? was + (random.chance(0.5) ? 1 : -1) : random.pick(oddNumbers);
  datagram[at] = (now >> 8) & 0xff;
  datagram[at + 1] = now & 0xff;
  return datagram;
};

/** The front of this one and the rear of another, of any protocol. */
const splice: Damage = (datagram, random, others) => {
  const other = random.pick(others);
  return joined(
    datagram.subarray(0, random.between(1, datagram.length)),
    other.subarray(random.below(other.length)),
  );
};

const damages = [flipBits, cut, repeat, tweakNumber, splice] as const;

function joined(front: Uint8Array, rear: Uint8Array): Uint8Array {
  const whole = new Uint8Array(front.length + rear.length);
  whole.set(front);
  whole.set(rear, front.length);
  return whole;
}

/** One of `healthy`, damaged one to four times; 1 … 8,192 bytes. The same `random` gives the same. */
export function mutant(healthy: readonly Uint8Array[], random: Random): Uint8Array {
  let datagram: Uint8Array = random.pick(healthy).slice();
  for (let left = random.between(1, 4); left > 0; left--) {
    datagram = random.pick(damages)(datagram, random, healthy);
  }
  return datagram.subarray(0, mostBytes);
}
