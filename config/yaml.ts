/** A YAML file as a plan: read, shaped, validated by convict, converted. All faults of it at once. */

import { foreignKeyRemedy } from './fastnetmon-options.js';
import type { Findings } from './findings.js';
import type { Dialect, Plan } from './plan.js';
import type { Fault } from './quantities.js';
import { schema } from './schema.js';
import { shapeSection } from './shape.js';
import { type Environment, valuesOf } from './values.js';
import { planOfYaml } from './yaml-plan.js';
import { readYaml } from './yaml-source.js';

export const stateDirVariable = 'TIDEGATE_STATE_DIR';

/** What is not yet: the key and the feature's words are told once each. */
export const notSupportedYet = 'known, not supported yet';

export type Read = { readonly plan: Plan; readonly dialect: Dialect };

/** null: the text is not YAML, and nothing more can be said of it. */
export function readYamlPlan(text: string, path: string, env: Environment, findings: Findings): Read | null {
  const source = readYaml(text);
  for (const { line, key, message, remedy } of source.faults) {
    findings.add({ severity: 'error', file: path, line, key, message, remedy });
  }
  if (source.faults.length > 0) return null;
  // An empty variable is an unset one, as everywhere.
  const stateDir = env[stateDirVariable] || null;
  const report = (at: string, { message, remedy }: Fault): void => {
    const fromEnvironment = at === 'state.dir' && stateDir !== null;
    findings.add(
      fromEnvironment
        ? { severity: 'error', file: 'environment', line: null, key: stateDirVariable, message, remedy }
        : {
            severity: 'error',
            file: path,
            line: source.lineOf(at),
            key: at === '' ? null : at,
            message,
            remedy,
          },
    );
  };
  const shaped = shapeSection(schema, source.value, '', {
    fault: report,
    later: (at, { doc, severity }) =>
      findings.add({
        severity,
        file: path,
        line: source.lineOf(at),
        key: at,
        message: `${notSupportedYet}: ${doc.replace(/\.$/, '')}`,
        remedy: 'it has no effect in this version',
      }),
    foreign: foreignKeyRemedy,
  });
  const values = valuesOf(
    schema,
    shaped,
    '',
    stateDir === null ? {} : { [stateDirVariable]: stateDir },
    report,
  );
  if (values === null) return null;
  const dialect: Dialect = {
    name: (key) => key,
    file: path,
    lineOf: source.lineOf,
    howToCapture: 'set capture.interfaces, capture.sflow, capture.netflow or capture.ipfix',
    missingNetworks: 'error',
    missingWhitelist: 'error',
    missingScript: 'error',
    conflict: 'error',
  };
  return { plan: planOfYaml(values, path, stateDir), dialect };
}
