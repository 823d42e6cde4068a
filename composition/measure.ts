/** Composition of `tidegate bench`: the data plane in memory, through the same door as the daemon. */
import type {
  BenchFlowsOptions,
  BenchFlowsResult,
  BenchPacketsOptions,
  BenchPacketsResult,
} from '../native/door/contract.js';
import { loadDoor } from '../native/door/load.js';

export type { BenchFlowsResult, BenchPacketsResult } from '../native/door/contract.js';
export { benchFlowProtocols } from '../native/door/contract.js';

export const measurePackets = (options: BenchPacketsOptions): Promise<BenchPacketsResult> =>
  loadDoor().benchPackets(options);

export const measureFlows = (options: BenchFlowsOptions): Promise<BenchFlowsResult> =>
  loadDoor().benchFlows(options);
