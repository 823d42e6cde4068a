/** Composition of the traffic generator for the command line: a plan by name, written as a capture with its manifest. */
import type { Result } from '../domain/result.js';
import type { Manifest } from '../traffic/manifest.js';
import { writeCapture } from '../traffic/pcap.js';
import { planNamed, plans, usualParameters } from '../traffic/plans.js';
import { prepareScenario } from '../traffic/prepare.js';

export type TrafficPlan = { readonly name: string; readonly summary: string };
export const trafficPlans: readonly TrafficPlan[] = plans.map(({ name, summary }) => ({ name, summary }));

export type TrafficOptions = {
  /** None: networks for documentation. */
  readonly network: readonly string[];
  readonly seed: number;
  readonly scale: number;
};

/** CONFIG_INVALID for a plan or networks that do not fit; CAPTURE_UNWRITABLE. */
export function writeTraffic(plan: string, path: string, options: TrafficOptions): Result<Manifest> {
  const networks = options.network.length > 0 ? options.network : usualParameters.networks;
  const scenario = planNamed(plan, {
    ...usualParameters,
    networks,
    seed: options.seed,
    scale: options.scale,
  });
  if (!scenario.ok) return scenario;
  const prepared = prepareScenario(scenario.value);
  if (!prepared.ok) return prepared;
  return writeCapture(path, prepared.value);
}
