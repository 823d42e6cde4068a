/** The defaults of the schema as settings, for what a file does not or cannot say. */
import { globalGroup } from '../domain/hostgroup.js';
import type { Milliseconds } from '../domain/units.js';
import { gobgpOf } from './bgp-plan.js';
import { gobgpSpeaker } from './bgp-schema.js';
import type { Keys, Section, ValuesOf } from './declaration.js';
import { netflowListenerOf, sflowListenerOf } from './flow-plan.js';
import { netflowListener, sflowListener } from './flow-schema.js';
import type { Plan, PlannedInterface, PlannedListener } from './plan.js';
import { captureInterface, schema } from './schema.js';
import type { GobgpSettings } from './settings.js';
import { valuesOf } from './values.js';
import { interfaceOf, planOfYaml } from './yaml-plan.js';
import type { PlainMap } from './yaml-source.js';

/** Defaults are valid by a test, so a fault in one is a bug. */
function defaultValues<K extends Keys>(section: Section<K>, given: PlainMap): ValuesOf<Section<K>> {
  const values = valuesOf(section, given, '', {}, (path, fault) => {
    throw new TypeError(`the default of ${path} is refused: ${fault.message}`);
  });
  if (values === null) throw new TypeError('a required value has no default');
  return values;
}

export function defaultPlan(
  configPath: string,
  stateDir: string | null,
): { readonly plan: Plan; readonly calmMs: Milliseconds } {
  const plan = planOfYaml(defaultValues(schema, {}), configPath, stateDir);
  const everyone = plan.hostgroups.find(({ name }) => name === globalGroup);
  if (everyone === undefined) throw new TypeError('the global group is always there');
  return { plan, calmMs: everyone.ban.calmMs };
}

export const defaultInterface = (name: string): PlannedInterface =>
  interfaceOf(defaultValues(captureInterface, { name }));

/** A listener of `capture.sflow` or `capture.netflow` with all defaults. */
export const defaultListener = (
  family: 'sflow' | 'netflow',
  address: string,
  port: number,
): PlannedListener => {
  const listen = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return family === 'sflow'
    ? sflowListenerOf(defaultValues(sflowListener, { listen }))
    : netflowListenerOf(defaultValues(netflowListener, { listen }));
};

/** A GoBGP in the clear, with all defaults of how it is reached. */
export const defaultGobgp = (address: string, port: number): GobgpSettings => ({
  ...gobgpOf(defaultValues(gobgpSpeaker, {}), (path) => path),
  address,
  port,
});
