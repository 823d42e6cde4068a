/**
 * How much garbage V8 lets lie. By itself it collects the old generation when that has grown to up to four times of what was in use
 * the last time, on a machine with much memory; in a storm of attacks that was 100 MB of a budget of 250. Collected when it has grown by
 * `growthPercent`, it costs no more time that could be measured: marking is done beside the main thread.
 */
import { setFlagsFromString } from 'node:v8';

export const growthPercent = 25;

/** For the whole process, from its next collection on. */
export const keepHeapSmall = (): void => setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
