/** What every source of packets is to the stream: background, attack and crowd alike. */

/** Index into `flowDirections` of domain/traffic.ts. */
export type DirectionIndex = 0 | 1 | 2 | 3;
export const incoming = 0;
export const outgoing = 1;
export const internal = 2;

export type PacketWriter = {
  /** Of the frame written last. */
  direction: DirectionIndex;
  /** Writes the next frame at `start` of `out` and returns its end. `micros`: since the scenario's start. */
  readonly write: (out: Uint8Array, start: number, micros: number) => number;
};
