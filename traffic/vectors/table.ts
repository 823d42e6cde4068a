/** Every vector, by name. */
import { amplifications } from './amplification.js';
import { flashCrowd } from './crowd.js';
import { floods } from './floods.js';
import { transfer } from './transfer.js';
import type { Vector } from './vector.js';

export const vectors: readonly Vector[] = [...floods, ...amplifications, flashCrowd, transfer];

const byName = new Map(vectors.map((vector) => [vector.name, vector] as const));

export const vectorNamed = (name: string): Vector | null => byName.get(name) ?? null;
