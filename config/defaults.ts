/** The defaults of the schema as settings, for what a file does not or cannot say. */
import { globalGroup } from '../domain/hostgroup.js';
import type { Milliseconds } from '../domain/units.js';
import type { Keys, Section, ValuesOf } from './declaration.js';
import type { Plan, PlannedInterface } from './plan.js';
import { captureInterface, schema, sflowListener } from './schema.js';
import type { ListenerSettings } from './settings.js';
import { valuesOf } from './values.js';
import { interfaceOf, listenerOf, planOfYaml } from './yaml-plan.js';
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

export const defaultListener = (address: string, port: number): ListenerSettings => {
  const host = address.includes(':') ? `[${address}]` : address;
  return listenerOf(defaultValues(sflowListener, { listen: `${host}:${port}` }));
};
